"""Flows: what is refused, all at once; the contract's object; numbers put in, and batches of them.

A batch made by `with_values` is its elements to 1e-13, the promise of the design.
"""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.random_flows import random_flow
from yieldopt.engine import BLOCK, evaluate
from yieldopt.errors import CaseError
from yieldopt.flow import Faults, Flow, Input, Node, Outcome, Step
from yieldopt.physics.yields import Law
from yieldopt.read import read_flow

EXACT = 1e-13
NB = Law("negative_binomial", alpha=2.0)
FAB = Step("fab", "process", 10.0, faults={"x": Faults(0.2)}, uses={"wafer": 0.1})
CP = Step("cp", "test", 1.0, coverage={"x": 0.5}, repair={"x": 0.1})


def of(*steps: Step) -> Flow:
    return Flow("die", (Node("die", steps=steps),))


def tree(*nodes: tuple[str, str]) -> Flow:
    """A flow of nodes, each with its inputs as one string of names; the last is shipped."""
    made = [Node(name, tuple(Input(child) for child in below.split())) for name, below in nodes]
    return Flow(nodes[-1][0], tuple(made))


def refusals(error: pytest.ExceptionInfo[CaseError]) -> list[tuple[str, str]]:
    return [(fault.key, fault.message) for fault in error.value.faults]


@pytest.mark.parametrize(("nodes", "found"), [
    ([("a", ""), ("b", "a"), ("c", "a b")], [("nodes[2].inputs[0].node", "shared node")]),
    ([("a", ""), ("c", "a a")], [("nodes[1].inputs[1].node", "shared node")]),
    ([("gpu", ""), ("c", "gpu gpv")], [("nodes[1].inputs[1].node", "missing node")]),
    ([("c", "c")], [("nodes[0].inputs[0].node", "circular")]),
    ([("a", "c"), ("c", "a")],
     [("nodes[0].inputs[0].node", "circular"), ("nodes[1].inputs[0].node", "circular")]),
    ([("a", "b"), ("b", "a"), ("c", "")],
     [("nodes[0].inputs[0].node", "circular"), ("nodes[1].inputs[0].node", "circular"),
      ("nodes[0].name", "unreachable"), ("nodes[1].name", "unreachable")]),
    ([("a", ""), ("b", ""), ("c", "a")], [("nodes[1].name", "unreachable")]),
    ([("b", "a"), ("a", ""), ("c", "b")],
     [("nodes[0].inputs[0].node", "children stand before parents")]),
    ([("a", ""), ("a", ""), ("c", "a")], [("nodes[1].name", "duplicate node name")]),
])  # fmt: skip
def test_structure_is_refused(nodes: list[tuple[str, str]], found: list[tuple[str, str]]) -> None:
    with pytest.raises(CaseError) as error:
        tree(*nodes)
    assert [(key, message.split(":")[0]) for key, message in refusals(error)] == found


def test_structure_hints() -> None:
    with pytest.raises(CaseError, match="did you mean 'gpu'"):
        tree(("gpu", ""), ("c", "gpu gpv"))
    with pytest.raises(CaseError, match="already an input of 'b'; a node has one parent"):
        tree(("a", ""), ("b", "a"), ("c", "a b"))
    with pytest.raises(CaseError, match=r"ship: missing node.*did you mean 'die'"):
        Flow("dye", (Node("die", steps=(FAB,)),))
    with pytest.raises(CaseError, match="missing node"):
        Flow("die", ())


@pytest.mark.parametrize("count", [0, -1, 1.5, math.nan, math.inf, True, "2"])
def test_counts_are_whole_numbers_from_one(count: Any) -> None:
    with pytest.raises(CaseError) as error:
        Flow("c", (Node("a"), Node("c", (Input("a", count),))))
    assert refusals(error) == [("nodes[1].inputs[0].count", "must be a whole number, at least 1")]


UNIT = ("scrap", "overkill", "fail_cost_fraction", "coverage", "repair")
PLACE = {"coverage": "coverage.x", "repair": "repair.x", "uses": "uses.h", "mean": "faults.x.mean"}


@pytest.mark.parametrize("key", [*UNIT, "cost_usd", "uses", "mean"])
@pytest.mark.parametrize("bad", [-1e-9, math.nan, math.inf, 1.0 + 1e-9, "0.5", None, True,
                                 np.array([0.5, math.nan]), np.array([-0.1, 0.5])],
                         ids=repr)  # fmt: skip
def test_numbers_out_of_range_are_refused(key: str, bad: Any) -> None:
    if key not in UNIT and isinstance(bad, float) and bad > 1.0:
        bad = -bad  # costs, uses and means may be above one
    kind = "process" if key == "scrap" else "test"
    value = {"coverage": {"x": bad}, "repair": {"x": bad}, "uses": {"h": bad}}.get(key, bad)
    if key == "mean":
        key, value = "faults", {"x": Faults(bad)}
    with pytest.raises(CaseError) as error:
        of(Step("s", kind, **{key: value}))
    place = "faults.x.mean" if key == "faults" else PLACE.get(key, key)
    assert [found for found, _ in refusals(error)] == [f"nodes[0].steps[0].{place}"]


