"""What every insertion of a plan costs and saves, and what its other levels would.

Every number is the cost of some plan through the engine, less that of the optimum. Where a level is
forced, the levels of all other insertions are chosen anew by the same exact search.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from yieldopt.engine import evaluate
from yieldopt.explanation.best_plans import BestPlans, Plan
from yieldopt.flow import Step
from yieldopt.optimize.why_not import Reason
from yieldopt.template import Choice


@dataclass(frozen=True)
class LevelAccount:
    """One level of an insertion: a point of its U-curve.

    Parameters
    ----------
    level
        Its name.
    best
        The best plan at this level, all others chosen anew; ``None``: none is allowed.
    loses_usd_per_good
        What that costs more than the optimum [USD per good package].
    lowest_dppm
        Where none is allowed, the lowest DPPM at this level that the rules and limits on use allow;
        ``None`` where these leave nothing, nothing passes, or time ended: ``why_not`` says which.
    held
        The plan with all other levels as in the optimum; ``None`` where nothing passes.
    held_is_allowed
        Whether that keeps the DPPM limit and the rules.
    held_loses_usd_per_good
        What it costs more than the optimum, allowed or not.
    against_rules, held_against_rules
        Whether the rules leave this level out; whether the held plan breaks one.
    why_not
        Where ``best`` is ``None``, what forbids every plan at this level.
    """

    level: str
    best: Plan | None
    loses_usd_per_good: float | None
    lowest_dppm: float | None
    held: Plan | None
    held_is_allowed: bool
    held_loses_usd_per_good: float | None
    against_rules: bool = False
    held_against_rules: bool = False
    why_not: tuple[Reason, ...] = ()


@dataclass(frozen=True)
class Rival:
    """The best level but the chosen one, and by how much it loses [USD per good package]."""

    level: str
    loses_usd_per_good: float


@dataclass(frozen=True)
class InsertionAccount:
    """An insertion in the optimum; money in USD per good package.

    Parameters
    ----------
    insertion, level
        ``"node/insertion"`` and its chosen level.
    cost_usd_per_good
        Charged runs × unit cost / Q.
    overkill_usd_per_good, damage_usd_per_good
        What the same plan costs more than with this test's overkill, or its damage, set to none.
        The two do not add up exactly: rejected units carry damage too. 0 of a process step.
    can_be_off
        Whether a level of the menu does nothing.
    saves_usd_per_good
        Net saving: the best plan without the insertion, all others chosen anew, less the optimum;
        ``None`` where it cannot be off, or nothing is allowed without it.
    next_best, next_best_held
        The best other level, all others chosen anew, or held; ``None``: no other is allowed.
    levels
        Every level in the order of the menu: the U-curve.
    """

    insertion: str
    level: str
    cost_usd_per_good: float
    overkill_usd_per_good: float
    damage_usd_per_good: float
    can_be_off: bool
    saves_usd_per_good: float | None
    next_best: Rival | None
    next_best_held: Rival | None
    levels: tuple[LevelAccount, ...]


class Accounts:
    """Accounts of insertions against one optimum."""

    def __init__(self, plans: BestPlans, optimum: Plan) -> None:
        self.plans, self.optimum = plans, optimum
        self.flow = plans.template.at(optimum.levels)
        self.outcome = evaluate(self.flow)

    def account(self, place: str, choice: Choice) -> InsertionAccount:
        chosen = self.optimum.levels[place]
        levels = tuple(self._level(place, name) for name in choice.options)
        others = [account for account in levels if account.level != chosen]
        off = [a for a in levels if choice.options[a.level] is None]
        step = choice.options[chosen]
        overkill, damage = self._losses(place, step)
        return InsertionAccount(
            place,
            chosen,
            self._charged(place, step),
            overkill,
            damage,
            bool(off),
            off[0].loses_usd_per_good if off else None,
            _rival((a.level, a.loses_usd_per_good) for a in others),
            _rival((a.level, a.held_loses_usd_per_good) for a in others if a.held_is_allowed),
            levels,
        )

    def _level(self, place: str, level: str) -> LevelAccount:
        cut = {place: (level,)}
        best = self.plans.best(cut)
        held = self.plans.plan({**self.optimum.levels, place: level})
        return LevelAccount(
            level,
            best,
            self._loses(best),
            self.plans.lowest_dppm(cut) if best is None else None,
            held,
            held is not None and self.plans.allowed(held),
            self._loses(held),
            self.plans.level_out({place: level}),
            held is not None and not self.plans.keeps_rules(held),
            self.plans.why_none(cut) if best is None else (),
        )

    def _loses(self, plan: Plan | None) -> float | None:
        return plan.cost_per_good_usd - self.optimum.cost_per_good_usd if plan else None

    def _charged(self, place: str, step: Step | None) -> float:
        if step is None:
            return 0.0
        runs = float(self.outcome.visits[_path(place, step)])
        return runs * float(step.cost_usd) / float(self.outcome.quality)

    def _losses(self, place: str, step: Step | None) -> tuple[float, float]:
        """What overkill and damage of a test cost: the plan less itself without them."""
        if step is None or step.kind != "test":
            return 0.0, 0.0
        path = _path(place, step)
        means = {f"{path}.mean.{name}": 0.0 for name in step.faults}
        overkill = {f"{path}.overkill": 0.0} if step.overkill else {}
        return self._less(overkill), self._less(means)

    def _less(self, values: Mapping[str, float]) -> float:
        if not values:
            return 0.0
        out = evaluate(self.flow.with_values(values), details=False)
        return self.optimum.cost_per_good_usd - self.plans.objective.cost_per_good_usd(out)


def _path(place: str, step: Step) -> str:
    own = f"/{step.name}"  # an insertion's name may hold a stroke itself
    return place if place.endswith(own) else f"{place.rpartition('/')[0]}{own}"


def _rival(others: Iterable[tuple[str, float | None]]) -> Rival | None:
    known = [(loses, level) for level, loses in others if loses is not None]
    if not known:
        return None
    loses, level = min(known, key=lambda pair: pair[0])
    return Rival(level, loses)
