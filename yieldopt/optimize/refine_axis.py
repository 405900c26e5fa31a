"""The grid of one choice: intervals of times still in play, and levels that are no time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from yieldopt.flow import Step
from yieldopt.optimize.refine_bend import Bend, Span
from yieldopt.optimize.refine_curve import Curve
from yieldopt.template import Template

_FIRST, _PARTS = 8, 4  # intervals to begin with; what one is cut into
_NARROWEST = 1e-12  # of its longest time: an interval of less is one point


@dataclass(frozen=True)
class Region:
    """An interval of times, or one level that is no time.

    Parameters
    ----------
    names
        Its levels on the grid: both ends of an interval.
    low_s, high_s
        The interval [s]; equal for a level.
    factor
        What the least of J at the ends is multiplied with to bound all between.
    log_q_change
        How much ln Q may change between an end and any time of it.
    """

    names: tuple[str, ...]
    low_s: float = 0.0
    high_s: float = 0.0
    factor: float = 1.0
    log_q_change: float = 0.0

    @property
    def width_s(self) -> float:
        """Length of the interval [s]."""
        return self.high_s - self.low_s


class Axis:
    """The regions of one choice; without a curve each is a level."""

    def __init__(
        self, template: Template, place: str, curve: Curve | None, curves: Sequence[Curve]
    ) -> None:
        self.place, self.curve = place, curve
        self.first_order = False  # whether the bound of an interval is of first order only
        self._bend = Bend(template, curve, curves) if curve is not None else None
        self._levels = dict(template.choices()[place].options)
        self.times: dict[str, float] = {}
        self.regions = [Region((name,)) for name in self._levels]
        if curve is not None and self._bend is not None:
            width = (curve.high_s - curve.low_s) / _FIRST
            cuts = {curve.low_s, curve.high_s, *self._bend.kinks}
            cuts |= {curve.low_s + n * width for n in range(1, _FIRST)}
            others = {other.place: (other.low_s, other.high_s) for other in curves}
            self._set(self._bend, self.regions, _pairs(sorted(cuts)), others)

    def _set(
        self, bend: Bend, kept: list[Region], spans: list[Span], others: Mapping[str, Span]
    ) -> None:
        self.first_order = any(bend.first_order(*span, others) for span in spans)
        self.regions = kept + [self._region(bend, *span, others) for span in spans]
        self.__dict__.pop("_steps", None)

    def _region(self, bend: Bend, low: float, high: float, others: Mapping[str, Span]) -> Region:
        names = tuple(dict.fromkeys(self._name(t) for t in (low, high)))
        change = bend.log_q_per_s(low) * (high - low) if high > low else 0.0
        return Region(names, low, high, bend.factor(low, high, others), change)

    def _name(self, seconds: float) -> str:
        name = f"\0{seconds!r} s"  # no level of a file has such a name
        self.times[name] = seconds
        return name

    @cached_property
    def _steps(self) -> dict[str, Step | None]:
        """The menu of the grid."""
        names = dict.fromkeys(name for region in self.regions for name in region.names)
        return {
            name: self.curve.at(self.times[name])
            if self.curve is not None and name in self.times
            else self._levels[name]
            for name in names
        }

    def options(self, cut: Mapping[str, Sequence[str]]) -> dict[str, Step | None]:
        """Return the menu of the grid, or the part of it that ``cut`` names for this place."""
        names = cut.get(self.place)
        return self._steps if names is None else {name: self._steps[name] for name in names}

    @property
    def factor(self) -> float:
        """Least factor of any region."""
        return min(region.factor for region in self.regions)

    @property
    def log_q_change(self) -> float:
        """Most that ln Q may change in any region."""
        return max(region.log_q_change for region in self.regions)

    @property
    def widest(self) -> float:
        """Length of the longest interval [s]."""
        return max(region.width_s for region in self.regions)

    @property
    def intervals(self) -> int:
        """Number of regions left."""
        return len(self.regions)

    @property
    def span(self) -> Span | None:
        """Shortest and longest time still in play [s]; ``None``: the curve is not run."""
        timed = [region for region in self.regions if region.names[0] in self.times]
        if not timed:
            return None
        return min(r.low_s for r in timed), max(r.high_s for r in timed)

    def keep(self, regions: Sequence[Region]) -> None:
        """Drop all other regions."""
        self.regions = [region for region in self.regions if region in regions]
        self.__dict__.pop("_steps", None)

    def split(self, others: Mapping[str, Span]) -> bool:
        """Cut every interval; return whether there is any.

        Parameters
        ----------
        others
            The span of every curve that may still run, by place.
        """
        if self._bend is None:
            return False
        kept = [region for region in self.regions if not _wide(region)]
        spans = []
        for region in self.regions:
            if _wide(region):
                step = region.width_s / _PARTS
                inner = [region.low_s + n * step for n in range(1, _PARTS)]
                spans += _pairs([region.low_s, *inner, region.high_s])
        self._set(self._bend, kept, spans, others)
        return bool(spans)


def _wide(region: Region) -> bool:
    return region.width_s > _NARROWEST * region.high_s


def _pairs(times: Sequence[float]) -> list[Span]:
    if len(times) == 1:
        return [(times[0], times[0])]
    return list(pairwise(times))