@pytest.mark.parametrize(("step", "keys"), [
    (Step("s", "proces"), ["kind"]),
    (Step("s", "test", overlap="partial"), ["overlap"]),
    (Step("s", "test", category="dye"), ["category"]),
    (Step("s", "test", scrap=0.1), ["scrap"]),
    (Step("s", "process", coverage={"x": 0.5}), ["coverage"]),
    (Step("s", "process", repair={"x": 0.5}, overkill=0.1, overlap="independent",
          fail_cost_fraction=np.array([0.5])),
     ["repair", "overkill", "overlap", "fail_cost_fraction"]),
    (Step("s", "process", faults={"x": Faults(1.1, Law("single"))}), ["faults.x.mean"]),
    (Step("s", "process", faults={"x": Faults(0.6, Law("single"), "c"),
                                  "y": Faults(0.6, Law("single"), "c")}), ["faults.x.cluster"]),
    (Step("s", "process", faults={"x": Faults(0.6, NB, "c"), "y": Faults(0.6, cluster="c")}),
     ["faults.x.cluster", "faults.y.cluster"]),
])  # fmt: skip
def test_steps_are_refused(step: Step, keys: list[str]) -> None:
    with pytest.raises(CaseError) as error:
        of(step)
    assert [key for key, _ in refusals(error)] == [f"nodes[0].steps[0].{key}" for key in keys]


def test_all_faults_are_found_at_once() -> None:
    bad = Step("s", "test", -1.0, scrap=0.5, coverage={"x": 2.0})
    nodes = Node("a", (Input("gone"),), (bad, FAB, FAB)), Node("b"), Node("c", (Input("a"),))
    with pytest.raises(CaseError) as error:
        Flow("c", nodes)
    assert [key for key, _ in refusals(error)] == [
        "nodes[0].inputs[0].node", "nodes[1].name", "nodes[0].steps[0].scrap",
        "nodes[0].steps[0].cost_usd", "nodes[0].steps[0].coverage.x", "nodes[0].steps[2].name",
    ]  # fmt: skip


def test_to_dict_is_the_contract() -> None:
    harvest = Law("harvest", alpha=2.0, blocks=24, spares=3)
    latent = {"x": Faults(0.2, NB, "c"), "h": Faults(np.array([0.1, 0.3]), harvest)}
    flow = of(Step("fab", "process", 1.0, 0.1, latent, {"w": 2.0}, category="die"), CP)
    fab, cp = flow.to_dict()["nodes"][0]["steps"]
    assert fab == {
        "name": "fab", "kind": "process", "cost_usd": 1.0, "scrap": 0.1, "uses": {"w": 2.0},
        "category": "die",
        "faults": {"x": {"mean": 0.2, "alpha": 2.0, "cluster": "c"},
                   "h": {"mean": [0.1, 0.3], "law": "harvest", "alpha": 2.0, "blocks": 24,
                         "spares": 3}},
    }  # fmt: skip
    assert cp == {
        "name": "cp", "kind": "test", "cost_usd": 1.0, "overlap": "nested", "overkill": 0.0,
        "coverage": {"x": 0.5}, "repair": {"x": 0.1}, "fail_cost_fraction": 1.0, "faults": {},
        "uses": {},
    }  # fmt: skip


@settings(derandomize=True, max_examples=60, deadline=None)
@given(seed=st.integers(0, 100_000))
def test_to_dict_reads_back_as_the_same_flow(seed: int) -> None:
    flow = read_flow(random_flow(seed))
    assert read_flow(json.loads(json.dumps(flow.to_dict()))) == flow


def test_a_list_is_no_array() -> None:
    with pytest.raises(CaseError):
        of(Step("s", "process", [1.0, 2.0]))


def test_with_values_replaces_and_leaves_the_rest() -> None:
    flow = of(FAB, CP)
    values = {"die/fab.cost_usd": 5, "die/fab.mean.x": 0.4, "die/fab.uses.wafer": 1.0,
              "die/cp.coverage.x": [0.1, 0.2], "die/cp.repair.x": np.array([0.3, 0.4])}  # fmt: skip
    changed = flow.with_values(values)
    fab, cp = changed.nodes[0].steps
    assert (fab.cost_usd, fab.faults["x"].mean, fab.uses) == (5, 0.4, {"wafer": 1.0})
    np.testing.assert_array_equal([cp.coverage["x"], cp.repair["x"]], [[0.1, 0.2], [0.3, 0.4]])
    assert (changed.size, flow.size, cp.cost_usd) == (2, None, 1.0)
    assert flow == of(FAB, CP)


def test_with_values_of_a_step_whose_name_begins_another() -> None:
    """``x`` and ``x.t``: a path is that of the longest name."""
    steps = (Step("x", "process", 1.0), Step("x.t", "process", 2.0))
    flow = Flow("die", (Node("die", steps=steps),))
    changed = flow.with_values({"die/x.t.cost_usd": 5.0, "die/x.cost_usd": 7.0})
    assert [step.cost_usd for step in changed.nodes[0].steps] == [7.0, 5.0]


