"""One plan for many scenarios against brute force over every plan through ``evaluate``.

Random templates with repair, damage, stop-on-fail, several joins and mixed overlap; scenarios scale
every fault mean, scrap, cost, coverage and overkill of a template by its own random factors.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.random_templates import all_plans, random_template
from yieldopt import CaseError, UnknownName, evaluate
from yieldopt.benchmark.problems import long_menus
from yieldopt.flow import Faults, Outcome, Step
from yieldopt.optimize import robust_pairs, robust_stack
from yieldopt.optimize.coverage import best_levels
from yieldopt.optimize.problem import prepare
from yieldopt.optimize.robust import Goal, robust_levels
from yieldopt.optimize.robust_compress import lower_factors
from yieldopt.optimize.robust_measure import MEASURES
from yieldopt.optimize.robust_worth import worth
from yieldopt.template import Choice, OpenNode, Template

# The search claims 1e-10 of the value; sums in another order add 1e-13.
RELATIVE = 2e-10
SEEDS = range(240)


def scaled(template: Template, rng: np.random.Generator) -> Template:
    """Return the template in another scenario: the same names, other numbers."""
    spread = float(rng.uniform(0.1, 0.8))

    def factor() -> float:
        return float(math.exp(spread * rng.normal()))

    def faults(held: Mapping[str, Faults], all_of: float) -> dict[str, Faults]:
        return {
            name: replace(one, mean=min(one.mean * all_of, 0.95 if one.law.name == "single" else 5))
            for name, one in held.items()
        }

    def step(held: Step) -> Step:
        return replace(
            held,
            cost_usd=held.cost_usd * factor(),
            scrap=min(held.scrap * factor(), 0.5),
            overkill=min(held.overkill * factor(), 0.5),
            coverage={n: 1.0 - (1.0 - c) * min(factor(), 1.0) for n, c in held.coverage.items()},
            faults=faults(held.faults, factor()),
        )

    nodes = []
    for node in template.nodes:
        items: list[Step | Choice] = [
            step(item)
            if isinstance(item, Step)
            else Choice(item.name, {k: v and step(v) for k, v in item.options.items()})
            for item in node.items
        ]
        nodes.append(OpenNode(node.name, node.inputs, tuple(items)))
    return Template(template.ship, tuple(nodes))


def scenarios(seed: int, most: int = 40) -> tuple[list[Template], list[float]]:
    rng = np.random.default_rng([seed, 5])
    template = random_template(seed, most)
    count = int(rng.integers(2, 5))
    p = rng.dirichlet(np.full(count, 3.0))
    return [template, *(scaled(template, rng) for _ in range(count - 1))], [float(x) for x in p]


class Brute:
    """Every plan in every scenario through the engine, and measures written out plainly."""

    def __init__(self, templates: Sequence[Template], p: Sequence[float], start: str) -> None:
        self.plans = all_plans(templates[0])
        self.p = np.array(p)
        shape = len(self.plans), len(templates)
        self.spend, self.tester, self.starts = (np.empty(shape) for _ in range(3))
        self.quality, self.dppm = np.empty(shape), np.empty(shape)
        marked = [counting(template, start) for template in templates]
        for at, plan in enumerate(self.plans):
            for s, template in enumerate(marked):
                out = evaluate(template.at(plan))
                self.spend[at, s] = out.cost_per_shipped_usd
                self.tester[at, s] = out.uses.get("tester_h", 0.0)
                self.quality[at, s], self.dppm[at, s] = out.quality, out.dppm
                self.starts[at, s] = out.uses["starts"]

    def values(self, goal: Goal) -> np.ndarray:
        """The measure of every plan; inf where the DPPM limit is not held often enough."""
        price = (goal.prices or {}).get("tester_h", 0.0)
        escape = goal.escape_cost_usd or 0.0
        spend = self.spend + price * self.tester + escape * (1.0 - self.quality)
        per_good = spend / self.quality
        if goal.measure == "expected":
            out = per_good @ self.p
        elif goal.measure == "worst":
            out = per_good.max(axis=1)
        elif goal.measure == "fixed_starts":
            out = ((spend / self.starts) @ self.p) / ((self.quality / self.starts) @ self.p)
        else:
            out = np.array([self.tail_mean(row, goal.cvar_tail) for row in per_good])
        if goal.dppm_limit is not None:
            held = (self.dppm <= goal.dppm_limit) @ self.p
            out = np.where(held >= goal.dppm_share - 1e-12, out, np.inf)
        return out

    def tail_mean(self, costs: np.ndarray, tail: float) -> float:
        """Rockafellar and Uryasev: min over v of v + E[(cost − v)+]/tail, v one of the costs."""
        return min(v + float(np.maximum(costs - v, 0.0) @ self.p) / tail for v in costs)


def counting(template: Template, node: str) -> Template:
    mark = Step("mark", "process", uses={"starts": 1.0})
    nodes = [replace(n, items=(mark, *n.items)) if n.name == node else n for n in template.nodes]
    return Template(template.ship, tuple(nodes))


def goals(brute: Brute, start: str) -> list[Goal]:
    worst = np.sort(brute.dppm.max(axis=1))
    middling = np.sort(np.median(brute.dppm, axis=1))
    tight = float(worst[len(worst) // 8]) * (1 + 1e-9)
    some = float(middling[len(middling) // 4]) * (1 + 1e-9)
    out = []
    for measure in MEASURES:
        more: dict[str, Any] = {"measure": measure, "starts_of": start, "cvar_tail": 0.35}
        out += [
            Goal(**more),
            Goal(**more, escape_cost_usd=3000.0, prices={"tester_h": 200.0}),
            Goal(**more, dppm_limit=tight),
            Goal(**more, dppm_limit=some, dppm_share=0.6),
            Goal(**more, dppm_limit=some, dppm_share=0.3, escape_cost_usd=500.0),
        ]
    return out


@pytest.mark.parametrize("seed", SEEDS)
def test_every_measure_equals_brute_force(seed: int) -> None:
    templates, p = scenarios(seed)
    names = [node.name for node in templates[0].nodes]
    start = names[seed % len(names)]
    brute = Brute(templates, p, start)
    problems = [prepare(template) for template in templates]
    # All measures, three kinds of limit in five: each kind is met with 144 problems.
    for at, goal in enumerate(goals(brute, start)):
        if (at + seed) % 5 > 2:
            continue
        values = brute.values(goal)
        least = float(values.min())
        found = robust_levels(problems, p, goal)
        proof = found.proof
        assert proof.enumerated + proof.pruned == proof.combinations == len(brute.plans)
        if least == math.inf:
            assert (found.levels, found.value_usd) == (None, math.inf)
            continue
        assert found.levels is not None
        assert found.value_usd == pytest.approx(least, rel=RELATIVE), goal
        at = brute.plans.index(dict(found.levels))
        assert values[at] == pytest.approx(least, rel=RELATIVE)
        assert found.dppm == pytest.approx(tuple(brute.dppm[at]), rel=1e-9)
        assert proof.lower_bound_usd <= least * (1 + 1e-13)
        assert proof.lower_bound_usd >= least - RELATIVE * (least + (goal.escape_cost_usd or 0.0))


def test_the_random_problems_are_not_trivial() -> None:
    """Scenarios disagree about the best plan, and bounds prune some of the problems."""
    regrets, pruned = 0, 0
    for seed in range(40):
        templates, p = scenarios(seed)
        problems = [prepare(template) for template in templates]
        best = {tuple((best_levels(problem).levels or {}).values()) for problem in problems}
        regrets += len(best) > 1
        pruned += robust_levels(problems, p, Goal("worst")).proof.pruned > 0
    assert regrets >= 20
    assert pruned >= 10


def shifted(template: Template, factors: np.ndarray) -> Template:
    """Scale means and costs of fixed steps, a factor for each node: (nodes,) or (nodes, S)."""
    nodes = []
    for node, factor in zip(template.nodes, factors, strict=True):
        items = [
            item
            if isinstance(item, Choice)
            else replace(
                item,
                cost_usd=item.cost_usd * factor**0.5,
                faults={k: replace(f, mean=f.mean * factor) for k, f in item.faults.items()},
            )
            for item in node.items
        ]
        nodes.append(OpenNode(node.name, node.inputs, tuple(items)))
    return Template(template.ship, tuple(nodes))


@pytest.fixture(scope="module")
def wide() -> tuple[list[Template], list[float], list[Outcome]]:
    """2,700 plans in 16 scenarios, each plan one batch through the engine."""
    levels = ("off", "l1", "l3")
    template = long_menus(4).limited({"package/final": levels[:2], "package/system": ("l3",)})
    factors = np.exp(np.random.default_rng(8).normal(0.0, 0.4, (len(template.nodes), 16)))
    batch = counting(shifted(template, factors), "package")
    outs = [evaluate(batch.at(plan)) for plan in all_plans(template)]
    templates = [shifted(template, factors[:, s]) for s in range(16)]
    return templates, [(s + 1) / 136 for s in range(16)], outs


@pytest.mark.parametrize("pieces", [False, True])
@pytest.mark.parametrize("bound", [True, False])
@pytest.mark.parametrize("limited", [False, True])
@pytest.mark.parametrize("measure", MEASURES)
def test_many_scenarios_in_few_dimensions(
    wide: Any,
    measure: str,
    limited: bool,
    bound: bool,
    pieces: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Halves wide enough to be compressed; or cut into pieces, one trunk combination at a time."""
    monkeypatch.setattr(robust_pairs, "_BLOCK", 100)
    monkeypatch.setattr(robust_pairs, "_FIRST", 3)
    if pieces:
        monkeypatch.setattr(robust_pairs, "_HALF_NUMBERS", 16 * 3 * 20)
        monkeypatch.setattr(robust_stack, "_BLOCK_NUMBERS", 1)
    templates, p, outs = wide
    values = np.array([out.cost_per_good_usd for out in outs])
    dppm = np.array([out.dppm for out in outs])
    tight = float(np.quantile(np.quantile(dppm, 0.8, axis=1), 0.2))
    limit = tight if limited else None
    goal = Goal(measure, cvar_tail=0.2, dppm_limit=limit, dppm_share=0.7)
    if measure == "expected":
        judged = values @ p
    elif measure == "worst":
        judged = values.max(axis=1)
    elif measure == "cvar":
        over = np.maximum(values[:, :, None] - values[:, None, :], 0.0)
        judged = (values + np.einsum("psv,s->pv", over, p) / 0.2).min(axis=1)
    else:
        good = np.array([out.quality / out.uses["starts"] for out in outs])
        judged = ((good * values) @ p) / (good @ p)
    if limited:
        judged = np.where((dppm <= tight) @ np.array(p) >= 0.7 - 1e-12, judged, np.inf)
    found = robust_levels([prepare(t) for t in templates], p, goal, bound=bound)
    assert found.value_usd == pytest.approx(float(judged.min()), rel=RELATIVE)
    assert found.proof.enumerated + found.proof.pruned == len(values)
    assert bound or found.proof.enumerated == len(values)


