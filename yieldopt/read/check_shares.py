"""Shares of a case: limits that cannot do anything, or that leave a product nothing."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet

from yieldopt.errors import Fault
from yieldopt.read.check_capacity import Usable
from yieldopt.read.pieces import Pieces
from yieldopt.read.spread import least_share
from yieldopt.schema.lines import Line
from yieldopt.schema.planning import ShareShape

_KINDS = ("line", "route", "site", "region", "vendor")
_LISTED = 3  # products of one fault
_ROUNDED = 1e-9  # of a share: 0.3333333333 is a third


def share_faults(
    pieces: Pieces, usable: Usable | None, testers: AbstractSet[str], periods: int
) -> Iterator[Fault]:
    """Yield what is wrong with well-formed shares.

    Parameters
    ----------
    pieces
        Entries of the case.
    usable
        Lines by product; ``None`` where products or lines have faults.
    testers
        Resources that a recipe need not use, for it may leave out the test.
    periods
        How many there are.
    """
    vendors = {r.name: r.vendor for r in pieces["resources"] if r is not None and r.vendor}
    shares: list[ShareShape | None] = pieces["shares"]
    for at, share in enumerate(shares):
        if share is None:
            continue
        key = f"shares[{at}]"
        yield from _numbers(share, key)
        if share.each == "vendor" and not vendors and None not in pieces["resources"]:
            hint = "give the vendor of a resource"
            yield Fault("no resource has a vendor", f"{key}.each", "vendor", hint)
        of_vendors = "vendor" in (share.each, _kind(share))
        if usable is None or (of_vendors and None in pieces["resources"]):
            continue
        nowhere = list(_nowhere(share, key, usable, vendors))
        yield from nowhere
        asked = [p.name for p in pieces["products"] if any(p.demand.over(periods))]
        meant = {n: usable[n] for n in asked if share.product in (None, n) and usable[n]}
        if not nowhere and share.most_frac != 1.0 and share.least_frac != 0.0:
            yield from _nothing_left(share, key, meant, vendors, testers)


def _kind(share: ShareShape) -> str | None:
    return next((kind for kind in _KINDS if getattr(share, kind) is not None), None)


def _numbers(share: ShareShape, key: str) -> Iterator[Fault]:
    least, most = share.least_frac, share.most_frac
    if least is not None and most is not None and least > most:
        yield Fault("exceeds most_frac", f"{key}.least_frac", least)
    if most == 1.0:
        yield Fault("must be below 1: no share exceeds it", f"{key}.most_frac", most)
    if least == 0.0:
        yield Fault("must be above 0: every share reaches it", f"{key}.least_frac", least)


def _nowhere(
    share: ShareShape, key: str, usable: Usable, vendors: Mapping[str, str]
) -> Iterator[Fault]:
    """Yield a fault if no line can fall under a share; a lack of any line is said before."""
    kind = _kind(share)
    names = [share.product] if share.product is not None else list(usable)
    if kind is None or not all(usable.get(name) for name in names):
        return
    value = getattr(share, kind)
    found = (pair for name in names for pair in usable[name])
    if not any(value in _places_of(line, uses, vendors)[kind] for line, uses in found):
        whose = f"of {share.product!r}" if share.product is not None else "of any product"
        yield Fault(f"no line {whose} can fall under it", f"{key}.{kind}", value)


def _places_of(
    line: Line, uses: AbstractSet[str], vendors: Mapping[str, str]
) -> dict[str, set[str]]:
    """Return the names under which what a line makes is counted, by kind."""
    return {
        "line": {line.name},
        "route": {line.route},
        "site": {site.name for site in line.sites},
        "region": set(line.regions),
        "vendor": {vendors[name] for name in uses if name in vendors},
    }


def _nothing_left(
    share: ShareShape,
    key: str,
    meant: Usable,
    vendors: Mapping[str, str],
    testers: AbstractSet[str],
) -> Iterator[Fault]:
    """Yield a fault if a share alone lets nothing be made of a product that is asked for."""
    kind, most, least = _kind(share), share.most_frac, share.least_frac
    sure = {  # names under which each line is counted at any levels, by product
        name: [
            _places_of(line, uses - line.renamed(testers), vendors)[kind or str(share.each)]
            for line, uses in pairs
        ]
        for name, pairs in meant.items()
    }
    if kind is None and most is not None:
        found = {name: least_share(places) for name, places in sure.items()}
        short = {name: _kept(value) for name, value in found.items() if most < value - _ROUNDED}
        why = f"too few {share.each}s have lines" if share.each != "line" else "too few lines"
        yield from _said(short, why, meant, f"{key}.most_frac", most)
    elif kind is not None and most is not None:
        value = getattr(share, kind)
        all_in = [name for name, places in sure.items() if all(value in own for own in places)]
        short = dict.fromkeys(all_in, "there is no other")
        yield from _said(short, "every line falls under the share", meant, f"{key}.most_frac", most)
    if kind is not None and least is not None:
        value = getattr(share, kind)
        short = {
            name: "name the products that are meant"
            for name, pairs in meant.items()
            if not any(value in _places_of(*pair, vendors)[kind] for pair in pairs)
        }
        yield from _said(short, "no line falls under the share", meant, f"{key}.least_frac", least)


def _kept(least: float) -> str:
    """Return what most_frac can be kept, rounded up."""
    if least > 1.0 - _ROUNDED:
        return "no most_frac below 1 can be kept"
    return f"most_frac must be at least {math.ceil((least - _ROUNDED) * 10_000) / 10_000:g}"


def _said(
    short: Mapping[str, str], why: str, meant: Usable, key: str, value: float
) -> Iterator[Fault]:
    """Yield one fault for all products that a share leaves nothing."""
    if not short:
        return
    hints = [
        f"{name} has {', '.join(line.name for line, _ in meant[name])}: {hint}"
        for name, hint in short.items()
    ]
    whose = ", ".join(repr(name) for name in list(short)[:_LISTED])
    more = ", …" if len(short) > _LISTED else ""
    text = f"lets nothing be made of {whose}{more}: {why}"
    yield Fault(text, key, value, "; ".join(hints[:_LISTED]) + more)
