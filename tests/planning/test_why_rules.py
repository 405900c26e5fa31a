"""What easing a rule is worth, against plans of the case with that number changed.

The plans are solved from the start. Of a share and of pooled DPPM the price is exact at the number
itself; where all demand is firm, so that what they are a share of stays, over the whole range.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.planning.random_plans import random_case
from tests.planning.small_plans import CASE, SOFT, SOFT_SWITCH
from tests.planning.test_why import EXACT, SMALL, cost, read
from tests.planning.test_why_lines import DUAL
from yieldopt.optimize.budget import Budget
from yieldopt.planning.branching import Branching
from yieldopt.planning.held import Held, held_node
from yieldopt.planning.master import Master
from yieldopt.planning.programme import programme_of
from yieldopt.planning.setting import setting_of
from yieldopt.planning.why import why
from yieldopt.planning.why_rules import Eased, eased
from yieldopt.report.why import why_text
from yieldopt.schema.case import Case

AMPLE = CASE.format(wafers=100.0, asic="", switch="").replace("[20.0, 25.0]", "900.0")
SCARCE = CASE.format(wafers=7.0, asic=SOFT, switch="{switch}")


def table(kind: str, **keys: object) -> str:
    lines = [f"{key} = {value}" for key, value in keys.items()]
    return "\n".join(["", f"[[{kind}]]", 'source = "assumed: a test"', *lines, ""])


def share(way: str, frac: float, route: str) -> str:
    keys = {"product": '"asic"', "route": f'"{route}"', f"{way}_frac": frac}
    return AMPLE + table("shares", name='"dual"', **keys)


def switch(keys: str) -> str:
    return SCARCE.replace("{switch}", f"{SOFT_SWITCH}\n{keys}")


STOCK = "holding_usd_per_period = 9.0\nstock_most_packages = 60"
POOLED = 'dppm_pooled = true\nroutes = ["cowos_s", "osat_2p5d"]'
LOT = "least_lot_packages = 350\nholding_usd_per_period = 9.0"
CASES: dict[str, tuple[str, str]] = {  # the kind of rule, and the case
    "budget": ("budget", SMALL + table("budgets", name='"purse"', of='"all"', most_usd=1.5e6)),
    "one period": (
        "budget",
        SMALL + table("budgets", name='"q"', of='"all"', most_usd=7e5, periods='["q1"]'),
    ),
    "most": ("share", share("most", 0.4, "osat_2p5d")),
    "least": ("share", share("least", 0.3, "cowos_s")),
    "service": ("service", switch("service_frac = 0.5").replace("= 2500.0", "= 500.0")),
    "stock": ("stock", switch(STOCK).replace("demand = [300, 400]", "demand = [20, 700]")),
    "lot": ("lot", AMPLE.replace("escape", f"{LOT}\nescape")),
    "each": ("share", DUAL),
    "pooled": ("quality", AMPLE.replace('routes = ["cowos_s", "osat_2p5d"]', POOLED)),
}
RANDOM: list[tuple[str, int, set[str]]] = [
    ("budget", 0, {"budget_all"}),
    ("share", 0, {"shares", "stock"}),
    ("share", 4, {"shares"}),
    ("share", 10, {"shares"}),
    ("service", 1, {"service", "discount"}),
    ("quality", 2, {"pooled"}),
]
CASES |= {
    f"random {seed} {' '.join(sorted(rules))}": (kind, random_case(seed, rules))
    for kind, seed, rules in RANDOM
}


def with_number(case: Case, row: Eased, value: float) -> Case:
    """Return the case with another number of a rule."""

    def moved(rows: tuple[Any, ...], key: str, is_it: Callable[[Any], bool]) -> tuple[Any, ...]:
        return tuple(r.model_copy(update={key: value}) if is_it(r) else r for r in rows)

    if row.kind == "budget":
        name = row.rule.removeprefix("budget ")
        return replace(case, budgets=moved(case.budgets, "most_usd", lambda b: b.name == name))
    if row.kind == "share":
        key = "most_frac" if row.step > 0.0 else "least_frac"
        name = row.rule.removeprefix("share ").split(",")[0]
        return replace(case, shares=moved(case.shares, key, lambda s: s.name == name))
    key = {
        "service": "service_frac",
        "stock": "stock_most_packages",
        "lot": "least_lot_packages",
        "quality": "dppm_limit",
    }[row.kind]
    named = row.rule.removesuffix(", at least").removesuffix(", at most").split()[-1]
    return replace(case, products=moved(case.products, key, lambda p: p.name == named))


@pytest.mark.parametrize("name", CASES)
def test_a_price_holds_between_its_ends_and_no_further(name: str, tmp_path: Path) -> None:
    kind, text = CASES[name]
    case = read(text, tmp_path)
    found = why(case)
    assert kind in {row.kind for row in found.rules}
    for row in found.rules:
        check(case, found.objective_usd or 0.0, row)


def check(case: Case, base: float, row: Eased) -> None:
    slack = 2.0 * EXACT * abs(base)
    slope = row.usd_per_step / row.step
    assert row.low is not None
    high = row.value * 2.0 if row.high is None else row.high
    assert row.low <= row.value <= high

    def off(value: float) -> float:
        """By how much the plan of a number is dearer than the price says."""
        return cost(with_number(case, row, value)) - base + slope * (value - row.value)

    assert row.usd_per_step > 0.0
    if not row.stays:
        assert row.step_usd is not None
        assert off(row.value + row.step) == pytest.approx(
            row.usd_per_step - row.step_usd, abs=slack
        )
        near = 1e-2 * row.step
        assert off(row.value + near) == pytest.approx(0.0, abs=1e-2 * abs(slope * near) + slack)
        return
    end, tight = (high, row.low) if row.step > 0.0 else (row.low, high)
    assert (end - row.value) / row.step > 0.0
    assert off(end) == pytest.approx(0.0, abs=slack)
    assert off(0.5 * (end + row.value)) == pytest.approx(0.0, abs=slack)
    if row.less_usd_per_step == pytest.approx(row.usd_per_step):
        assert off(tight) == pytest.approx(0.0, abs=slack)
    for far in (end + 0.2 * (end - tight), tight - 0.2 * (end - tight)):
        if far > 0.0 and (row.unit not in ("of packages", "of demand") or far < 1.0):
            assert off(far) > 10.0 * slack


def test_a_rule_that_does_not_bind_has_no_price(tmp_path: Path) -> None:
    for text in (share("most", 0.4, "cowos_s"), share("least", 0.3, "osat_2p5d")):
        assert why(read(text, tmp_path)).rules == ()


def test_rules_are_priced_in_their_own_words(tmp_path: Path) -> None:
    shown = "\n".join(why_text(why(read(CASES[name][1], tmp_path))) for name in CASES)
    for words in (
        "  budget purse 1,500,000.00 USD: one more USD saves 0.76 USD (from 1,129,175.19 USD to",
        "  share dual, at most 40%: one point more saves 33.99 USD (from 0% to 100%)",
        "  share dual, at least 30%: one point less saves ",
        "  share dual, at most 60%: one point more saves 33,857,772.80 USD (at the rate of ",
        "    binds: dual: gpu at cowos_s, at most 60%",
        "  service level of switch, at least 50%: one point less saves ",
        "  stock of switch, at most 60 packages: room for one package more saves ",
        "  least lot of switch 350 packages: one package less saves 9.00 USD (from 300 packages to",
        "; as much tighter costs ",
        "  pooled DPPM of asic, at most 1,500 DPPM: one more DPPM saves ",
    ):
        assert words in shown


def test_when_time_is_up_rules_have_a_price_and_no_range(tmp_path: Path) -> None:
    case = read(CASES["budget"][1], tmp_path)
    setting = setting_of(case, Budget())
    master = Master(setting, programme_of(setting), "highs")
    relaxed = Branching(master, "highs", Budget(), 0.0, None).run().found
    assert relaxed is not None
    held = Held(master, held_node(master, relaxed.x))
    (less,), (full,) = eased(held, Budget(1.0, 0.0)), why(case).rules
    assert (less.low, less.high) == (None, None)
    assert less.usd_per_step == pytest.approx(full.usd_per_step, rel=1e-6)


def test_an_end_at_the_edge_of_what_is_feasible_is_found(tmp_path: Path) -> None:
    """HiGHS, scaled, does not know whether the last step to the edge keeps the rows."""
    rules = {"bookings", "budget_all", "pooled", "share_each", "share_line"}
    case = read(random_case(214, rules), tmp_path)
    found = why(case)
    row = next(row for row in found.rules if row.kind == "share")
    assert row.low is not None


def test_a_relaxation_that_neither_simplex_decides_scaled_is_decided(tmp_path: Path) -> None:
    """The same of a node of the search over whole decisions, which keeps no rows at all."""
    case = read(random_case(649, {"changes", "lots", "share_region", "shares"}), tmp_path)
    assert str(why(case).status) == "optimal"


def test_a_share_that_can_be_tightened_to_nothing_ends_at_nothing(tmp_path: Path) -> None:
    case = read(share("most", 0.2161, "osat_2p5d"), tmp_path)
    (row,) = why(case).rules
    assert (row.low, row.high) == (0.0, 1.0)
