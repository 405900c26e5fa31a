"""JSON Schemas: up to date, every shipped file holds to them, and they refuse what `check` does."""

from __future__ import annotations

import copy
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner
from pydantic import ValidationError

from yieldopt import CaseError, load
from yieldopt.cli import main
from yieldopt.data import data_folder
from yieldopt.read.merging import merged, unknown_entries
from yieldopt.schema.json_schema import FILES, json_schema
from yieldopt.schema.models import ENTRIES, KINDS

ROOT = Path(__file__).parent.parent.parent
FOLDERS = {**dict(zip(KINDS, FILES[1:5], strict=True)), "cases": "case", "models": "sources"}
SHIPPED = sorted([*(ROOT / "cases").glob("*.toml"), *(ROOT / "models").rglob("*.toml")])
VALIDATORS = {file: jsonschema.Draft202012Validator(json_schema(file)) for file in FILES}


def file_of(path: Path) -> str:
    return FOLDERS[path.parent.name]


def faults(file: str, data: object) -> list[str]:
    return [f"{e.json_path}: {e.message}" for e in VALIDATORS[file].iter_errors(data)]


def name_of(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


@pytest.mark.parametrize("file", FILES)
def test_files_are_up_to_date(file: str) -> None:
    """If not: `yieldopt schema FILE > schemas/FILE.schema.json`."""
    printed = CliRunner().invoke(main, ["schema", file])
    assert printed.exit_code == 0
    assert json.loads(printed.output) == json_schema(file)
    assert (ROOT / "schemas" / f"{file}.schema.json").read_text() == printed.output
    jsonschema.Draft202012Validator.check_schema(json_schema(file))


def test_no_other_files_are_there() -> None:
    assert {p.name for p in (ROOT / "schemas").iterdir()} == {f"{f}.schema.json" for f in FILES}
    assert data_folder("schemas") == ROOT / "schemas"


@pytest.mark.parametrize("path", SHIPPED, ids=name_of)
def test_every_shipped_file_holds_and_names_its_schema(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    first = text.splitlines()[0]
    there = f"schemas/{file_of(path)}.schema.json"
    assert first == f"#:schema {Path(os.path.relpath(ROOT / there, path.parent)).as_posix()}"
    assert faults(file_of(path), tomllib.loads(text)) == []


def test_references_all_lead_somewhere_and_all_definitions_are_used() -> None:
    for file in FILES:
        text = json.dumps(schema := json_schema(file))
        defined = set(schema.get("$defs", {}))
        used = {part.split('"')[0] for part in text.split('"$ref": "#/$defs/')[1:]}
        assert used == defined
        assert '"null"' not in text
        assert '"within"' not in text


MINIMAL = tomllib.loads((ROOT / "cases" / "minimal.toml").read_text())
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"nam": "x"}, "nam"),
    ({"period_weeks": 0}, "period_weeks"),
    ({"objective": "profit"}, "objective"),
    ({"products": []}, "products"),
    ({"override": {"process": {}}}, "override"),
    ({"override": {"processes": {"n5": {"d0_per_cm": 0.1}}}}, "override.processes.n5"),
    ({"override": {"processes": {"n5": {"d0_per_cm2": -0.1}}}}, "d0_per_cm2"),
    ({"override": {"routes": {"cowos_s": {"steps": {"cow": {"scrap": 2.0}}}}}}, "steps"),
    ({"resources": [{"name": "r", "capacity": [1, -1], "source": "s"}]}, "resources[0].capacity"),
    ({"changes": [{"begins": "all", "source": "s", "override": {"part": {}}}]}, "changes[0]"),
    ({"scenarios": [{"name": "s", "probability": 1.5}]}, "scenarios[0].probability"),
    ({"tables": [{"file": "a.csv", "what": "demands"}]}, "tables[0].what"),
    ({"resilience": {"from": "all", "source": "s", "lose": "site", "los": 1}}, "resilience"),
    ({"resilience": {"from": "all", "source": "s"}}, "resilience"),
    ({"resilience": {"from": "all", "source": "s", "lose": "site", "names": ["a"]}}, "resilience"),
    ({"shares": [{"name": "s", "route": "r", "source": "s"}]}, "shares[0]"),
    ({"period_weeks": 1e13}, "period_weeks"),
]


