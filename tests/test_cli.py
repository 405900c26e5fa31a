"""The command line: what is printed, where, and with which exit code.

Answers go to stdout (strict JSON and nothing else under ``--json``), faults to stderr as plain
lines. 0 answered, 2 bad input, 3 infeasible; never a traceback.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from yieldopt.cli import main

ROOT = Path(__file__).parent.parent
MINIMAL = ROOT / "cases" / "minimal.toml"
SEVEN = ["die", "memory", "interposer", "substrate", "assembly", "test", "scrap"]
FLOW = {
    "ship": "package",
    "nodes": [
        {"name": "gpu", "inputs": [], "steps": [
            {"name": "fab", "kind": "process", "cost_usd": 250.0, "scrap": 0.0,
             "faults": {"logic": {"mean": 0.6, "alpha": 3.0}}, "uses": {"wafer.n4p": 0.0156}},
            {"name": "cp", "kind": "test", "cost_usd": 9.0, "overlap": "nested",
             "coverage": {"logic": 0.93}, "overkill": 0.01, "repair": {"logic": 0.0},
             "fail_cost_fraction": 1.0, "faults": {"bump": {"mean": 0.002, "alpha": None}},
             "uses": {"tester.cp_h": 0.0011}}]},
        {"name": "package", "inputs": [{"node": "gpu", "count": 2}], "steps": [
            {"name": "bond", "kind": "process", "cost_usd": 120.0, "scrap": 0.02,
             "faults": {"joint": {"mean": 0.04, "alpha": 1.5}}, "uses": {}},
            {"name": "final", "kind": "test", "cost_usd": 40.0, "overlap": "nested",
             "coverage": {"logic": 0.985, "joint": 0.99}, "overkill": 0.003,
             "uses": {"tester.ft_h": 0.03}}]},
    ],
}  # fmt: skip


def run(*args: object, code: int = 0) -> Result:
    """Run in process; a bug would show as an exception or another exit code."""
    result = CliRunner().invoke(main, [str(arg) for arg in args])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result


def process(*args: object, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "yieldopt", *map(str, args)]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=ROOT, env={**os.environ, **env}
    )


def strict(text: str) -> Any:
    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    return json.loads(text, parse_constant=refuse)


def saved(folder: Path, data: object, name: str = "flow.json") -> Path:
    path = folder / name
    path.write_text(data if isinstance(data, str) else json.dumps(data))
    return path


def case(folder: Path, old: str = "", new: str = "", more: str = "") -> Path:
    """The minimal case with a change, in a folder of its own."""
    text = MINIMAL.read_text()
    assert old in text
    inner = folder / "in"
    inner.mkdir(exist_ok=True)
    return saved(inner, text.replace(old, new, 1) + more if old else text + more, "case.toml")


def test_eval(tmp_path: Path) -> None:
    path = saved(tmp_path, FLOW)
    out = strict(run("eval", path, "--json").stdout)
    assert list(out["visits"]) == ["gpu/fab", "gpu/cp", "package/bond", "package/final"]
    assert set(out["uses"]) == {"wafer.n4p", "tester.cp_h", "tester.ft_h"}
    assert list(out["waterfall_usd"]) == SEVEN
    for key in ("cost_per_shipped_usd", "cost_per_good_usd", "quality", "dppm"):
        assert type(out[key]) is float
    assert out["cost_per_good_usd"] == pytest.approx(out["cost_per_shipped_usd"] / out["quality"])
    assert sum(out["waterfall_usd"].values()) == pytest.approx(out["cost_per_good_usd"], rel=1e-12)
    assert out["dppm"] == pytest.approx(1e6 * (1 - out["quality"]), rel=1e-9)
    text = run("eval", path).stdout
    assert f"{out['cost_per_good_usd']:,.2f} USD" in text
    assert "package/final" in text


@pytest.mark.parametrize("spoil", ["scrap", "overkill", "coverage"])
def test_nothing_passes(spoil: str, tmp_path: Path) -> None:
    flow = json.loads(json.dumps(FLOW))
    fab, cp = flow["nodes"][0]["steps"]
    if spoil == "scrap":
        fab["scrap"] = 1.0
    elif spoil == "overkill":
        cp["overkill"] = 1.0
    else:
        fab["faults"]["logic"] = {"mean": 1.0, "law": "single"}
        cp["coverage"]["logic"] = 1.0
    step = "gpu/fab" if spoil == "scrap" else "gpu/cp"
    path = saved(tmp_path, flow)
    result = run("eval", path, "--json", code=3)
    answer = strict(result.stdout)
    assert (answer.pop("status"), answer.pop("binding")) == ("infeasible", [step])
    assert not any(answer.values())  # no number and no table of what cannot be made
    assert f"nothing can pass {step}" in result.stderr
    assert f"nothing can pass {step}" in run("eval", path, code=3).stderr


def test_a_sum_beyond_the_largest_number_is_no_traceback(tmp_path: Path) -> None:
    flow = json.loads(json.dumps(FLOW).replace("0.0156", "1e308"))
    result = CliRunner().invoke(main, ["eval", str(saved(tmp_path, flow)), "--json"])
    assert result.exit_code in (2, 3), result.exception


def test_check_and_text_of_flow_and_solve() -> None:
    assert "no faults" in run("check", MINIMAL).stdout
    assert run("check", "minimal").stdout == run("check", MINIMAL).stdout
    text = run("flow", "minimal", "--product", "asic", "--route", "cowos_s").stdout
    assert "joins 1 x interposer, 1 x tpu_die, 4 x hbm3e_8h" in text
    text = run("solve", "minimal").stdout
    assert text.startswith("optimal: ")
    assert "recipe asic/" in text


@pytest.mark.parametrize("kind", ["routes", "parts", "insertions", "processes", "cases", "laws"])
def test_list(kind: str) -> None:
    rows = strict(run("list", kind, "--json").stdout)
    text = run("list", kind).stdout.splitlines()
    assert rows
    assert len(text) == len(rows) + 1
    name = {"routes": "cowos_s", "parts": "tpu_die", "insertions": "wafer_sort",
            "processes": "n5", "cases": "minimal", "laws": "murphy"}[kind]  # fmt: skip
    assert name in [row[kind.removesuffix("es" if kind == "processes" else "s")] for row in rows]


CONTRACT: dict[str, Any] = {
    "status": str, "objective_usd": float, "bound_usd": float, "gap": float, "solver": str,
    "runtime_s": float,
    "products": [{
        "name": str, "cost_per_good_usd": float, "dppm": float, "demand": float, "made": float,
        "unmet": float, "standalone": {"route": str, "cost_per_good_usd": float},
        "routes": [{"route": str, "feasible": bool, "cost_per_good_usd": float, "reasons": []}]}],
    "recipes": [{
        "id": str, "product": str, "route": str, "levels": dict, "cost_per_good_usd": float,
        "dppm": float, "quality": float, "waterfall_usd": dict, "uses_per_good": dict,
        "proof": {"method": str, "combinations": int}}],
    "allocation": [{"recipe": str, "product": str, "route": str, "period": str,
                    "packages": float}],
    "unmet": [{"product": str, "period": str, "packages": float}],
    "resource_use": [{"resource": str, "period": str, "used": float, "capacity": float}],
    "shadow_prices": [{"resource": str, "period": str, "usd_per_unit": float}],
}  # fmt: skip


def obeys(data: Any, shape: Any, path: str = "") -> None:
    if isinstance(shape, dict):
        assert shape.keys() <= data.keys(), path
        for key, inner in shape.items():
            obeys(data[key], inner, f"{path}.{key}")
    elif isinstance(shape, list):
        assert isinstance(data, list), path
        for at, item in enumerate(data if shape else []):
            obeys(item, shape[0], f"{path}[{at}]")
    else:
        assert type(data) is shape, f"{path}: {data!r}"


SCARCE = """
demand = [500, 600]
shortage_cost_usd = 9000.0
[[resources]]
name = "hbm.hbm3e_8h"
source = "assumed: a test"
capacity = [1800, 3000]
"""


def scarce(folder: Path) -> Path:
    return case(folder, 'name = "minimal"', 'name = "minimal"\nperiods = ["a", "b"]', SCARCE)


@pytest.mark.parametrize("solver", ["highs", "ortools", "pulp", "pulp:HiGHS"])
def test_solve_prints_the_contract_and_nothing_else(solver: str, tmp_path: Path) -> None:
    done = process("solve", scarce(tmp_path), "--json", "--solver", solver)
    assert (done.returncode, done.stderr) == (0, "")
    answer = strict(done.stdout)
    obeys(answer, CONTRACT)
    assert (answer["status"], answer["solver"]) == ("optimal", solver)
    assert answer["unmet"]
    assert max(row["usd_per_unit"] for row in answer["shadow_prices"]) > 0
    for recipe in answer["recipes"]:
        assert list(recipe["waterfall_usd"])[:7] == SEVEN
    plain = strict(run("solve", "minimal", "--json", "--solver", solver).stdout)
    assert plain["objective_usd"] == pytest.approx(2192.46, rel=0.2)
    obeys(plain, CONTRACT)


def test_the_flow_of_a_recipe_evaluates_to_its_cost(tmp_path: Path) -> None:
    path = scarce(tmp_path)
    recipes = strict(run("solve", path, "--json").stdout)["recipes"]
    for recipe in recipes:
        levels = [f"--level={place}={level}" for place, level in recipe["levels"].items()]
        names = ("--product", recipe["product"], "--route", recipe["route"])
        printed = run("flow", path, *names, *levels, "--json").stdout
        out = strict(run("eval", saved(tmp_path, strict(printed)), "--json").stdout)
        for key in ("cost_per_good_usd", "dppm", "quality"):
            assert out[key] == pytest.approx(recipe[key], rel=1e-12)
        falls = recipe["waterfall_usd"]
        assert list(falls)[:7] == list(out["waterfall_usd"])
        for key, value in out["waterfall_usd"].items():
            assert value == pytest.approx(falls[key], rel=1e-12, abs=1e-9)
        for key, value in recipe["uses_per_good"].items():
            assert out["uses"][key] / out["quality"] == pytest.approx(value, rel=1e-12)


INFEASIBLE = [
    ("dppm_limit = 1000.0", "dppm_limit = 0.001", "", "reaches 0.001 DPPM"),
    ("interposer_mm = [32.0, 44.0]", "interposer_mm = [60.0, 60.0]", "",
     "interposer 3600 mm2 exceeds the limit of 2831 mm2"),
    ("", "", "demand = 500\n[[resources]]\nname = \"hbm.hbm3e_8h\"\nsource = \"assumed: x\"\n"
     "capacity = 100\n", "hbm.hbm3e_8h in all: capacity 100"),
]  # fmt: skip


@pytest.mark.parametrize("row", INFEASIBLE, ids=["dppm", "routes", "capacity"])
def test_infeasible_is_an_answer(row: tuple[str, str, str, str], tmp_path: Path) -> None:
    path = case(tmp_path, *row[:3])
    answer = strict(run("solve", path, "--json", code=3).stdout)
    assert answer["status"] == "infeasible"
    assert any(row[3] in line for line in answer["binding"])
    assert answer["allocation"] == answer["recipes"] == []
    assert answer["objective_usd"] is None
    assert row[3] in run("solve", path, code=3).stdout


BAD: list[tuple[str, ...]] = [
    ("eval", "none.json"), ("eval", "."), ("eval", "cases/minimal.toml"), ("solve", "."),
    ("check", "none.toml"), ("solve", "none.toml", "--json"), ("solve", "minimol"),
    ("solve", "minimal", "--solver", "gurobi"), ("solve", "minimal", "--solver", "pulp:NONE"),
    ("solve", "minimal", "--solver", "highs:x"), ("solve", "minimal", "--solver", ""),
    ("solve", "minimal", "--out", "/dev/null/x"), ("list", "none"), ("list",), ("none",),
    ("flow", "minimal", "--product", "asik", "--route", "cowos_s"),
    ("flow", "minimal", "--product", "asic", "--route", "cowos_z"),
    ("flow", "minimal", "--product", "asic", "--route", "cowos_l"),
    ("flow", "minimal", "--product", "asic", "--route", "cowos_s", "--level", "x"),
    ("flow", "minimal", "--product", "asic", "--route", "cowos_s", "--level", "x/y=off"),
    ("flow", "minimal", "--product", "asic", "--route", "cowos_s", "--level",
     "package/final_test=f9"),
    ("flow", "minimal", "--product", "asic"), ("flow", "minimal", "--route", "cowos_s"),
]  # fmt: skip


@pytest.mark.parametrize("args", BAD, ids=" ".join)
def test_bad_input_exits_2(args: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    result = run(*args, code=2)
    assert result.stdout == ""
    assert "rror: " in result.stderr


def test_faults_are_lines_on_stderr(tmp_path: Path) -> None:
    path = case(tmp_path, "dppm_limit = 1000.0", "dppm_limit = -1\ndemnad = 3")
    done = process("solve", path, "--json")
    assert (done.returncode, done.stdout) == (2, "")
    lines = done.stderr.splitlines()
    assert lines[0].startswith(f"error: {path}:")
    assert len(lines) == 3
    assert "did you mean 'demand'?" in done.stderr


def test_a_near_miss_of_a_bundled_case_is_named() -> None:
    assert "minimal" in run("solve", "minimol", code=2).stderr


def test_version_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom yieldopt.cli import main\nmain(['--version'], standalone_mode=False)\n"
        "heavy = {'numpy', 'pydantic', 'pandas', 'polars', 'ortools', 'pulp', 'highspy', 'rich'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    from yieldopt import __version__

    assert done.stdout.splitlines() == [f"yieldopt, version {__version__}", "[]"]
    assert process("--version").stdout.strip() == f"yieldopt, version {__version__}"
    assert process("--help").returncode == 0
