"""The parts of the robust search: many scenarios in few dimensions, worth, faults of the input."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest

from tests.random_templates import all_plans, random_template
from tests.robust_scenarios import Brute, counting, scaled, scenarios, shifted
from yieldopt import CaseError, UnknownName, evaluate
from yieldopt.benchmark.problems import long_menus
from yieldopt.flow import Outcome
from yieldopt.optimize import robust, robust_bound, robust_pairs, robust_stack
from yieldopt.optimize.coverage import best_levels
from yieldopt.optimize.exposure import TooMany
from yieldopt.optimize.pricing import Ask
from yieldopt.optimize.problem import prepare
from yieldopt.optimize.robust import Goal, robust_levels
from yieldopt.optimize.robust_bound import Bounder, Proxy, mixed
from yieldopt.optimize.robust_compress import lower_factors
from yieldopt.optimize.robust_measure import MEASURES, Limit, Measure
from yieldopt.optimize.robust_merge import scenario_blocks, stacked
from yieldopt.optimize.robust_search import RobustSearch
from yieldopt.optimize.robust_stack import Stack
from yieldopt.optimize.robust_worth import worth
from yieldopt.optimize.trunk import build_block
from yieldopt.template import Template

RELATIVE = 2e-10  # the search claims 1e-10 of the value


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


def test_scenarios_walked_together_or_apart() -> None:
    """Where numbers differ, fixed ones or those of levels, one walk gives all blocks."""
    for seed in range(30):
        rng = np.random.default_rng([seed, 6])
        template = random_template(seed, 60)
        if not prepare(template).trunk_sizes:
            continue
        factors = np.exp(rng.normal(0.0, 0.3, (3, len(template.nodes))))
        templates = [shifted(template, own) for own in factors]
        if seed % 2:
            templates = [template, *(scaled(template, rng) for _ in range(3))]
        problems = [prepare(one) for one in templates]
        numbers = np.arange(problems[0].trunk_count)[:: 1 + seed % 3]  # a grid of levels, or not
        assert stacked(templates, numbers) is not None
        picks = np.unravel_index(numbers, problems[0].trunk_sizes)
        for problem, block in zip(problems, scenario_blocks(problems, numbers), strict=True):
            nodes = [problem.tree.nodes[leaf.name] for leaf in problem.leaves]
            own = build_block(problem.tree, nodes, picks)
            for one, other in zip(
                (*block.log_e, *block.log_q, block.base, block.weight, block.log_q_trunk),
                (*own.log_e, *own.log_q, own.base, own.weight, own.log_q_trunk),
                strict=True,
            ):
                assert np.allclose(one, other, rtol=1e-12, atol=1e-14)
            assert block.base_uses.keys() == own.base_uses.keys()
            for name, used in block.base_uses.items():
                assert np.allclose(used, own.base_uses[name], rtol=1e-12)


@pytest.mark.parametrize("sweeps", [0, 4])
@pytest.mark.parametrize("seed", range(60))
def test_no_plan_lies_below_the_bound(
    seed: int, sweeps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By trunk combination: weighted means, Dinkelbach's difference, and both under a limit; from
    plans that descent found and from plans as they come.
    """
    monkeypatch.setattr(robust_bound, "_SWEEPS", sweeps)
    templates, p = scenarios(seed)
    problems = [prepare(template) for template in templates]
    rng = np.random.default_rng([seed, 9])
    for starts_of in (None, templates[0].nodes[seed % len(templates[0].nodes)].name):
        stack = Stack(problems, Ask(), starts_of)
        for _, block in stack.blocks():
            sizes = [len(menu[0]) for menu in block.log_q]
            entries = np.array(list(itertools.product(*map(range, sizes))), dtype=np.intp)
            at = np.repeat(np.arange(len(block.base)), len(entries))
            scores = block.scores(np.tile(entries, (len(block.base), 1)), at)
            good = np.array(p) * np.exp(scores.log_y - (scores.log_y @ p)[:, None])
            ratio = None
            values = scores.value @ (weights := rng.dirichlet(np.ones(len(p))))
            if starts_of is not None:
                weights = np.array(p)
                ratio = float(np.median((good * scores.value).sum(axis=1) / good.sum(axis=1)))
                values = ratio + (good * (scores.value - ratio)).sum(axis=1)
            limit = Limit(float(np.median(scores.log_q)), np.array(p), 0.6)
            for least in (None, limit):
                search = RobustSearch(stack, Measure("expected", np.array(p)), least)
                fine = limit.holds(scores.log_q) if least else np.ones(len(values), bool)
                kept = np.where(fine, values, np.inf)
                least_of = kept.reshape(len(block.base), -1).min(axis=1)
                bounder = Bounder(mixed(block, Proxy(weights, ratio), search.relaxed(block)))
                lower = bounder.run(math.inf, lambda kept, entries: math.inf)
                assert np.all(lower <= least_of + 1e-11 * np.abs(values).max())
                assert np.all(lower > -math.inf)


