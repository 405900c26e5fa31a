"""Case files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from yieldopt.data import bundled_cases
from yieldopt.errors import CaseError, Fault, near_miss
from yieldopt.read.asked import as_asked, plain_value
from yieldopt.read.changes import read_changes
from yieldopt.read.check_names import reference_faults
from yieldopt.read.check_resilience import factor_faults, resilience_faults
from yieldopt.read.check_rules import rule_faults
from yieldopt.read.documents import DEEPEST, TOO_DEEP, Document, is_shallow, open_document
from yieldopt.read.fit import fit_faults, slot_faults
from yieldopt.read.keys import join_key, key_parts
from yieldopt.read.library import read_library
from yieldopt.read.merging import merged, unknown_entries
from yieldopt.read.pieces import Pieces, entries_of, read_pieces, sources_within
from yieldopt.read.planning import planning_faults
from yieldopt.read.scenarios import read_scenarios, together_faults
from yieldopt.read.shapes import check
from yieldopt.read.tables.merge import with_tables
from yieldopt.schema.assembly import product_assembly
from yieldopt.schema.case import Case, CaseShape, Library, ProductShape, Scenario
from yieldopt.schema.models import KINDS
from yieldopt.schema.origin import Origin, with_origin
from yieldopt.schema.route import RouteShape


def load(path: str | Path, changes: Mapping[str, Any] | None = None) -> Case:
    """Read a case file with every model that it uses.

    Parameters
    ----------
    path
        A TOML file; or the bare name of a bundled case (``"b200_class"``) where no such file is.
    changes
        Values put over those of the file and of the models before anything is checked, by dotted
        key: ``"processes.n5.d0_per_cm2"``, ``"routes.cowos_l.steps.mould_and_grind.scrap"``,
        ``"products.asic.dppm_limit"``. They hold in all periods, over the case's own changes. The
        case has no scenarios then.

    Raises
    ------
    CaseError
        Every fault of the case and of its model files at once, with file and line.

    Examples
    --------
    >>> case = load("minimal")
    >>> len(case.products)
    1
    >>> cleaner = load("minimal", {"processes.n5.d0_per_cm2": 0.05})
    >>> cleaner.library.processes["n5"].d0_per_cm2.base
    0.05
    """
    place = Path(path)
    there = os.path.exists(place)  # a name that the system does not take is not there
    if not there and str(path) in bundled_cases():
        place = bundled_cases()[str(path)]
    elif not there and place.name == str(path) and not place.suffix:
        hint = near_miss(str(path), bundled_cases())
        raise CaseError(
            Fault("no such file, and no bundled case of this name", "", str(path), hint)
        )
    document = with_tables(open_document(place, "toml"))
    return _loaded(document, place.parent, changes or {})


def _loaded(document: Document, folder: Path, changes: Mapping[str, Any]) -> Case:
    """Return the case of an opened file, which knows how to be read with other changes."""
    deep = [Fault(TOO_DEEP, key) for key, value in changes.items() if not is_shallow(value)]
    if deep:
        raise CaseError(deep)
    changes = {key: plain_value(value) for key, value in changes.items()}
    try:
        case = _over_time(document, folder, _nested(changes), not changes)
    except CaseError as error:
        if not changes:
            raise
        library, _ = read_library(_includes(document, folder)[0])
        raise type(error)(as_asked(error.faults, changes, library)) from None
    again = partial(_loaded, document, folder)
    return with_origin(case, Origin(document.name, changes, again))


def _over_time(
    document: Document, folder: Path, over: Mapping[str, Any], with_scenarios: bool
) -> Case:
    """Return the case with tables over its own, its changes and, if asked for, its scenarios."""

    def alone(more: Mapping[str, Any]) -> Case:
        return _checked(_changed(document, more), folder)[0]

    def changing(more: Mapping[str, Any]) -> Case:
        return _over_time(document, folder, more, False)

    case, pieces = _checked(_changed(document, over), folder)
    changes, faults = read_changes(document, case, pieces["changes"], over, alone)
    scenarios: tuple[Scenario, ...] = ()
    if with_scenarios:
        # What is wrong with the changes is said once, not in every scenario again.
        load_one = alone if faults else changing
        scenarios, wrong = read_scenarios(document, pieces["scenarios"], load_one)
        faults += wrong
    if faults:
        raise CaseError(faults)
    return replace(case, changes=changes, scenarios=scenarios)


def _checked(document: Document, folder: Path) -> tuple[Case, Pieces]:
    """Return the case without changes and scenarios, and all its entries."""
    shape, faults = check(CaseShape, document.data)
    includes, include_faults = _includes(document, folder)
    override = document.data.get("override", {})
    library, model_faults = read_library(
        includes, override if isinstance(override, dict) else {}, document
    )
    pieces, piece_faults = read_pieces(document.data)
    in_play = _in_play(document.data)
    for at, product in enumerate(pieces["products"]):
        if product is not None:
            faults += _fits(product, at, library)
            found = rule_faults(product, library, in_play)
            faults += [fault.under(join_key(("products", at))) for fault in found]
    faults += include_faults + piece_faults
    faults += together_faults(pieces["scenarios"])
    unknown = reference_faults(document.data, pieces, library)
    said = {fault.key for fault in unknown}
    faults += unknown + _product_faults(document.data, library)
    planned = planning_faults(document.data, shape, pieces, library, in_play)
    faults += [fault for fault in planned if fault.key not in said]
    faults += factor_faults(document.data, pieces)
    faults += resilience_faults(shape, pieces, library) if shape is not None else ()
    faults += sources_within(document.data, library)
    faults += document.faults
    located = document.locate(library.without_echoes(faults)) + model_faults
    if located or shape is None:
        raise CaseError(located)
    return _case_of(shape, pieces, library), pieces


def _case_of(shape: CaseShape, pieces: Pieces, library: Library) -> Case:
    in_play = library.insertions if shape.insertions is None else shape.insertions
    return Case(
        shape.name,
        shape.title or shape.name,
        shape.periods,
        tuple(pieces["products"]),
        tuple(pieces["resources"]),
        tuple(library.insertions[name] for name in library.insertions if name in in_play),
        library,
        period_weeks=shape.period_weeks,
        discount_frac_per_year=shape.discount_frac_per_year,
        objective=shape.objective,
        lines=tuple(pieces["lines"]),
        expansions=tuple(pieces["expansions"]),
        reservations=tuple(pieces["reservations"]),
        shares=tuple(pieces["shares"]),
        budgets=tuple(pieces["budgets"]),
        resilience=shape.resilience,
    )


def _changed(document: Document, over: Mapping[str, Any]) -> Document:
    faults = [
        Fault("nothing of this name to change", join_key(path), hint=near_miss(path[-1], known))
        for path, known in unknown_entries(document.data, over)
    ]
    if faults:
        raise CaseError(faults)
    return replace(document, data=merged(document.data, over))


def _nested(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return dotted keys as the tables of a case file: those of models under ``override``."""
    out: dict[str, Any] = {}
    known = [*KINDS, *CaseShape.model_fields]
    paths = {key: key_parts(key) for key in changes}
    faults = [
        Fault("unknown key", key, hint=near_miss(path[0], known))
        for key, path in paths.items()
        if path[0] not in known
    ]
    faults += [Fault(TOO_DEEP, key) for key, path in paths.items() if len(path) > DEEPEST]
    if faults:
        raise CaseError(faults)
    for key, value in changes.items():
        path = paths[key]
        # ``insertions`` alone is the list of the case; with a name after it, a model.
        of_models = path[0] in KINDS and (len(path) > 1 or isinstance(value, Mapping))
        for part in reversed(("override", *path) if of_models else path):
            value = {part: value}
        out = merged(out, value)
    return out


