r"""How far the cost can dip between two test times: the bound that lets a grid speak for all times.

With every other choice held, cost per good package plus escape cost is a sum of terms
T(t) = charge(t)·e^(L(t)), L = Σ m·[ln S(κ) − ln S(κ∞+ω∞)]; the charge is linear in t and
κ = κ(c(t)), c = T_max·(1 − e^(−t/τ)). Where J'' ≤ M·J on [a, b], J lies above the solution of
y'' = M·y through its two ends (the minimum principle), so

    J(t) ≥ min(J(a), J(b)) / cosh(√M·(b−a)/2) .

One curve after another, this holds for any number of them: the least J over the corners of a box
of times, times the product of such factors, bounds J in the box. M follows from
T''/T = L'' + L'² + 2·L'·charge'/charge and these facts:

- κ after any number of tests is piecewise linear in c of slope at most 1 in size, whatever the
  overlaps: the chance to find a fault is linear in c but for faults of hardness c.
- Its kinks stand at the coverages of other tests of the class. Where nothing repairs the class κ
  is convex in c (a test sees more of what others leave, the harder the faults), so the kinks turn
  L and J downwards and do no harm. Where something does, intervals are cut at the kinks.
- Two curves that share a class which is repaired, both seeing the same faults again, move each
  other's kinks: while the coverages that they may still have there meet, only the first-order bound
  J(t) ≥ J(a)·e^(−max|L'|·(t−a)) is used. It holds always, charges never falling with t.
- −(ln S)' and (ln S)'' have simple bounds for each law (:func:`_slopes`); ``harvest``, where the
  first test decides on the blocks, is refused.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from yieldopt.errors import CaseError, Fault
from yieldopt.flow import Faults, Step
from yieldopt.optimize.exposure import levels_of
from yieldopt.optimize.refine_curve import Curve
from yieldopt.optimize.tree import Tree
from yieldopt.physics.coverage_curve import coverage_after
from yieldopt.physics.yields import Law, clustering
from yieldopt.template import Choice, Template

Span = tuple[float, float]
_FAR = 600.0  # cosh of more is beyond a double: such a bound says nothing


@dataclass(frozen=True)
class _Group:
    """Faults of one origin and mixing variable that the curve's test sees: (class, mean)."""

    law: Law
    means: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class _Rates:
    """Bounds over an interval: of |L'| [1/s], of L' where it rises [1/s], of L'' [1/s²]."""

    slope: float = 0.0
    rise: float = 0.0
    bend: float = 0.0

    def plus(self, other: _Rates, times: int = 1) -> _Rates:
        return _Rates(
            self.slope + times * other.slope,
            self.rise + times * other.rise,
            self.bend + times * other.bend,
        )

    def larger(self, other: _Rates) -> _Rates:
        return _Rates(
            max(self.slope, other.slope),
            max(self.rise, other.rise),
            max(self.bend, other.bend),
        )


