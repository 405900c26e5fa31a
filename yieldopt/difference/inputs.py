"""The inputs of two checked cases, compared key by key: what is equal by default is equal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from yieldopt.difference.changed import Change, Leaves, compared, entry_changes
from yieldopt.read.keys import Path
from yieldopt.read.merging import entry_name
from yieldopt.schema.base import Quantity, Shape
from yieldopt.schema.case import Case
from yieldopt.schema.models import KINDS
from yieldopt.schema.planning import PerPeriod
from yieldopt.schema.route import RouteStepShape

_PLAIN = ("name", "title", "periods", "period_weeks", "discount_frac_per_year", "objective")
_LISTS = ("products", "resources", "lines", "expansions", "reservations", "shares", "budgets")


def input_changes(before: Case, after: Case) -> Iterator[Change]:
    """Yield every input that differs: of the case, of its models, of what changes over time, and
    of its scenarios.

    Parameters
    ----------
    before, after
        Checked cases. Models that neither uses count too: they can only differ where a case
        overrides or includes them.
    """
    yield from compared(_of_case(before), _of_case(after))
    yield from entry_changes(_entries(before), _entries(after), _leaves_below)
    yield from entry_changes(_models(before), _models(after), _leaves_below)
    yield from compared(_over_time(before), _over_time(after))
    yield from compared(_scenarios(before), _scenarios(after))


def _of_case(case: Case) -> Leaves:
    out: Leaves = {(key,): _plain(getattr(case, key)) for key in _PLAIN}
    out["insertions",] = [insertion.name for insertion in case.insertions]
    if case.resilience is not None:
        out |= _leaves_below(case.resilience, ("resilience",))
    return out


def _entries(case: Case) -> dict[Path, Shape]:
    return {(key, entry.name): entry for key in _LISTS for entry in getattr(case, key)}


def _models(case: Case) -> dict[Path, Shape]:
    library = case.library
    return {(k, name): model for k in KINDS for name, model in getattr(library, k).items()}


def _over_time(case: Case) -> Leaves:
    """What models read from a period on, where it is not what they read before."""
    out: Leaves = {}
    so_far = case
    for change in case.changes:
        place = ("changes", case.periods[change.period])
        out |= {(*place, *path): value for path, value in _other(so_far, change.case).items()}
        so_far = change.case
    return out


def _scenarios(case: Case) -> Leaves:
    out: Leaves = {}
    for scenario in case.scenarios:
        place = ("scenarios", scenario.name)
        out[*place, "probability"] = scenario.probability
        for path, value in _other(case, scenario.case).items():
            out[*place, *path] = value
        usual, own = _over_time(case), _over_time(scenario.case)
        out |= {(*place, *path): v for path, v in own.items() if usual.get(path) != v}
    return out


def _other(usual: Case, case: Case) -> Leaves:
    """The values of entries and models that are not as usual."""
    out: Leaves = {}
    for held, own in ((_entries(usual), _entries(case)), (_models(usual), _models(case))):
        for path, entry in own.items():
            if entry != held.get(path):
                before = _leaves_below(held[path], path) if path in held else {}
                below = _leaves_below(entry, path)
                out |= {p: v for p, v in below.items() if p not in before or before[p] != v}
    return out


def _leaves_below(entry: Shape, place: Path) -> Leaves:
    return dict(_leaves(entry, place))


def _leaves(value: Any, place: Path) -> Iterator[tuple[Path, Any]]:
    """Yield (place, value) of all below a checked value, as a file would name them."""
    if isinstance(value, Quantity):
        yield place, value.base
        told = {"low": value.low, "high": value.high, "source": value.source}
        yield from (((*place, key), item) for key, item in told.items() if item is not None)
    elif isinstance(value, PerPeriod):
        yield place, value.each if value.values is None else list(value.values)
    elif isinstance(value, Shape):
        for name, field in type(value).model_fields.items():
            yield from _leaves(getattr(value, name), (*place, field.alias or name))
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _leaves(item, (*place, str(name)))
    elif isinstance(value, tuple) and any(isinstance(item, Shape) for item in value):
        names = _names(value)
        if isinstance(value[0], RouteStepShape):
            yield place, names  # their order
        for called, item in zip(names, value, strict=True):
            yield from _leaves(item, (*place, called))
    elif value is not None:
        yield place, _plain(value)


def _names(items: tuple[Any, ...]) -> list[str | int]:
    """Return what entries of a list go by: their names, a second of one name with its number; or
    their positions where some have none.
    """
    told = [_name(item) for item in items]
    if None in told:
        return list(range(len(items)))
    seen: Counter[str] = Counter()
    found: list[str | int] = []
    for name in map(str, told):
        seen[name] += 1
        found.append(name if seen[name] == 1 else f"{name}#{seen[name]}")
    return found


def _name(item: Any) -> str | None:
    keys = ("name", "make", "join", "work", "point", "part")
    told = {key: getattr(item, key, None) for key in keys}
    return entry_name(told) or told["point"] or told["part"]


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
