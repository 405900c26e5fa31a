"""The engine's identities on random flows, their counter-examples, and blocked lines.

1e-13 is the promise of the design: some 400 roundings of a double. Where two evaluations walk
different numbers (a difference of costs) the tolerance says why. Batches: test_flow.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.random_flows import PLAIN_LAWS, random_flow
from yieldopt.engine import evaluate
from yieldopt.flow import Faults, Flow, Input, Node, Outcome, Step
from yieldopt.physics.yields import Law
from yieldopt.read import read_flow

EXACT = 1e-13
SMOOTH = (*PLAIN_LAWS, "single")  # all laws but harvest, whose first test decides on the blocks
seeds = st.integers(0, 100_000)
share = st.floats(0.0, 1.0)
some = settings(derandomize=True, max_examples=150, deadline=None)


def drawn(seed: int, **options: object) -> Flow:
    return read_flow(random_flow(seed, **options))


def steps_of(flow: Flow) -> dict[str, Step]:
    return {f"{node.name}/{step.name}": step for node in flow.nodes for step in node.steps}


def classes(flow: Flow) -> list[str]:
    return sorted({name for step in steps_of(flow).values() for name in step.faults})


def inserted(flow: Flow, step: Step, node: int = -1, at: int | None = None) -> Flow:
    """Return the flow with a step put into one node, at its end if not said where."""
    nodes = list(flow.nodes)
    steps = list(nodes[node].steps)
    steps.insert(len(steps) if at is None else at, step)
    nodes[node] = replace(nodes[node], steps=tuple(steps))
    return Flow(flow.ship, tuple(nodes))


def nb(alpha: float) -> Law:
    return Law("negative_binomial", alpha=alpha)


def die(law: Law, mean: float, *tests: tuple[float, float], cost: float = 0.0) -> Outcome:
    """A die of 100 USD and its nested tests, each (coverage, repair)."""
    fab = Step("fab", "process", 100.0, faults={"x": Faults(mean, law)})
    line = [
        Step(f"t{i}", "test", cost, coverage={"x": covered}, repair={"x": mended})
        for i, (covered, mended) in enumerate(tests)
    ]
    return evaluate(Flow("die", (Node("die", steps=(fab, *line)),)))


def close(value: object, expected: object, rel: float = EXACT) -> None:
    np.testing.assert_allclose(value, expected, rtol=rel, atol=0.0)


@some
@given(seed=seeds)
def test_cost_and_uses_are_visits_times_unit_amounts(seed: int) -> None:
    flow = drawn(seed)
    out = evaluate(flow)
    runs = [(out.visits[name], step) for name, step in steps_of(flow).items()]
    close(out.cost_per_shipped_usd, sum(visits * step.cost_usd for visits, step in runs))
    for name, amount in out.uses.items():
        close(amount, sum(visits * step.uses.get(name, 0.0) for visits, step in runs))
    close(out.cost_per_good_usd, out.cost_per_shipped_usd / out.quality)
    close(sum(out.waterfall_usd.values()), out.cost_per_good_usd)
    # The dppm is not a difference from 1, so it is better than 1 − quality, which is good to 1e-16.
    assert out.dppm == pytest.approx(1e6 * (1.0 - out.quality), rel=EXACT, abs=1e-9)
    bare = evaluate(flow, details=False)
    assert (bare.cost_per_good_usd, bare.dppm) == (out.cost_per_good_usd, out.dppm)


@some
@given(seed=seeds)
def test_slope_of_cost_in_a_unit_cost_is_its_visits(seed: int) -> None:
    flow = drawn(seed)
    out = evaluate(flow)
    for name, step in steps_of(flow).items():
        more = evaluate(flow.with_values({f"{name}.cost_usd": step.cost_usd + 1000.0}))
        slope = (more.cost_per_shipped_usd - out.cost_per_shipped_usd) / 1000.0
        # Linear, so any step will do; the difference loses the digits of cost over 1000.
        assert slope == pytest.approx(out.visits[name], rel=1e-11)


@some
@given(seed=seeds, coverage=share, independent=st.booleans())
def test_a_free_last_test_moves_no_cost_per_good_but_the_cost_of_escapes(
    seed: int, coverage: float, independent: bool
) -> None:
    flow = drawn(seed, laws=SMOOTH)
    overlap = "independent" if independent else "nested"
    last = Step("last", "test", overlap=overlap, coverage=dict.fromkeys(classes(flow), coverage))
    before, after = evaluate(flow), evaluate(inserted(flow, last))
    close(after.cost_per_good_usd, before.cost_per_good_usd)
    assert after.quality >= before.quality * (1.0 - EXACT)
    # With an escape cost e the objective is cost per good + e·bad/good: it falls with coverage.
    escapes = [out.dppm / (1e6 * out.quality) for out in (before, after)]
    assert escapes[1] <= escapes[0] * (1.0 + EXACT)


def test_a_free_last_test_that_repairs_moves_the_cost_per_good() -> None:
    kills, mends = die(nb(0.5), 1.0, (0.9, 0.0)), die(nb(0.5), 1.0, (0.9, 1.0))
    assert kills.cost_per_good_usd == pytest.approx(die(nb(0.5), 1.0).cost_per_good_usd, rel=EXACT)
    assert mends.cost_per_good_usd < 0.7 * kills.cost_per_good_usd  # 109.5 against 173.2 USD


def raised(flow: Flow, pick: float, lift: float, *, last: bool = False) -> Flow:
    """The flow with one coverage of one test raised; of the last test if so said."""
    names = [name for name, step in steps_of(flow).items() if step.coverage]
    if not names or (last and names[-1] != flow.step_names()[-1]):
        return flow
    name = names[-1] if last else names[int(pick * (len(names) - 1))]
    table = steps_of(flow)[name].coverage
    key = sorted(table)[int(pick * (len(table) - 1))]
    value = table[key]
    return flow.with_values({f"{name}.coverage.{key}": value + (1.0 - value) * lift})


@pytest.mark.parametrize(("options", "last"), [
    ({"laws": SMOOTH, "repair": False}, False),
    ({"laws": ("poisson",)}, False),
    ({"laws": SMOOTH, "damage": False}, True),
], ids=["without repair", "poisson", "last test"])  # fmt: skip
@some
@given(seed=seeds, pick=share, lift=share)
def test_more_coverage_never_lowers_quality(
    options: Mapping[str, object], last: bool, seed: int, pick: float, lift: float
) -> None:
    flow = drawn(seed, **options)
    more = evaluate(raised(flow, pick, lift, last=last))
    assert more.quality >= evaluate(flow).quality * (1.0 - EXACT)


def test_with_clustering_an_early_repairing_test_raises_the_dppm() -> None:
    """It mends what the last test would have killed: the clustered units stay in the mix."""
    alone, early = die(nb(0.5), 1.0, (0.9, 0.0)), die(nb(0.5), 1.0, (0.8, 1.0), (0.9, 0.0))
    assert (round(alone.dppm), round(early.dppm)) == (33_908, 74_180)
    assert die(Law(), 1.0, (0.8, 1.0), (0.9, 0.0)).dppm == pytest.approx(
        die(Law(), 1.0, (0.9, 0.0)).dppm, rel=1e-12
    )  # Poisson has no mix to shift


def test_an_early_killing_test_before_a_repairing_one_is_dearer_even_for_free() -> None:
    """It kills what the later test would have mended; with clustering that cleans the mix."""
    late, early = die(nb(0.5), 1.0, (0.9, 1.0)), die(nb(0.5), 1.0, (0.8, 0.0), (0.9, 1.0))
    assert early.cost_per_good_usd > 1.5 * late.cost_per_good_usd
    assert (round(late.dppm), round(early.dppm)) == (87_129, 36_376)


def test_where_an_early_killing_test_raises_the_dppm() -> None:
    """Only for laws that are no mixed Poisson: at most one fault, and the blocks of a harvest."""
    late = die(Law("single"), 0.6, (0.9, 1.0))
    early = die(Law("single"), 0.6, (0.8, 0.0), (0.9, 1.0))
    assert (round(late.dppm), round(early.dppm)) == (60_000, 115_385)
    law = Law("harvest", alpha=0.5, blocks=24, spares=3)
    poor, good = (die(law, 2.0, (first, 0.0), (0.9, 0.0)) for first in (0.1, 0.89))
    assert poor.dppm < 0.5 * good.dppm  # the better harvest saves the dies of many faults


@some
@given(seed=seeds, pick=share, where=share, zeros=st.booleans(), batch=st.booleans())
def test_level_off_changes_nothing(
    seed: int, pick: float, where: float, zeros: bool, batch: bool
) -> None:
    flow = drawn(seed)
    node = int(pick * (len(flow.nodes) - 1))
    nothing = np.zeros(2) if batch else 0.0
    off = Step("off", "test", coverage=dict.fromkeys(classes(flow), nothing) if zeros else {})
    before = evaluate(flow)
    after = evaluate(inserted(flow, off, node, int(where * len(flow.nodes[node].steps))))
    close(after.cost_per_good_usd, before.cost_per_good_usd)
    np.testing.assert_allclose(after.dppm, before.dppm, rtol=1e-12, atol=1e-9)  # of one million
    for name, runs in before.visits.items():
        close(after.visits[name], runs)


@some
@given(seed=seeds, count=st.integers(2, 4))
def test_a_count_is_as_many_nodes(seed: int, count: int) -> None:
    part = drawn(seed)
    bond = (Step("bond", "process", 10.0, 0.02, faults={classes(part)[0]: Faults(0.1, nb(2.0))}),
            Step("final", "test", 5.0, coverage=dict.fromkeys(classes(part), 0.9)))  # fmt: skip
    copies: list[Node] = []
    for i in range(count):
        for node in part.nodes:
            inputs = tuple(Input(f"{x.node}.{i}", x.count) for x in node.inputs)
            copies.append(Node(f"{node.name}.{i}", inputs, node.steps))
    spread = Node("top", tuple(Input(f"{part.ship}.{i}") for i in range(count)), bond)
    one = evaluate(Flow("top", (*part.nodes, Node("top", (Input(part.ship, count),), bond))))
    many = evaluate(Flow("top", (*copies, spread)))
    close([many.cost_per_good_usd, many.quality], [one.cost_per_good_usd, one.quality])
    for name in part.step_names():
        node, step = name.split("/")
        close(sum(many.visits[f"{node}.{i}/{step}"] for i in range(count)), one.visits[name])


@pytest.mark.parametrize(("coverage", "dppm"), [(0.99, 14_700), (0.999, 1_480), (0.9999, 148)])
def test_design_two_dies_by_coverage(coverage: float, dppm: float) -> None:
    fab = Step("fab", "process", faults={"x": Faults(0.8, nb(10.0))})
    cp = Step("cp", "test", coverage={"x": coverage})
    nodes = Node("die", steps=(fab, cp)), Node("package", (Input("die", 2),))
    out = evaluate(Flow("package", nodes))
    assert out.dppm == pytest.approx(dppm, rel=1e-3)  # the design rounds to three figures


def test_design_splitting_a_mean_into_classes() -> None:
    def three(alpha: float, cluster: str | None) -> float:
        latent = {c: Faults(0.2, nb(alpha), cluster) for c in "abc"}
        fab = Step("fab", "process", faults=latent)
        return evaluate(Flow("die", (Node("die", steps=(fab,)),))).quality

    whole = die(nb(3.0), 0.6).quality
    assert round(whole, 3) == 0.579
    assert round(three(3.0, None), 3) == 0.559
    close([three(3.0, "origin"), three(1.0, None)], [whole, whole])


@pytest.mark.parametrize("dppm", [0.0, 1e-3, 300.0, 2e5])
def test_incoming_dppm_of_a_bought_part(dppm: float) -> None:
    mean = -math.log1p(-dppm / 1e6)
    assert die(Law(), mean).dppm == pytest.approx(dppm, rel=EXACT)


SURE = Faults(1.0, Law("single"))
BOND = (Step("bond", "process", 0.0, 0.5, uses={"h": 0.0}),)
BLOCKED: dict[str, tuple[Step, str]] = {
    "scrap": (Step("s", "process", 3.0, 1.0), "part/s"),
    "overkill": (Step("s", "test", 0.0, overkill=1.0, fail_cost_fraction=0.0), "part/s"),
    "found": (Step("s", "test", 3.0, coverage={"sure": 1.0}, uses={"h": 0.0}), "part/s"),
    "shipped": (Step("s", "process"), "top/bond"),
}


def blocked_line(step: Step, *, sure: bool, bond: tuple[Step, ...]) -> Flow:
    latent = {"x": Faults(0.3)} | ({"sure": SURE} if sure else {})
    fab = Step("fab", "process", 50.0, uses={"h": 1.0}, faults=latent)
    cp = Step("cp", "test", 2.0, coverage={"x": 0.9}, fail_cost_fraction=0.3)
    part = Node("part", steps=(fab, step, cp))
    return Flow("top", (part, Node("top", (Input("part", 2),), bond)))


def unspent(out: Outcome, at: int) -> None:
    """Nothing comes out: infinite cost, no quality, and no NaN."""
    head = [out.cost_per_shipped_usd, out.cost_per_good_usd, out.quality, out.dppm]
    assert [float(np.atleast_1d(x)[at]) for x in head] == [math.inf, math.inf, 0.0, 1e6]
    for table in (out.visits, out.uses, out.waterfall_usd):
        assert not any(np.isnan(value).any() for value in table.values())


@pytest.mark.parametrize("kind", BLOCKED)
def test_nothing_passes(kind: str) -> None:
    step, place = BLOCKED[kind]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        out = evaluate(blocked_line(step, sure=kind in ("found", "shipped"), bond=BOND))
        assert out.blocked == place
        unspent(out, 0)


@pytest.mark.parametrize("kind", BLOCKED)
def test_nothing_passes_in_one_element_of_a_batch(kind: str) -> None:
    step, place = BLOCKED[kind]
    flow = blocked_line(step, sure=kind in ("found", "shipped"), bond=BOND)
    path = f"part/s.{kind}" if kind in ("scrap", "overkill") else "part/fab.mean.sure"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        whole = evaluate(flow.with_values({path: np.array([0.2, 1.0, 0.0])}))
    assert whole.blocked == place
    unspent(whole, 1)
    for at, value in ((0, 0.2), (2, 0.0)):
        one = evaluate(flow.with_values({path: value}))
        close(whole.cost_per_good_usd[at], one.cost_per_good_usd)
        close(np.broadcast_to(whole.visits["part/fab"], 3)[at], one.visits["part/fab"])


def test_a_chance_below_the_smallest_double_gives_no_nan() -> None:
    latent = {"a": Faults(400.0), "b": Faults(400.0)}  # e^(−800) pass, neither test e^(−745)
    steps = [Step("fab", "process", uses={"h": 0.0}, faults=latent)]
    steps += [Step(c, "test", coverage={c: 1.0}) for c in "ab"]
    assert not math.isnan(evaluate(Flow("die", (Node("die", steps=tuple(steps)),))).uses["h"])


def test_nothing_good_is_shipped_by_a_node_without_steps() -> None:
    unspent(evaluate(blocked_line(BLOCKED["shipped"][0], sure=True, bond=())), 0)


@pytest.mark.parametrize("mean", [40.0, 300.0])
def test_hardly_anything_good_is_not_nothing(mean: float) -> None:
    """1 − (1 − Q) would lose a small Q: untested, a good package still costs spend / Q."""
    fab = Step("fab", "process", 2.0, faults={"logic": Faults(mean)})
    flow = Flow("die", (Node("die", steps=(fab,)),))
    out = evaluate(flow)
    assert out.blocked is None
    assert out.cost_per_good_usd == pytest.approx(2.0 * math.exp(mean), rel=1e-13)
    batch = evaluate(flow.with_values({"die/fab.mean.logic": np.array([0.1, mean])}))
    assert np.asarray(batch.quality)[1] == pytest.approx(math.exp(-mean), rel=1e-12)
