"""The search against brute force over every plan through ``evaluate``.

200 random templates with repair, damage, stop-on-fail, several joins and sub-assemblies, mixed
overlap; every objective and every limit, alone and together, with the bound and without it. The
search shares the screening state with the engine but none of its assembly of costs; every answer is
checked again by ``tests.certificate``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest

from tests.certificate import JUST, Asked, brute, least, per_good, recheck
from tests.random_templates import joins, random_template
from tests.seeds import seeds
from yieldopt import CaseError, Faults, Input, Step, evaluate
from yieldopt.flow import Outcome
from yieldopt.optimize.bound import bounds
from yieldopt.optimize.coverage import best_levels
from yieldopt.optimize.pricing import Ask, priced
from yieldopt.optimize.problem import Problem, prepare
from yieldopt.template import Choice, OpenNode, Template

RELATIVE = 1e-11  # as in tests.certificate
SEEDS = range(200)
MOST = 150  # plans of a random template: every one is evaluated


def asks(outs: list[Outcome], rng: np.random.Generator) -> Iterator[Asked]:
    """Every objective and limit, at numbers that some plans meet and others do not."""
    dppm = sorted(float(out.dppm) for out in outs)
    low, middle = dppm[len(dppm) // 4] * JUST, dppm[len(dppm) // 2] * JUST
    yield Asked()
    yield Asked(escape_cost_usd=2000.0)
    yield Asked(dppm_limit=low)
    yield Asked(dppm_limit=dppm[0] * JUST)
    yield Asked({"tester_h": 300.0}, middle)
    names = sorted({name for out in outs for name in out.uses})
    if not names:
        return
    used = {name: sorted(per_good(out, name) for out in outs) for name in names}
    some = names[int(rng.integers(len(names)))]
    share = {name: values[int(rng.integers(len(values)))] * JUST for name, values in used.items()}
    yield Asked(resource_limits={some: used[some][len(outs) // 3] * JUST})
    yield Asked(resource_limits={some: used[some][0] * JUST})
    yield Asked(resource_limits=share)
    yield Asked({some: 200.0}, middle, 900.0, resource_limits=share)
    yield Asked({name: 50.0 + 10.0 * len(name) for name in names}, prices_only=True)
    yield Asked({some: 7.0}, middle, prices_only=True, resource_limits=share)


@pytest.mark.parametrize("seed", seeds(SEEDS, 100))
def test_search_equals_brute_force(seed: int) -> None:
    template, plans = brute(seed, MOST)
    problem = prepare(template)
    assert problem.combinations == len(plans)
    outs = [out for _, out in plans]
    for asked in asks(outs, np.random.default_rng([seed, 3])):
        best = least(plans, asked)
        options = asked.options() | {"resource_limits": asked.resource_limits}
        for bound in (True, False):
            found = best_levels(problem, bound=bound, **options)
            recheck(template, found, asked)
            assert found.proof.combinations == len(plans)
            assert (found.levels is None) == (best == math.inf)
            assert found.value_usd == pytest.approx(best, rel=RELATIVE, abs=1e-9)
        if best == math.inf:
            continue
        # A plan known already: a worse one changes nothing, a better one is never beaten.
        again = best_levels(problem, known_usd=best * 1.01 + 1e-6, **options)
        assert again.value_usd == pytest.approx(best, rel=RELATIVE, abs=1e-9)
        assert again.levels is not None
        beaten = best_levels(problem, known_usd=best * 0.99 - 1e-6, **options)
        assert (beaten.levels, beaten.value_usd) == (None, pytest.approx(best * 0.99 - 1e-6))


@pytest.mark.parametrize("seed", seeds(range(0, 200, 2), 50))
def test_bounds_lie_below_every_plan_of_their_trunk_combination(seed: int) -> None:
    """The certificate itself: with the incumbents it met, and with none to stop it early."""
    template, plans = brute(seed, MOST)
    problem = prepare(template)
    outs = [out for _, out in plans]
    for asked in asks(outs, np.random.default_rng([seed, 3])):
        options = asked.options() | {"resource_limits": asked.resource_limits}
        ask = Ask(**options)
        best: dict[tuple[str, ...], float] = {}
        for plan, out in plans:
            if asked.allows(out):
                trunk = tuple(plan[place] for place in problem.trunk_places)
                value = asked.value(out) + asked.escape_cost_usd
                best[trunk] = min(best.get(trunk, math.inf), value)
        for first, block in problem.blocks():
            found = bounds(priced(problem, block, ask), ask.log_q_least)
            for t, (lower, value) in enumerate(zip(found.lower, found.value, strict=True)):
                levels = problem.levels(first + t, (0,) * len(problem.leaves))
                least_here = best.get(tuple(levels[p] for p in problem.trunk_places), math.inf)
                assert lower <= least_here * (1 + RELATIVE) + 1e-12
                assert value >= least_here * (1 - RELATIVE)


@pytest.mark.parametrize("bound", [True, False])
def test_no_plan_reaches_the_limit(bound: bool) -> None:
    template, plans = brute(3, MOST)
    lowest = min(float(out.dppm) for _, out in plans)
    found = best_levels(prepare(template), dppm_limit=0.99 * lowest, bound=bound)
    assert found.levels is None
    assert found.value_usd == math.inf
    name = sorted(plans[0][1].uses)[0]
    used = min(per_good(out, name) for _, out in plans)
    found = best_levels(prepare(template), resource_limits={name: 0.99 * used}, bound=bound)
    assert (found.levels, found.value_usd) == (None, math.inf)


def test_the_random_problems_are_not_trivial() -> None:
    templates = [random_template(seed) for seed in SEEDS]
    flows = [template.at({}) for template in templates]
    assert sum(joins(flow) >= 2 for flow in flows) >= 30
    assert np.mean([len(t.choices()) for t in templates]) > 3
    pruned = [best_levels(prepare(t)).proof.pruned for t in templates]
    assert sum(n > 0 for n in pruned) > 50


def package() -> Problem:
    """Three sorts and two tests of the package, 6 levels each, both testers short."""
    fab = Step("fab", "process", 200.0, faults={"logic": Faults(0.3)}, uses={"wafer": 0.02})

    def menu(name: str, cost: float, tester: str) -> Choice:
        steps = {
            f"l{at}": Step(
                name,
                "test",
                cost * at,
                coverage={"logic": 1.0 - math.exp(-at)},
                uses={tester: 0.01 * at},
            )
            for at in range(1, 6)
        }
        return Choice(name, {"off": None, **steps})

    dies = [OpenNode(name, (), (fab, menu("cp", 1.0, "cp_h"))) for name in "abc"]
    tests = (menu("mid", 8.0, "ft_h"), menu("ft", 12.0, "ft_h"))
    return prepare(Template("pkg", (*dies, OpenNode("pkg", tuple(Input(n) for n in "abc"), tests))))


def test_prices_of_limited_resources_prune() -> None:
    """With the price ladder the bound closes trunks that it cannot close without a price."""
    problem = package()
    free = best_levels(problem, dppm_limit=30_000.0)
    short = {"cp_h": 0.13, "ft_h": 0.055}
    found = best_levels(problem, dppm_limit=30_000.0, resource_limits=short)
    full = best_levels(problem, dppm_limit=30_000.0, resource_limits=short, bound=False)
    assert found.levels is not None
    assert free.value_usd < found.value_usd == pytest.approx(full.value_usd, rel=1e-12)
    assert found.proof.pruned > 0.5 * problem.combinations


def test_a_limit_at_a_plans_own_use_lets_it_through() -> None:
    problem = package()
    free = best_levels(problem, escape_cost_usd=4000.0)
    assert free.levels is not None
    flow = problem.template.at(free.levels)
    own = {name: per_good(evaluate(flow), name) for name in ("cp_h", "ft_h", "wafer")}
    assert best_levels(problem, escape_cost_usd=4000.0, resource_limits=own).levels == free.levels
    unused = best_levels(problem, escape_cost_usd=4000.0, resource_limits={"laser_h": 0.0})
    assert unused.levels == free.levels


def test_limits_that_are_no_numbers_are_refused_all_at_once() -> None:
    with pytest.raises(CaseError) as caught:
        best_levels(package(), dppm_limit=math.nan, resource_limits={"cp_h": -1.0, "ft_h": 1.0})
    assert [fault.key for fault in caught.value.faults] == ["dppm_limit", "resource_limits.cp_h"]
