"""Bad flow files: every fault at once with file, line and key path; good ones read back the same.

A mapping and the file it is written to give the same flow and the same faults.
"""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.random_flows import random_flow
from yieldopt.errors import CaseError, Fault
from yieldopt.physics.yields import Law
from yieldopt.read import read_flow

JSON = dict[str, Any]
FAB = "nodes[0].steps[0]"
CP = "nodes[0].steps[1]"
Row = tuple[str, Any, str, str, str, Any, str]


def good() -> JSON:
    fab = {
        "name": "fab", "kind": "process", "cost_usd": 250.0, "scrap": 0.01,
        "faults": {"logic": {"mean": 0.6, "alpha": 3.0}}, "uses": {"wafer": 0.0156},
    }  # fmt: skip
    cp = {
        "name": "cp", "kind": "test", "cost_usd": 9.0, "overlap": "nested",
        "coverage": {"logic": 0.93}, "overkill": 0.02, "repair": {"logic": 0.1},
        "fail_cost_fraction": 0.9, "uses": {"tester.cp_h": 0.0011},
    }  # fmt: skip
    package = {
        "name": "package", "inputs": [{"node": "gpu", "count": 2}],
        "steps": [{"name": "bond", "kind": "process", "cost_usd": 120.0}],
    }  # fmt: skip
    return {"ship": "package", "nodes": [{"name": "gpu", "steps": [fab, cp]}, package]}


def changed(place: str, value: Any) -> JSON:
    """The good flow with one value set: place is a path of keys and indices apart by slashes."""
    flow = good()
    at: Any = flow
    *path, last = [int(part) if part.isdigit() else part for part in place.split("/")]
    for part in path:
        at = at[part]
    if value is ...:
        del at[last]
    elif isinstance(at, list) and last == len(at):
        at.append(value)
    else:
        at[last] = value
    return flow


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "flow.json"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def faults_of(source: Path | JSON) -> tuple[Fault, ...]:
    with pytest.raises(CaseError) as error:
        read_flow(source)
    return error.value.faults


def line_of(text: str, fragment: str) -> int:
    return 1 + next(i for i, line in enumerate(text.splitlines()) if fragment in line)


FAB_AT, CP_AT = "nodes/0/steps/0", "nodes/0/steps/1"
LOGIC = f"{FAB_AT}/faults/logic"
MEAN = f"{FAB}.faults.logic"
NAN, INF = float("nan"), float("inf")

