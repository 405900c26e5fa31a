"""Files that are no cases: what cannot be read, too deep, too large, of another kind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from yieldopt import CaseError, load
from yieldopt.cli import main
from yieldopt.data import bundled_cases
from yieldopt.read import documents
from yieldopt.read.documents import open_document

MINIMAL = bundled_cases()["minimal"].read_text(encoding="utf-8")


def refused(
    data: bytes | str, folder: Path, command: str = "check", name: str = "case.toml"
) -> str:
    """Return the message of a file that a command refuses; a bug would show as an exception."""
    path = folder / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode("utf-8", "surrogatepass"))
    result = CliRunner().invoke(main, [command, str(path)])
    assert isinstance(result.exception, SystemExit), result.exc_info
    assert result.exit_code == 2, result.output
    assert not result.stdout
    assert sorted(folder.iterdir()) == [path]
    return result.stderr


@pytest.mark.parametrize(
    "text", [b"\xef\xbb\xbf" + MINIMAL.encode(), MINIMAL.replace("\n", "\r\n")]
)
def test_marks_and_ends_of_lines_do_not_matter(text: bytes | str, tmp_path: Path) -> None:
    path = tmp_path / "case.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    assert load(path).products == load("minimal").products


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "the file is empty"),
        (b"\xff\xfe" + MINIMAL.encode("utf-16-le"), "not UTF-8 text; save the file as UTF-8"),
        (MINIMAL.replace("One", "\xe4").encode("latin-1"), "not UTF-8 text"),
        (MINIMAL.replace("One", "\ud800"), "not UTF-8 text"),
        (MINIMAL.replace("One", "\\ud800"), "not TOML"),
        (MINIMAL + "\0", "not TOML"),
        (MINIMAL.replace("\n", "\r"), "not TOML"),
        ("products = 3\n", "must be a list"),
    ],
    ids=["empty", "utf16", "latin1", "half", "escaped_half", "nul", "cr", "number"],
)
def test_what_is_no_case(data: bytes | str, told: str, tmp_path: Path) -> None:
    assert told in refused(data, tmp_path)


NUMBERS = ["1e400", "nan", "inf", "-1.0", "1e13", "9" * 400, "9" * 5000, "0x" + "f" * 5000,
           "true", "2026-01-01", "07:32:00", "'1000'", "[1000.0]", "{}", "[[]]"]  # fmt: skip


@pytest.mark.parametrize("value", NUMBERS, ids=lambda value: value[:12])
@pytest.mark.parametrize(
    "line",
    ["dppm_limit = VALUE", "escape_cost_usd = VALUE", "power_w = VALUE", "service_frac = VALUE"],
)
def test_what_is_no_number(line: str, value: str, tmp_path: Path) -> None:
    text = MINIMAL.replace("dppm_limit = 1000.0", line.replace("VALUE", value))
    told = refused(text, tmp_path)
    assert "case.toml:" in told
    assert len(told) < 1000


DEEP = {
    "list": "x = " + "[" * 300 + "]" * 300,
    "table": "override = " + "{a=" * 150 + "1" + "}" * 150,
    "dotted": "override.processes.n5." + ".".join("a" * 700) + " = 1",
    "very": "override." + ".".join("a" * 2000) + " = 1",
    "header": "[override." + ".".join("a" * 2000) + "]\nx = 1",
}


@pytest.mark.parametrize("kind", DEEP)
def test_what_is_too_deep(kind: str, tmp_path: Path) -> None:
    assert "nested too deeply" in refused(f"{DEEP[kind]}\n{MINIMAL}", tmp_path)


def test_keys_and_values_of_changes_are_not_too_deep() -> None:
    deep: dict[str, object] = {}
    for _ in range(2000):
        deep = {"a": deep}
    for changes in ({"override." + ".".join("a" * 2000): 1}, {"override": deep}):
        with pytest.raises(CaseError, match="nested too deeply"):
            load("minimal", changes)


@pytest.mark.parametrize(
    "data",
    [
        "{" * 2000,
        '{"a": ' * 500 + "1" + "}" * 500,
        "[" * 2000 + "]" * 2000,
        "[]",
        "3",
        "NaN",
        '"\\ud800"',
        '{"status": "optimal", "status": "optimal"}',
        '{"ship": 1e400, "nodes": "\\ud800"}',
        '{"status": [], "products": {}, "recipes": "x", "objective_usd": "1"}',
    ],
    ids=range(10),
)
@pytest.mark.parametrize("command", ["eval", "report"])
def test_what_is_no_flow_and_no_result(command: str, data: str, tmp_path: Path) -> None:
    refused(data, tmp_path, command, "file.json")


@pytest.fixture(scope="module")
def result() -> str:
    return CliRunner().invoke(main, ["solve", "minimal", "--json"]).stdout


@pytest.mark.parametrize("cut", [0.1, 0.5, 0.999])
def test_half_a_result(result: str, cut: float, tmp_path: Path) -> None:
    told = refused(result[: int(len(result.rstrip()) * cut)], tmp_path, "report", "result.json")
    assert "not JSON" in told


def test_an_edited_result(result: str, tmp_path: Path) -> None:
    """Every number in turn is written as a text, and every text as a number: each is refused."""
    whole = json.loads(result)
    for key, value in whole.items():
        if value is None or key == "runtime_s":
            continue
        other = str(value) if isinstance(value, int | float) else 3
        told = refused(json.dumps(whole | {key: other}), tmp_path, "report", "result.json")
        assert f"{key}: must be" in told
    told = refused(json.dumps(whole | {"of_another_version": 1}), tmp_path, "report", "result.json")
    assert "of_another_version: unknown key" in told


def test_a_file_without_an_end_is_not_read_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "_LARGEST", 1 << 20)
    with pytest.raises(CaseError, match="is larger than 1 MB"):
        open_document("/dev/zero", "toml")
    assert "is larger than 1 MB" in refused("#" * ((1 << 20) + 1), tmp_path)


@pytest.mark.parametrize(
    "include", [".", "..", "case.toml", "a\\u0000b", "x" * 10_000, "/dev/null"]
)
def test_a_case_that_includes_itself_or_nothing(include: str, tmp_path: Path) -> None:
    """A folder is read once, whatever else is in it; what is none is named."""
    text = MINIMAL.replace("title =", f'include = ["{include}"]\ntitle =')
    told = refused(text, tmp_path)
    assert "include[0]" in told
    assert len(told) < 1000


def test_models_that_extend_each_other_in_a_circle(tmp_path: Path) -> None:
    own = tmp_path / "own" / "parts"
    own.mkdir(parents=True)
    for name, base in (("a", "b"), ("b", "a")):
        (own / f"{name}.toml").write_text(f'name = "{name}"\nextends = "{base}"\n', "utf-8")
    path = tmp_path / "case.toml"
    path.write_text(MINIMAL.replace("title =", 'include = ["own"]\ntitle ='), "utf-8")
    with pytest.raises(CaseError, match="circular: it extends itself"):
        load(path)


def test_a_table_that_is_the_case_itself(tmp_path: Path) -> None:
    for file in ("case.toml", "a\\u0000.csv", "x" * 9000 + ".csv", "."):
        told = refused(f'{MINIMAL}\n[[tables]]\nfile = "{file}"\nwhat = "demand"\n', tmp_path)
        assert "tables[0]" in told or "cannot be read" in told
