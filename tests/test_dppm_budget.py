"""The DPPM budget: sums to the plan's DPPM, and each source's part is what it ships alone."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.random_flows import random_flow
from yieldopt import CaseError, Faults, Flow, Input, Law, Node, Step, evaluate, read_flow
from yieldopt.dppm_budget import dppm_budget


def log_quality_alone(data: dict[str, Any], origin: str) -> float:
    """−ln Q of the flow in which only the faults of one origin are left."""
    nodes = [
        {
            **node,
            "steps": [
                step if f"{node['name']}/{step['name']}" == origin else {**step, "faults": {}}
                for step in node["steps"]
            ],
        }
        for node in data["nodes"]
    ]
    return -math.log1p(-1e-6 * float(evaluate(read_flow({**data, "nodes": nodes})).dppm))


@settings(derandomize=True, max_examples=150, deadline=None)
@given(seed=st.integers(0, 100_000))
def test_parts_sum_to_the_dppm_and_stand_alone(seed: int) -> None:
    """Groups are independent: what an origin ships does not hang on the faults of others."""
    data = random_flow(seed)
    dppm = float(evaluate(read_flow(data)).dppm)
    budget = dppm_budget(read_flow(data))
    assert math.fsum(row.dppm for row in budget) == pytest.approx(dppm, rel=1e-9)
    assert math.fsum(row.share for row in budget) == pytest.approx(1.0, rel=1e-12)
    assert [row.dppm for row in budget] == sorted((row.dppm for row in budget), reverse=True)
    assert all(row.dppm > 0.0 and row.unseen_per_shipped > 0.0 for row in budget)
    assert len({(row.origin, row.fault_class) for row in budget}) == len(budget)
    total = -math.log1p(-1e-6 * dppm)
    for origin in dict.fromkeys(row.origin for row in budget):
        share = math.fsum(row.share for row in budget if row.origin == origin)
        # Both sides keep their digits near Q = 1 (expm1, log1p); where hardly anything good ships,
        # 1 − DPPM/10⁶ loses some.
        assert share == pytest.approx(log_quality_alone(data, origin) / total, rel=1e-9)


def test_a_cluster_is_split_by_unseen_mass_and_damage_has_its_own_origin() -> None:
    """By hand: 2 dies, α = 2; io 0.2·0.5 and logic 0.4·0.1 unseen of one cluster; bumps by cp."""
    law = Law("negative_binomial", 2.0)
    fab = Step("fab", "process", 100.0, faults={
        "logic": Faults(0.4, law, "all"), "io": Faults(0.2, law, "all"), "array": Faults(0.05),
    })  # fmt: skip
    cp = Step("cp", "test", 2.0, coverage={"logic": 0.9, "io": 0.5, "array": 1.0},
              faults={"bump": Faults(0.01)})  # fmt: skip
    flow = Flow("pack", (Node("die", steps=(fab, cp)), Node("pack", (Input("die", 2),))))
    budget = {(row.origin, row.fault_class): row for row in dppm_budget(flow)}
    seen, unseen = 0.4 * 0.9 + 0.2 * 0.5, 0.4 * 0.1 + 0.2 * 0.5
    cluster = 2 * 2.0 * math.log1p(unseen / (2.0 + seen))
    total = cluster + 2 * 0.01
    dppm = -1e6 * math.expm1(-total)
    assert set(budget) == {("die/fab", "logic"), ("die/fab", "io"), ("die/cp", "bump")}
    logic, io, bump = (budget[k] for k in (("die/fab", "logic"), ("die/fab", "io"),
                                           ("die/cp", "bump")))  # fmt: skip
    assert bump.dppm == pytest.approx(dppm * 0.02 / total, rel=1e-12)
    assert logic.dppm == pytest.approx(dppm * cluster / total * 0.04 / 0.14, rel=1e-12)
    assert io.dppm == pytest.approx(dppm * cluster / total * 0.10 / 0.14, rel=1e-12)
    assert (logic.unseen_per_shipped, io.unseen_per_shipped) == pytest.approx((0.08, 0.2))


def test_perfect_tests_leave_an_empty_budget() -> None:
    fab = Step("fab", "process", 3.0, faults={"logic": Faults(0.5)})
    cp = Step("cp", "test", 1.0, coverage={"logic": 1.0})
    assert dppm_budget(Flow("die", (Node("die", steps=(fab, cp)),))) == ()


def test_what_has_no_budget_says_so() -> None:
    dead = Flow("die", (Node("die", steps=(Step("fab", "process", 3.0, scrap=1.0),)),))
    with pytest.raises(CaseError, match="nothing can pass die/fab"):
        dppm_budget(dead)
    fab = Step("fab", "process", 3.0, faults={"logic": Faults(0.5)})
    flow = Flow("die", (Node("die", steps=(fab,)),))
    with pytest.raises(CaseError, match="a flow of scalars"):
        dppm_budget(flow.with_values({"die/fab.mean.logic": [0.1, 0.2]}))
