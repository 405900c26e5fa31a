"""What the loss of any one site or region costs, unprepared and prepared, and what preparing costs.

Everything before the loss is decided without knowing of it: packages, stock, orders, starts and
bookings. Everything from then on is decided with it known: also further orders and starts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from yieldopt.planning.desk import Desk, Met, status_of
from yieldopt.planning.futures import Future, as_it_is, lost
from yieldopt.planning.joint import WORST, Risk
from yieldopt.planning.prepared import InFuture, Prepared, Row, better, differing, prepared, told
from yieldopt.planning.recourse import first_stage
from yieldopt.planning.setting import Setting
from yieldopt.schema.places import Loss, losses_of
from yieldopt.schema.planning import ResilienceShape

NOTHING = "nothing lost"
_SURVIVING = "plan that survives"


@dataclass(frozen=True)
class Premium:
    """What a prepared plan costs more than the base plan where nothing is lost.

    Parameters
    ----------
    usd, frac
        The premium [USD, discounted], and as a share of the cost of the base plan.
    least_usd
        No plan that does as much has a lower one; ``None`` where that was not asked: of plans that
        cost the same at worst another may then have a lower premium.
    differs
        What is decided before the loss in other amounts than in the base plan: orders, starts and
        bookings, dearest first, then packages made on a line, in stock, late and unmet, where most
        differ first.
    """

    usd: float
    frac: float
    least_usd: float | None
    differs: tuple[Row, ...]


@dataclass(frozen=True)
class Losses:
    """Plans against the loss of any one place.

    Parameters
    ----------
    begins, service_frac
        When it is lost, and the least share of each product's demand to be served then.
    places
        The sites or regions, each with the lines and resources that are gone with it.
    base
        The plan that knows of no loss, and what comes of it unprepared.
    known
        For each loss the plan of those who know of it from the first period on: none costs less.
    prepared, premium
        The plan of least expected cost (or with risk, as asked), or, where the losses have no
        probability, of least cost in the dearest future.
    surviving, surviving_premium
        The plan of least cost where nothing is lost that serves the share asked for under any loss,
        but for those that are ``unsurvivable``.
    unsurvivable
        Losses under which no plan serves that share, also if the loss is known from the first
        period on.
    """

    begins: str
    service_frac: float | None
    places: tuple[Row, ...]
    base: Prepared
    known: tuple[InFuture, ...] = ()
    prepared: Prepared | None = None
    premium: Premium | None = None
    surviving: Prepared | None = None
    surviving_premium: Premium | None = None
    unsurvivable: tuple[str, ...] = ()


def losses(setting: Setting, asked: ResilienceShape, desk: Desk, risk: Risk) -> Losses:
    """Plan for the losses that a case asks about.

    Parameters
    ----------
    setting
        Of the case.
    asked
        What may be lost and when.
    desk
        How plans are found.
    risk
        What the prepared plan has least, where losses have a probability.
    """
    case, each = setting.case, asked.probability
    places = losses_of(asked, case.products, case.lines, case.resources, case.library.routes)
    since, likely = case.periods.index(asked.begins), each or 0.0
    nothing = as_it_is(setting, NOTHING, 1.0 - likely * len(places))
    gone = [lost(setting, place, since, likely) for place in places]
    plain = desk.alone(nothing, 0.2, "base plan")
    first = None if plain.x is None else first_stage(plain.master, plain.x, desk.ties)
    least = WORST if each is None else risk
    whole = first and desk.settled(first, [nothing, *gone], least, 0.2, "base plan")
    mets = [] if first is None else [Met(nothing, plain)]
    mets += [] if whole is None else desk.meet(whole, gone, 0.2, "base plan")
    base = prepared(plain, first, mets, case, desk.ties)
    found = Losses(asked.begins, asked.service_frac, tuple(map(_row, places)), base)
    if first is None:
        return found
    share = 0.2 / len(gone)
    known = [Met(one, desk.alone(one, share, f"{one.name} known to be lost")) for one in gone]
    ready = _ready([nothing, *gone], desk, least, 0.5, "prepared plan", mets)
    ready = better(ready, base, [one.probability for one in (nothing, *gone)], least)
    found = replace(
        found,
        known=tuple(told(one, desk.ties) for one in known),
        prepared=ready,
        premium=_premium(ready, base, least=False),
    )
    if asked.service_frac is None:
        return found
    served = [lost(setting, place, since, 0.0, asked.service_frac) for place in places]
    sure = as_it_is(setting, NOTHING, 1.0)
    serving = _ready([sure, *served], desk, Risk(), 0.6, _SURVIVING)
    never = served if serving.status == "infeasible" else []
    alone = [(one.name, desk.alone(one, 0.2, f"{_SURVIVING} {one.name}")) for one in never]
    out = [name for name, found_ in alone if status_of(found_) == "infeasible"]
    if 0 < len(out) < len(served):
        left = [one for one in served if one.name not in out]
        serving = _ready([sure, *left], desk, Risk(), 0.6, _SURVIVING)
    return replace(
        found,
        surviving=serving,
        surviving_premium=_premium(serving, base, least=True),
        unsurvivable=tuple(out),
    )


def _row(place: Loss) -> Row:
    return {
        "name": place.name,
        "lines": sorted(place.lines),
        "resources": sorted(place.resources),
    }


def _ready(
    futures: Sequence[Future],
    desk: Desk,
    risk: Risk,
    share: float,
    what: str,
    known: Sequence[Met] = (),
) -> Prepared:
    """Return the plan for several futures, met in each."""
    found, first = desk.together(futures, risk, share, known, what)
    mets = [] if first is None else desk.meet(first, futures, 0.5, what)
    return prepared(found, first, mets, futures[0].setting.case, desk.ties)


def _premium(plan: Prepared, base: Prepared, least: bool) -> Premium | None:
    """Return what a plan costs more than the base plan in the first future: nothing is lost."""
    cost = plan.futures[0].cost_usd if plan.futures else None
    if cost is None or base.objective_usd is None:
        return None
    usd = cost - base.objective_usd
    low = None
    if least and plan.bound_usd is not None:
        low = max(0.0, plan.bound_usd - base.objective_usd)
    return Premium(usd, usd / max(abs(base.objective_usd), 1e-300), low, differing(plan, base))
