"""The stacked screens of a batch: rows of logarithms and of powers give what single flows give."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.random_flows import random_flow
from tests.test_flow import same
from yieldopt import Faults, Flow, Input, Law, Node, Step, evaluate, read_flow
from yieldopt.screening import screens
from yieldopt.stacking import stack

RELATIVE_DPPM = 1e-12  # of the DPPM itself, however few: the door never subtracts near equals


def means_varied(flow: Flow, n: int, seed: int, spread: float) -> dict[str, np.ndarray]:
    """Every mean times 1 ± spread, so that coverages stay scalars and the stack is used."""
    rng = np.random.default_rng(seed)
    steps = (step for node in flow.nodes for step in node.steps)
    return {
        f"{name}.mean.{group}": faults.mean * rng.uniform(1.0 - spread, 1.0, n)
        for name, step in zip(flow.step_names(), steps, strict=True)
        for group, faults in step.faults.items()
    }


@pytest.mark.parametrize("count", [1, 30, 1000])
@pytest.mark.parametrize("alpha", [2.0, 1e6, 1e12, 1e15])
@pytest.mark.parametrize("means", [np.logspace(-12, 1.7, 15), np.linspace(0.5, 1.0, 9)])
def test_a_hopeless_element_does_not_spoil_the_others(
    count: int, alpha: float, means: np.ndarray
) -> None:
    fab = Step(
        "fab", "process", 10.0, faults={"logic": Faults(0.1, Law("negative_binomial", alpha))}
    )
    final = Step("final", "test", 1.0, coverage={"logic": 1.0})
    flow = Flow("pack", (Node("die", steps=(fab,)), Node("pack", (Input("die", count),), (final,))))
    whole = evaluate(flow.with_values({"die/fab.mean.logic": means}))
    for at, mean in enumerate(means):
        one = evaluate(flow.with_values({"die/fab.mean.logic": float(mean)}))
        got, wanted = np.asarray(whole.cost_per_good_usd)[at], float(one.cost_per_good_usd)
        # ln pass itself has no more digits: its rounding is what the cost is multiplied by.
        rounding = 1e-13 + 4e-16 * np.log(wanted) if np.isfinite(wanted) else 0.0
        assert got == pytest.approx(wanted, rel=rounding)


def test_zeros_and_hopeless_means_warn_of_nothing() -> None:
    for law in (Law("negative_binomial", 2.0), Law("harvest", None, None, 8, 1)):
        fab = Step("fab", "process", 10.0, faults={"logic": Faults(0.1, law)})
        cp = Step("cp", "test", 1.0, coverage={"logic": 0.5})
        flow = Flow("die", (Node("die", steps=(fab, cp)),))
        with np.errstate(all="raise", under="ignore"):
            evaluate(flow.with_values({"die/fab.mean.logic": np.array([0.0, 0.1, 100.0])}))
            evaluate(flow.with_values({"die/fab.mean.logic": np.array([0.0, 1e-310])}))


@settings(derandomize=True, max_examples=150, deadline=None)
@given(seed=st.integers(0, 100_000), spread=st.sampled_from([0.01, 0.3, 0.99]))
def test_a_batch_over_means_is_its_elements(seed: int, spread: float) -> None:
    flow = read_flow(random_flow(seed))
    values = means_varied(flow, 5, seed, spread)
    whole = evaluate(flow.with_values(values))
    for at in range(5):
        one = evaluate(flow.with_values({k: float(v[at]) for k, v in values.items()}))
        same(whole, at, one)
        assert np.asarray(whole.dppm)[at] == pytest.approx(one.dppm, rel=RELATIVE_DPPM, abs=1e-12)


def thrice_tested(alpha: float, mean: np.ndarray) -> Flow:
    """A part that is tested alone and twice in a package of four."""
    fab = Step(
        "fab", "process", 10.0, faults={"logic": Faults(0.1, Law("negative_binomial", alpha))}
    )
    sort = Step("sort", "test", 1.0, coverage={"logic": 0.5}, overkill=0.01)
    again = Step("again", "test", 1.0, coverage={"logic": 0.5})  # sees nothing new
    final = Step("final", "test", 1.0, coverage={"logic": 0.9})
    late = Step("late", "test", 1.0, coverage={"logic": 0.9}, overlap="independent")
    nodes = (Node("die", steps=(fab, sort, again)), Node("pack", (Input("die", 4),), (final, late)))
    return Flow("pack", nodes).with_values({"die/fab.mean.logic": mean})


def entered(flow: Flow) -> list[int]:
    """How many screens each row of a flow's stack enters; the row of ones is left out."""
    first, *others = (part.weights for part in stack(flow, screens(flow)).products)
    weights = [first[:, :-1], *others]
    return sorted(int(n) for table in weights for n in np.count_nonzero(table, axis=0))


@pytest.mark.parametrize("alpha", [0.3, 3.0, 1e6, 1e15])
@pytest.mark.parametrize(("low", "logs"), [(0.9, False), (0.001, True)])
def test_logarithms_and_powers_agree_with_single_flows(
    alpha: float, low: float, logs: bool
) -> None:
    mean = np.linspace(low, 1.0, 9) * 0.2
    flow = thrice_tested(alpha, mean)
    if alpha < 10:  # towards Poisson everything is a short polynomial
        rows = len(entered(flow))
        assert (rows == 4) == logs  # else powers
    whole = evaluate(flow)
    for at, value in enumerate(mean):
        one = evaluate(flow.with_values({"die/fab.mean.logic": float(value)}))
        same(whole, at, one)
        assert np.asarray(whole.dppm)[at] == pytest.approx(one.dppm, rel=RELATIVE_DPPM)


def test_one_logarithm_for_each_kill_mass() -> None:
    """κ = 0.5, 0.9 and 0.99 leave three rows, and the door one; what sees nothing new none."""
    flow = thrice_tested(0.3, np.linspace(0.001, 1.0, 9))
    assert entered(flow) == [1, 1, 2, 2]


def test_a_screen_that_nothing_varies_at_keeps_its_constant() -> None:
    flow = thrice_tested(2.0, np.linspace(0.1, 0.2, 3))
    alone = Step("buy", "process", 1.0, faults={"io": Faults(0.1)})
    check = Step("check", "test", 1.0, coverage={"io": 0.7}, overkill=0.02)
    part = Node("part", steps=(alone, check))
    head, tail = flow.nodes
    joined = Node(tail.name, (*tail.inputs, Input("part", 2)), tail.steps)
    out = evaluate(Flow("pack", (head, part, joined)))
    assert np.asarray(out.visits["part/buy"]) / np.asarray(
        out.visits["part/check"]
    ) == pytest.approx(np.ones(3), rel=1e-15)
    expected = 2.0 / (0.98 * np.exp(-0.07))
    alive = np.asarray(out.visits["pack/final"])
    np.testing.assert_allclose(out.visits["part/check"], alive * expected, rtol=1e-14)