@pytest.mark.parametrize(("change", "place"), WRONG, ids=lambda v: v if isinstance(v, str) else "")
def test_a_case_with_a_fault_is_refused_at_its_place(change: dict[str, Any], place: str) -> None:
    found = faults("case", MINIMAL | change)
    assert len(found) == 1
    assert place in found[0]


def test_a_product_without_a_limit_on_escapes_is_refused() -> None:
    product = {k: v for k, v in MINIMAL["products"][0].items() if k != "dppm_limit"}
    assert faults("case", MINIMAL | {"products": [product]})
    assert not faults("case", MINIMAL | {"products": [product | {"escape_cost_usd": 9.0}]})


def test_every_list_of_a_case_has_its_entries_said() -> None:
    properties = json_schema("case")["properties"]
    for key, shape in ENTRIES.items():
        assert properties[key]["items"] == {"$ref": f"#/$defs/{shape.__name__}"}


def test_units_and_meaning_are_said() -> None:
    part = json_schema("part")["$defs"]["PartShape"]["properties"]
    assert part["lead_time_weeks"]["description"] == "from order to delivery [weeks]"
    losses = json_schema("case")["$defs"]["ResilienceShape"]["properties"]
    assert losses["from"]["description"].startswith("a period; what is decided before")


UNITS = re.compile(r"_(usd|mm2?|um|cm2|weeks|s|h|w|dppm|ppb|packages|periods)(_per_\w+)?$")
SAID = re.compile(r"\[.+\]|per million|10⁻⁹|good packages|\b(period|whole horizon)")


@pytest.mark.parametrize("file", FILES[:5])
def test_every_key_has_a_note_and_its_unit(file: str) -> None:
    """What an editor shows beside it."""
    schema = json_schema(file)
    count = 0
    for name, shape in {file: schema, **schema["$defs"]}.items():
        for key, below in shape.get("properties", {}).items():
            if key in ("base", "low", "high", *KINDS) or name in ("Quantity", "PerPeriod"):
                continue
            note = below.get("description", "")
            assert note, (name, key)
            assert not UNITS.search(key) or SAID.search(note), (name, key, note)
            count += 1
    assert count > 30


def without(kind: str, name: str, *keys: str) -> list[str]:
    """What the schema says of a bundled model where keys are gone."""
    data = tomllib.loads((ROOT / "models" / kind / f"{name}.toml").read_text(encoding="utf-8"))
    for key in keys:
        del data[key]
    return faults(FOLDERS[kind], data)


def test_what_one_key_needs_of_another_is_said_where_a_schema_can() -> None:
    assert without("processes", "n5") == []
    assert without("processes", "n5", "diameter_mm")
    assert without("parts", "tpu_die", "process")
    assert without("parts", "tpu_die", "height_mm")
    assert without("parts", "hbm3e_8h", "fault_class")
    off = {"levels": {"p97": {"seconds": 1.0}}}
    data = tomllib.loads((ROOT / "models/insertions/wafer_sort.toml").read_text(encoding="utf-8"))
    assert [said for said in faults("insertion", data | off) if "off" in said]
    assert not faults("insertion", {"name": "own", "extends": "wafer_sort", **off})
    extends = {"name": "own", "extends": "n5", "carrier": "wafer"}
    assert faults("process", extends) == []


VALUES = [
    -1.0,
    0.0,
    0.5,
    1.5,
    2,
    2.5,
    True,
    "",
    "text",
    [],
    [1.0, 2.0],
    {},
    {"base": 2.0},
    None,
    1e13,
]


def mutants(data: dict[str, Any], random_: random.Random, count: int) -> Iterator[dict[str, Any]]:
    """The data with one value, somewhere, another or gone."""
    for _ in range(count):
        whole = copy.deepcopy(data)
        here: Any = whole
        while True:
            key = random_.choice(list(here) if isinstance(here, dict) else range(len(here)))
            if not isinstance(here[key], dict | list) or not here[key] or random_.random() < 0.2:
                break
            here = here[key]
        value = random_.choice(VALUES)
        if value is None:
            del here[key]
        else:
            here[key] = value
        yield whole


def only_across(error: ValidationError) -> bool:
    """Whether all that is wrong spans keys."""
    return all(one["type"] in ("model", "range_order") for one in error.errors())


