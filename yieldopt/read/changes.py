"""Changes of a case over time: from a period on it reads models as of another case."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from yieldopt.errors import CaseError, Fault
from yieldopt.read.documents import Document
from yieldopt.read.keys import join_key
from yieldopt.read.merging import merged
from yieldopt.read.overriding import holds, kind_faults, overridden, own_fault
from yieldopt.schema.case import Case, Change
from yieldopt.schema.planning import ChangeShape

# What a plan reads once, for all periods.
_FOR_GOOD = ("sites", "lead_time_weeks", "one_off_cost_usd", "port_cost_usd", "exit_cost_usd")


def order_faults(shapes: Sequence[ChangeShape | None], periods: Sequence[Any]) -> Iterator[Fault]:
    """Yield what is wrong with well-formed changes: kinds, and periods not each once and in order.

    Parameters
    ----------
    shapes
        Changes; ``None`` where one has faults.
    periods
        Of the case. A name that is none of them is named elsewhere.
    """
    begun: dict[str, int] = {}
    last = -1
    for at, shape in enumerate(shapes):
        if shape is None:
            continue
        yield from kind_faults(shape.override, ("changes", at))
        if not shape.override:
            yield Fault("overrides nothing", f"changes[{at}].override")
        key = f"changes[{at}].begins"
        if shape.begins in begun:
            hint = f"put it into changes[{begun[shape.begins]}]"
            yield Fault("a change begins in this period already", key, shape.begins, hint)
        elif shape.begins in periods:
            begun[shape.begins] = at
            period = periods.index(shape.begins)
            if period < last:
                hint = "each change stands over those before it"
                yield Fault("changes must stand in the order of periods", key, shape.begins, hint)
            last = max(last, period)


def read_changes(
    document: Document,
    case: Case,
    shapes: Sequence[ChangeShape],
    over: Mapping[str, Any],
    load: Callable[[Mapping[str, Any]], Case],
) -> tuple[tuple[Change, ...], list[Fault]]:
    """Read the case as it is from the begin of each change on, all changes before it included.

    Parameters
    ----------
    document
        The case file.
    case
        The case without changes.
    shapes
        Its changes, well-formed and in order.
    over
        Tables that stand over the case in all periods, also over its changes (of a scenario).
    load
        Reads the case with tables put over its own.

    Returns
    -------
    tuple of Change, list of Fault
        Those that can be read, and every fault of the others once, at its place below ``changes``.
    """
    found: list[Change] = []
    faults: dict[str, Fault] = {}
    so_far: dict[str, Any] = {}
    before = case
    for at, shape in enumerate(shapes):
        so_far = merged(so_far, shape.override)
        try:
            changed = load(merged({"override": so_far}, over))
        except CaseError as error:
            for fault in error.faults:
                key, placed = _placed(fault, document, shapes[: at + 1], over)
                faults.setdefault(key, placed)
            continue
        wrong = [] if over else list(_kept_faults(changed, before, at))
        for fault in document.locate(wrong):
            faults.setdefault(str(fault), fault)
        found.append(Change(case.periods.index(shape.begins), changed, shape.source))
        before = changed
    return tuple(found), list(faults.values())


def _placed(
    fault: Fault, document: Document, shapes: Sequence[ChangeShape], over: Mapping[str, Any]
) -> tuple[str, Fault]:
    """Return a fault at the last change that gives its value, and what is the same for repeats."""
    path = overridden(fault, document)
    if path is None or not holds(over.get("override", {}), path):
        for at in reversed(range(len(shapes))):
            own = own_fault(fault, document, ("changes", at), shapes[at].override)
            if own is not None:
                return str(own), own
    text = f"from period {shapes[-1].begins} on: {fault.message}"
    return str(fault), replace(fault, message=text)


def _kept_faults(changed: Case, before: Case, at: int) -> Iterator[Fault]:
    """Yield a fault where a change does nothing, or changes what is the same in all periods."""
    if changed.library == before.library:
        yield Fault("changes nothing: all of it is so before", f"changes[{at}].override")
    for name, route in changed.library.routes.items():
        for field in _FOR_GOOD:
            if getattr(route, field) != getattr(before.library.routes[name], field):
                key = join_key(("changes", at, "override", "routes", name, field))
                yield Fault("is the same in all periods: it cannot change", key)
