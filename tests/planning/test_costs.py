"""What the value of a plan is made of, against its rows of what is made and unmet."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from tests.planning.random_plans import random_case
from yieldopt import load, solve


@pytest.mark.parametrize("seed", [4, 7, 11])
def test_sales_are_of_what_is_served_alone(seed: int, tmp_path: Path) -> None:
    """Unmet demand is not sold: its price is neither in sales nor in shortage."""
    path = tmp_path / "case.toml"
    path.write_text(random_case(seed, {"margin"}))
    case = load(path)
    found = solve(case)
    unmet = {(row["product"], row["period"]): row["packages"] for row in found.unmet}
    assert unmet
    sold = short = 0.0
    for product in case.products:
        asked = product.demand.over(len(case.periods))
        assert product.price_usd is not None
        penalty = product.shortage_cost_usd.base if product.shortage_cost_usd else 0.0
        for period, demand in zip(case.periods, asked, strict=True):
            missing = unmet.get((product.name, period), 0.0)
            sold += product.price_usd.base * (demand - missing)
            short += penalty * missing
    kinds = [(row["kind"], row["usd"]) for row in found.costs]
    near = {"rel": 1e-9, "abs": 1e-3}  # the stored rows leave out amounts that are rounding
    assert -math.fsum(usd for kind, usd in kinds if kind == "sales") == pytest.approx(sold, **near)
    assert math.fsum(u for kind, u in kinds if kind == "shortage") == pytest.approx(short, **near)