# (where, what is put there, key, fragment of the line, message, value of the fault, hint)
ROWS: list[Row] = [
    ("shipp", 1, "shipp", "shipp", "unknown key", None, "'ship'"),
    ("nodes/0/step", [], "nodes[0].step", '"step":', "unknown key", None, "'steps'"),
    (f"{CP_AT}/coverge", {}, f"{CP}.coverge", "coverge", "unknown key", None, "'coverage'"),
    (f"{LOGIC}/men", 1, f"{MEAN}.men", "men", "unknown key", None, "'mean'"),
    ("nodes/1/inputs/0/cuont", 1, "nodes[1].inputs[0].cuont", "cuont", "unknown key", None,
     "'count'"),
    ("ship", ..., "ship", "{", "is missing", None, ""),
    (f"{CP_AT}/kind", ..., f"{CP}.kind", '"kind": "process"', "is missing", None, ""),
    (f"{LOGIC}/mean", ..., f"{MEAN}.mean", '"logic": {', "is missing", None, ""),
    (f"{CP_AT}/kind", "tset", f"{CP}.kind", "tset", "must be one of", "tset", ""),
    (f"{CP_AT}/overlap", "partial", f"{CP}.overlap", "partial", "must be one of", "partial", ""),
    (f"{CP_AT}/category", "dye", f"{CP}.category", "dye", "must be one of", "dye", ""),
    (f"{CP_AT}/scrap", 0.1, f"{CP}.scrap", '"scrap": 0.1', "a test has no scrap", 0.1, "overkill"),
    (f"{FAB_AT}/coverage", {"logic": 0.5}, f"{FAB}.coverage", '"coverage"',
     "a process has no coverage", None, "only tests"),
    (f"{FAB_AT}/overkill", 0.5, f"{FAB}.overkill", '"overkill": 0.5', "a process has no overkill",
     None, "only tests"),
    (f"{FAB_AT}/cost_usd", -1, f"{FAB}.cost_usd", "-1", "must be at least 0", ..., ""),
    (f"{FAB_AT}/cost_usd", NAN, f"{FAB}.cost_usd", "NaN", "must be finite", ..., ""),
    (f"{FAB_AT}/cost_usd", INF, f"{FAB}.cost_usd", "Infinity", "must be finite", ..., ""),
    (f"{FAB_AT}/cost_usd", "1", f"{FAB}.cost_usd", '"1"', "must be a number", "1", ""),
    (f"{FAB_AT}/cost_usd", True, f"{FAB}.cost_usd", "true", "must be a number", True, ""),
    (f"{FAB_AT}/cost_usd", None, f"{FAB}.cost_usd", "null", "must be a number", None, ""),
    (f"{FAB_AT}/scrap", 1.5, f"{FAB}.scrap", "1.5", "must be at most 1", 1.5, ""),
    (f"{CP_AT}/overkill", 2, f"{CP}.overkill", '"overkill": 2', "must be at most 1", ..., ""),
    (f"{CP_AT}/fail_cost_fraction", -0.5, f"{CP}.fail_cost_fraction", "-0.5",
     "must be at least 0", -0.5, ""),
    (f"{CP_AT}/coverage/logic", 1.0001, f"{CP}.coverage.logic", "1.0001", "must be at most 1",
     1.0001, ""),
    (f"{CP_AT}/repair/logic", -0.1, f"{CP}.repair.logic", "-0.1", "must be at least 0", -0.1, ""),
    (f"{CP_AT}/uses/tester.cp_h", -3.5, f'{CP}.uses."tester.cp_h"', "-3.5", "must be at least 0",
     -3.5, ""),
    (f"{LOGIC}/mean", -0.25, f"{MEAN}.mean", "-0.25", "must be at least 0", -0.25, ""),
    (f"{LOGIC}/alpha", 0, f"{MEAN}.alpha", '"alpha"', "must be above 0", ..., ""),
    (f"{LOGIC}/alpha", -1.0, f"{MEAN}.alpha", '"alpha"', "must be above 0", -1.0, ""),
    (f"{LOGIC}/law", "murphi", f"{MEAN}.law", "murphi", "unknown", "murphi", "'murphy'"),
    (LOGIC, {"mean": 1.5, "law": "single"}, f"{MEAN}.mean", "1.5", "at most 1", 1.5, ""),
    (LOGIC, {"mean": 1.5, "law": "bose_einstein"}, MEAN, '"logic": {', "layers", ..., ""),
    (LOGIC, {"mean": 1.5, "law": "murphy", "alpha": 2.0}, MEAN, '"logic": {', "alpha", ..., ""),
    ("nodes/1/inputs/0/count", 0, "nodes[1].inputs[0].count", '"count"', "at least 1", 0, ""),
    ("nodes/1/inputs/0/count", 1.5, "nodes[1].inputs[0].count", '"count"', "whole number", 1.5, ""),
    ("nodes/1/inputs/0/count", NAN, "nodes[1].inputs[0].count", "NaN", "", ..., ""),
    ("nodes/1/inputs/0/count", INF, "nodes[1].inputs[0].count", "Infinity", "", ..., ""),
    ("nodes/1/inputs/0/count", 10**400, "nodes[1].inputs[0].count", '"count"', "", ..., ""),
    (LOGIC, {"mean": 0.1, "law": "harvest", "blocks": 10**400, "spares": 1}, f"{MEAN}.blocks",
     '"blocks"', "", ..., ""),
    ("nodes/1/inputs/0/node", "gpv", "nodes[1].inputs[0].node", "gpv", "missing node", "gpv",
     "'gpu'"),
    ("ship", "pakage", "ship", "pakage", "missing node", "pakage", "'package'"),
    ("nodes/1/inputs/1", {"node": "gpu"}, "nodes[1].inputs[1].node", '"node": "gpu"',
     "shared node", "gpu", "one parent"),
    ("nodes/1/inputs/1", {"node": "package"}, "nodes[1].inputs[1].node", '"node": "package"',
     "circular", "package", ""),
    ("nodes/2", {"name": "spare"}, "nodes[2].name", "spare", "unreachable", "spare", ""),
    ("nodes/2", {"name": "gpu"}, "nodes[2].name", '"name": "gpu"', "duplicate node name", "gpu",
     ""),
    (f"{CP_AT}/name", "fab", f"{CP}.name", '"name": "fab"', "duplicate step name", "fab", ""),
    (f"{CP_AT}/name", "", f"{CP}.name", '"name": ""', "must not be empty", "", ""),
    ("nodes/0/steps", {}, "nodes[0].steps", '"steps": {}', "must be a list", ..., ""),
    ("nodes/0", "gpu", "nodes[0]", '"gpu",', "must be a table", "gpu", ""),
    ("nodes", [], "ship", '"ship"', "missing node", "package", ""),
]  # fmt: skip
LATER = {"shared node", "duplicate node name", "duplicate step name"}  # the second hit is at fault


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]} {row[1]!r}"[:60])
def test_one_fault(row: Row, tmp_path: Path) -> None:
    place, put, key, fragment, message, value, hint = row
    flow = changed(place, put)
    text = json.dumps(flow, indent=1)
    path = written(tmp_path, text)
    faults = faults_of(path)
    assert len(faults) == (2 if put == "gpv" else 1), faults  # nothing joins the gpu then
    fault = faults[0]
    lines = [i for i, line in enumerate(text.splitlines(), 1) if fragment in line]
    line = lines[-1] if message in LATER else lines[0]
    if put is ... and place.endswith("kind"):  # a missing key has its parent's line
        line = line_of(text, '"name": "cp"') - 1
    assert (fault.key, fault.file, fault.line) == (key, str(path), line), fault
    assert message in fault.message
    assert hint in fault.hint
    if value is not ...:
        assert (type(fault.value), fault.value) == (type(value), value)
    same = faults_of(flow)[0]  # from Python: no file, no line
    assert (same.key, same.message, same.file, same.line) == (key, fault.message, "", 0)


