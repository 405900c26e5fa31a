"""Model files: every process, part, route and insertion of the bundled and included folders."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from yieldopt.data import data_folder
from yieldopt.errors import CaseError, Fault, near_miss
from yieldopt.read.crosscheck import cross_faults
from yieldopt.read.documents import Document, open_document
from yieldopt.read.keys import join_key
from yieldopt.read.layers import Layer, placed, unknown_faults, whole_of
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
    layers: dict[str, dict[str, list[Layer]]] = field(default_factory=dict)
    inherited: list[Fault] = field(default_factory=list)  # of values in files that are extended

    def add(self, fault: Fault, is_own: bool) -> None:
        """Note a fault of a model, at a value of its own or one that it inherits."""
        (self.faults if is_own else self.inherited).append(fault)

    def without_repeats(self) -> list[Fault]:
        """Return every fault once: one of an extended file shows in each that extends it."""
        once = {str(fault): fault for fault in self.faults}
        places = {(fault.file, fault.key) for fault in self.faults}
        new = (fault for fault in self.inherited if (fault.file, fault.key) not in places)
        return list((once | {str(fault): fault for fault in new}).values())


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
    reading = _Reading(
        {kind: {} for kind in KINDS},
        {kind: {} for kind in KINDS},
        layers={kind: {} for kind in KINDS},
    )
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
        {
            (kind, name): str(document.data["extends"])
            for kind, documents in reading.raw.items()
            for name, document in documents.items()
            if "extends" in document.data
        },
    )
    for kind, name, fault in cross_faults(library):
        if not library.without_echoes([fault]):
            continue
        layers = reading.layers[kind][name]
        reading.add(*placed(fault, layers, whole_of(layers)))
    return library, reading.without_repeats()


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
    layers, faults = _layers(kind, name, override, case, reading)
    whole = whole_of(layers)
    reading.layers[kind][name] = layers
    unknown = unknown_faults(layers)
    reading.faults += unknown
    if any(not layer.is_file and "name" in layer.data for layer in layers):
        faults.append(Fault("a name cannot be overridden", "name", whole["name"]))
    model, wrong = check(KINDS[kind], whole)
    for fault in (*faults, *wrong):
        reading.add(*placed(fault, layers, whole))
    if model is not None and not faults and not unknown:
        reading.models[kind][name] = model


def _layers(
    kind: str,
    name: str,
    override: Mapping[str, Any],
    case: Document | None,
    reading: _Reading,
    seen: tuple[str, ...] = (),
) -> tuple[list[Layer], list[Fault]]:
    """Return what a model is made of, lowest first; a file inherits all but the name."""
    document = reading.raw[kind][name]
    own = {key: value for key, value in document.data.items() if key != "extends"}
    layers, faults = [Layer(document, own)], []
    base = document.data.get("extends")
    if isinstance(base, str) and base in (*seen, name):
        faults.append(Fault("circular: it extends itself", "extends", base))
    elif isinstance(base, str) and base in reading.raw[kind]:
        below, faults = _layers(kind, base, override, case, reading, (*seen, name))
        layers = [_nameless(layer) for layer in below] + layers
    elif base is not None:
        hint = near_miss(base, reading.raw[kind])
        faults.append(Fault("extends an unknown file of its kind", "extends", base, hint))
    changes = override.get(kind)
    changed = changes.get(name) if isinstance(changes, Mapping) else None
    if case is not None and isinstance(changed, Mapping) and changed:
        layers.append(Layer(case, changed, ("override", kind, name), is_file=False))
    return layers, faults


def _nameless(layer: Layer) -> Layer:
    return replace(layer, data={k: v for k, v in layer.data.items() if k != "name"}, is_own=False)


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