class Bend:
    """Bounds of one curve in a template, among the other curves.

    Raises
    ------
    CaseError
        The curve covers faults of law ``harvest``, of ``single`` at a mean of 1, or of ``moore``
        from 0 s on or wholly repaired.
    """

    def __init__(self, template: Template, curve: Curve, curves: Sequence[Curve]) -> None:
        self.curve = curve
        tree = Tree(template)
        node, _, name = curve.place.rpartition("/")
        self._below = _subtree(tree, node)
        self._path = {*self._below, *(above.name for above, _ in tree.above(node))}
        mates = [c for c in curves if c is not curve and c.place.rpartition("/")[0] in self._path]
        others = _tests(tree, self._path, curve.place)
        self._tests = [*others, *(mate.level for mate in mates)]
        mending = [*self._tests, curve.level]
        most = {c: max(float(s.repair.get(c, 0.0)) for s in mending) for c in curve.tau_s}
        self.repaired = {name: share for name, share in most.items() if share > 0.0}
        self._moving = [m for m in mates if _share(m.level) > 0.0 and _share(curve.level) > 0.0]
        self._items = list(self._seen(tree, node, name))
        self._refuse()

    def _seen(self, tree: Tree, node: str, name: str) -> Iterator[tuple[int, list[list[_Group]]]]:
        """Yield units per package and groups by level, of every item whose faults the test sees."""
        for own in self._below:
            for item in tree.nodes[own].items:
                if own == node and isinstance(item, Choice) and item.name == name:
                    break
                found = [self._groups(step.faults) if step else [] for step in levels_of(item)]
                if any(found):
                    yield tree.count(own), found

    def _groups(self, faults: Mapping[str, Faults]) -> list[_Group]:
        tied: dict[str, list[tuple[str, Faults]]] = {}
        for name, latent in faults.items():
            tied.setdefault(latent.cluster or f"\0{name}", []).append((name, latent))
        return [
            _Group(members[0][1].law, tuple((name, float(f.mean)) for name, f in members))
            for members in tied.values()
            if any(name in self.curve.tau_s and float(f.mean) > 0.0 for name, f in members)
        ]

    def _refuse(self) -> None:
        groups = [group for _, levels in self._items for level in levels for group in level]
        faults = []
        for group in groups:
            if group.law.name == "harvest":
                text = (
                    "a curve over faults of law harvest cannot be refined: its first test decides"
                )
                faults.append(Fault(text, self.curve.place, group.means[0][0]))
            elif math.isinf(self._of(group, self.curve.low_s).slope):
                text = f"a curve over faults of law {group.law.name} cannot be refined here"
                hint = "single: a mean below 1; moore: from above 0 s on, repair below 1"
                faults.append(Fault(text, self.curve.place, group.means[0][0], hint))
        if faults:
            raise CaseError(list(dict.fromkeys(faults)))

    @property
    def kinks(self) -> tuple[float, ...]:
        """Times at which κ of a repaired class may turn: where to cut intervals [s]."""
        curve = self.curve
        found = set()
        for step in self._tests if _share(curve.level) > 0.0 else ():
            for name in self.repaired if _share(step) > 0.0 else ():
                share = float(step.coverage.get(name, 0.0))
                limit = curve.max_coverage_frac[name]
                if 0.0 < share < limit:
                    found.add(-curve.tau_s[name] * math.log1p(-share / limit))
        return tuple(sorted(t for t in found if curve.low_s < t < curve.high_s))

    def log_q_per_s(self, low_s: float) -> float:
        """Return how fast ln Q can change from a time on [1/s]."""
        return self._rates(low_s).slope

    def first_order(self, low_s: float, high_s: float, others: Mapping[str, Span]) -> bool:
        """Whether another curve may move a kink into an interval.

        Parameters
        ----------
        low_s, high_s
            The interval [s].
        others
            By place of the other curves: shortest and longest time still in play [s].
        """
        for mate in self._moving:
            for name in self.repaired.keys() & mate.tau_s.keys() if mate.place in others else ():
                own = [_covered(self.curve, name, t) for t in (low_s, high_s)]
                met = [_covered(mate, name, t) for t in others[mate.place]]
                if own[0] < met[1] and met[0] < own[1]:
                    return True
        return False

    def factor(self, low_s: float, high_s: float, others: Mapping[str, Span]) -> float:
        """Return what the least of J at two times need be multiplied with to bound all between."""
        width = high_s - low_s
        if width <= 0.0:
            return 1.0
        rates = self._rates(low_s)
        first = math.exp(-min(rates.slope * width, _FAR))
        if self.first_order(low_s, high_s, others):
            return first
        # charge'/charge is at most 1/t: the charge at 0 s is not below zero.
        late = (2.0 * rates.rise / low_s if low_s > 0.0 else math.inf) if rates.rise else 0.0
        angle = 0.5 * width * math.sqrt(rates.bend + rates.slope**2 + late)
        return max(first, 1.0 / math.cosh(angle)) if angle < _FAR else first

    def _rates(self, low_s: float) -> _Rates:
        total = _Rates()
        for units, levels in self._items:
            worst = _Rates()
            for groups in levels:
                own = _Rates()
                for group in groups:
                    own = own.plus(self._of(group, low_s))
                worst = worst.larger(own)
            total = total.plus(worst, units)
        return total

    def _of(self, group: _Group, low_s: float) -> _Rates:
        """Bounds of one group from a time on: c' and |c''| fall with t."""
        seen = speed = bend = mended_speed = mended_bend = 0.0
        for name, mean in group.means:
            if name in self.curve.tau_s:
                tau = self.curve.tau_s[name]
                left = self.curve.max_coverage_frac[name] * math.exp(-low_s / tau)
                kept = 1.0 - self.repaired.get(name, 0.0)
                seen += kept * mean * (self.curve.max_coverage_frac[name] - left)
                speed += mean * left / tau
                bend += mean * left / tau**2
                if name in self.repaired:
                    mended_speed += mean * left / tau
                    mended_bend += mean * left / tau**2
        whole = sum(mean for _, mean in group.means)
        # Where κ moves with t, and in κ∞+ω∞, at least what is covered and not repaired counts.
        falls, curves, sinks = _slopes(group.law, seen, whole)
        return _Rates(
            _times(falls, speed + mended_speed),
            _times(falls, 2.0 * mended_speed),
            _times(curves, speed**2)
            + _times(falls, bend + mended_bend)
            + _times(sinks, mended_speed**2),
        )


