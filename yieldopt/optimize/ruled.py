"""The best plan under rules: the search on cut menus, branching on rules that couple insertions.

A problem with its joint rules left open is solved first, if it is small enough. Its value bounds
every plan that keeps them; if its plan keeps them it is the answer, else one broken rule is split
into its alternatives, each a smaller problem that is solved in turn with the incumbent carried
over. Exact with any exact search, and few problems: mostly one, or one for each alternative of the
rules that matter.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from yieldopt.optimize.coverage import Found, Proof
from yieldopt.optimize.narrowing import narrowed_problem
from yieldopt.optimize.problem import Problem, prepare
from yieldopt.optimize.rules import Menus, Rules, cut
from yieldopt.optimize.search import search as any_search
from yieldopt.template import Template

_MOST_RELAXED = 10_000_000  # a problem of more menu entries is split before it is solved


Search = Callable[..., Found]  # an exact search, called like ``best_levels``


@dataclass(frozen=True)
class Ruled:
    """A template under rules: cut menus, and joints that share no place.

    Parameters
    ----------
    template
        The template as it was given.
    rules
        The rules.
    menus
        Levels left by ``"node/insertion"``.
    joints
        Rules that couple insertions, each a list of disjoint alternatives.
    reasons
        Why no plan can keep the rules; empty: some can.
    kin
        A template that differs little, searched before: its tables serve where they are the same.
    wider
        The same template with more levels on its menus, searched before.
    """

    template: Template
    rules: Rules
    menus: Menus
    joints: tuple[tuple[Menus, ...], ...]
    reasons: tuple[str, ...]
    kin: Ruled | None = field(default=None, repr=False, compare=False)
    wider: Ruled | None = field(default=None, repr=False, compare=False)
    _problems: dict[tuple[tuple[str, ...], ...], Problem] = field(
        default_factory=dict, repr=False, compare=False
    )

    @property
    def combinations(self) -> int:
        """Number of plans that keep the rules on levels."""
        return 0 if self.reasons else self.count(self.menus, self.joints)

    def count(self, menus: Menus, joints: tuple[tuple[Menus, ...], ...]) -> int:
        """Return the number of plans on some menus that keep some joints."""
        coupled = {place for joint in joints for place in joint[0]}
        free = math.prod(len(levels) for place, levels in menus.items() if place not in coupled)
        return free * math.prod(
            sum(math.prod(len(levels) for levels in alternative.values()) for alternative in joint)
            for joint in joints
        )

    def problem(self, menus: Menus) -> Problem:
        """Return the prepared problem of cut menus; E is kept for the next prices."""
        key = tuple(menus.values())
        if key not in self._problems:
            self._problems[key] = self._cut_down(menus) or self._anew(menus)
        return self._problems[key]

    def _cut_down(self, menus: Menus) -> Problem | None:
        """Return the problem of cut menus out of one with more levels, where one is at hand."""
        for wide in (self, self.wider):
            if wide is None or wide.template is not self.template:  # other costs, other tables
                continue
            whole = wide._problems.get(tuple(wide.menus.values()))
            found = narrowed_problem(whole, menus) if whole else None
            if found is not None:
                return found
        return None

    def _anew(self, menus: Menus) -> Problem:
        kin = self.kin._problems.get(tuple(menus.values())) if self.kin else None
        return prepare(self.template.limited(menus), kin)

    def broken(self, levels: Mapping[str, str]) -> int | None:
        """Return the joint with the fewest alternatives that a plan breaks, or ``None``."""
        wrong = [
            number
            for number, joint in enumerate(self.joints)
            if not any(all(levels[p] in k for p, k in some.items()) for some in joint)
        ]
        return min(wrong, key=lambda number: len(self.joints[number]), default=None)

    def narrows(self, joint: int) -> float:
        """Return the share of the plans that a joint leaves, negative: more is narrower."""
        some = self.joints[joint]
        return -self.count(self.menus, (some,)) / self.count(self.menus, ())

    def parts(self) -> Iterator[Problem]:
        """Yield problems that have together exactly the plans that keep the rules on levels."""
        if not self.reasons:
            for chosen in itertools.product(*self.joints):
                menus = self.menus
                for alternative in chosen:
                    menus = cut(menus, alternative)
                yield self.problem(menus)


def apply_rules(template: Template, rules: Rules) -> Ruled:
    """Apply rules to a template.

    Raises
    ------
    UnknownName, CaseError
        Names that the template does not carry, with a hint; numbers out of range; all at once.
    """
    rules.check(template)
    menus, reasons = rules.menus(template)
    joints, more = rules.joints(menus) if not reasons else ((), ())
    return Ruled(template, rules, menus, joints, (*reasons, *more))


def best_under(
    subject: Template | Problem | Ruled,
    rules: Rules | None = None,
    prices: Mapping[str, float] | None = None,
    *,
    dppm_limit: float | None = None,
    escape_cost_usd: float | None = None,
    prices_only: bool = False,
    known_usd: float = math.inf,
    search: Search = any_search,
) -> Found:
    """Choose the level at every insertion for the least cost per good package under rules.

    Parameters
    ----------
    subject
        A template, a prepared problem, or what :func:`apply_rules` gave (its problems keep what
        prices do not change; ``rules`` must be left out).
    rules
        The rules; none: no rules.
    prices, dppm_limit, escape_cost_usd, prices_only, known_usd
        As for :func:`yieldopt.optimize.coverage.best_levels`.
    search
        The exact search that problems without joint rules are given to.

    Returns
    -------
    Found
        The best plan and its proof, counting plans that keep the rules. Those that a problem with
        a rule left open ruled out count as pruned. Where no plan can keep the rules, no levels,
        an infinite value and the reasons.

    Raises
    ------
    UnknownName, CaseError
        As :func:`apply_rules`.

    Examples
    --------
    >>> from yieldopt import Faults, Input, Step
    >>> from yieldopt.optimize.rules import Move
    >>> from yieldopt.template import Choice, OpenNode
    >>> fab = Step("fab", "process", 100.0, faults={"logic": Faults(0.2)})
    >>> sort = Choice("cp", {"off": None, "on": Step("cp", "test", 1.0, coverage={"logic": 0.9})})
    >>> last = Choice("ft", {"off": None, "on": Step("ft", "test", 1.0, coverage={"logic": 0.9})})
    >>> die = OpenNode("die", (), (fab, sort))
    >>> template = Template("pkg", (die, OpenNode("pkg", (Input("die", 2),), (last,))))
    >>> once = Rules(moves=[Move(("die/cp", "pkg/ft"))])
    >>> best_under(template, once, escape_cost_usd=500.0).levels
    {'die/cp': 'on', 'pkg/ft': 'off'}
    """
    ruled = ruled_of(subject, rules)
    if ruled.reasons:
        return Found(None, math.inf, Proof("rules", 0, 0, 0, math.inf), ruled.reasons)
    tree = _Branches(ruled, known_usd)
    tick = itertools.count()
    queue = [(-math.inf, next(tick), ruled.menus, frozenset(range(len(ruled.joints))))]
    while queue:
        below, _, menus, left = heapq.heappop(queue)
        if below >= tree.best.value_usd:
            continue
        problem = ruled.problem(menus)
        if left and problem.combinations > _MOST_RELAXED * problem.trunk_count:
            broken: int | None = max(left, key=ruled.narrows)
            tree.split = True
        else:
            found = search(
                problem,
                prices,
                dppm_limit=dppm_limit,
                escape_cost_usd=escape_cost_usd,
                prices_only=prices_only,
                resource_limits=ruled.rules.resource_limits,
                known_usd=tree.best.value_usd,
            )
            broken, below = tree.take(found, left), found.proof.lower_bound_usd
        for some in ruled.joints[broken] if broken is not None else ():
            heapq.heappush(queue, (below, next(tick), cut(menus, some), left - {broken}))
    return tree.answer()


def ruled_of(subject: Template | Problem | Ruled, rules: Rules | None) -> Ruled:
    """Return a template under rules, or as it is where they are applied already."""
    if isinstance(subject, Ruled):
        if rules is not None:
            raise TypeError("the rules are applied already: leave them out")
        return subject
    if isinstance(subject, Template):
        return apply_rules(subject, rules or Rules())
    ruled = apply_rules(subject.template, rules or Rules())
    full = tuple(tuple(choice.options) for choice in subject.template.choices().values())
    ruled._problems[full] = subject
    return ruled


class _Branches:
    """The incumbent of a search that branches on joints, and its books."""

    def __init__(self, ruled: Ruled, known_usd: float) -> None:
        self.ruled = ruled
        self.best = Found(None, known_usd, Proof("", 0, 0, 0, known_usd))
        self.lower = math.inf  # of every problem that is not split any further
        self.enumerated = 0
        self.method = ""
        self.split = False

    def take(self, found: Found, left: frozenset[int]) -> int | None:
        """Book what a problem gave; return the joint to split it by, or ``None``."""
        self.method = self.method or found.proof.method
        if not left:
            self.enumerated += found.proof.enumerated
        broken = None if found.levels is None else self.ruled.broken(found.levels)
        if broken is not None:
            self.split = True
            return broken
        self.lower = min(self.lower, found.proof.lower_bound_usd)
        if found.levels is not None:
            self.best = found
        return None

    def answer(self) -> Found:
        """Return the best plan; what was not computed one by one was ruled out by a bound."""
        total = self.ruled.combinations
        method = f"{self.method}, branching on rules" if self.split else self.method
        value = self.best.value_usd
        lower = min(value, self.lower)
        proof = Proof(method, total, self.enumerated, total - self.enumerated, lower)
        return Found(self.best.levels, value, proof)
