"""Where curves are cut: each at its own times, curves that are tied at the same coverages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from yieldopt.optimize.refine_bend import Bend, Span, dip, rates_along
from yieldopt.optimize.refine_curve import Curve
from yieldopt.optimize.refine_ties import Meeting, Tie, meetings, tie_up

_FIRST = 8  # intervals to begin with
_NARROWEST = 1e-12  # of its longest time: an interval of less is one point


@dataclass(frozen=True)
class Cut:
    """An interval of one curve.

    Parameters
    ----------
    low_s, high_s
        Its ends [s].
    path
        Its ends on the path of the curves that it is cut together with; ``None``: it is not.
    """

    low_s: float
    high_s: float
    path: Span | None = None

    @property
    def is_wide(self) -> bool:
        """Whether it can be cut further."""
        low, high = self.path or (self.low_s, self.high_s)
        return high - low > _NARROWEST * high


class Ties:
    """The ties among the curves of a domain.

    Parameters
    ----------
    bends
        By place of the curves.
    ties
        Curves to be cut together.
    tangled
        Curves that meet in more ways than one can cut for: with any, none is tied.
    """

    def __init__(
        self, bends: Mapping[str, Bend], ties: Sequence[Tie], tangled: Sequence[Meeting] = ()
    ) -> None:
        self._bends, self.tangled = bends, tangled
        self.whole = {place: (b.curve.low_s, b.curve.high_s) for place, b in bends.items()}
        self._of = {curve.place: tie for tie in ties for curve in tie.curves}

    @classmethod
    def among(cls, bends: Mapping[str, Bend]) -> Ties:
        """Tie the curves of a domain."""
        spans = {place: (b.curve.low_s, b.curve.high_s) for place, b in bends.items()}
        ties, tangled = tie_up(meetings(bends, spans))
        return cls(bends, () if tangled else ties, tangled)

    @property
    def is_tangled(self) -> bool:
        """Whether some curves meet in more ways than one can cut for."""
        return bool(self.tangled)

    def unaligned(self, spans: Mapping[str, Span]) -> Mapping[str, Span]:
        """Return the spans that may move kinks into intervals: where curves are tied, none."""
        return spans if self.is_tangled else {}

    def first(self, place: str) -> list[Cut]:
        """Return the intervals that a curve begins with."""
        curve = self._bends[place].curve
        if curve.low_s == curve.high_s:
            return [Cut(curve.low_s, curve.high_s)]
        tie = self._of.get(place)
        own = self._cuts(place)
        if tie is None:
            return [Cut(*pair) for pair in pairwise(own)]
        joint = self._joint(tie)
        met = [u for u in joint if self._runs(curve, tie, u)]
        if not met:
            return [Cut(*pair) for pair in pairwise(own)]
        times = [tie.time(curve, u) for u in met]
        before = [t for t in own if t < times[0]] + [times[0]]
        after = [times[-1]] + [t for t in own if t > times[-1]]
        shared = [
            Cut(low, high, path)
            for (low, high), path in zip(pairwise(times), pairwise(met), strict=True)
        ]
        return [*(Cut(*p) for p in pairwise(before)), *shared, *(Cut(*p) for p in pairwise(after))]

    def _cuts(self, place: str) -> list[float]:
        bend = self._bends[place]
        low, high = bend.curve.low_s, bend.curve.high_s
        width = (high - low) / _FIRST
        return sorted({low, high, *bend.kinks} | {low + n * width for n in range(1, _FIRST)})

    def _joint(self, tie: Tie) -> list[float]:
        """Return where all curves of a tie are cut on their path."""
        low, high = tie.span
        found = {low, high}
        for curve in tie.curves:
            found |= {tie.parameter(curve, t) for t in self._cuts(curve.place)}
        inner: list[float] = []
        for u in sorted(u for u in found if low <= u <= high):
            if not inner or u - inner[-1] > _NARROWEST * high:
                inner.append(u)
        return inner

    def _runs(self, curve: Curve, tie: Tie, u: float) -> bool:
        near = _NARROWEST * u
        return (
            tie.parameter(curve, curve.low_s) - near
            <= u
            <= tie.parameter(curve, curve.high_s) + near
        )

    def parts(self, curve: Curve, cut: Cut, count: int) -> Iterator[Cut]:
        """Cut an interval in parts of equal length, on its path if it has one."""
        low, high = cut.path or (cut.low_s, cut.high_s)
        step = (high - low) / count
        ends = [low, *(low + n * step for n in range(1, count)), high]
        if cut.path is None:
            yield from (Cut(*pair) for pair in pairwise(ends))
            return
        tie = self._of[curve.place]
        times = [cut.low_s, *(tie.time(curve, u) for u in ends[1:-1]), cut.high_s]
        for (begin, end), path in zip(pairwise(times), pairwise(ends), strict=True):
            yield Cut(begin, end, path)

    def factor(self, place: str, cut: Cut, spans: Mapping[str, Span]) -> float | None:
        """Return the bound over an interval in which a curve may move together with others.

        ``None``: no other curve that it is tied to is there.
        """
        if cut.path is None:
            return None
        low, high = cut.path
        tie = self._of[place]
        there = [
            curve
            for curve in tie.curves
            if curve.place == place
            or (
                curve.place in spans
                and tie.time(curve, low) < spans[curve.place][1]
                and spans[curve.place][0] < tie.time(curve, high)
            )
        ]
        if len(there) < 2:
            return None
        bends = [self._bends[curve.place] for curve in there]
        movers = [tie.mover(curve, low, high) for curve in there]
        return dip(rates_along(bends, movers), movers, high - low)
