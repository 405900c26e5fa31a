"""Case files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from yieldopt.data import bundled_cases
from yieldopt.errors import CaseError, Fault, near_miss
from yieldopt.read.crosscheck import resources as known_resources
from yieldopt.read.crosscheck import source_faults
from yieldopt.read.documents import Document, join_key, open_document
from yieldopt.read.library import read_library
from yieldopt.read.shapes import check
from yieldopt.schema.case import Case, CaseShape, Library, ProductShape, ResourceShape
from yieldopt.schema.models import RouteShape


def load(path: str | Path) -> Case:
    """Read a case file with every model that it uses.

    Parameters
    ----------
    path
        A TOML file; or the bare name of a bundled case (``"b200_class"``) where no such file is.

    Raises
    ------
    CaseError
        Every fault of the case and of its model files at once, with file and line.

    Examples
    --------
    >>> case = load("minimal")
    >>> len(case.products)
    1
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
    shape, faults = check(CaseShape, document.data)
    includes, include_faults = _includes(document, place.parent)
    override = document.data.get("override", {})
    library, model_faults = read_library(
        includes, override if isinstance(override, dict) else {}, document
    )
    products, product_faults = _pieces(document.data, "products", ProductShape)
    resources, resource_faults = _pieces(document.data, "resources", ResourceShape)
    faults += include_faults + product_faults + resource_faults
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
    )


def _includes(document: Document, folder: Path) -> tuple[list[Path], list[Fault]]:
    found, faults = [], []
    names = document.data.get("include", [])
    for at, name in enumerate(names if isinstance(names, list) else []):
        if isinstance(name, str):
            if (folder / name).is_dir():
                found.append(folder / name)
            else:
                hint = (
                    "a folder with processes/, parts/, routes/ or insertions/, seen from the case"
                )
                faults.append(Fault("no such folder", f"include[{at}]", name, hint))
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


def _case_faults(data: dict[str, Any], library: Library) -> list[Fault]:
    """Check names and lengths of whatever has the right form, also in an otherwise bad case."""
    faults: list[Fault] = []
    periods = data.get("periods", ["all"])
    count = len(periods) if isinstance(periods, list) else None
    for at, name in enumerate(periods if isinstance(periods, list) else []):
        if name in periods[:at]:
            faults.append(Fault("duplicate name", f"periods[{at}]", name))
    faults += _unknown(data, ("insertions",), library.insertions, "insertion")
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
        faults += _unknown(raw, (*prefix, "routes"), library.routes, "route")
        if "dppm_limit" not in raw and "escape_cost_usd" not in raw:
            hint = "a last test pays only if escapes matter: give one of the two"
            text = "neither dppm_limit nor escape_cost_usd"
            faults.append(Fault(text, join_key(prefix), hint=hint))
        faults += _slots(raw, prefix, library)
        faults += _levels(raw, prefix, library)
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


def _unknown(raw: dict[str, Any], loc: tuple[str | int, ...], known: Any, what: str) -> list[Fault]:
    names = raw.get(str(loc[-1]))
    faults = []
    for at, name in enumerate(names if isinstance(names, list) else []):
        if isinstance(name, str) and name not in known:
            key = join_key((*loc, at))
            faults.append(Fault(f"unknown {what}", key, name, near_miss(name, known)))
        elif isinstance(names, list) and name in names[:at]:
            faults.append(Fault("duplicate name", join_key((*loc, at)), name))
    return faults


def route_slots(route: RouteShape) -> list[str]:
    """Return the slots of a route, without their @, in order."""
    inputs = (source for step in route.steps for source in step.inputs)
    return [source[1:] for source in inputs if source.startswith("@")]


def _slots(raw: dict[str, Any], prefix: tuple[str | int, ...], library: Library) -> list[Fault]:
    slots = raw.get("slots")
    if not isinstance(slots, dict):
        return []
    faults: list[Fault] = []
    seen: dict[str, str] = {}
    for slot, fills in slots.items():
        for at, fill in enumerate(fills if isinstance(fills, list) else []):
            name = fill.get("part") if isinstance(fill, dict) else None
            key = join_key((*prefix, "slots", slot, at, "part"))
            if isinstance(name, str) and name not in library.parts:
                hint = near_miss(name, library.parts)
                faults.append(Fault("unknown part", key, name, hint))
            elif isinstance(name, str) and name in seen:
                hint = "raise its count instead"
                faults.append(Fault(f"part already in slot {seen[name]!r}", key, name, hint))
            elif isinstance(name, str):
                seen[name] = slot
    names = raw.get("routes")
    texts = [n for n in names if isinstance(n, str)] if isinstance(names, list) else []
    routes = [library.routes[n] for n in texts if n in library.routes]
    for route in routes:
        for slot in route_slots(route):
            if slot not in slots:
                text = f"slot @{slot} of route {route.name!r} is not filled"
                hint = f"slots.{slot} = [{{part = …}}], or [] for none"
                faults.append(Fault(text, join_key((*prefix, "slots")), hint=hint))
    known = {slot for route in routes for slot in route_slots(route)}
    for slot in slots:
        if routes and slot not in known:
            key = join_key((*prefix, "slots", slot))
            faults.append(Fault("unknown slot: no route has it", key, hint=near_miss(slot, known)))
    return faults


def _levels(raw: dict[str, Any], prefix: tuple[str | int, ...], library: Library) -> list[Fault]:
    faults: list[Fault] = []
    levels = raw.get("levels")
    for place, names in (levels if isinstance(levels, dict) else {}).items():
        insertion = library.insertions.get(place.rpartition("/")[2])
        key = (*prefix, "levels", place)
        nodes = _nodes(raw, library)
        if nodes and place.rpartition("/")[0] not in nodes:
            hint = near_miss(place.rpartition("/")[0], nodes)
            faults.append(Fault("unknown node of the product's routes", join_key(key), hint=hint))
        if insertion is None:
            hint = near_miss(place.rpartition("/")[2], library.insertions)
            faults.append(Fault("unknown insertion", join_key(key), hint=hint))
            continue
        faults += _unknown({place: names}, key, insertion.levels, "level")
    return faults


def _nodes(raw: dict[str, Any], library: Library) -> set[str]:
    """Return the nodes of the routes that a product allows, parts in its slots included."""
    names = raw.get("routes")
    slots = raw.get("slots")
    texts = [n for n in names if isinstance(n, str)] if isinstance(names, list) else []
    routes = [library.routes[n] for n in texts if n in library.routes]
    found = {node for route in routes for s in route.steps if (node := s.make or s.join)}
    for fills in slots.values() if isinstance(slots, dict) else ():
        for fill in fills if isinstance(fills, list) else ():
            if isinstance(fill, dict) and isinstance(fill.get("part"), str):
                found.add(fill["part"])
    return found if routes else set()


def _source_faults(data: dict[str, Any], library: Library) -> list[Fault]:
    faults: list[Fault] = []
    for key in ("products", "resources"):
        for at, raw in enumerate(_tables(data, key)):
            if isinstance(raw.get("source"), str):
                faults += source_faults(raw["source"], join_key((key, at, "source")), library)
    return faults
