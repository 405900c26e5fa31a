"""An insertion at a node → the menu of its levels as test steps."""

from __future__ import annotations

import math
from collections.abc import Mapping

from yieldopt.flow import Faults, Step
from yieldopt.physics.yields import Law, gain
from yieldopt.schema.models import InsertionShape, LatentShape, LevelShape
from yieldopt.template import Choice

SECONDS_PER_HOUR = 3600.0


def insertion_choice(
    insertion: InsertionShape,
    classes: set[str],
    test_time_factor: float,
    origin: Mapping[str, Faults],
) -> Choice:
    """Return the menu of an insertion.

    Parameters
    ----------
    insertion
        The insertion.
    classes
        Fault classes that the unit may carry; coverage of others is left out.
    test_time_factor
        The product's test seconds against those of the levels.
    origin
        Faults that a leaf part begins with, for ``bad_die_detection``.
    """
    options: dict[str, Step | None] = {}
    for name, level in insertion.levels.items():
        if level == LevelShape(source=level.source):
            options[name] = None
            continue
        options[name] = _test(insertion, level, classes, test_time_factor, origin)
    return Choice(insertion.name, options)


def _test(
    insertion: InsertionShape,
    level: LevelShape,
    classes: set[str],
    factor: float,
    origin: Mapping[str, Faults],
) -> Step:
    hours = level.seconds.base * factor / SECONDS_PER_HOUR
    rate = sum(value.base for value in insertion.tester.usd_per_h.values())
    if level.bad_die_detection is not None:
        share = coverage_of_detection(level.bad_die_detection.base, origin)
        coverage = dict.fromkeys(origin, share)
    else:
        coverage = {name: c.base for name, c in level.coverage.items() if name in classes}
    return Step(
        insertion.name,
        "test",
        hours * rate + level.cost_usd.base,
        faults={name: latent_faults(latent, 1.0) for name, latent in level.damage.items()},
        uses={insertion.tester.resource: hours},
        overlap=insertion.overlap,
        coverage=coverage,
        repair={name: r.base for name, r in level.repair.items() if name in classes},
        overkill=level.overkill.base,
        fail_cost_fraction=level.fail_cost_fraction.base,
        category="test",
    )


def latent_faults(latent: LatentShape, units: float) -> Faults:
    """Faults of one class over ``units`` units; a yield is that of one unit under its own law."""
    alpha = latent.alpha.base if latent.alpha else None
    if latent.mean is not None:
        mean = latent.mean.base
    else:
        assert latent.yield_frac is not None
        log_yield = math.log(latent.yield_frac.base)
        mean = -log_yield if alpha is None else alpha * math.expm1(-log_yield / alpha)
    law = Law("poisson") if alpha is None else Law("negative_binomial", alpha)
    return Faults(mean * units, law)


def coverage_of_detection(detection: float, origin: Mapping[str, Faults]) -> float:
    """Return the coverage c at which a bad part is caught with chance ``detection``.

    Solves 1 − Π S(c) = d·(1 − Π S(1)) over the part's groups by bisection: the left side rises
    with c from 0 to 1 − Π S(1), so there is one root for 0 < d < 1.
    """
    if detection <= 0.0 or detection >= 1.0:
        return min(max(detection, 0.0), 1.0)
    wanted = detection * _caught(1.0, origin)
    if wanted == 0.0:
        return detection  # nothing to catch: any coverage answers
    low, high = 0.0, 1.0
    for _ in range(64):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if _caught(middle, origin) < wanted else (low, middle)
    return 0.5 * (low + high)


def _caught(coverage: float, origin: Mapping[str, Faults]) -> float:
    masses: dict[object, tuple[Law, float]] = {}
    for name, faults in origin.items():
        key = ("cluster", faults.cluster) if faults.cluster else ("class", name)
        law, mass = masses.get(key, (faults.law, 0.0))
        masses[key] = (law, mass + float(faults.mean) * coverage)
    return -math.expm1(sum(float(gain(law, 0.0, mass)) for law, mass in masses.values()))