def test_a_circle_of_two_and_what_it_makes_unreachable(tmp_path: Path) -> None:
    flow = {"ship": "c", "nodes": [
        {"name": "a", "inputs": [{"node": "b"}]}, {"name": "b", "inputs": [{"node": "a"}]},
        {"name": "c"}]}  # fmt: skip
    path = written(tmp_path, json.dumps(flow, indent=1))
    found = [(fault.key, fault.message.split(":")[0]) for fault in faults_of(path)]
    assert found == [
        ("nodes[0].inputs[0].node", "circular"), ("nodes[1].inputs[0].node", "circular"),
        ("nodes[0].name", "unreachable"), ("nodes[1].name", "unreachable"),
    ]  # fmt: skip


def test_a_parent_stands_after_its_children(tmp_path: Path) -> None:
    flow = good()
    flow["nodes"].reverse()
    text = json.dumps(flow, indent=1)
    (fault,) = faults_of(written(tmp_path, text))
    assert (fault.key, fault.hint) == ("nodes[0].inputs[0].node", "move it up")
    assert fault.line == line_of(text, '"node": "gpu"')


def test_many_faults_at_once(tmp_path: Path) -> None:
    flow = good()
    fab, cp = flow["nodes"][0]["steps"]
    fab |= {"cost": 1, "scrap": 7, "coverage": {"logic": 0.5}}
    fab["faults"]["logic"]["alpha"] = -3.0
    cp |= {"scrap": 0.25, "fail_cost_fraction": NAN}
    cp["coverage"]["logic"] = 1.25
    flow["nodes"][1]["inputs"][0]["node"] = "gpv"
    flow["nodes"][1]["steps"].append({"name": "final", "kind": "test", "scrap": 0.5})
    text = json.dumps(flow, indent=1)
    path = written(tmp_path, text)
    fragments = {
        f"{FAB}.cost": '"cost": 1', f"{FAB}.scrap": '"scrap": 7', f"{MEAN}.alpha": "-3.0",
        f"{CP}.fail_cost_fraction": "NaN", f"{CP}.coverage.logic": "1.25",
        "nodes[1].inputs[0].node": "gpv", "nodes[0].name": '"name": "gpu"',
        "nodes[1].steps[1].scrap": '"scrap": 0.5',
    }  # fmt: skip
    found = faults_of(path)
    assert {fault.key: fault.line for fault in found} == {
        key: line_of(text, fragment) for key, fragment in fragments.items()
    }
    assert len(found) == len(fragments)
    assert all(fault.file == str(path) for fault in found)


