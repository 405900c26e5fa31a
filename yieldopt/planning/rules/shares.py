r"""Shares of what is made of a product: at a place, at most or at least a part of the whole.

Σ_{r at the place} x ≤ most·Σ_r x        Σ_{r at the place} x ≥ least·Σ_r x
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from yieldopt.planning.setting import Setting
from yieldopt.planning.sheet import PACKAGES, Index, Sheet
from yieldopt.schema.planning import ShareShape

KINDS = ("line", "route", "site", "region", "vendor")


def add(sheet: Sheet, setting: Setting) -> None:
    """Add a row for each share, product, place and, where it holds in each, period."""
    for share in setting.case.shares:
        for number, product in enumerate(setting.products):
            if product.capped and share.product in (None, product.shape.name):
                for slots, when in _stretches(setting, share, number):
                    _limit(sheet, setting, share, number, slots, when)


def _stretches(setting: Setting, share: ShareShape, number: int) -> Iterator[tuple[Index, str]]:
    if share.per == "horizon":
        yield setting.slots(number), ""
        return
    for t, period in enumerate(setting.case.periods):
        yield setting.slots(number, t), f" in {period}"


def _limit(
    sheet: Sheet, setting: Setting, share: ShareShape, number: int, slots: Index, when: str
) -> None:
    name = setting.products[number].shape.name
    for kind, place in _places(setting, share, slots):
        inside = slots[[place in places_of(setting, int(s), kind) for s in slots]]
        part, key = f"{share.name}: {name} at {place}{when}", (share.name, number, place, when)
        if share.most_frac is not None:
            row = sheet.row(f"{part}, at most {share.most_frac:.0%}", -np.inf, 0.0, "share", key)
            sheet.recipes(row, inside, PACKAGES, 1.0)
            sheet.recipes(row, slots, PACKAGES, -share.most_frac)
        if share.least_frac is not None:
            row = sheet.row(f"{part}, at least {share.least_frac:.0%}", 0.0, np.inf, "share", key)
            sheet.recipes(row, inside, PACKAGES, 1.0)
            sheet.recipes(row, slots, PACKAGES, -share.least_frac)


def _places(setting: Setting, share: ShareShape, slots: Index) -> Iterator[tuple[str, str]]:
    if share.each is not None:
        found = (places_of(setting, int(s), share.each) for s in slots)
        yield from ((share.each, place) for place in sorted(frozenset().union(*found)))
        return
    for kind in KINDS:
        place = getattr(share, kind)
        if place is not None:
            yield kind, place


def places_of(setting: Setting, slot: int, kind: str) -> frozenset[str]:
    """Return the places of a kind that a slot's line belongs to."""
    line = setting.line_of(slot)
    if kind == "line":
        return frozenset({line.name})
    if kind == "route":
        return frozenset({line.route})
    if kind == "vendor":
        return setting.vendors(int(setting.slot_pool[slot]))
    return frozenset(getattr(site, "name" if kind == "site" else "region") for site in line.sites)