def test_with_values_names_every_unknown_path() -> None:
    unknown = ["die/fab.cost", "die/fab.mean.y", "die/cp.coverage.y", "dye/cp.cost_usd"]
    with pytest.raises(CaseError) as error:
        of(FAB, CP).with_values(dict.fromkeys(unknown, 0.1))
    assert [key for key, _ in refusals(error)] == unknown
    assert "did you mean 'cost_usd'" in str(error.value)
    assert "did you mean 'die/cp'" in str(error.value)


@pytest.mark.parametrize("values", [
    {"die/fab.scrap": 2.0}, {"die/fab.cost_usd": math.nan}, {"die/cp.scrap": 0.1},
    {"die/fab.cost_usd": "dear"}, {"die/fab.cost_usd": np.ones((2, 2))},
    {"die/fab.cost_usd": np.ones(2), "die/cp.cost_usd": np.ones(3)},
    {"die/fab.cost_usd": np.ones(1), "die/cp.cost_usd": np.ones(3)},
    {"die/fab.cost_usd": np.ones(0)},
], ids=str)  # fmt: skip
def test_with_values_refuses_bad_numbers_and_shapes(values: dict[str, Any]) -> None:
    with pytest.raises(CaseError):
        of(FAB, CP).with_values(values)


def varied(flow: Flow, n: int, seed: int) -> dict[str, np.ndarray]:
    """Arrays of length n for most numbers of a flow, within range; some coverages, means zero."""
    rng = np.random.default_rng(seed)
    values: dict[str, np.ndarray] = {}

    def put(path: str, value: float, low: float, high: float, zeros: float = 0.0) -> None:
        if rng.random() < 0.7:
            values[path] = value * rng.uniform(low, high, n) * (rng.random(n) >= zeros)

    steps = (step for node in flow.nodes for step in node.steps)
    for name, step in zip(flow.step_names(), steps, strict=True):
        put(f"{name}.cost_usd", step.cost_usd, 0.5, 2.0)
        for group in step.faults:
            put(f"{name}.mean.{group}", step.faults[group].mean, 0.0, 1.0, zeros=0.1)
        for resource, amount in step.uses.items():
            put(f"{name}.uses.{resource}", amount, 0.5, 2.0)
        if step.kind == "process":
            put(f"{name}.scrap", step.scrap, 0.5, 2.0)
            continue
        put(f"{name}.overkill", step.overkill, 0.5, 2.0)
        put(f"{name}.fail_cost_fraction", step.fail_cost_fraction, 0.0, 1.0)
        for group, covered in step.coverage.items():
            put(f"{name}.coverage.{group}", covered, 0.1, 1.0, zeros=0.4)
        for group, mended in step.repair.items():
            put(f"{name}.repair.{group}", mended, 0.0, 1.0)
    return values


def same(whole: Outcome, at: int, one: Outcome) -> None:
    """Element `at` of a batch equals an outcome, to 1e-13 of a cost or of certainty."""

    def pick(value: object) -> float:
        array = np.asarray(value, float)
        return float(array[at]) if array.ndim else float(array)

    for key in ("cost_per_shipped_usd", "cost_per_good_usd", "quality"):
        assert pick(getattr(whole, key)) == pytest.approx(getattr(one, key), rel=EXACT)
    assert pick(whole.dppm) == pytest.approx(one.dppm, rel=EXACT, abs=1e6 * EXACT)
    for table in ("visits", "uses", "waterfall_usd"):
        assert getattr(whole, table).keys() == getattr(one, table).keys()
        for name, value in getattr(one, table).items():
            slack = EXACT * (one.cost_per_good_usd if table == "waterfall_usd" else 0.0)
            assert pick(getattr(whole, table)[name]) == pytest.approx(value, rel=EXACT, abs=slack)


@settings(derandomize=True, max_examples=200, deadline=None)
@given(seed=st.integers(0, 100_000))
def test_a_batch_is_its_elements(seed: int) -> None:
    flow = read_flow(random_flow(seed))
    values = varied(flow, 4, seed)
    whole = evaluate(flow.with_values(values))
    for at in range(4):
        one = {path: float(array[at]) for path, array in values.items()}
        same(whole, at, evaluate(flow.with_values(one)))


def test_blocks_of_a_large_batch_are_put_together() -> None:
    flow = read_flow(random_flow(7))
    n = 2 * BLOCK + 37
    few = varied(flow, 4, 1)
    short = evaluate(flow.with_values(few))
    whole = evaluate(flow.with_values({k: np.resize(v, n) for k, v in few.items()}))
    np.testing.assert_array_equal(whole.cost_per_good_usd, np.resize(short.cost_per_good_usd, n))
    for at in (0, BLOCK - 1, BLOCK, 2 * BLOCK + 36):
        one = {path: float(array[at % 4]) for path, array in few.items()}
        same(whole, at, evaluate(flow.with_values(one)))


def test_a_number_may_be_an_array_of_no_dimension() -> None:
    flow = of(Step("fab", "process", np.array(3.0)), Step("pack", "process", np.array([1.0, 2.0])))
    np.testing.assert_array_equal(evaluate(flow).cost_per_good_usd, [4.0, 5.0])
