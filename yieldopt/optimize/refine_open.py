"""The curves of a compiled template: levels that are times become a test of any time."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from yieldopt.errors import CaseError, Fault
from yieldopt.flow import Step
from yieldopt.optimize.refine_curve import Curve, with_options
from yieldopt.schema.case import Case
from yieldopt.schema.insertion import CurveShape
from yieldopt.template import Choice, Template

_ON_CURVE = 1e-9  # relative: compiled levels are affine in their seconds


def opened(case: Case, template: Template) -> tuple[Template, list[Curve]]:
    """Take the levels of curves out of a compiled template, and return the curves.

    Parameters
    ----------
    case
        The case that the template was compiled from.
    template
        From :func:`yieldopt.compile.compile_template`.

    Returns
    -------
    Template, list of Curve
        Cost, uses and coverage come from the compiled levels themselves: product, tester and blind
        joins count as they do on the grid. A curve with one level left stays that level.
    """
    shapes = {one.name: one.curve for one in case.insertions if one.curve is not None}
    curves, menus = [], {}
    for place, choice in template.choices().items():
        shape = shapes.get(choice.name)
        timed = dict(_timed(choice, shape)) if shape is not None else {}
        if shape is None or len(timed) < 2:
            continue
        curves.append(_curve(place, shape, sorted(timed.items())))
        menus[place] = {k: v for k, v in choice.options.items() if v not in timed.values()}
    return with_options(template, menus), curves


def _timed(choice: Choice, shape: CurveShape) -> Iterator[tuple[float, Step]]:
    for seconds, name in zip(shape.seconds, shape.levels(), strict=True):
        step = choice.options.get(name)
        if step is not None:
            yield seconds, step


def _curve(place: str, shape: CurveShape, timed: Sequence[tuple[float, Step]]) -> Curve:
    """Return the curve through compiled levels, and check that it meets every one."""
    (low, first), (high, last) = timed[0], timed[-1]
    width = high - low
    rates = {
        name: (float(last.uses[name]) - float(first.uses[name])) / width for name in first.uses
    }
    usd_per_s = (float(last.cost_usd) - float(first.cost_usd)) / width
    names = [name for name in shape.tau_s if name in first.coverage]
    tau = {name: shape.tau_s[name].base for name in names}
    # A blind test finds a share only: the limit is the level's coverage over that of the time.
    limit = {n: float(last.coverage[n]) / -math.expm1(-high / tau[n]) for n in names}
    level = replace(
        first,
        cost_usd=float(first.cost_usd) - usd_per_s * low,
        uses={name: float(first.uses[name]) - rate * low for name, rate in rates.items()},
        coverage={name: c for name, c in first.coverage.items() if name not in tau},
    )
    curve = Curve(place, low, high, level, limit, tau, usd_per_s, rates)
    for seconds, step in timed:
        _meets(curve.at(seconds), step, place)
    return curve


def _meets(step: Step, compiled: Step, place: str) -> None:
    pairs = [(step.cost_usd, compiled.cost_usd)]
    pairs += [(step.uses[name], value) for name, value in compiled.uses.items()]
    pairs += [(step.coverage[name], value) for name, value in compiled.coverage.items()]
    for own, theirs in pairs:
        if not math.isclose(float(own), float(theirs), rel_tol=_ON_CURVE, abs_tol=_ON_CURVE):
            raise CaseError(Fault("a level is not on its curve", place, theirs))
