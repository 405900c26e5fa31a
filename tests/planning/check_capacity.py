"""Capacity, lumps, bookings and surcharges of a written plan: what they allow and cost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from tests.planning.check_recipes import Batch
from tests.planning.money import Ledger
from tests.planning.written import Written
from yieldopt.schema.case import Case
from yieldopt.schema.planning import ReservationShape


def capacity_usd(
    case: Case, written: Written, made: Sequence[Batch], ledger: Ledger, slack: float
) -> list[str]:
    """Pay for lumps, bookings, surcharges and fixed costs; return what is wrong."""
    wrong: list[str] = []
    use: dict[tuple[str, int], float] = defaultdict(float)
    for batch in made:
        for name, amount in batch.made.uses.items() if not batch.free else ():
            use[name, batch.t] += amount * batch.packages
    more = _lumps(case, written, ledger, wrong, slack)
    booked = _booked(case, written, ledger, wrong, slack)
    for held in case.resources:
        offers = [offer for offer in case.reservations if offer.resource == held.name]
        for t, own in enumerate(held.capacity.over(len(case.periods))):
            used = use[held.name, t]
            taken = _taken(case, offers, booked, t, used, ledger)
            limit = own + more[held.name, t] + taken
            if used > limit + slack * max(limit, 1.0):
                wrong.append(f"{held.name} in period {t}: {used:.9g} of {limit:.9g}")
            ledger.pay(t, held.fixed_usd_per_period.base)
            steps = [(s.above_frac, s.usd_per_unit) for s in held.surcharges]
            for at, (low, usd) in enumerate(steps):  # what lies in each band of use
                high = steps[at + 1][0] * own if at + 1 < len(steps) else used
                ledger.pay(t, usd * max(0.0, min(used, high) - low * own))
    wrong += list(_reported(case, written, use, slack))
    return wrong


def _lumps(
    case: Case, written: Written, ledger: Ledger, wrong: list[str], slack: float
) -> dict[tuple[str, int], float]:
    more: dict[tuple[str, int], float] = defaultdict(float)
    ordered: dict[str, float] = defaultdict(float)
    lumps = {lump.name: lump for lump in case.expansions}
    for lump in case.expansions:
        for t, count in enumerate(lump.committed):  # paid before; run from when they come
            for s in range(t, len(case.periods)):
                more[lump.resource, s] += count * lump.amount_per_period
                ledger.pay(s, count * lump.running_usd_per_period.base)
    for row in written.tables["decisions"]:
        if row["kind"] != "expansion":
            continue
        lump, t, count = lumps[row["name"]], case.periods.index(row["period"]), float(row["amount"])
        ordered[lump.name] += count
        if count < 0.0 or abs(count - round(count)) > slack:
            wrong.append(f"expansion {lump.name}: {count} lumps")
        usd = count * lump.cost_usd.base
        if abs(usd - float(row["cost_usd"])) > slack * max(usd, 1.0):
            wrong.append(f"cost of {row}: {usd:.9g}")
        ledger.pay(t, usd, "capital")
        for s in range(t + lump.lead_time_periods, len(case.periods)):
            more[lump.resource, s] += count * lump.amount_per_period
            ledger.pay(s, count * lump.running_usd_per_period.base)
    wrong += [
        f"expansion {name}: {count:g} lumps of at most {lumps[name].most}"
        for name, count in ordered.items()
        if count > lumps[name].most + slack
    ]
    return more


def _booked(
    case: Case, written: Written, ledger: Ledger, wrong: list[str], slack: float
) -> dict[str, float]:
    shares: dict[str, float] = defaultdict(float)
    paid: dict[str, float] = defaultdict(float)
    for row in written.tables["decisions"]:
        if row["kind"] == "booking":
            shares[row["name"]] += float(row["amount"])
            paid[row["name"]] += float(row["cost_usd"])
    for offer in case.reservations:
        share = shares[offer.name]
        units = sum(offer.capacity.over(len(case.periods)))
        usd = share * units * offer.prepayment_usd_per_unit.base
        ledger.pay(0, usd, "capital")
        if abs(usd - paid[offer.name]) > slack * max(usd, 1.0):
            wrong.append(f"booking {offer.name}: {usd:.9g} USD, shown {paid[offer.name]:.9g}")
        if not -slack <= share <= 1.0 + slack or (offer.committed and share < 1.0 - slack):
            wrong.append(f"booking {offer.name}: a share of {share:g}")
    return shares


def _taken(
    case: Case,
    offers: Sequence[ReservationShape],
    booked: dict[str, float],
    t: int,
    used: float,
    ledger: Ledger,
) -> float:
    """Return what is taken of bookings, and pay for what is not.

    To take is free, so all use is drawn from bookings first; of those first the parts that are paid
    for anyway, the dearest foremost. Nothing is taken that is not used.
    """
    rows = [
        (offer.usd_per_unit_not_taken.base, offer.take_or_pay_frac,
         booked[offer.name] * offer.capacity.over(len(case.periods))[t])
        for offer in offers
    ]  # fmt: skip
    left = used
    for usd, frac, amount in sorted(rows, reverse=True):
        drawn = min(left, frac * amount)
        ledger.pay(t, usd * (frac * amount - drawn))
        left -= drawn
    return min(used, sum(amount for _, _, amount in rows))


def _reported(
    case: Case, written: Written, use: dict[tuple[str, int], float], slack: float
) -> Iterator[str]:
    """Compare the use that the answer shows."""
    for row in written.result.get("resource_use", ()):
        found = use[row["resource"], case.periods.index(row["period"])]
        if abs(found - row["used"]) > slack * max(found, 1.0):
            shown = f"{found:.9g}, shown {row['used']:.9g}"
            yield f"use of {row['resource']} in {row['period']}: {shown}"
