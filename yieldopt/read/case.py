"""Case files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from yieldopt.data import bundled_cases
from yieldopt.errors import CaseError, Fault, near_miss
from yieldopt.read.check_rules import rule_faults
from yieldopt.read.crosscheck import source_faults
from yieldopt.read.documents import Document, open_document
from yieldopt.read.fit import fit_faults, slot_faults
from yieldopt.read.inventory import resources as known_resources
from yieldopt.read.keys import join_key, key_parts
from yieldopt.read.library import read_library
from yieldopt.read.merging import merged, unknown_entries
from yieldopt.read.names import name_faults
from yieldopt.read.scenarios import read_scenarios, together_faults
from yieldopt.read.shapes import check
from yieldopt.schema.assembly import product_assembly
from yieldopt.schema.case import (
    Case,
    CaseShape,
    Library,
    ProductShape,
    ResourceShape,
    ScenarioShape,
)
from yieldopt.schema.models import KINDS
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
        ``"products.asic.dppm_limit"``. The case has no scenarios then.

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
    if not place.exists() and str(path) in bundled_cases():
        place = bundled_cases()[str(path)]
    elif not place.exists() and place.name == str(path) and not place.suffix:
        hint = near_miss(str(path), bundled_cases())
        raise CaseError(
            Fault("no such file, and no bundled case of this name", "", str(path), hint)
        )
    document = open_document(place, "toml")
    if changes:
        document = _changed(document, changes)
    shape, faults = check(CaseShape, document.data)
    includes, include_faults = _includes(document, place.parent)
    override = document.data.get("override", {})
    library, model_faults = read_library(
        includes, override if isinstance(override, dict) else {}, document
    )
    products, product_faults = _pieces(document.data, "products", ProductShape)
    resources, resource_faults = _pieces(document.data, "resources", ResourceShape)
    for at, product in enumerate(products):
        if product is not None:
            faults += _fits(product, at, library)
            found = rule_faults(product, library, _in_play(document.data))
            faults += [fault.under(join_key(("products", at))) for fault in found]
    scenarios, scenario_faults = _pieces(document.data, "scenarios", ScenarioShape)
    faults += include_faults + product_faults + resource_faults + scenario_faults
    faults += together_faults(scenarios)
    faults += _case_faults(document.data, library)
    faults += _source_faults(document.data, library)
    located = document.locate(library.without_echoes(faults)) + model_faults
    if located or shape is None:
        raise CaseError(located)
    in_play = library.insertions if shape.insertions is None else shape.insertions
    return Case(
        shape.name,
        shape.title or shape.name,
        shape.periods,
        tuple(products),
        tuple(resources),
        tuple(library.insertions[name] for name in library.insertions if name in in_play),
        library,
        () if changes else read_scenarios(document, scenarios, partial(load, place)),
    )


def _changed(document: Document, changes: Mapping[str, Any]) -> Document:
    nested = _nested(changes)
    faults = [
        Fault("nothing of this name to change", join_key(path), hint=near_miss(path[-1], known))
        for path, known in unknown_entries(document.data, nested)
    ]
    if faults:
        raise CaseError(faults)
    return replace(document, data=merged(document.data, nested))


def _nested(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return dotted keys as the tables of a case file: those of models under ``override``."""
    out: dict[str, Any] = {}
    for key, value in changes.items():
        path = key_parts(key)
        for part in reversed(("override", *path) if path[0] in KINDS else path):
            value = {part: value}
        out = merged(out, value)
    return out


def _includes(document: Document, folder: Path) -> tuple[list[Path], list[Fault]]:
    found, faults = [], []
    names = document.data.get("include", [])
    for at, name in enumerate(names if isinstance(names, list) else []):
        if isinstance(name, str):
            if any((folder / name / kind).is_dir() for kind in KINDS):
                found.append(folder / name)
            else:
                hint = (
                    "a folder with processes/, parts/, routes/ or insertions/, seen from the case"
                )
                text = "no folder of models" if (folder / name).is_dir() else "no such folder"
                faults.append(Fault(text, f"include[{at}]", name, hint))
    return found, faults


def _pieces(data: dict[str, Any], key: str, shape: Any) -> tuple[list[Any], list[Fault]]:
    found, faults = [], []
    entries = data.get(key, [])
    for at, raw in enumerate(entries if isinstance(entries, list) else []):
        piece, wrong = check(shape, raw, (key, at))
        faults += wrong
        found.append(piece)
    names = [raw.get("name") for raw in _tables(data, key)]
    for at, name in enumerate(names):
        if name is not None and name in names[:at]:
            faults.append(Fault("duplicate name", f"{key}[{at}].name", name))
    return found, faults


def _in_play(data: dict[str, Any]) -> list[str] | None:
    names = data.get("insertions")
    return names if isinstance(names, list) else None


def _case_faults(data: dict[str, Any], library: Library) -> list[Fault]:
    """Check names and lengths of whatever has the right form, also in an otherwise bad case."""
    faults: list[Fault] = []
    periods = data.get("periods", ["all"])
    count = len(periods) if isinstance(periods, list) else None
    for at, name in enumerate(periods if isinstance(periods, list) else []):
        if name in periods[:at]:
            faults.append(Fault("duplicate name", f"periods[{at}]", name))
    faults += name_faults(data.get("insertions"), ("insertions",), library.insertions, "insertion")
    for at, raw in enumerate(_tables(data, "resources")):
        prefix = ("resources", at)
        faults += _length(raw, (*prefix, "capacity"), count)
        known = known_resources(library)
        if isinstance(raw.get("name"), str) and raw["name"] not in known:
            hint = near_miss(raw["name"], known)
            text = "unknown resource: no model uses it"
            faults.append(Fault(text, join_key((*prefix, "name")), raw["name"], hint))
    for at, raw in enumerate(_tables(data, "products")):
        prefix = ("products", at)
        faults += _length(raw, (*prefix, "demand"), count)
        faults += name_faults(raw.get("routes"), (*prefix, "routes"), library.routes, "route")
        present = raw.get("present_route")
        if isinstance(present, str) and present not in library.routes:
            hint = near_miss(present, library.routes)
            key = join_key((*prefix, "present_route"))
            faults.append(Fault("unknown route", key, present, hint))
        if "dppm_limit" not in raw and "escape_cost_usd" not in raw:
            hint = "a last test pays only if escapes matter: give one of the two"
            text = "neither dppm_limit nor escape_cost_usd"
            faults.append(Fault(text, join_key(prefix), hint=hint))
        faults += _slots(raw, prefix, library)
    return faults


def _tables(data: dict[str, Any], key: str) -> list[dict[str, Any]]:
    entries = data.get(key, [])
    return [e if isinstance(e, dict) else {} for e in entries] if isinstance(entries, list) else []


def _length(raw: dict[str, Any], loc: tuple[str | int, ...], count: int | None) -> list[Fault]:
    values = raw.get(str(loc[-1]))
    if not isinstance(values, list) or count is None or len(values) == count:
        return []
    hint = "one number per period, or a single number for all"
    text = f"has {len(values)} entries for {count} periods"
    return [Fault(text, join_key(loc), hint=hint)]


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


def _source_faults(data: dict[str, Any], library: Library) -> list[Fault]:
    faults: list[Fault] = []
    for key in ("products", "resources", "scenarios"):
        for at, raw in enumerate(_tables(data, key)):
            if isinstance(raw.get("source"), str):
                faults += source_faults(raw["source"], join_key((key, at, "source")), library)
    return faults
