"""The programme of a plan, written by its rules."""

from __future__ import annotations

from collections.abc import Callable

from yieldopt.planning.rules import (
    balance,
    bookings,
    budgets,
    capacity,
    expansions,
    lots,
    qualification,
    quality,
    service,
    shares,
    surcharges,
)
from yieldopt.planning.setting import Setting
from yieldopt.planning.sheet import Programme, Sheet

# Capacity before what adds to it; budgets last, since they count the money of all the others.
RULES: tuple[Callable[[Sheet, Setting], None], ...] = (
    balance.add,
    service.add,
    capacity.add,
    surcharges.add,
    expansions.add,
    bookings.add,
    qualification.add,
    lots.add,
    quality.add,
    shares.add,
    budgets.add,
)


def programme_of(setting: Setting) -> Programme:
    """Write the programme of a setting: every rule in turn."""
    sheet = Sheet(setting.discount, setting.slot_period, len(setting.case.resources))
    for add in RULES:
        add(sheet, setting)
    return sheet.written()