def test_the_small_product_is_a_lower_bound() -> None:
    """Of every entry, and close; also with rows of all sizes, zeros, and negative columns."""
    rng = np.random.default_rng(3)
    x, z = rng.uniform(0, 1, (500, 3)), rng.uniform(0, 1, (400, 3))
    nodes = rng.uniform(0, 1, (64, 3))
    left, right = np.exp(x @ nodes.T), np.exp(-(z @ nodes.T))
    left[::7] *= 1e40
    left[:, 5] = right[:, 9] = 0.0
    right[:, 11] *= -1.0
    a, b = lower_factors(left, right)
    assert a.shape[1] < 20
    true, span = left @ right.T, np.linalg.norm(left, axis=1)[:, None]
    span = span * np.linalg.norm(right, axis=1)
    assert np.all(a @ b <= true)
    assert np.all(a @ b >= true - 6e-3 * span)
    noise = rng.uniform(0, 1, (300, 40))  # of full rank: nothing is gained, nothing is lost
    a, b = lower_factors(noise, noise)
    assert a.shape == (300, 41)
    assert np.all(a @ b <= noise @ noise.T)
    assert np.allclose(a @ b, noise @ noise.T, rtol=1e-12)


@pytest.mark.parametrize("measure", MEASURES)
def test_one_scenario_and_like_scenarios_are_the_plain_search(measure: str) -> None:
    for seed in range(20):
        problem = prepare(random_template(seed, 100))
        plain = best_levels(problem, escape_cost_usd=800.0)
        for p in ([1.0], [0.25, 0.75]):
            goal = Goal(measure, escape_cost_usd=800.0)
            found = robust_levels([problem] * len(p), p, goal)
            assert found.value_usd == pytest.approx(plain.value_usd, rel=RELATIVE)
            assert found.dppm_held == 1.0
            of = worth([problem] * len(p), p, goal, found, problem)
            assert of.information_usd in (None, pytest.approx(0.0, abs=1e-6))
            assert of.stochastic_usd == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("seed", range(25))
