"""Output files of a plan against losses and for scenarios: its tables, written like a plan's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from yieldopt.planning.losses import Premium
from yieldopt.planning.prepared import InFuture, Prepared
from yieldopt.planning.resilience import Resilience
from yieldopt.report.files import table_fills, text_fills, write_files
from yieldopt.report.frames import Kind, Row, Table
from yieldopt.report.resilience import resilience_text
from yieldopt.report.workbook import Facts, write_book

_TEXT, _PACKAGES, _USD, _AMOUNT = Kind.TEXT, Kind.PACKAGES, Kind.USD, Kind.AMOUNT
_PLAN = {"study": _TEXT, "plan": _TEXT}
_FUTURE = _PLAN | {"future": _TEXT}
_DECISION = {"kind": _TEXT, "name": _TEXT, "product": _TEXT, "period": _TEXT, "amount": _AMOUNT}

TABLES: dict[str, Table] = {
    "places": Table({"place": _TEXT, "kind": _TEXT, "name": _TEXT}),
    "plans": Table(_PLAN | {"status": _TEXT, "objective_usd": _USD, "bound_usd": _USD}),
    "futures": Table(
        _FUTURE
        | {"probability": Kind.FRACTION, "status": _TEXT, "cost_usd": _USD, "bound_usd": _USD}
    ),
    "decisions": Table(_PLAN | _DECISION | {"cost_usd": _USD}),
    "before": Table(_PLAN | _DECISION),
    "decided_then": Table(_FUTURE | _DECISION | {"cost_usd": _USD}),
    "unmet": Table(_FUTURE | {"product": _TEXT, "period": _TEXT, "packages": _PACKAGES}),
    "differs": Table(_PLAN | _DECISION | {"base_amount": _AMOUNT}),
    "values": Table({"value": _TEXT, "usd": _USD, "low_usd": _USD, "high_usd": _USD}),
}
"""Tables by name.

``plans``: what each is chosen for. ``futures``: what each costs in each loss or scenario.
``decisions``: orders, starts and bookings before one knows; ``before``: packages made, kept, owed
and unmet before; ``decided_then``: orders, starts and bookings once it is known. ``unmet``: the
shortage. ``differs``: where a plan does otherwise than the base or mean-value plan. ``values``:
premiums, and what knowing is worth.
"""


def write_resilience(found: Resilience, folder: Path, protected: Path) -> list[Path]:
    """Write ``resilience.json`` and ``.txt``, each table as CSV and Parquet, and all as Excel.

    All begin with ``resilience``, so that a plan in the same folder stays whole.

    Parameters
    ----------
    found
        What was planned.
    folder, protected
        As for :func:`yieldopt.report.files.write_all`.

    Raises
    ------
    CaseError
        The folder cannot be made or written, or holds inputs.
    """
    rows = resilience_tables(found)
    named = [(name, TABLES[name], rows[name]) for name in TABLES]
    texts = text_fills(found.to_dict(), resilience_text(found))
    fills = {name.replace("result", "resilience"): fill for name, fill in texts.items()}
    fills |= {f"resilience_{name}": fill for name, fill in table_fills(named).items()}
    facts: Facts = [
        ("case", _TEXT, found.case),
        ("status", _TEXT, found.status),
        ("solver", _TEXT, found.solver),
        ("runtime_s", _AMOUNT, found.runtime_s),
        ("money", _TEXT, "USD, discounted to the first period; capital as paid"),
        *((f"{row['value']}_usd", _USD, row["usd"]) for row in rows["values"]),
    ]
    fills["resilience.xlsx"] = partial(write_book, facts, named)
    return write_files(fills, folder, protected)


def resilience_tables(found: Resilience) -> dict[str, list[Row]]:
    """Return the rows of each table, with keys as in :data:`TABLES`, in its order."""
    plans = list(_plans(found))
    futures = [(study, name, one) for study, name, plan in plans for one in plan.futures]
    futures += _known(found)
    tables: dict[str, Iterable[Mapping[str, Any]]] = {
        "places": _places(found),
        "plans": (
            {
                "study": study,
                "plan": name,
                "status": plan.status,
                "objective_usd": plan.objective_usd,
                "bound_usd": plan.bound_usd,
            }
            for study, name, plan in plans
        ),
        "futures": (_cost(*one) for one in futures),
        "decisions": (_of(s, n) | dict(row) for s, n, plan in plans for row in plan.decisions),
        "before": (_of(s, n) | dict(row) for s, n, plan in plans for row in plan.made),
        "decided_then": (_of(s, n, f.name) | dict(r) for s, n, f in futures for r in f.decided),
        "unmet": (_of(s, n, f.name) | dict(r) for s, n, f in futures for r in f.unmet_by_period),
        "differs": _differs(found),
        "values": _values(found),
    }
    return {
        name: [{column: row[column] for column in TABLES[name].columns} for row in rows]
        for name, rows in tables.items()
    }


def _of(study: str, plan: str, future: str | None = None) -> Row:
    return {"study": study, "plan": plan} | ({} if future is None else {"future": future})


def _cost(study: str, plan: str, one: InFuture) -> Row:
    own = {"probability": one.probability, "status": one.status}
    money = {"cost_usd": one.cost_usd, "bound_usd": one.bound_usd}
    return _of(study, plan, one.name) | own | money


def _plans(found: Resilience) -> Iterator[tuple[str, str, Prepared]]:
    """Yield study, name and plan of each."""
    if found.losses is not None:
        yield "losses", "base", found.losses.base
        for name in ("prepared", "surviving"):
            plan = getattr(found.losses, name)
            if plan is not None:
                yield "losses", name, plan
    if found.scenarios is not None:
        yield "scenarios", "plan", found.scenarios.plan
        yield "scenarios", "mean_value", found.scenarios.mean_value


def _known(found: Resilience) -> Iterator[tuple[str, str, InFuture]]:
    """Yield the plans of those who know what comes."""
    for study, held in (("losses", found.losses), ("scenarios", found.scenarios)):
        for one in held.known if held is not None else ():
            yield study, "known", one


def _places(found: Resilience) -> Iterator[Row]:
    for place in found.losses.places if found.losses is not None else ():
        for kind in ("line", "resource"):
            for name in place[f"{kind}s"]:
                yield {"place": place["name"], "kind": kind, "name": name}


def _premiums(found: Resilience) -> Iterator[tuple[str, Premium]]:
    losses = found.losses
    if losses is not None and losses.premium is not None:
        yield "prepared", losses.premium
    if losses is not None and losses.surviving_premium is not None:
        yield "surviving", losses.surviving_premium


def _differs(found: Resilience) -> Iterator[Mapping[str, Any]]:
    for plan, premium in _premiums(found):
        for row in premium.differs:
            yield _of("losses", plan) | dict(row)
    for row in found.scenarios.differs if found.scenarios is not None else ():
        yield _of("scenarios", "plan") | dict(row)


def _values(found: Resilience) -> Iterator[Row]:
    def row(value: str, usd: float | None, low: float | None, high: float | None) -> Row:
        return {"value": value, "usd": usd, "low_usd": low, "high_usd": high}

    for plan, premium in _premiums(found):
        yield row(f"premium_{plan}", premium.usd, premium.least_usd, premium.usd)
    held = found.scenarios
    if held is not None:
        for name, worth in (
            ("stochastic_solution", held.stochastic),
            ("perfect_information", held.information),
        ):
            yield row(f"value_of_{name}", worth.usd, worth.low_usd, worth.high_usd)
