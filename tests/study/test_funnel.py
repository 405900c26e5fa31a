"""The yield funnel: against the engine's visits and cost, a count by hand, and the ledger."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.random_flows import random_flow
from yieldopt import CaseError, Faults, Flow, Input, Node, Step, evaluate, read_flow
from yieldopt.study.funnel import funnel


@settings(derandomize=True, max_examples=100, deadline=None)
@given(seed=st.integers(0, 100_000))
def test_units_are_those_that_the_engine_charges(seed: int) -> None:
    """Charged runs = enter·(P + f·(1 − P)); all costs sum to the spend per good package."""
    flow = read_flow(random_flow(seed))
    out, found = evaluate(flow), funnel(flow)
    shipped = 1.0 / float(out.quality)
    assert found.shipped_per_good == shipped
    steps = {f"{node.name}/{step.name}": step for node in flow.nodes for step in node.steps}
    assert [f"{row.node}/{row.step}" for row in found.steps] == list(steps)
    for row in found.steps:
        name = f"{row.node}/{row.step}"
        f = float(steps[name].fail_cost_fraction) if row.kind == "test" else 1.0
        charged = row.enter_per_good * (row.pass_frac + f * (1.0 - row.pass_frac))
        # Two ways round a chain of products and quotients: rounding alone.
        assert charged == pytest.approx(float(out.visits[name]) * shipped, rel=1e-11)
        assert row.leave_per_good == pytest.approx(row.enter_per_good * row.pass_frac, rel=1e-12)
    spent = math.fsum(row.cost_usd_per_good for row in found.steps)
    assert spent == pytest.approx(float(out.cost_per_good_usd), rel=1e-11)
    assert set(found.component_of) == set(found.scrap_by_cause_usd)
    whole = math.fsum(found.scrap_by_component_usd.values())
    assert whole == pytest.approx(math.fsum(found.scrap_by_cause_usd.values()), rel=1e-12)


def test_two_dies_of_two_chips_by_hand() -> None:
    fab = Step("fab", "process", 100.0, scrap=0.2)
    sort = Step("cp", "test", 1.0, coverage={"logic": 1.0}, overkill=0.1, fail_cost_fraction=0.5)
    made = Step("make", "process", 5.0, faults={"logic": Faults(0.3)})
    bond = Step("bond", "process", 10.0, scrap=0.5)
    nodes = (
        Node("chip", steps=(fab,)),
        Node("die", (Input("chip", 3),), (made, sort)),
        Node("pack", (Input("die", 2),), (bond,)),
    )
    found = funnel(Flow("pack", nodes))
    chip, make, cp, join = found.steps
    assert (join.enter_per_good, join.leave_per_good, join.in_package) == (2.0, 1.0, 1)
    assert cp.leave_per_good == pytest.approx(4.0)
    share = 0.9 * math.exp(-0.3)
    assert cp.pass_frac == pytest.approx(share, rel=1e-14)
    assert make.enter_per_good == pytest.approx(4.0 / share, rel=1e-14)
    assert chip.enter_per_good == pytest.approx(3 * 4.0 / share / 0.8, rel=1e-14)
    assert (chip.in_package, make.in_package) == (6, 2)
    assert chip.enter_per_place == pytest.approx(chip.enter_per_good / 6.0)


def test_bad_packages_that_ship_are_part_of_the_funnel() -> None:
    """Nothing is tested: of the packages that leave, exp(-0.5) are good."""
    fab = Step("fab", "process", 100.0, faults={"logic": Faults(0.5)})
    (row,) = funnel(Flow("die", (Node("die", steps=(fab,)),))).steps
    assert row.leave_per_good == pytest.approx(math.exp(0.5), rel=1e-14)
    assert row.pass_frac == 1.0


def test_a_flow_that_nothing_passes_and_one_of_arrays_are_refused() -> None:
    dead = Flow("die", (Node("die", steps=(Step("fab", "process", 1.0, scrap=1.0),)),))
    with pytest.raises(CaseError, match="nothing can pass die/fab"):
        funnel(dead)
    many = Flow("die", (Node("die", steps=(Step("fab", "process", np.ones(3)),)),))
    with pytest.raises(CaseError, match="a flow of scalars"):
        funnel(many)
