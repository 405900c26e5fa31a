"""Bad case files: every fault at once, each with file, line, key path, value and hint.

One good case is spoilt in one place at a time, then in many at once. Models that are spoilt by
``[override]`` or in an included folder have their tests in ``test_library``.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from yieldopt.errors import CaseError, Fault
from yieldopt.read import load

CASE = """\
name = "t"
periods = ["q1", "q2"]
# include
insertions = ["wafer_sort", "final_test", "system_level"]

[[resources]]
name = "hbm.hbm3e_8h"
source = "assumed: a test"
capacity = [100, 200]

[[products]]
name = "asic"
routes = ["cowos_s"]
interposer_mm = [32.0, 44.0]
substrate_mm = [60.0, 60.0]
dppm_limit = 1000.0
demand = [1, 2]
[products.slots]
logic = [{part = "tpu_die"}]
memory = [{part = "hbm3e_8h", count = 4}]
substrate = [{part = "abf_68"}]

[override]
"""
SLOTS = "products[0].slots"
N5 = "[override.processes.n5]\n"
P90 = "[override.insertions.wafer_sort.levels.p90]\n"
Row = tuple[str, str, str, str, str, Any, str]


def written(folder: Path, text: str | bytes, name: str = "case.toml") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def faults_of(path: Path | str) -> tuple[Fault, ...]:
    with pytest.raises(CaseError) as error:
        load(path)
    return error.value.faults


def line_of(text: str, fragment: str) -> int:
    """Number of the first line that holds the fragment."""
    return 1 + next(i for i, line in enumerate(text.splitlines()) if fragment in line)


def spoilt(old: str, new: str) -> str:
    assert old in CASE
    return CASE.replace(old, new, 1)


def test_the_case_is_good_before_it_is_spoilt(tmp_path: Path) -> None:
    case = load(written(tmp_path, CASE))
    assert case.periods == ("q1", "q2")
    assert [i.name for i in case.insertions] == ["final_test", "system_level", "wafer_sort"]


# (what is replaced, by what, key, fragment of the fault's line, message, value, hint)
IN_THE_CASE: list[Row] = [
    ("demand =", "demnad =", "products[0].demnad", "demnad", "unknown key", None, "'demand'"),
    ('name = "t"', 'name = "t"\ntitel = "x"', "titel", "titel", "unknown key", None, "'title'"),
    ("capacity = [", "unti = 1\ncapacity = [", "resources[0].unti", "unti", "unknown key", None,
     "'unit'"),
    ('"cowos_s"', '"cowos_1"', "products[0].routes[0]", "routes", "unknown route", "cowos_1",
     "'cowos_"),
    ('"tpu_die"', '"tpu_dye"', f"{SLOTS}.logic[0].part", "tpu_dye", "unknown part", "tpu_dye",
     "'tpu_die'"),
    ('"wafer_sort"', '"wafer_sorte"', "insertions[0]", "wafer_sorte", "unknown insertion",
     "wafer_sorte", "'wafer_sort'"),
    ("[products.slots]", '[products.levels]\n"tpu_die/wafer_srt" = ["off"]\n[products.slots]',
     'products[0].levels."tpu_die/wafer_srt"', "wafer_srt", "no such place", None,
     "'tpu_die/wafer_sort'"),
    ("[products.slots]", '[products.levels]\n"package/wafer_sort" = ["off"]\n[products.slots]',
     'products[0].levels."package/wafer_sort"', "package/", "no such place", None,
     "'tpu_die/wafer_sort'"),
    ("[products.slots]", '[products.levels]\n"tpu_die/wafer_sort" = ["of"]\n[products.slots]',
     'products[0].levels."tpu_die/wafer_sort"[0]', '"of"', "unknown level", "of", "'off'"),
    ('"hbm.hbm3e_8h"', '"hbm.hbm3e_8"', "resources[0].name", "hbm3e_8\"", "unknown resource",
     "hbm.hbm3e_8", "'hbm.hbm3e_8h'"),
    ('"assumed: a test"', '"brief2062"', "resources[0].source", "brief2062", "unknown source",
     "brief2062", "'brief2026'"),
    ('"assumed: a test"', '"assumed:"', "resources[0].source", "assumed:", "without saying why",
     "assumed:", ""),
    ("= 1000.0", '= "true"', "products[0].dppm_limit", "dppm", "must be a number", "true",
     "without quotes"),
    ("= 1000.0", "= true", "products[0].dppm_limit", "dppm", "must be a number", True, ""),
    ("= 1000.0", "= -5", "products[0].dppm_limit", "dppm", "must be above 0", -5, ""),
    ("= 1000.0", "= nan", "products[0].dppm_limit", "dppm", "must be finite", ..., ""),
    ("= 1000.0", "= inf", "products[0].dppm_limit", "dppm", "must be finite", ..., ""),
    ("dppm_limit", "test_time_factor = 1e300\ndppm_limit", "products[0].test_time_factor",
     "1e300", "must be at most 1e+12", 1e300, ""),
    ("[100, 200]", "[100, 1e13]", "resources[0].capacity[1]", "capacity",
     "must be at most 1e+12", 1e13, ""),
    ("dppm_limit = 1000.0\n", "", "products[0]", "[[products]]", "neither dppm_limit nor escape",
     None, "give one of the two"),
    ("dppm_limit = 1000.0", "escape_cost_usd = -1", "products[0].escape_cost_usd", "escape",
     "must be at least 0", ..., ""),
    ("44.0]", "-44.0]", "products[0].interposer_mm[1]", "44.0", "must be above 0", -44.0, ""),
    ("44.0]", "1e200]", "products[0].interposer_mm[1]", "1e200", "must be at most 1e+12", ..., ""),
    ("count = 4", "count = 10000000000", f"{SLOTS}.memory[0].count", "memory",
     "must be at most", ..., ""),
    ("44.0]", "nan]", "products[0].interposer_mm[1]", "nan", "must be finite", ..., ""),
    ("[100, 200]", "{base = 1}", "resources[0].capacity", "capacity", "must be a number, or a list",
     ..., ""),
    ("[100, 200]", "[100]", "resources[0].capacity", "capacity", "has 1 entries for 2 periods",
     None, "one number per period"),
    ("[1, 2]", "[1, 2, 3]", "products[0].demand", "demand", "has 3 entries for 2 periods", None,
     "one number per period"),
    ("[1, 2]", "-1e13", "products[0].demand", "demand", "must be at least 0", ..., ""),
    ("[1, 2]", "-3", "products[0].demand", "demand", "must be at least 0", -3, ""),
    ("[1, 2]", "[1, -2]", "products[0].demand[1]", "demand", "must be at least 0", -2, ""),
    ("[1, 2]", "[1, inf]", "products[0].demand[1]", "demand", "must be finite", ..., ""),
    ("[100, 200]", "[nan, 200]", "resources[0].capacity[0]", "capacity", "must be finite",
     ..., ""),
    ('["q1", "q2"]', '["q1", "q1"]', "periods[1]", "periods", "duplicate name", "q1", ""),
    ("count = 4", "count = 0", f"{SLOTS}.memory[0].count", "memory", "must be at least 1", 0, ""),
    ("count = 4", "count = 1.5", f"{SLOTS}.memory[0].count", "memory", "must be a whole number",
     1.5, ""),
    ("count = 4", "count = nan", f"{SLOTS}.memory[0].count", "memory", "", ..., ""),
    ("count = 4", "count = inf", f"{SLOTS}.memory[0].count", "memory", "", ..., ""),
    ('memory = [{part = "hbm3e_8h", count = 4}]\n', "", SLOTS, "[products.slots]",
     "slot @memory of route 'cowos_s' is not filled", None, "slots.memory"),
    ('"abf_68"', '"tpu_die"', f"{SLOTS}.substrate[0].part", "substrate = ",
     "part already in slot 'logic'", "tpu_die", "raise its count"),
    ("substrate = [{", 'bridges = []\nsubstrate = [{', f"{SLOTS}.bridges", "bridges",
     "unknown slot", None, "known: "),
    ("[[products]]", "[[product]]", "product", "[[product]]", "unknown key", None, "'products'"),
    ("# include", 'include = ["modles"]', "include[0]", "include", "no such folder", "modles",
     "a folder with"),
    ("[override]", "[override.part.x]", "override.part", "override.part", "unknown kind", None,
     "'parts'"),
    ("[override]", "[override.parts.tpu_dei]", "override.parts.tpu_dei", "tpu_dei",
     "unknown name in parts", None, "'tpu_die'"),
    ("[override]", "[override.parts]\ntpu_die = 3", "override.parts.tpu_die", "tpu_die = 3",
     "must be a table", 3, ""),
    ('["cowos_s"]', "5", "products[0].routes", "routes", "must be a list", 5, ""),
    ('["cowos_s"]', '[["cowos_s"]]', "products[0].routes[0]", "routes", "must be text", ..., ""),
]  # fmt: skip


def check_one(faults: tuple[Fault, ...], path: Path, text: str, row: tuple[Any, ...]) -> None:
    key, fragment, message, value, hint = row
    assert [fault.key for fault in faults] == [key], faults
    fault = faults[0]
    assert (fault.file, fault.line) == (str(path), line_of(text, fragment)), fault
    assert message in fault.message
    assert hint in fault.hint
    if value is not ...:
        assert (type(fault.value), fault.value) == (type(value), value)
    assert str(fault).startswith(f"{path}:{fault.line}: {key}: ")


@pytest.mark.parametrize("row", IN_THE_CASE, ids=lambda row: f"{row[2]}: {row[1][:20]!r}")
def test_case_file(row: Row, tmp_path: Path) -> None:
    text = spoilt(row[0], row[1])
    path = written(tmp_path, text)
    faults = faults_of(path)
    if row[0] == "[[products]]" or row[1] == '[["cowos_s"]]':  # the table, a route are missing, too
        faults = tuple(fault for fault in faults if fault.key == row[2])
    check_one(faults, path, text, row[2:])


def test_many_faults_at_once(tmp_path: Path) -> None:
    text = CASE
    for old, new in (
        ("demand = [1, 2]", "demnad = [1, 2]"), ('"cowos_s"', '"cowos_1", "osat_2p5d"'),
        ('"tpu_die"', '"tpu_dye"'), ("44.0]", "-44.0]"), ("[100, 200]", "[1]"),
        ('"hbm.hbm3e_8h"', '"hbm.none"'), ("dppm_limit = 1000.0\n", ""), ("count = 4", "count = 0"),
        ("[override]\n", N5 + "alpha = 0\n" + P90 + "overkill = 2\n"), ('"final_test"', '"final"'),
    ):  # fmt: skip
        assert old in text
        text = text.replace(old, new, 1)
    path = written(tmp_path, text)
    fragments = {
        "products[0].demnad": "demnad", "products[0].routes[0]": "routes",
        f"{SLOTS}.logic[0].part": "tpu_dye", "products[0].interposer_mm[1]": "-44.0",
        "resources[0].capacity": "capacity", "resources[0].name": "hbm.none",
        "products[0]": "[[products]]", f"{SLOTS}.memory[0].count": "count = 0",
        "override.processes.n5.alpha": "alpha", "insertions[1]": '"final"',
        "override.insertions.wafer_sort.levels.p90.overkill": "overkill",
    }  # fmt: skip
    found = {fault.key: fault for fault in faults_of(path)}
    assert {k: found[k].line for k in fragments} == {
        k: line_of(text, fragment) for k, fragment in fragments.items()
    }
    assert all(found[key].file == str(path) for key in fragments)
    assert str(CaseError(found.values())).count("\n") == len(found) - 1


UNREADABLE: list[tuple[str | bytes, int, str]] = [
    ("", 1, "the file is empty"),
    (" \n\n", 1, "the file is empty"),
    ('name = "t"\nperiods = [\n', 3, "not TOML"),
    ('name = "t"\nname = "u"\n', 2, "duplicate key"),
    ('{"name": "t"}', 1, "not TOML"),
    (b'name = "t"\n# \xff\n', 2, "not UTF-8"),
    ("name = 1" + "0" * 5000 + "\n", 1, ""),
    ("x = " + "[" * 5000 + "]" * 5000, 1, ""),
]


@pytest.mark.parametrize(("text", "line", "message"), UNREADABLE, ids=range(len(UNREADABLE)))
def test_unreadable(text: str | bytes, line: int, message: str, tmp_path: Path) -> None:
    path = written(tmp_path, text)
    fault = faults_of(path)[0]
    assert (fault.file, fault.line) == (str(path), line)
    assert message in fault.message


def test_no_such_file_and_a_directory(tmp_path: Path) -> None:
    path = written(tmp_path, CASE, "gpu_2026.toml")
    (fault,) = faults_of(tmp_path / "gpu_2062.toml")
    assert fault.file == str(tmp_path / "gpu_2062.toml")
    assert "cannot be read: no such file" in fault.message
    assert fault.hint == f"did you mean '{path}'?"
    (fault,) = faults_of(tmp_path)
    assert (fault.file, fault.message) == (str(tmp_path), "is a directory, not a file")


@pytest.mark.parametrize("value", ["5", "true", '"x"', "[5]", "{a = 1}", "[[]]"])
@pytest.mark.parametrize(
    "key", ["products", "resources", "periods", "insertions", "include", "override", "name"]
)
def test_a_wrong_type_at_the_top_is_a_fault_of_that_key(
    key: str, value: str, tmp_path: Path
) -> None:
    if (key, value) in {("name", '"x"'), ("override", "{a = 1}")}:
        return
    if key in ("products", "resources"):
        start = CASE.index(f"[[{key}]]")
        text = CASE[:start] if key == "products" else CASE.replace("[[resources]]", "[[resource]]")
    else:
        drop: Callable[[str], bool] = lambda line: line.startswith((f"{key} =", f"[{key}]"))  # noqa: E731
        text = "\n".join(line for line in CASE.splitlines() if not drop(line))
    path = written(tmp_path, f"{key} = {value}\n{text}")
    assert any(f.key.startswith(key) and f.line == 1 for f in faults_of(path))


@pytest.mark.parametrize("name", ["p" * 300, "p" * 300 + ".toml", "p" * 300 + "/case.toml"])
def test_a_path_too_long_for_the_system_is_a_fault(name: str) -> None:
    with pytest.raises(CaseError) as error:
        load(name)
    (fault,) = error.value.faults
    assert fault.message in (
        "no such file, and no bundled case of this name",
        "cannot be read: file name too long",
    )


def test_an_include_too_long_for_the_system_is_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "case.toml"
    path.write_text(f'include = ["{"p" * 300}"]\n')
    with pytest.raises(CaseError) as error:
        load(path)
    assert "no such folder" in {fault.message for fault in error.value.faults}
