"""The grid of one choice: intervals of times still in play, and levels that are no time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from yieldopt.flow import Step
from yieldopt.optimize.refine_bend import Bend, Span
from yieldopt.optimize.refine_cuts import Cut, Ties
from yieldopt.template import Template

_PARTS = 4  # what an interval is cut into


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
    path
        Where a curve that is cut together with others has the same interval: see
        :class:`yieldopt.optimize.refine_cuts.Cut`.
    """

    names: tuple[str, ...]
    low_s: float = 0.0
    high_s: float = 0.0
    factor: float = 1.0
    log_q_change: float = 0.0
    path: Span | None = None

    @property
    def width_s(self) -> float:
        """Length of the interval [s]."""
        return self.high_s - self.low_s


class Axis:
    """The regions of one choice; without a curve each is a level."""

    def __init__(
        self,
        template: Template,
        place: str,
        bends: Mapping[str, Bend],
        cuts: Sequence[Cut] = (),
        ties: Ties | None = None,
    ) -> None:
        self.place = place
        self._bend = bends.get(place)
        self.curve = self._bend.curve if self._bend is not None else None
        self.first_order = False  # whether the bound of an interval is of first order only
        self._ties = ties or Ties({}, ())
        self._levels = dict(template.choices()[place].options)
        self.times: dict[str, float] = {}
        self.regions = [Region((name,)) for name in self._levels]
        if self._bend is not None:
            self._set(self._bend, self.regions, cuts, self._ties.whole)

    def _set(
        self, bend: Bend, kept: list[Region], cuts: Sequence[Cut], spans: Mapping[str, Span]
    ) -> None:
        meeting = self._ties.unaligned(spans)
        self.first_order = any(bend.kinks_of_mates(cut.low_s, cut.high_s, meeting) for cut in cuts)
        self.regions = kept + [self._region(bend, cut, spans, meeting) for cut in cuts]
        self.__dict__.pop("_steps", None)

    def _region(
        self, bend: Bend, cut: Cut, spans: Mapping[str, Span], meeting: Mapping[str, Span]
    ) -> Region:
        low, high = cut.low_s, cut.high_s
        names = tuple(dict.fromkeys(self._name(t) for t in (low, high)))
        change = bend.log_q_per_s(low) * (high - low) if high > low else 0.0
        factor = self._ties.factor(self.place, cut, spans)
        factor = bend.factor(low, high, meeting) if factor is None else factor
        return Region(names, low, high, factor, change, cut.path)

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

    def levels_left(self) -> dict[str, Step | None]:
        """Return the levels still in play that are no time."""
        names = [region.names[0] for region in self.regions]
        return {name: self._levels[name] for name in names if name in self._levels}

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

    def split(self, spans: Mapping[str, Span]) -> bool:
        """Cut every interval; return whether there is any.

        Parameters
        ----------
        spans
            The span of every curve that may still run, by place.
        """
        if self._bend is None:
            return False
        timed = {region: Cut(region.low_s, region.high_s, region.path) for region in self.regions}
        kept = [region for region, cut in timed.items() if not cut.is_wide]
        cuts: list[Cut] = []
        for cut in (cut for cut in timed.values() if cut.is_wide):
            cuts += self._ties.parts(self._bend.curve, cut, _PARTS)
        self._set(self._bend, kept, cuts, spans)
        return bool(cuts)
