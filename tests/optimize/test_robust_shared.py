"""What scenarios and trunk combinations share: blocks held already, one flow, directions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.random_templates import all_plans, random_template
from tests.robust_scenarios import scaled, scenarios, shifted
from yieldopt import evaluate
from yieldopt.flow import Faults, Step
from yieldopt.optimize import robust_merge
from yieldopt.optimize.problem import prepare
from yieldopt.optimize.robust import Goal, robust_levels
from yieldopt.optimize.robust_compress import Span, lower_factors
from yieldopt.optimize.robust_measure import MEASURES
from yieldopt.optimize.robust_merge import closed, scenario_blocks
from yieldopt.physics.yields import Law
from yieldopt.template import OpenNode, Template


@pytest.mark.parametrize("seed", range(20))
def test_blocks_that_problems_hold_are_taken_from_them(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whole and in part, and the answer is the same."""
    templates, p = scenarios(seed, 60)
    problems, fresh = ([prepare(template) for template in templates] for _ in range(2))
    for problem in problems:
        assert len(list(problem.blocks())) == 1
    count = problems[0].trunk_count
    for numbers in (np.arange(count), np.arange(count)[::2], np.array([count - 1])):
        with monkeypatch.context() as held:
            held.setattr(robust_merge, "build_block", None)
            taken = list(scenario_blocks(problems, numbers))
        for one, other in zip(taken, scenario_blocks(fresh, numbers), strict=True):
            for a, b in zip(
                (*one.log_e, *one.log_q, one.base, one.weight, one.log_q_trunk),
                (*other.log_e, *other.log_q, other.base, other.weight, other.log_q_trunk),
                strict=True,
            ):
                assert np.allclose(a, b, rtol=1e-12, atol=1e-14)
    for measure in MEASURES:
        found = [robust_levels(some, p, Goal(measure)) for some in (problems, fresh)]
        assert found[0].value_usd == pytest.approx(found[1].value_usd, rel=2e-10)


def test_one_flow_is_every_scenario() -> None:
    """Costs and DPPM of a plan in a batch are those of its scenarios one by one."""
    merged = 0
    for seed in range(60):
        rng = np.random.default_rng([seed, 11])
        template = random_template(seed, 30)
        factors = np.exp(rng.normal(0.0, 0.4, (5, len(template.nodes))))
        others = [shifted(template, own) for own in factors[1:]]
        templates = [template, *others, scaled(template, rng)]
        plans = all_plans(template)
        plan = plans[int(rng.integers(len(plans)))]
        flow = closed(templates, plan)
        if flow is None:
            continue
        merged += 1
        out = evaluate(flow)
        own = [evaluate(one.at(plan)) for one in templates]
        for name in ("cost_per_good_usd", "dppm", "quality"):
            assert np.broadcast_to(getattr(out, name), 6) == pytest.approx(
                [getattr(one, name) for one in own], rel=1e-11
            )
    assert merged >= 50


def test_scenarios_of_other_laws_are_no_one_flow() -> None:
    def die(faults: Faults) -> Template:
        fab = Step("fab", "process", 100.0, faults={"logic": faults})
        return Template("die", (OpenNode("die", (), (fab,)),))

    other = Faults(0.5, Law("seeds"))
    assert closed([die(Faults(0.5)), die(Faults(0.6))], {}) is not None
    assert closed([die(Faults(0.5)), die(other)], {}) is None
    problems = [prepare(die(Faults(0.5))), prepare(die(other))]
    found = robust_levels(problems, [0.5, 0.5])
    own = [evaluate(problem.template.at({})).cost_per_good_usd for problem in problems]
    assert found.values_usd == pytest.approx(tuple(own), rel=1e-12)


@pytest.mark.parametrize("precision", [np.float64, np.float32])
def test_directions_met_before_still_give_a_lower_bound(precision: Any) -> None:
    """Factors that are alike, then ones of other directions, units and sizes."""
    rng = np.random.default_rng(12)
    nodes = rng.uniform(0, 1, (64, 3))
    span = Span()
    units = np.ones(64)
    for turn in range(12):
        if turn == 4:
            nodes = rng.uniform(-0.6, 0.6, (64, 3))
        if turn == 8:
            units = np.exp(rng.normal(0.0, 4.0, 64))
        x, z = rng.uniform(0, 1, (300, 3)), rng.uniform(0, 1, (200, 3))
        left = (np.exp(x @ nodes.T) * units).astype(precision)
        right = (np.exp(-(z @ nodes.T)) / units).astype(precision)
        a, b = lower_factors(left, right, span)
        assert a.dtype == b.dtype == precision
        assert a.shape[1] < 33
        true = left.astype(float) @ right.astype(float).T
        assert np.all(a.astype(float) @ b.astype(float) <= true * (1 + 1e-12))
        size = np.median(right, axis=0)
        lengths = np.linalg.norm(left * size, axis=1)[:, None] * np.linalg.norm(
            right / size, axis=1
        )
        assert np.all(a @ b >= true - 6e-3 * lengths)
    wide = rng.uniform(0, 1, (300, 64)).astype(precision)  # nothing in common: nothing is kept
    a, b = lower_factors(wide, wide, span)
    assert a.shape == (300, 65)
    assert span.basis is None
    a, b = lower_factors(left, right, span)
    assert a.shape[1] < 33