def _includes(document: Document, folder: Path) -> tuple[list[Path], list[Fault]]:
    found, faults = [], []
    names = document.data.get("include", [])
    for at, name in enumerate(names if isinstance(names, list) else []):
        if isinstance(name, str):
            if any(os.path.isdir(folder / name / kind) for kind in KINDS):
                found.append(folder / name)
            else:
                hint = (
                    "a folder with processes/, parts/, routes/ or insertions/, seen from the case"
                )
                text = "no folder of models" if os.path.isdir(folder / name) else "no such folder"
                faults.append(Fault(text, f"include[{at}]", name, hint))
    return found, faults


def _in_play(data: dict[str, Any]) -> list[str] | None:
    names = data.get("insertions")
    return names if isinstance(names, list) else None


def _product_faults(data: dict[str, Any], library: Library) -> list[Fault]:
    """Check what product entries hold, also those that have other faults."""
    faults: list[Fault] = []
    for at, raw in enumerate(entries_of(data, "products")):
        prefix = ("products", at)
        if "dppm_limit" not in raw and "escape_cost_usd" not in raw:
            hint = "a last test pays only if escapes matter: give one of the two"
            text = "neither dppm_limit nor escape_cost_usd"
            faults.append(Fault(text, join_key(prefix), hint=hint))
        faults += _slots(raw, prefix, library)
    return faults


def _routes_of(raw: dict[str, Any], library: Library) -> list[RouteShape]:
    names = raw.get("routes")
    texts = [n for n in names if isinstance(n, str)] if isinstance(names, list) else []
    return [library.routes[n] for n in texts if n in library.routes]


def _slots(raw: dict[str, Any], prefix: tuple[str | int, ...], library: Library) -> list[Fault]:
    slots = raw.get("slots")
    if not isinstance(slots, dict):
        return []
    names: dict[str, list[str | None]] = {}
    for slot, fills in slots.items():
        parts = [f.get("part") if isinstance(f, dict) else None for f in _listed(fills)]
        names[slot] = [part if isinstance(part, str) else None for part in parts]
    routes = [(route.name, route.steps) for route in _routes_of(raw, library)]
    return list(slot_faults(names, join_key((*prefix, "slots")), routes, library))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _fits(product: ProductShape, at: int, library: Library) -> list[Fault]:
    """Check a well-formed product against what its routes ask for, each lack once."""
    found: dict[str, Fault] = {}
    for name in product.routes:
        if name in library.routes:
            for fault in fit_faults(product_assembly(product), library.routes[name], library):
                found.setdefault(fault.key, fault.under(join_key(("products", at))))
    return list(found.values())