def test_single_and_double_precision_find_the_same(
    wide: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    templates, p, _ = wide
    problems = [prepare(template) for template in templates]
    for measure in MEASURES:
        found = []
        for most in (-math.inf, math.inf):
            monkeypatch.setattr(robust_pairs, "_LOG_SINGLE", most)
            found.append(robust_levels(problems, p, Goal(measure), bound=False))
        assert found[0].value_usd == pytest.approx(found[1].value_usd, rel=RELATIVE)


@pytest.mark.parametrize("precision", [np.float64, np.float32])
def test_the_small_product_is_a_lower_bound(precision: Any) -> None:
    """Of every entry, and close; also with rows of all sizes, zeros, and negative columns."""
    rng = np.random.default_rng(3)
    x, z = rng.uniform(0, 1, (500, 3)), rng.uniform(0, 1, (400, 3))
    nodes = rng.uniform(0, 1, (64, 3))
    left, right = np.exp(x @ nodes.T), np.exp(-(z @ nodes.T))
    left[::7] *= 1e12
    left[:, 5] = right[:, 9] = 0.0
    right[:, 11] *= -1.0
    a, b = lower_factors(left.astype(precision), right.astype(precision))
    assert a.dtype == b.dtype == precision
    assert a.shape[1] < 20
    true, span = left @ right.T, np.linalg.norm(left, axis=1)[:, None]
    span = span * np.linalg.norm(right, axis=1)
    assert np.all(a @ b <= true)
    assert np.all(a @ b >= true - 6e-3 * span)
    noise = rng.uniform(0, 1, (300, 40))  # of full rank: nothing is gained, nothing is lost
    a, b = lower_factors(noise.astype(precision), noise.astype(precision))
    assert a.shape == (300, 41)
    assert np.all(a @ b <= noise @ noise.T)
    assert np.allclose(a @ b, noise @ noise.T, rtol=1000 * np.finfo(precision).eps)


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


@pytest.mark.parametrize("seed", [4, 7, 10, 12, 15, 18])
def test_a_limit_held_in_part_costs_no_less_than_knowing_where(seed: int) -> None:
    templates, p = scenarios(seed)
    problems = [prepare(template) for template in templates]
    brute = Brute(templates, p, templates[0].ship)
    costs, limit = brute.spend / brute.quality, float(np.median(brute.dppm)) * (1 + 1e-9)
    for measure in ("expected", "cvar", "worst", "fixed_starts"):
        for share in (0.2, 0.5, 0.8):
            goal = Goal(measure, dppm_limit=limit, dppm_share=share)
            found = robust_levels(problems, p, goal)
            if found.levels is None:
                continue
            assert found.dppm_held >= share
            of = worth(problems, p, goal, found)
            assert (of.perfect_usd is None) == (measure == "fixed_starts")
            assert of.perfect_usd is None or of.perfect_usd <= found.value_usd * (1 + 1e-9)
            if measure == "expected":  # the dual: a price of holding the limit, at its breaks
                held = np.where(brute.dppm <= limit, costs, np.inf).min(axis=0)
                free = costs.min(axis=0)
                duals = [
                    share * price + np.minimum(free, held - price) @ p
                    for price in (0.0, *(held - free)[np.isfinite(held)])
                ]
                assert of.perfect_usd == pytest.approx(max(duals), rel=1e-9)
            assert (of.nominal_usd, of.stochastic_usd) == (None, None)


def test_no_plan_reaches_the_limit() -> None:
    templates, p = scenarios(3)
    problems = [prepare(template) for template in templates]
    for measure in MEASURES:
        found = robust_levels(problems, p, Goal(measure, dppm_limit=1e-6))
        assert (found.levels, found.value_usd, found.values_usd) == (None, math.inf, ())
        assert found.proof.enumerated + found.proof.pruned == found.proof.combinations


def test_what_is_wrong_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
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
    monkeypatch.setattr(robust, "_MOST_TRUNK", problem.trunk_count - 1)
    monkeypatch.setattr(robust, "is_enumerable", lambda *_: False)

    def too_many(*_: object) -> None:
        raise TooMany

    monkeypatch.setattr(robust, "_by_labels", too_many)
    with pytest.raises(CaseError, match="are too many for scenarios; narrow menus"):
        robust_levels([problem], [1.0])
    monkeypatch.undo()
    with pytest.raises(UnknownName, match="unknown node"):
        robust_levels([problem], [1.0], Goal("fixed_starts", starts_of="packge"))
