"""An insertion at a node → the menu of its levels as test steps."""

from __future__ import annotations

import math
from collections.abc import Mapping, Set
from dataclasses import replace
from functools import lru_cache

from yieldopt.flow import Faults, Step
from yieldopt.physics.burn_in import BurnIn, early_life_removed
from yieldopt.physics.tester import seconds_per_unit
from yieldopt.physics.yields import Law, gain
from yieldopt.same import Same
from yieldopt.schema.insertion import BurnInShape, InsertionShape, LevelShape
from yieldopt.schema.route import LatentShape
from yieldopt.template import Choice

SECONDS_PER_HOUR = 3600.0


def insertion_choice(
    insertion: InsertionShape,
    classes: Set[str],
    test_time_factor: float,
    origin: Mapping[str, Faults],
    *,
    blind: bool = False,
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
    blind
        The part stays on its wafer, which is bonded whole: what is found can be repaired, but no
        part is taken out. Levels that repair nothing are left out.
    """
    faults = tuple(origin.items()) if _asks_origin(Same(insertion)) else ()
    return _choice(Same(insertion), frozenset(classes), test_time_factor, faults, blind)


@lru_cache(maxsize=1024)
def _asks_origin(shared: Same[InsertionShape]) -> bool:
    return any(level.bad_die_detection is not None for level in shared.held.menu().values())


@lru_cache(maxsize=1024)  # cases that differ in one number share all other insertions
def _choice(
    shared: Same[InsertionShape],
    classes: frozenset[str],
    test_time_factor: float,
    origin: tuple[tuple[str, Faults], ...],
    blind: bool,
) -> Choice:
    insertion = shared.held
    options: dict[str, Step | None] = {}
    for name, level in insertion.menu().items():
        if level == LevelShape(source=level.source):
            options[name] = None
            continue
        test = _test(insertion, level, classes, test_time_factor, dict(origin))
        test = _repair_only(test) if blind else test
        if not blind or test.coverage:
            options[name] = test
    return Choice(insertion.name, options)


def _test(
    insertion: InsertionShape,
    level: LevelShape,
    classes: Set[str],
    factor: float,
    origin: Mapping[str, Faults],
) -> Step:
    tester = insertion.tester
    seconds = seconds_per_unit(
        level.seconds.base * (factor if level.burn_in is None else 1.0),  # an oven keeps its hours
        index_s=tester.index_s.base,
        sites=tester.sites,
        multi_site_efficiency=tester.multi_site_efficiency.base,
    )
    hours = level.touches * float(seconds) / SECONDS_PER_HOUR
    rate = sum(value.base for value in tester.usd_per_h.values())
    touch_usd = level.cost_usd.base
    if tester.probe_card is not None:
        card = tester.probe_card
        touch_usd += card.usd.base / (card.life_touchdowns.base * tester.sites)
    return Step(
        insertion.name,
        "test",
        hours * rate + level.touches * touch_usd,
        faults={
            name: Faults(level.touches * latent_mean(latent), latent_law(latent))
            for name, latent in level.damage.items()
        },
        uses={tester.resource: hours},
        overlap=insertion.overlap,
        coverage=_coverage(level, classes, origin),
        repair={name: r.base for name, r in level.repair.items() if name in classes},
        overkill=_overkill(level),
        fail_cost_fraction=level.fail_cost_fraction.base,
        category="test",
    )


def _repair_only(test: Step) -> Step:
    """Return a test that mends a share of the faults at random and rejects nothing."""
    mended = {c: found * test.repair.get(c, 0.0) for c, found in test.coverage.items()}
    mended = {name: share for name, share in mended.items() if share > 0.0}
    return replace(
        test,
        overlap="independent",
        coverage=mended,
        repair=dict.fromkeys(mended, 1.0),
        overkill=0.0,
    )


def _coverage(
    level: LevelShape, classes: Set[str], origin: Mapping[str, Faults]
) -> dict[str, float]:
    if level.bad_die_detection is not None:
        share = coverage_of_detection(level.bad_die_detection.base, origin)
        return dict.fromkeys(origin, share)
    coverage = {name: c.base for name, c in level.coverage.items()}
    if level.burn_in is not None:
        removed = float(_burnt_in(level.burn_in).field_coverage_frac)
        coverage[level.burn_in.fault_class] = max(
            removed, 0.0
        )  # rounding, where nothing is removed
    return {name: c for name, c in coverage.items() if name in classes}


def _overkill(level: LevelShape) -> float:
    """What the level rejects of good units, burn-in of those that would have lived included."""
    if level.burn_in is None:
        return level.overkill.base
    worn = float(_burnt_in(level.burn_in).overkill_frac)
    return 1.0 - (1.0 - level.overkill.base) * (1.0 - worn)


def _burnt_in(burn_in: BurnInShape) -> BurnIn:
    return early_life_removed(
        burn_in.hours.base,
        acceleration_factor=burn_in.acceleration.base,
        eta_h=burn_in.eta_h.base,
        beta=burn_in.beta.base,
        field_h=burn_in.field_h.base,
    )


def latent_law(latent: LatentShape) -> Law:
    """Return the law of what a step leaves."""
    if latent.alpha is None:
        return Law("poisson")
    return Law("negative_binomial", latent.alpha.base)


def latent_mean(latent: LatentShape) -> float:
    """Return the mean of one unit: as given, or of the yield that it has under its own law."""
    if latent.mean is not None:
        return latent.mean.base
    assert latent.yield_frac is not None
    log_yield = math.log(latent.yield_frac.base)
    if latent.alpha is None:
        return -log_yield
    return latent.alpha.base * math.expm1(-log_yield / latent.alpha.base)


def coverage_of_detection(detection: float, origin: Mapping[str, Faults]) -> float:
    """Return the coverage c at which a bad part is caught with chance ``detection``.

    Solves 1 − Π S(c) = d·(1 − Π S(1)) over the part's groups by bisection: the left side rises
    with c from 0 to 1 − Π S(1), so there is one root for 0 < d < 1.
    """
    return _of_detection(detection, tuple(origin.items()))


@lru_cache(maxsize=1024)  # asked for again when another number of the insertion changes
def _of_detection(detection: float, origin: tuple[tuple[str, Faults], ...]) -> float:
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


def _caught(coverage: float, origin: tuple[tuple[str, Faults], ...]) -> float:
    masses: dict[object, tuple[Law, float]] = {}
    for name, faults in origin:
        key = ("cluster", faults.cluster) if faults.cluster else ("class", name)
        law, mass = masses.get(key, (faults.law, 0.0))
        masses[key] = (law, mass + float(faults.mean) * coverage)
    return -math.expm1(sum(float(gain(law, 0.0, mass)) for law, mass in masses.values()))
