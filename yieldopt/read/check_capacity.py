"""Lumps, bookings, surcharges and budgets of a case: keys that cannot do anything."""

from __future__ import annotations

from collections.abc import Iterator

from yieldopt.errors import Fault
from yieldopt.read.pieces import Pieces
from yieldopt.schema.case import Library, ProductShape
from yieldopt.schema.lines import Line
from yieldopt.schema.planning import (
    BudgetShape,
    ExpansionShape,
    ReservationShape,
    ResourceShape,
)

Usable = dict[str, list[tuple[Line, set[str]]]]  # by product: lines, and what each uses there


def capacity_faults(pieces: Pieces, periods: int) -> Iterator[Fault]:
    """Yield what is wrong with well-formed lumps, bookings and surcharges.

    Parameters
    ----------
    pieces
        Entries of the case.
    periods
        How many there are.
    """
    more = {e.resource for key in ("expansions", "reservations") for e in pieces[key] if e}
    for at, resource in enumerate(pieces["resources"]):
        if resource is not None:
            yield from _surcharges(resource, f"resources[{at}].surcharges", more)
    for at, lump in enumerate(pieces["expansions"]):
        if lump is not None:
            yield from _lump(lump, f"expansions[{at}]", periods)
    for at, booking in enumerate(pieces["reservations"]):
        if booking is not None:
            yield from _booking(booking, f"reservations[{at}]", periods)


def _surcharges(resource: ResourceShape, key: str, more: set[str]) -> Iterator[Fault]:
    for at, step in enumerate(resource.surcharges):
        if step.usd_per_unit == 0.0:
            yield Fault("must be above 0: it costs nothing", f"{key}[{at}].usd_per_unit", 0.0)
        if step.above_frac == 1.0 and resource.name not in more:
            hint = "only an expansion or a reservation of the resource gives more"
            yield Fault("must be below 1: no use is above", f"{key}[{at}].above_frac", 1.0, hint)


def _lump(lump: ExpansionShape, key: str, periods: int) -> Iterator[Fault]:
    if lump.committed and len(lump.committed) != periods:
        hint = "lumps by the period from which they stand, 0 where none comes"
        text = f"{len(lump.committed)} numbers for {periods} periods"
        yield Fault(text, f"{key}.committed", list(lump.committed), hint)
    if lump.most == 0 and not any(lump.committed):
        hint = "committed says what was ordered before"
        yield Fault("there is nothing to order, and nothing ordered", f"{key}.most", 0, hint)
    if lump.most and lump.lead_time_periods >= periods:
        text = f"it never stands: there are {periods} periods"
        yield Fault(text, f"{key}.lead_time_periods", lump.lead_time_periods)


def _booking(booking: ReservationShape, key: str, periods: int) -> Iterator[Fault]:
    if not any(booking.capacity.over(periods)):
        yield Fault("offers nothing in any period", f"{key}.capacity")
    if booking.take_or_pay_frac > 0.0 and booking.usd_per_unit_not_taken.base == 0.0:
        hint = "what is not taken costs nothing: give usd_per_unit_not_taken"
        value = booking.take_or_pay_frac
        yield Fault("does nothing by itself", f"{key}.take_or_pay_frac", value, hint)
    if booking.usd_per_unit_not_taken.base > 0.0 and booking.take_or_pay_frac == 0.0:
        hint = "nothing need be taken: give take_or_pay_frac"
        value = booking.usd_per_unit_not_taken.base
        yield Fault("does nothing by itself", f"{key}.usd_per_unit_not_taken", value, hint)


def budget_faults(pieces: Pieces, library: Library, usable: Usable | None) -> Iterator[Fault]:
    """Yield what is wrong with well-formed budgets.

    Parameters
    ----------
    pieces
        Entries of the case.
    library
        Models by name.
    usable
        Lines by product; ``None`` where products or lines have faults.
    """
    lists = ("expansions", "reservations", "products")
    whole = usable is not None and all(None not in pieces[key] for key in lists)
    budgets: list[BudgetShape | None] = pieces["budgets"]
    for at, budget in enumerate(budgets):
        if budget is None:
            continue
        key = f"budgets[{at}]"
        if budget.periods == ():
            hint = "leave it out for the whole horizon"
            yield Fault("must not be empty", f"{key}.periods", hint=hint)
        if budget.of == "capital" and whole and not _capital(pieces, library, usable or {}):
            hint = "expansions, qualifications and prepayments are, if they cost anything"
            yield Fault("nothing in the case is capital", f"{key}.of", "capital", hint)


def _capital(pieces: Pieces, library: Library, usable: Usable) -> bool:
    if any(lump.most and lump.cost_usd.base > 0.0 for lump in pieces["expansions"]):
        return True
    if any(booking.prepayment_usd_per_unit.base > 0.0 for booking in pieces["reservations"]):
        return True
    products: list[ProductShape] = pieces["products"]
    return any(
        _qualifying_usd(product, line, library) > 0.0
        for product in products
        if product.qualified is not None
        for line, _ in usable[product.name]
        if line.name not in product.qualified
    )


def _qualifying_usd(product: ProductShape, line: Line, library: Library) -> float:
    """Return what it costs to qualify a line, before discounting."""
    cost = library.routes[line.route].one_off_cost_usd.base
    present = library.routes.get(product.present_route or "")
    if present is not None and present.name != line.route:
        cost += library.routes[line.route].port_cost_usd.base
        if not {site.name for site in present.sites} & {site.name for site in line.sites}:
            cost += present.exit_cost_usd.base
    return cost