def _times(bound: float, value: float) -> float:
    return bound * value if value else 0.0


def _covered(curve: Curve, name: str, seconds: float) -> float:
    """Return the coverage of a class as ``Curve.at`` has it."""
    limit, tau = curve.max_coverage_frac[name], curve.tau_s[name]
    return float(coverage_after(seconds, max_coverage_frac=limit, tau_s=tau))


def _share(step: Step) -> float:
    """Nested share of a test's overlap."""
    if isinstance(step.overlap, str):
        return 1.0 if step.overlap == "nested" else 0.0
    return float(step.overlap)


def _subtree(tree: Tree, node: str) -> list[str]:
    """Return a node and all below it."""
    return [node, *(n for i in tree.nodes[node].inputs for n in _subtree(tree, i.node))]


def _tests(tree: Tree, names: set[str], place: str) -> Iterator[Step]:
    """Yield the levels of every other test of some nodes."""
    for name in names:
        for item in tree.nodes[name].items:
            if f"{name}/{item.name}" != place:
                yield from (s for s in levels_of(item) if s is not None and s.kind == "test")


def _slopes(law: Law, low: float, high: float) -> tuple[float, float, float]:
    """Return the largest −(ln S)', (ln S)'' and −(ln S)'' over a range of masses x.

    For S = E e^(−xW) they are mean and variance of W, weighed by e^(−xW): the mean falls with x.
    W of ``rectangular`` is uniform on [0, 2], of variance at most 1 under any weight, that of
    ``murphy`` the sum of two uniform on [0, 1], of variance at most 1/2.
    """
    alpha = clustering(law)
    if alpha is not None:
        return alpha / (alpha + low), alpha / (alpha + low) ** 2, 0.0
    if law.name == "moore":
        if low <= 0.0:
            return math.inf, math.inf, 0.0
        return 0.5 / math.sqrt(low), 0.25 / low**1.5, 0.0
    if law.name == "single":
        left = 1.0 - high
        return (1.0 / left, 0.0, 1.0 / left**2) if left > 0.0 else (math.inf, 0.0, math.inf)
    return 1.0, {"rectangular": 1.0, "murphy": 0.5}.get(law.name, 0.0), 0.0