def test_worth_against_brute_force(seed: int) -> None:
    templates, p = scenarios(seed)
    problems = [prepare(template) for template in templates]
    brute = Brute(templates, p, templates[0].ship)
    costs = brute.spend / brute.quality
    most = float(np.median(brute.dppm)) * (1 + 1e-9)
    held = np.where(brute.dppm <= most, costs, np.inf).min(axis=0)
    for goal, least in ((Goal(), costs.min(axis=0)), (Goal("worst", dppm_limit=most), held)):
        found = robust_levels(problems, p, goal)
        if found.levels is None:
            assert goal.dppm_limit is not None
            continue
        of = worth(problems, p, goal, found, problems[0])
        perfect = least @ p if goal.measure == "expected" else least.max()
        assert of.perfect_usd == pytest.approx(perfect, rel=1e-9)
        assert of.best_usd == pytest.approx(tuple(least), rel=1e-9)
        assert None not in of.best_usd
        assert of.information_usd is not None
        assert of.information_usd >= -1e-9 * found.value_usd
        at = brute.plans.index(dict(of.nominal_levels or {}))
        nominal = costs[at] @ p if goal.measure == "expected" else costs[at].max()
        assert of.nominal_usd == pytest.approx(nominal, rel=1e-9)
        if of.nominal_dppm_held == pytest.approx(1.0):
            assert of.stochastic_usd is not None
            assert of.stochastic_usd >= -1e-9 * found.value_usd