@pytest.mark.parametrize("kind", KINDS)
def test_a_changed_model_is_refused_by_the_schema_only_if_by_the_check(kind: str) -> None:
    """And the other way round, but for what spans keys."""
    file, random_ = FOLDERS[kind], random.Random(6)
    refused = accepted = 0
    for path in sorted((ROOT / "models" / kind).glob("*.toml")):
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        if "extends" in data:
            continue
        for mutant in mutants(data, random_, 30):
            said = faults(file, mutant)
            try:
                KINDS[kind].model_validate(mutant)
            except ValidationError as error:
                assert said or only_across(error), (path.stem, str(error))
            else:
                assert not said, (path.stem, said)
            refused += bool(said)
            accepted += not said
    assert min(refused, accepted) > 30


@pytest.mark.long
def test_a_changed_case_that_loads_is_not_refused(tmp_path: Path) -> None:
    """Nor does one load that has another shape."""
    random_ = random.Random(8)
    shutil.copytree(ROOT / "cases" / "plan_tables", tmp_path / "plan_tables")
    loaded = refused = 0
    for path in sorted((ROOT / "cases").glob("*.toml")):
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        for mutant in mutants(data, random_, 6):
            said = faults("case", mutant)
            (tmp_path / "case.toml").write_text(toml(mutant), encoding="utf-8")
            try:
                load(tmp_path / "case.toml")
            except CaseError as error:
                refused += 1
                shape = [f for f in error.faults if f.message.startswith(OF_SHAPE)]
                assert said or not shape, (path.stem, shape)
            else:
                loaded += 1
                assert said == [], path.stem
    assert min(refused, loaded) > 10


OF_SHAPE = ("unknown key", "is missing", "must be a", "must be at", "must be above", "must be one")


def toml(data: dict[str, Any]) -> str:
    """A case as TOML: what stands below its lists and tables in one line."""
    return "".join(f"{json.dumps(key)} = {inline(value)}\n" for key, value in data.items())


def inline(value: Any) -> str:
    if isinstance(value, dict):
        held = (f"{json.dumps(key)} = {inline(item)}" for key, item in value.items())
        return "{ " + ", ".join(held) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(inline, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def whole_of(kind: str, data: dict[str, Any]) -> dict[str, Any]:
    """A model with what it inherits."""
    own = {key: value for key, value in data.items() if key != "extends"}
    if "extends" not in data:
        return own
    (path,) = (p for p in (ROOT / "models" / kind).glob("*.toml") if p.stem == data["extends"])
    return merged(whole_of(kind, tomllib.loads(path.read_text(encoding="utf-8"))), own)


def test_a_changed_file_that_extends_another_is_not_refused_where_the_whole_is_right() -> None:
    """Nor is the same as an override in a case."""
    random_ = random.Random(7)
    right = refused = 0
    for path in SHIPPED:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        kind = path.parent.name
        if kind not in KINDS or "extends" not in data:
            continue
        for mutant in mutants(data, random_, 25):
            if mutant.get("extends") != data["extends"] or "name" not in mutant:
                continue
            if unknown(whole_of(kind, {k: data[k] for k in ("extends",)}), mutant):
                continue
            said = faults(file_of(path), mutant)
            refused += bool(said)
            try:
                KINDS[kind].model_validate(whole_of(kind, mutant))
            except ValidationError:
                continue
            right += 1
            assert said == [], path.stem
            own = {k: v for k, v in mutant.items() if k not in ("extends", "name")}
            override = {kind: {data["extends"]: own}}
            assert faults("case", MINIMAL | {"override": override}) == [], path.stem
    assert min(right, refused) > 100


def unknown(base: dict[str, Any], changes: dict[str, Any]) -> bool:
    """Whether an entry is changed that is not there: of that the library tells, not the check."""
    return bool(list(unknown_entries(base, changes)))


def test_the_command_names_the_kinds_of_files() -> None:
    from yieldopt.commands.schema import COMMANDS

    assert COMMANDS["schema"].params[0].type.choices == FILES
    found = CliRunner().invoke(main, ["schema", "routes"])
    assert found.exit_code == 2
    assert "'route'" in found.output


def test_help_does_not_load_the_shapes() -> None:
    code = "import sys, yieldopt.commands.schema; sys.exit('pydantic' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
