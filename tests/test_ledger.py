"""The scrap ledger: sums to the waterfall's scrap, and blames who is guilty."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.random_flows import random_flow
from yieldopt import CaseError, Faults, Flow, Input, Node, Step, evaluate, read_flow
from yieldopt.ledger import scrap_ledger


@settings(derandomize=True, max_examples=150, deadline=None)
@given(seed=st.integers(0, 100_000))
def test_the_ledger_sums_to_the_scrap(seed: int) -> None:
    flow = read_flow(random_flow(seed))
    ledger = scrap_ledger(flow)
    out = evaluate(flow)
    # Rounding of the whole cost, not of the scrap: both are differences of it.
    slack = 1e-12 * float(out.cost_per_good_usd)
    assert sum(ledger.values()) == pytest.approx(float(out.waterfall_usd["scrap"]), abs=slack)
    assert all(usd >= 0.0 for usd in ledger.values())


def test_two_dies_and_a_bond_by_hand() -> None:
    """One bad die scraps the package: each die's −ln pass takes its part of what is lost."""
    fab = Step("fab", "process", 100.0, faults={"logic": Faults(0.2)})
    bond = Step("bond", "process", 10.0, scrap=0.1, faults={"joint": Faults(0.1)})
    final = Step("final", "test", 5.0, coverage={"logic": 1.0, "joint": 1.0})
    nodes = (Node("die", steps=(fab,)), Node("pack", (Input("die", 2),), (bond, final)))
    ledger = scrap_ledger(Flow("pack", nodes))
    started = math.exp(0.5) / 0.9  # packages started per shipped one
    assert ledger["pack/bond"] == pytest.approx(
        (started - math.exp(0.5)) * 210.0 + 0.2 * (math.exp(0.5) - 1.0) * 215.0, rel=1e-12
    )
    assert ledger["die/fab"] == pytest.approx(0.8 * (math.exp(0.5) - 1.0) * 215.0, rel=1e-12)


def test_a_line_without_loss_has_an_empty_ledger() -> None:
    assert scrap_ledger(Flow("die", (Node("die", steps=(Step("fab", "process", 3.0),)),))) == {}


def test_what_nothing_passes_has_no_ledger() -> None:
    dead = Flow("die", (Node("die", steps=(Step("fab", "process", 3.0, scrap=1.0),)),))
    with pytest.raises(CaseError, match="nothing can pass die/fab"):
        scrap_ledger(dead)