DEEP = 100_000
UNREADABLE: list[tuple[str | bytes, int, str]] = [
    ("", 1, "the file is empty"),
    ("{\n 'ship': 1}", 2, "not JSON"),
    ('{"ship": "a",\n "nodes": [}\n', 2, "not JSON"),
    ("[]", 1, "the top level must be an object"),
    ("3", 1, "the top level must be an object"),
    (b'{"ship":\n "\xff"}', 2, "not UTF-8"),
    ("[" * DEEP, 1, "nested too deeply"),
    ('{"ship": "a",\n "nodes": [],\n "ship": "b"}', 3, "duplicate key"),
    ('{"nodes": [{"name": "a",\n "name": "b"}], "ship": "a"}', 2, "duplicate key"),
    ('{"ship": 1' + "0" * 5000 + "}", 1, ""),
    ('{"ship": "\\ud800", "nodes": []}', 1, ""),
    ('{"ship": "a", "nodes": [{"name": "a", "steps": [{"name": "s", "kind": "process",'
     ' "cost_usd": 1e999}]}]}', 1, "must be finite"),
    ('{"ship": "a", "nodes": [{"name": "a", "steps": [{"name": "s", "kind": "process",'
     ' "cost_usd": 1' + "0" * 400 + "}]}]}", 1, ""),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "message"), UNREADABLE, ids=range(len(UNREADABLE)))
def test_unreadable(text: str | bytes, line: int, message: str, tmp_path: Path) -> None:
    path = written(tmp_path, text)
    (fault,) = faults_of(path)
    assert (fault.file, fault.line) == (str(path), line)
    assert message in fault.message
    str(fault).encode()  # can be printed


def test_no_such_file_and_a_directory(tmp_path: Path) -> None:
    path = written(tmp_path, json.dumps(good()))
    (fault,) = faults_of(tmp_path / "flow.jsn")
    assert (fault.file, fault.hint) == (str(tmp_path / "flow.jsn"), f"did you mean '{path}'?")
    (fault,) = faults_of(tmp_path)
    assert fault.message == "is a directory, not a file"


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    assert read_flow(written(tmp_path, b"\xef\xbb\xbf" + json.dumps(good()).encode()))


@pytest.mark.parametrize("seed", range(30))
def test_file_mapping_and_round_trip_are_one_flow(seed: int, tmp_path: Path) -> None:
    data = random_flow(seed)
    kept = deepcopy(data)
    flow = read_flow(data)
    assert data == kept
    assert read_flow(written(tmp_path, json.dumps(data))) == flow
    assert read_flow(flow.to_dict()) == flow
    assert read_flow(written(tmp_path, json.dumps(flow.to_dict(), allow_nan=False))) == flow


def test_numbers_of_numpy_are_numbers() -> None:
    flow = good()
    flow["nodes"][0]["steps"][0]["cost_usd"] = np.float64(250.0)
    flow["nodes"][1]["inputs"][0]["count"] = np.int64(2)
    assert read_flow(flow) == read_flow(good())


@pytest.mark.parametrize(("spec", "law"), [
    ({"mean": 0.5}, Law("poisson")), ({"mean": 0.5, "alpha": None}, Law("poisson")),
    ({"mean": 0.5, "alpha": 2}, Law("negative_binomial", 2.0)),
    ({"mean": 0.5, "law": "bose_einstein", "layers": 4}, Law("bose_einstein", None, 4)),
    ({"mean": 0.5, "law": "harvest", "alpha": 2.0, "blocks": 9, "spares": 1},
     Law("harvest", 2.0, None, 9, 1)),
])  # fmt: skip
def test_missing_keys_mean_their_defaults(spec: JSON, law: Law) -> None:
    step = {"name": "s", "kind": "process", "faults": {"x": spec}}
    read = read_flow({"ship": "a", "nodes": [{"name": "a", "steps": [step]}]}).nodes[0]
    assert read.inputs == ()
    assert read.steps[0].faults["x"].law == law
    assert (read.steps[0].cost_usd, read.steps[0].scrap, read.steps[0].uses) == (0.0, 0.0, {})
