"""Threads share the blocks of a batch: the same numbers, one name for what is blocked."""

from __future__ import annotations

from dataclasses import fields
from itertools import combinations

import numpy as np
import pytest

from tests.random_flows import random_flow
from tests.test_engine import BLOCKED, BOND, blocked_line
from tests.test_stacked import means_varied
from yieldopt import CaseError, Faults, Flow, Node, Outcome, Step, engine, evaluate, read_flow

SIZE = 450  # seven blocks of 64 and a part of one


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "BLOCK", 64)


def batch(seed: int, *, coverage: bool) -> Flow:
    """A random flow with means, costs and overkills varied, and perhaps the coverages."""
    flow = read_flow(random_flow(seed))
    values = means_varied(flow, SIZE, seed, 0.3)
    rng = np.random.default_rng(seed)
    for node in flow.nodes:
        for step in node.steps:
            place = f"{node.name}/{step.name}"
            values[f"{place}.cost_usd"] = step.cost_usd * rng.uniform(0.5, 1.0, SIZE)
            lost = "scrap" if step.kind == "process" else "overkill"
            values[f"{place}.{lost}"] = getattr(step, lost) * rng.uniform(0.5, 1.0, SIZE)
            for name, value in step.coverage.items() if coverage else ():
                values[f"{place}.coverage.{name}"] = value * rng.uniform(0.5, 1.0, SIZE)
    for value in values.values():
        value.setflags(write=False)  # an input that is written to raises
    return flow.with_values(values)


def numbers(out: Outcome) -> dict[str, object]:
    """Every number of an outcome by name."""
    found: dict[str, object] = {}
    for field in fields(out):
        value = getattr(out, field.name)
        if isinstance(value, dict):
            found |= {f"{field.name}/{name}": number for name, number in value.items()}
        else:
            found[field.name] = value
    return found


@pytest.mark.parametrize("coverage", [False, True])
@pytest.mark.parametrize("seed", range(8))
def test_any_number_of_threads_gives_the_same_numbers(seed: int, coverage: bool) -> None:
    flow = batch(seed, coverage=coverage)
    for details in (True, False):
        one = numbers(evaluate(flow, details=details))
        for threads in (2, 3, 20):
            many = numbers(evaluate(flow, details=details, threads=threads))
            assert list(many) == list(one)
            for name, number in one.items():
                np.testing.assert_array_equal(many[name], number, err_msg=name)


@pytest.mark.parametrize("seed", range(8))
def test_a_result_shares_memory_with_no_other_and_no_input(seed: int) -> None:
    flow = batch(seed, coverage=False)
    results = [x for x in numbers(evaluate(flow, threads=2)).values() if isinstance(x, np.ndarray)]
    assert len(results) > 4
    assert not any(np.shares_memory(a, b) for a, b in combinations(results, 2))
    inputs = [x for x in flow.numbers() if isinstance(x, np.ndarray)]
    assert not any(np.shares_memory(a, b) for a in results for b in inputs)


@pytest.mark.parametrize("seed", range(8))
def test_blocks_are_the_flows_of_their_elements(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    flow = batch(seed, coverage=False)
    small = numbers(evaluate(flow))
    monkeypatch.setattr(engine, "BLOCK", 1_000)
    for name, number in numbers(evaluate(flow)).items():
        if name != "blocked":
            # A matrix product of another width may add in another order.
            np.testing.assert_allclose(small[name], number, rtol=1e-13, atol=1e-9, err_msg=name)


@pytest.mark.parametrize("threads", [1, 4])
@pytest.mark.parametrize("kind", BLOCKED)
def test_the_first_block_names_what_nothing_passes(kind: str, threads: int) -> None:
    step, place = BLOCKED[kind]
    flow = blocked_line(step, sure=kind in ("found", "shipped"), bond=BOND)
    path = f"part/s.{kind}" if kind in ("scrap", "overkill") else "part/fab.mean.sure"
    values = np.full(SIZE, 0.2)
    values[100] = 1.0  # in the second block: by step; in the fifth the bond as well
    bond = np.full(SIZE, 0.5)
    bond[300] = 1.0
    out = evaluate(flow.with_values({path: values, "top/bond.scrap": bond}), threads=threads)
    assert out.blocked == place
    fine = np.isfinite(np.asarray(out.cost_per_good_usd))
    assert np.flatnonzero(~fine).tolist() == [100, 300]


def test_what_a_thread_raises_is_raised() -> None:
    steps = (Step("fab", "process", faults={"x": Faults(0.1)}), Step("dear", "process", 1e308))
    flow = Flow("die", (Node("die", steps=(*steps, Step("dearer", "process", 1e308))),))
    flow = flow.with_values({"die/fab.mean.x": np.linspace(0.1, 0.2, SIZE)})
    with pytest.raises(CaseError, match="too large for a double"):
        evaluate(flow, threads=3)


@pytest.mark.parametrize("threads", [0, -1, 1.5, True, None, "2"])
def test_a_wrong_number_of_threads_is_refused(threads: object) -> None:
    flow = Flow("die", (Node("die", steps=(Step("fab", "process", 1.0),)),))
    with pytest.raises(CaseError, match="threads"):
        evaluate(flow, threads=threads)
