"""Rules on levels: forced, forbidden, contract coverage, ties, content moves, resource limits.

Rules on one insertion cut its menu. Rules that couple insertions are *joints*: lists of disjoint
alternatives, each a cut of several menus. See :mod:`yieldopt.optimize.ruled` for what a template
becomes under them.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from yieldopt.errors import CaseError, Fault, UnknownName, near_miss
from yieldopt.optimize.pricing import resources, unknown_resources
from yieldopt.template import Choice, Template

Menus = dict[str, tuple[str, ...]]  # levels by "node/insertion"


@dataclass(frozen=True)
class Move:
    """Test content that can stand at several places: of them ``least`` to ``most`` are in use.

    Parameters
    ----------
    places
        ``"node/insertion"`` of each place.
    least, most
        How many places take another level than ``resting``: the defaults say exactly one; least
        0 says at most one.
    resting
        The level of a place that is not in use.
    """

    places: tuple[str, ...]
    least: int = 1
    most: int = 1
    resting: str = "off"


@dataclass(frozen=True)
class Rules:
    """What a plan must keep besides its DPPM limit.

    Parameters
    ----------
    forced
        Level by ``"node/insertion"``.
    forbidden
        Levels by ``"node/insertion"``.
    least_coverage
        A customer's contract: by ``"node/insertion"`` and fault class the least coverage [0, 1].
    same_level
        Groups of ``"node/insertion"`` that must take the level of the same name.
    moves
        Content that can stand at several places.
    resource_limits
        Most use of a resource per good package [units].

    Examples
    --------
    >>> from yieldopt import Faults, Step
    >>> from yieldopt.template import OpenNode
    >>> fab = Step("fab", "process", 100.0, faults={"logic": Faults(0.5)})
    >>> part = Step("cp", "test", 1.0, coverage={"logic": 0.8})
    >>> full = Step("cp", "test", 9.0, coverage={"logic": 0.99})
    >>> menu = Choice("cp", {"off": None, "part": part, "full": full})
    >>> template = Template("die", (OpenNode("die", (), (fab, menu)),))
    >>> Rules(least_coverage={"die/cp": {"logic": 0.9}}).menus(template)
    ({'die/cp': ('full',)}, ())
    """

    forced: Mapping[str, str] = field(default_factory=dict)
    forbidden: Mapping[str, Sequence[str]] = field(default_factory=dict)
    least_coverage: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    same_level: Sequence[Sequence[str]] = ()
    moves: Sequence[Move] = ()
    resource_limits: Mapping[str, float] = field(default_factory=dict)

    def check(self, template: Template) -> None:
        """Refuse names that the template does not carry, and numbers out of range.

        Raises
        ------
        UnknownName, CaseError
            Every fault at once; ``UnknownName`` where any name is unknown.
        """
        unknown, wrong = list(_unknown(self, template)), list(_wrong(self))
        if unknown:
            raise UnknownName([*unknown, *wrong])
        if wrong:
            raise CaseError(wrong)

    def menus(self, template: Template) -> tuple[Menus, tuple[str, ...]]:
        """Return the levels that rules on single insertions leave, and why some have none.

        Parameters
        ----------
        template
            The template, whose choices carry every name of the rules.
        """
        left: Menus = {}
        reasons = []
        for place, choice in template.choices().items():
            against = {level: self._against(place, choice, level) for level in choice.options}
            left[place] = tuple(level for level, reason in against.items() if not reason)
            if not left[place]:
                why = ", ".join(f"{level} {reason}" for level, reason in against.items())
                reasons.append(f"{place}: no level is left: {why}")
        return left, tuple(reasons)

    def joints(self, menus: Menus) -> tuple[tuple[tuple[Menus, ...], ...], tuple[str, ...]]:
        """Return what couples insertions, as disjoint alternatives, and why some have none.

        Parameters
        ----------
        menus
            The levels left by place.

        Returns
        -------
        tuple
            Joints that have no place in common; reasons.
        """
        found = [(_tied(places, menus), _spell(places)) for places in self.same_level]
        found += [(list(_moved(move, menus)), _spell(move.places)) for move in self.moves]
        reasons = [
            f"{name}: no common choice of levels is left" for some, name in found if not some
        ]
        joints: list[list[Menus]] = []
        for alternatives, name in found if not reasons else []:
            near = [joint for joint in joints if joint[0].keys() & alternatives[0].keys()]
            joints = [joint for joint in joints if joint not in near]
            for joint in near:
                pairs = itertools.product(alternatives, joint)
                alternatives = [both for a, b in pairs if (both := _both(a, b))]
                if not alternatives:
                    reasons.append(f"{name}: no common choice of levels is left with other rules")
                    return (), tuple(reasons)
            joints.append(alternatives)
        return tuple(tuple(joint) for joint in joints), tuple(reasons)

    def _against(self, place: str, choice: Choice, level: str) -> str:
        """Return why a level is out, or nothing."""
        if self.forced.get(place, level) != level:
            return f"is not the forced {self.forced[place]}"
        if level in self.forbidden.get(place, ()):
            return "is forbidden"
        step = choice.options[level]
        for name, least in self.least_coverage.get(place, {}).items():
            covered = float(step.coverage.get(name, 0.0)) if step is not None else 0.0
            if covered < least:
                return f"covers {covered:g} of {name}, less than {least:g}"
        return ""


def cut(menus: Menus, more: Mapping[str, tuple[str, ...]]) -> Menus:
    """Return menus cut to the levels of ``more`` too; a menu may become empty."""
    return menus | {p: tuple(k for k in menus[p] if k in levels) for p, levels in more.items()}


def _both(a: Menus, b: Menus) -> Menus | None:
    both = {p: tuple(k for k in a.get(p, b.get(p, ())) if k in b.get(p, (k,))) for p in {**a, **b}}
    return both if all(both.values()) else None


def _spell(places: Iterable[str]) -> str:
    return " = ".join(places)


def _tied(places: Sequence[str], menus: Menus) -> list[Menus]:
    common = [k for k in menus[places[0]] if all(k in menus[place] for place in places)]
    return [dict.fromkeys(places, (level,)) for level in common]


def _moved(move: Move, menus: Menus) -> Iterator[Menus]:
    for count in range(move.least, min(move.most, len(move.places)) + 1):
        for used in itertools.combinations(move.places, count):
            menu = {
                place: tuple(k for k in menus[place] if (k != move.resting) == (place in used))
                for place in move.places
            }
            if all(menu.values()):
                yield menu


def _unknown(rules: Rules, template: Template) -> Iterator[Fault]:
    choices = template.choices()
    asked = [(f"forced.{place}", place, [level]) for place, level in rules.forced.items()]
    asked += [(f"forbidden.{place}", place, list(k)) for place, k in rules.forbidden.items()]
    asked += [(f"least_coverage.{place}", place, []) for place in rules.least_coverage]
    for at, places in enumerate(rules.same_level):
        asked += [(f"same_level[{at}]", place, []) for place in places]
    for at, move in enumerate(rules.moves):
        asked += [(f"moves[{at}]", place, [move.resting]) for place in move.places]
    for key, place, levels in asked:
        if place not in choices:
            yield Fault("unknown insertion", key, place, near_miss(place, choices))
            continue
        options = choices[place].options
        for level in levels:
            if level not in options:
                yield Fault(f"unknown level of {place}", key, level, near_miss(level, options))
    classes = _classes(template)
    for place, table in rules.least_coverage.items():
        for name in table:
            if name not in classes:
                key = f"least_coverage.{place}"
                yield Fault("unknown fault class", key, name, near_miss(name, classes))
    yield from unknown_resources(rules.resource_limits, resources(template))


def _classes(template: Template) -> set[str]:
    names: set[str] = set()
    for node in template.nodes:
        for item in node.items:
            for step in item.options.values() if isinstance(item, Choice) else (item,):
                names |= {*step.faults, *step.coverage} if step is not None else set()
    return names


def _wrong(rules: Rules) -> Iterator[Fault]:
    for place, table in rules.least_coverage.items():
        for name, least in table.items():
            if not 0.0 <= least <= 1.0:
                key = f"least_coverage.{place}.{name}"
                yield Fault("coverage must be in [0, 1]", key, least)
    for name, most in rules.resource_limits.items():
        if not (most >= 0.0 and math.isfinite(most)):
            yield Fault("must be a number of 0 or more", f"resource_limits.{name}", most)
    groups = [(f"same_level[{at}]", places) for at, places in enumerate(rules.same_level)]
    groups += [(f"moves[{at}]", move.places) for at, move in enumerate(rules.moves)]
    for key, places in groups:
        if len(places) < 2 or len(set(places)) < len(places):
            yield Fault("needs two or more different insertions", key, tuple(places))
    for at, move in enumerate(rules.moves):
        if not 0 <= move.least <= min(move.most, len(move.places)):
            text = "least must be 0 or more, and at most ``most`` and the number of places"
            yield Fault(text.replace("``", ""), f"moves[{at}]", (move.least, move.most))
