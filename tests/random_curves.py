"""Random problems with test times left free, and brute force over dense grids of times."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from tests.certificate import Asked
from tests.random_templates import all_plans, random_template
from yieldopt import Outcome, Step, evaluate
from yieldopt.optimize.refine_curve import Curve
from yieldopt.optimize.refine_polish import flow_at
from yieldopt.template import Choice, Template

Array = NDArray[np.float64]
Plan = Mapping[str, str]


def random_problem(seed: int, count: int, most: int = 24) -> tuple[Template, list[Curve]] | None:
    """Return a random template and curves at some of its tests; ``None``: it has too few."""
    rng = np.random.default_rng([seed, 5])
    template = random_template(seed, most)
    places = [
        place
        for place, choice in template.choices().items()
        if all(step is None or step.kind == "test" for step in choice.options.values())
    ]
    if len(places) < count:
        return None
    classes = sorted(classes_of(template))
    chosen = rng.choice(len(places), count, replace=False)
    return template, [_curve(places[int(at)], classes, rng) for at in chosen]


def classes_of(template: Template) -> set[str]:
    """Return every fault class of a template."""
    items = [item for node in template.nodes for item in node.items]
    menus = [item.options.values() if isinstance(item, Choice) else (item,) for item in items]
    return {name for menu in menus for step in menu if step is not None for name in step.faults}


def _curve(place: str, classes: Sequence[str], rng: np.random.Generator) -> Curve:
    limit = {name: float(rng.uniform(0.8, 1)) for name in classes if rng.random() < 0.8}
    limit = limit or {classes[0]: 0.95}
    level = Step(
        place.rpartition("/")[2],
        "test",
        float(rng.uniform(0.1, 5)),
        uses={"curve_h": 0.001},
        overlap=("nested", "independent", float(rng.uniform(0, 1)))[int(rng.integers(3))],
        repair={name: float(rng.uniform(0, 1)) for name in limit if rng.random() < 0.3},
        overkill=float(rng.uniform(0, 0.02)),
        fail_cost_fraction=float(rng.uniform(0, 1)),
    )
    low, high = float(rng.uniform(2, 20)), float(rng.uniform(120, 300))
    tau = {name: float(rng.uniform(10, 40)) for name in limit}
    usd = float(rng.uniform(0.01, 0.3))
    return Curve(place, low, high, level, limit, tau, usd, {"curve_h": 1.0 / 3600.0})


def timed_plans(
    template: Template, curves: Sequence[Curve], times: Mapping[str, Array]
) -> Iterator[tuple[Plan, frozenset[str], Outcome]]:
    """Yield every choice of levels and of running curves, over (n,) times each in one batch."""
    runs = [[(), (curve.place,)] for curve in curves]
    for running in product(*runs):
        places = frozenset(place for one in running for place in one)
        seen = set()
        for plan in all_plans(template):
            rest = {place: level for place, level in plan.items() if place not in places}
            key = tuple(sorted(rest.items()))
            if key not in seen:
                seen.add(key)
                seconds = {place: times[place] for place in places}
                yield rest, places, evaluate(flow_at(template, curves, rest, seconds))


def values(asked: Asked, out: Outcome) -> Array:
    """Return the objective per good package (n,), inf where the limit does not hold."""
    quality = np.asarray(out.quality, float)
    spend = out.cost_per_shipped_usd + sum(
        price * out.uses.get(name, 0.0) for name, price in asked.prices.items()
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        found = (spend + asked.escape_cost_usd * (1.0 - quality)) / quality
    fine = (quality > 0.0) & (np.asarray(out.dppm) <= asked.dppm_limit)
    return np.atleast_1d(np.where(fine, found, np.inf))


def least_on(template: Template, curves: Sequence[Curve], points: int, asked: Asked) -> float:
    """Return the least value of all plans with ``points`` times of every curve; inf: none."""
    axes = [np.linspace(curve.low_s, curve.high_s, points) for curve in curves]
    grids = [grid.ravel() for grid in np.meshgrid(*axes, indexing="ij")]
    times = {curve.place: grid for curve, grid in zip(curves, grids, strict=True)}
    plans = timed_plans(template, curves, times)
    return min(float(values(asked, out).min()) for _, _, out in plans)
