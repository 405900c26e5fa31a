"""Every ε of one label over another against all their completions, by brute force.

At every stage of a sweep that drops and absorbs nothing, pairs of labels are drawn; a completion is
every choice of all levels that the labels leave open, each plan evaluated by itself.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import replace

import numpy as np
import pytest

from tests.optimize.test_labels import harvested
from tests.random_assemblies import random_assembly
from tests.random_templates import all_plans, random_template
from tests.seeds import seeds
from yieldopt import evaluate
from yieldopt.optimize.dominance import excess
from yieldopt.optimize.effort import Effort, Goal
from yieldopt.optimize.menus import Menus, Purses
from yieldopt.optimize.sweep import Sweep
from yieldopt.optimize.worth import BEYOND, Scale, worth
from yieldopt.template import Template

ALL = Effort(-math.inf, 0.0, 10**9)  # nothing is absorbed
# Some ten logs and exponentials in another order, of J and of the base taken from it: 1e-12.
RELATIVE = 1e-9


class Brute:
    """All plans of a template: spend, hours and bad per good package, ln Q; an axis a choice."""

    def __init__(self, template: Template) -> None:
        self.choices = template.choices()
        shape = tuple(len(choice.options) for choice in self.choices.values())
        plans = [evaluate(template.at(plan)) for plan in all_plans(template)]
        good = np.array([float(out.quality) for out in plans])
        spend = np.array([float(out.cost_per_shipped_usd) for out in plans])
        hours = np.array([float(out.uses.get("tester_h", 0.0)) for out in plans])
        bad = np.array([float(out.dppm) for out in plans]) * 1e-6
        self.cost, self.hours = (spend / good).reshape(shape), (hours / good).reshape(shape)
        self.bad = (bad / good).reshape(shape)
        self.log_q = np.where(good < 0.5, np.log(good), np.log1p(-bad)).reshape(shape)

    def of(self, table: np.ndarray, levels: dict[str, int]) -> np.ndarray:
        """Return the completions of some levels taken."""
        rest = tuple(levels.get(place, slice(None)) for place in self.choices)
        return np.atleast_1d(table[rest]).ravel()


def template_of(seed: int) -> Template:
    if seed % 3 == 0:
        return random_assembly(seed, hard=bool(seed % 2), most=1_200)
    template = random_template(seed, most=100)
    return harvested(template, seed) if seed % 5 == 0 else template


def goal_of(brute: Brute, rng: np.random.Generator) -> tuple[Goal, np.ndarray]:
    """Return a goal, escapes free to dear, some with a base and a limit, and J of every plan."""
    escape = float(rng.choice([0.0, 1.0, 100.0, 2000.0, 1e5, 1e7]))
    base = escape * float(brute.bad.min()) * float(rng.choice([0.0, 0.5, 1.0 - 1e-9]))
    limit = -math.inf
    if rng.random() < 0.4:
        limit = float(np.quantile(brute.log_q, rng.random())) - 1e-9
    most = np.array([math.inf]) if rng.random() < 0.3 else np.zeros(0)
    return Goal(escape, limit, most, base), brute.cost + (escape * brute.bad - base)


@pytest.mark.parametrize("seed", seeds(range(40), 20))
def test_no_completion_is_worse_than_its_excess(seed: int) -> None:
    rng = np.random.default_rng([seed, 12])
    template = template_of(seed)
    menus, brute = Menus.of(template), Brute(template)
    for _ in range(3):
        goal, value = goal_of(brute, rng)
        least = float(value.min())
        upper = least * (1.0 + float(rng.choice([0.0, 1e-3, 1e-2, 1.0, 30.0])))
        purses = Purses(1.0, {}, ("tester_h",) if len(goal.most) else ())
        sweep = Sweep(menus, menus.priced(purses), goal, ALL, upper)
        sweep.forward()
        scale = sweep.scale
        assert scale.low <= least * (1.0 + RELATIVE) + 1e-12 * (goal.escape + goal.base)
        if rng.random() < 0.5:  # as tight as it may be
            scale = replace(scale, low=max(scale.low, least * (1.0 - 1e-12)))
        for stage in sweep.stages.values():
            i, j = rng.integers(len(stage.worth), size=(2, 12))
            over, lack = excess(stage.worth, stage.worth, i, j, scale)
            most = float(rng.choice([0.0, 1e-3, 1e-2]))
            cut = excess(stage.worth, stage.worth, i, j, scale, most)[0]
            assert ((cut == over) | ((over > most) & (cut > most))).all()
            for one, other, eps, miss in zip(i, j, over, lack, strict=True):
                mine, theirs = (stage.origin.levels(int(row)) for row in (one, other))
                wanted = brute.of(value, theirs) <= BEYOND * upper
                wanted &= brute.of(brute.log_q, theirs) >= goal.least_log_q + 1e-12
                a, b = brute.of(value, mine)[wanted], brute.of(value, theirs)[wanted]
                digits = RELATIVE * b + 1e-12 * (goal.escape + goal.base)
                if eps < 700.0:
                    assert (a <= math.exp(eps) * (b + digits)).all()
                a, b = (brute.of(brute.log_q, own)[wanted] for own in (mine, theirs))
                if len(stage.worth.q):
                    assert (a >= b - miss - 1e-10 * np.abs(b) - 1e-12).all()
                a, b = (brute.of(brute.hours, own)[wanted] for own in (mine, theirs))
                if len(goal.most) and miss < 700.0:
                    assert (a <= b * math.exp(miss) * (1.0 + RELATIVE) + 1e-12).all()


@pytest.mark.parametrize("escape", [1.0, 1e9, 1e15, 1e300])
@pytest.mark.parametrize("high", [1e-300, 1e-200, 1.0, math.inf])
def test_like_labels_are_alike_at_any_scale(escape: float, high: float) -> None:
    """Plans that cost nothing, escapes as dear as can be: an ε of 0, and no warning."""
    template = random_template(4, most=150)
    menus = Menus.of(template)
    scale = Scale(escape, min(1e-300, high), high)
    sweep = Sweep(menus, menus.priced(Purses(1.0, {})), Goal(escape), ALL)
    labels = sweep.forward()
    node = template.ship
    ahead = menus.paths.ahead(node, len(menus.tree.nodes[node].items))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = worth(labels, ahead, 1, np.full(len(labels), -np.inf), to_come=0.0, scale=scale)
        every = np.arange(len(labels))
        same = excess(found, found, every, every, scale)[0]
        other = excess(found, found, every, every[::-1], scale)[0]
    assert (same == 0.0).all()
    assert not np.isnan(other).any()
