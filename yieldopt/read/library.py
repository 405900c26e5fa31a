"""Model files: every process, part, route and insertion of the bundled and included folders."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from yieldopt.data import data_folder
from yieldopt.errors import CaseError, Fault, near_miss
from yieldopt.read.crosscheck import cross_faults
from yieldopt.read.documents import Document, open_document
from yieldopt.read.keys import join_key
from yieldopt.read.merging import merged
from yieldopt.read.shapes import check
from yieldopt.schema.case import Library
from yieldopt.schema.insertion import InsertionShape
from yieldopt.schema.models import KINDS
from yieldopt.schema.part import PartShape
from yieldopt.schema.process import ProcessShape
from yieldopt.schema.route import RouteShape

S = TypeVar("S", bound=BaseModel)


@dataclass
class _Reading:
    """What has been read so far."""

    models: dict[str, dict[str, BaseModel]] = field(default_factory=dict)
    raw: dict[str, dict[str, Document]] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)


def read_library(
    includes: Iterable[Path] = (),
    override: Mapping[str, Any] | None = None,
    case: Document | None = None,
) -> tuple[Library, list[Fault]]:
    """Read every model file.

    Parameters
    ----------
    includes
        Further folders of the same layout (``processes/``, ``parts/``, ``routes/``,
        ``insertions/``, ``sources.toml``). A name may be declared once only.
    override
        ``{kind: {name: {key: value}}}``, merged over the files before they are checked.
    case
        The document that holds ``override``, for the places of its faults.

    Returns
    -------
    Library, list of Fault
        The models that stand, and everything that is wrong with the rest.
    """
    reading = _Reading({kind: {} for kind in KINDS}, {kind: {} for kind in KINDS})
    override = override if isinstance(override, Mapping) else {}
    for folder in (data_folder("models"), *includes):
        _read_folder(folder, reading)
    for kind, documents in reading.raw.items():
        for name in documents:
            _read_model(kind, name, override, case, reading)
    reading.faults += _unmatched(override, case, reading)
    library = Library(
        _of_kind(reading, "processes", ProcessShape),
        _of_kind(reading, "parts", PartShape),
        _of_kind(reading, "routes", RouteShape),
        _of_kind(reading, "insertions", InsertionShape),
        reading.sources,
        _names_in_broken(reading),
    )
    for kind, name, fault in cross_faults(library):
        if not library.without_echoes([fault]):
            continue
        document = reading.raw[kind][name]
        reading.faults += _placed([fault], override.get(kind, {}), kind, name, document, case)
    return library, reading.faults


def _of_kind(reading: _Reading, kind: str, shape: type[S]) -> dict[str, S]:
    models = reading.models[kind].items()
    return {name: model for name, model in models if isinstance(model, shape)}


def _names_in_broken(reading: _Reading) -> frozenset[str]:
    """Every name and text in a model with faults: others may rightly refer to them."""
    found: set[str] = set()
    todo: list[Any] = []
    for kind, documents in reading.raw.items():
        broken = [name for name in documents if name not in reading.models[kind]]
        found.update(broken)
        todo += [documents[name].data for name in broken]
    while todo:
        item = todo.pop()
        if isinstance(item, Mapping):
            found.update(item)
            todo += item.values()
        elif isinstance(item, list):
            todo += item
        elif isinstance(item, str):
            found.add(item)
    return frozenset(found)


def _read_folder(folder: Path, reading: _Reading) -> None:
    sources = folder / "sources.toml"
    if sources.is_file():
        try:
            document = open_document(sources, "toml")
            for key, entry in document.data.items():
                if isinstance(entry, Mapping):
                    reading.sources[key] = str(entry.get("text", ""))
                else:
                    reading.faults += document.locate([Fault("must be a table", key, entry)])
        except CaseError as error:
            reading.faults += error.faults
    for kind in KINDS:
        for path in sorted((folder / kind).glob("*.toml")):
            try:
                document = open_document(path, "toml")
            except CaseError as error:
                reading.faults += error.faults
                continue
            name = document.data.get("name")
            label = name if isinstance(name, str) else path.stem
            if label in reading.raw[kind]:
                text = f"first declared in {reading.raw[kind][label].name}"
                reading.faults += document.locate([Fault("duplicate name", "name", label, text)])
            else:
                reading.raw[kind][label] = document


def _read_model(
    kind: str, name: str, override: Mapping[str, Any], case: Document | None, reading: _Reading
) -> None:
    document = reading.raw[kind][name]
    changes = override.get(kind, {})
    own = changes.get(name, {}) if isinstance(changes, Mapping) else {}
    data, faults = _extended(document.data, reading.raw[kind])
    if isinstance(own, Mapping) and "name" in own:
        faults.append(Fault("a name cannot be overridden", "name", own["name"]))
    data = merged(data, own if isinstance(own, Mapping) else {})
    model, wrong = check(KINDS[kind], data)
    if model is not None and not faults:
        reading.models[kind][name] = model
    reading.faults += _placed(faults + wrong, changes, kind, name, document, case)


def _extended(
    data: Mapping[str, Any], others: Mapping[str, Document], seen: tuple[str, ...] = ()
) -> tuple[dict[str, Any], list[Fault]]:
    """Merge a file over the one that it extends, step by step for lists of named steps."""
    base = data.get("extends")
    own = {key: value for key, value in data.items() if key != "extends"}
    if base is None:
        return own, []
    if not isinstance(base, str) or base not in others:
        hint = near_miss(base, others)
        return own, [Fault("extends an unknown file of its kind", "extends", base, hint)]
    if base in seen:
        return own, [Fault("circular: it extends itself", "extends", base)]
    below, faults = _extended(others[base].data, others, (*seen, base))
    return merged(below, own), faults


def _placed(
    faults: list[Fault],
    changes: Any,
    kind: str,
    name: str,
    document: Document,
    case: Document | None,
) -> list[Fault]:
    """Place a fault in the case file where the overriding value stands, else in the model file."""
    out = []
    own = changes.get(name) if isinstance(changes, Mapping) else None
    for fault in faults:
        if case is not None and isinstance(own, Mapping) and _concerns(fault, own):
            out += case.locate([fault.under(join_key(("override", kind, name)))])
        else:
            out += document.locate([fault])
    return out


def _concerns(fault: Fault, changes: Mapping[str, Any]) -> bool:
    """Whether a fault stands at, above or inside a value that the case has put there."""
    return any(
        not fault.key or fault.key == path or fault.key.startswith((f"{path}.", f"{path}["))
        or path.startswith((f"{fault.key}.", f"{fault.key}["))
        for path in _paths(changes)
    )  # fmt: skip


def _paths(changes: Mapping[str, Any], above: tuple[str, ...] = ()) -> Iterable[str]:
    for name, value in changes.items():
        if isinstance(value, Mapping) and value:
            yield from _paths(value, (*above, name))
        else:
            yield join_key((*above, name))


def _unmatched(
    override: Mapping[str, Any], case: Document | None, reading: _Reading
) -> list[Fault]:
    faults = []
    for kind, models in override.items():
        if kind not in KINDS:
            faults.append(
                Fault("unknown kind", join_key(("override", kind)), hint=near_miss(kind, KINDS))
            )
        elif not isinstance(models, Mapping):
            faults.append(Fault("must be a table", join_key(("override", kind)), models))
        else:
            for name, own in models.items():
                key = join_key(("override", kind, name))
                if name not in reading.raw[kind]:
                    hint = near_miss(name, reading.raw[kind])
                    faults.append(Fault(f"unknown name in {kind}", key, hint=hint))
                elif not isinstance(own, Mapping):
                    faults.append(Fault("must be a table", key, own))
    return case.locate(faults) if case else faults
