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
  other's kinks: they are cut at the same coverages (:mod:`yieldopt.optimize.refine_ties`). Where
  that cannot be, L' may jump up within an interval, by j in all: then
  1 / (cosh θ + j·sinh θ/(2√M)), θ = √M·(b−a)/2, or the first-order bound e^(−max|L'|·(b−a)), which
  holds always, charges never falling with t.
- −(ln S)' and (ln S)'' have simple bounds for each law (:mod:`yieldopt.optimize.refine_rates`);
  ``harvest``, where the first test decides on the blocks, is refused.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from yieldopt.errors import CaseError, Fault
from yieldopt.flow import Faults, Step
from yieldopt.optimize.exposure import levels_of
from yieldopt.optimize.refine_curve import Curve, ends_of
from yieldopt.optimize.refine_rates import Group, Mover, Rates, rates_of
from yieldopt.optimize.tree import Tree
from yieldopt.physics.coverage_curve import coverage_after
from yieldopt.template import Choice, Template

Span = tuple[float, float]
_FAR = 600.0  # cosh of more is beyond a double: such a bound says nothing


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
        ends = ends_of(template)
        node, name = ends[curve.place]
        self._below = _subtree(tree, node)
        self._path = {*self._below, *(above.name for above, _ in tree.above(node))}
        mates = [c for c in curves if c is not curve and ends[c.place][0] in self._path]
        others = _tests(tree, self._path, curve.place)
        self._tests = [*others, *(mate.level for mate in mates)]
        mending = [*self._tests, curve.level]
        most = {c: max(float(s.repair.get(c, 0.0)) for s in mending) for c in curve.tau_s}
        self.repaired = {name: share for name, share in most.items() if share > 0.0}
        self._moving = [m for m in mates if _share(m.level) > 0.0 and _share(curve.level) > 0.0]
        self.items = dict(self._seen(tree, node, name))
        self._refuse()

    def _seen(
        self, tree: Tree, node: str, name: str
    ) -> Iterator[tuple[tuple[str, str], tuple[int, list[list[Group]]]]]:
        """Yield units per package and groups by level, of every item whose faults the test sees."""
        for own in self._below:
            for item in tree.nodes[own].items:
                if own == node and isinstance(item, Choice) and item.name == name:
                    break
                found = [_groups(step.faults) if step else [] for step in levels_of(item)]
                if any(found):
                    yield (own, item.name), (tree.count(own), found)

    def _refuse(self) -> None:
        groups = [group for _, levels in self.items.values() for level in levels for group in level]
        faults = []
        alone = Mover(self.curve, self.curve.low_s)
        for group in (group for group in groups if _sees(self.curve, group)):
            if group.law.name == "harvest":
                text = (
                    "a curve over faults of law harvest cannot be refined: its first test decides"
                )
                faults.append(Fault(text, self.curve.place, group.means[0][0]))
            elif math.isinf(rates_of(group, [alone], self.repaired).slope):
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
        return rates_along([self], [Mover(self.curve, low_s)]).slope

    def shared(self, mate: Curve) -> tuple[str, ...]:
        """Return classes that are repaired, of which this test and another see the same faults."""
        if not any(mate.place == other.place for other in self._moving):
            return ()
        return tuple(name for name in self.repaired if name in mate.tau_s)

    def kinks_of_mates(
        self, low_s: float, high_s: float, others: Mapping[str, Span]
    ) -> dict[str, float]:
        """Return by class how far other curves may turn what is seen within an interval.

        Parameters
        ----------
        low_s, high_s
            The interval [s].
        others
            By place of the other curves: shortest and longest time still in play [s].
        """
        found: dict[str, float] = {}
        for mate in (mate for mate in self._moving if mate.place in others):
            for name in self.shared(mate):
                own = [covered(self.curve, name, t) for t in (low_s, high_s)]
                met = [covered(mate, name, t) for t in others[mate.place]]
                if own[0] < met[1] and met[0] < own[1]:
                    turn = _share(self.curve.level) * _share(mate.level)
                    found[name] = found.get(name, 0.0) + turn
        return found

    def factor(self, low_s: float, high_s: float, others: Mapping[str, Span]) -> float:
        """Return what the least of J at two times need be multiplied with to bound all between."""
        width = high_s - low_s
        if width <= 0.0:
            return 1.0
        mover = Mover(self.curve, low_s)
        rates = rates_along([self], [mover], self.kinks_of_mates(low_s, high_s, others))
        first = math.exp(-min(rates.slope * width, _FAR))
        return max(first, dip(rates, [mover], width))


def rates_along(
    bends: Sequence[Bend], movers: Sequence[Mover], kinks: Mapping[str, float] | None = None
) -> Rates:
    """Bounds along a path on which some curves move, those of the bends given."""
    repaired: dict[str, float] = {}
    items: dict[tuple[str, str], tuple[int, list[list[Group]]]] = {}
    for bend in bends:
        items |= bend.items
        for name, share in bend.repaired.items():
            repaired[name] = max(share, repaired.get(name, 0.0))
    total = Rates()
    for key, (units, levels) in items.items():
        near = [mover for bend, mover in zip(bends, movers, strict=True) if key in bend.items]
        worst = Rates()
        for groups in levels:
            own = Rates()
            for group in groups:
                seeing = [mover for mover in near if _sees(mover.curve, group)]
                own = own.plus(rates_of(group, seeing, repaired, kinks)) if seeing else own
            worst = worst.larger(own)
        total = total.plus(worst, units)
    return total


def dip(rates: Rates, movers: Sequence[Mover], width: float) -> float:
    """Return what the least of J at both ends of a path need be multiplied with, or 0.

    J lies above the solution of y'' = (M + jumps)·y through both ends, which is lowest where all
    jumps stand in the middle.
    """
    late = 0.0
    if rates.rise:
        # charge'/charge is at most t'/t: the charge at 0 s is not below zero; t'' is not above.
        starts = [mover.pace / mover.low_s if mover.low_s > 0.0 else math.inf for mover in movers]
        late = 2.0 * rates.rise * max(starts)
    root = math.sqrt(rates.bend + rates.slope**2 + late)
    angle = 0.5 * width * root
    if not angle < _FAR:
        return 0.0
    jumps = 0.5 * rates.jump / root * math.sinh(angle) if rates.jump else 0.0
    return 1.0 / (math.cosh(angle) + jumps)


def _groups(faults: Mapping[str, Faults]) -> list[Group]:
    tied: dict[str, list[tuple[str, Faults]]] = {}
    for name, latent in faults.items():
        tied.setdefault(latent.cluster or f"\0{name}", []).append((name, latent))
    return [
        Group(members[0][1].law, tuple((name, float(f.mean)) for name, f in members))
        for members in tied.values()
    ]


def _sees(curve: Curve, group: Group) -> bool:
    return any(name in curve.tau_s and mean > 0.0 for name, mean in group.means)


def covered(curve: Curve, name: str, seconds: float) -> float:
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
