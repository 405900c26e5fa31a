"""Means that move together in a batch share the powers of one of them, and nothing else does."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.random_flows import random_flow
from tests.test_flow import same
from tests.test_stacked import RELATIVE_DPPM
from yieldopt import Faults, Flow, Input, Law, Node, Step, evaluate, read_flow
from yieldopt.engine import BLOCK
from yieldopt.interpolation import families
from yieldopt.screening import screens
from yieldopt.stacking import stack

N = 2 * BLOCK + 11  # more than what is looked at at once


def drawn(seed: int, n: int = N) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0.8, 1.2, n)


def ratios(means: list[np.ndarray]) -> list[list[float]]:
    return [[ratio for _, ratio in family.members] for family in families(means)]


def together(flow: Flow, n: int, seed: int) -> dict[str, np.ndarray]:
    """Every mean of a step times one factor, as D0 moves all classes of a die."""
    values: dict[str, np.ndarray] = {}
    steps = (step for node in flow.nodes for step in node.steps)
    for at, (name, step) in enumerate(zip(flow.step_names(), steps, strict=True)):
        share = drawn(1_000 * seed + at, n)
        values |= {f"{name}.mean.{c}": faults.mean * share for c, faults in step.faults.items()}
    return values


def test_multiples_are_found_whatever_rounding_did() -> None:
    share, other = drawn(1), drawn(2)
    means = [0.55 * share, 0.3 * other, 0.158 * share, (0.079 * 1.1) * (share / 1.1), 7.0 * other]
    assert ratios(means) == [
        pytest.approx([1.0, 0.158 / 0.55, 0.079 / 0.55], rel=1e-15),
        pytest.approx([1.0, 7.0 / 0.3], rel=1e-15),
    ]
    first = families(means)[0]
    assert (first.low, first.high) == (means[0].min(), means[0].max())


@pytest.mark.parametrize("at", [0, 1, BLOCK + 5, N - 2, N - 1])
@pytest.mark.parametrize("by", [1.0 + 1e-14, 1.0 - 1e-14, 2.0, 0.0])
def test_one_element_apart_is_apart(at: int, by: float) -> None:
    mean = drawn(3)
    other = 0.5 * mean
    assert ratios([mean, other]) == [[1.0, pytest.approx(0.5, rel=1e-15)]]
    other[at] *= by
    assert ratios([mean, other]) == [[1.0], [1.0]]


def test_a_ratio_that_drifts_by_less_than_rounding_a_step_is_none() -> None:
    mean = drawn(4)
    assert ratios([mean, mean * np.linspace(1.0, 1.0 + 1e-12, N)]) == [[1.0], [1.0]]


def test_zeros_have_no_ratio_and_warn_of_nothing() -> None:
    mean = drawn(5)
    mean[7] = 0.0
    with np.errstate(all="raise"):
        assert ratios([mean, 2.0 * mean]) == [[1.0], [1.0]]
        assert ratios([np.zeros(N), np.zeros(N), mean]) == [[1.0], [1.0], [1.0]]
        assert ratios([]) == []


def test_threads_that_share_the_look_find_the_same() -> None:
    share = drawn(6)
    means = [0.5 * share, drawn(7), 0.1 * share]
    ends = [0, 10, BLOCK + 3, N]
    parts = [slice(low, high) for low, high in pairwise(ends)]
    found = families(means, lambda look: [look(part) for part in parts])
    for one, other in zip(families(means), found, strict=True):
        assert (one.low, one.high) == (other.low, other.high)
        assert [(id(m), r) for m, r in one.members] == [(id(m), r) for m, r in other.members]


def die(laws: dict[str, Law]) -> Flow:
    """A die with some classes, tested alone and in a package of two."""
    latent = {name: Faults(0.3 / at, law) for at, (name, law) in enumerate(laws.items(), 1)}
    fab = Step("fab", "process", 10.0, faults=latent)
    sort = Step("sort", "test", 1.0, coverage=dict.fromkeys(laws, 0.9))
    final = Step("final", "test", 1.0, coverage=dict.fromkeys(laws, 0.99))
    return Flow(
        "pack", (Node("die", steps=(fab, sort)), Node("pack", (Input("die", 2),), (final,)))
    )


LAWS = {
    "logic": Law("harvest", 2.1, None, 80, 4),
    "sram": Law("negative_binomial", 0.6),
    "io": Law("negative_binomial", 0.3),
}


def rows(flow: Flow) -> int:
    return sum(part.weights.shape[1] for part in stack(flow, screens(flow)).products) - 1


def test_classes_of_a_die_share_their_powers() -> None:
    flow = die(LAWS)
    share = drawn(8, 50)
    means = {c: faults.mean * share for c, faults in flow.nodes[0].steps[0].faults.items()}
    alone = [
        rows(die({name: LAWS[name]}).with_values({f"die/fab.mean.{name}": mean}))
        for name, mean in means.items()
    ]
    moved = flow.with_values({f"die/fab.mean.{name}": mean for name, mean in means.items()})
    assert rows(moved) == max(alone) < sum(alone)


@settings(derandomize=True, max_examples=150, deadline=None)
@given(seed=st.integers(0, 100_000))
def test_a_batch_that_moves_together_is_its_elements(seed: int) -> None:
    flow = read_flow(random_flow(seed))
    values = together(flow, 5, seed)
    whole = evaluate(flow.with_values(values))
    for at in range(5):
        one = evaluate(flow.with_values({k: float(v[at]) for k, v in values.items()}))
        same(whole, at, one)
        assert np.asarray(whole.dppm)[at] == pytest.approx(one.dppm, rel=RELATIVE_DPPM, abs=1e-12)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 10.0])
def test_classes_of_every_size_keep_the_digits_of_the_dppm(scale: float) -> None:
    """Ratios far from 1, where powers of one mean serve a mean of quite another size."""
    flow = die(LAWS)
    share = drawn(9, 7)
    sizes = dict(zip(LAWS, (scale, 1e-4, 0.05), strict=True))
    values = {f"die/fab.mean.{name}": size * share for name, size in sizes.items()}
    whole = evaluate(flow.with_values(values))
    for at in range(7):
        one = evaluate(flow.with_values({k: float(v[at]) for k, v in values.items()}))
        same(whole, at, one)
        assert np.asarray(whole.dppm)[at] == pytest.approx(one.dppm, rel=RELATIVE_DPPM)


def test_a_class_that_does_not_vary_stays_a_constant_of_its_cluster() -> None:
    law = Law("poisson")
    latent = {"a": Faults(0.1, law, "c"), "b": Faults(0.3, law, "c")}
    fab = Step("fab", "process", 10.0, faults=latent)
    cp = Step("cp", "test", 1.0, coverage={"a": 0.5, "b": 0.9})
    flow = Flow("die", (Node("die", steps=(fab, cp)),))
    means = np.array([0.1, 0.2, 0.3])
    whole = evaluate(flow.with_values({"die/fab.mean.a": means}))
    for at, mean in enumerate(means):
        same(whole, at, evaluate(flow.with_values({"die/fab.mean.a": float(mean)})))