def test_a_limit_held_in_part_costs_no_less_than_knowing_where() -> None:
    templates, p = scenarios(12)
    problems = [prepare(template) for template in templates]
    limit = float(np.median(Brute(templates, p, templates[0].ship).dppm))
    for measure in ("expected", "cvar", "worst", "fixed_starts"):
        for share in (0.2, 0.5, 0.8):
            goal = Goal(measure, dppm_limit=limit, dppm_share=share)
            found = robust_levels(problems, p, goal)
            assert found.dppm_held >= share
            of = worth(problems, p, goal, found)
            assert (of.perfect_usd is None) == (measure == "fixed_starts")
            assert of.perfect_usd is None or of.perfect_usd <= found.value_usd * (1 + 1e-9)
            assert (of.nominal_usd, of.stochastic_usd) == (None, None)


def test_no_plan_reaches_the_limit() -> None:
    templates, p = scenarios(3)
    problems = [prepare(template) for template in templates]
    for measure in MEASURES:
        found = robust_levels(problems, p, Goal(measure, dppm_limit=1e-6))
        assert (found.levels, found.value_usd, found.values_usd) == (None, math.inf, ())
        assert found.proof.enumerated + found.proof.pruned == found.proof.combinations


def test_what_is_wrong_is_said_at_once() -> None:
    problem = prepare(random_template(0, 100))
    for p, text in (
        ([0.5, 0.4], r"probabilities must sum to 1 \(got 0.9\)"),
        ([1.5, -0.5], "must be above 0 and at most 1"),
        ([math.nan, 1.0], "must be above 0 and at most 1"),
        ([1.0], "1 probabilities for 2 scenarios"),
    ):
        with pytest.raises(CaseError, match=text):
            robust_levels([problem, problem], p)
    with pytest.raises(CaseError, match="no scenarios"):
        robust_levels([], [])
    with pytest.raises(CaseError, match="not of the same structure"):
        robust_levels([problem, prepare(random_template(1, 100))], [0.5, 0.5])
    with pytest.raises(CaseError) as caught:
        robust_levels([problem], [1.0], Goal("wrost", 0.0, -1.0, 2.0, math.nan))
    assert len(caught.value.faults) == 5
    assert "did you mean 'worst'?" in str(caught.value)
    with pytest.raises(UnknownName, match="unknown node"):
        robust_levels([problem], [1.0], Goal("fixed_starts", starts_of="packge"))
