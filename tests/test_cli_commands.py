"""The command line as a whole: its modules, names, options that do nothing, keys of answers."""

from __future__ import annotations

import inspect
import itertools
import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from click import Context, Option

from tests.test_cli import FLOW, ROOT, case, run, saved, strict
from yieldopt import cli


def test_commands_stand_where_the_parser_looks_for_them() -> None:
    """Every module of ``yieldopt/commands`` that has commands, and each of its commands."""
    homes = {}
    for path in (ROOT / "yieldopt" / "commands").glob("*.py"):
        module = import_module(f"yieldopt.commands.{path.stem}")
        if found := getattr(module, "COMMANDS", {}):
            homes[path.stem] = tuple(sorted(found))
            assert [command.name for command in found.values()] == list(found)
    assert homes == cli.HOMES
    names = list(itertools.chain(*homes.values()))
    assert cli.main.list_commands(Context(cli.main)) == sorted(names)
    assert len(set(names)) == len(names)


def test_every_command_has_an_example_and_every_option_its_help() -> None:
    context = Context(cli.main)
    for name in cli.main.list_commands(context):
        command = cli.main.get_command(context, name)
        assert command is not None
        _, _, example = inspect.cleandoc(command.help or "").partition("\b\nExample: ")
        assert any(line.startswith(f"yieldopt {name} ") for line in example.splitlines()), name
        without = [one.opts for one in command.params if isinstance(one, Option) and not one.help]
        assert without == [], name


def test_a_near_miss_of_a_command_is_named() -> None:
    result = run("slove", "minimal", code=2)
    assert "no command 'slove'; did you mean 'solve'?" in result.stderr


SCARCE_DPPM = ("dppm_limit = 1000.0", "dppm_limit = 0.001")
ON_ONE_ROUTE = ("b200_class", "--product", "b200_class", "--route")


def pairs(folder: Path) -> dict[str, tuple[list[object], list[object]]]:
    """By command: words that are answered, and words that no plan can answer."""
    poor = case(folder, *SCARCE_DPPM)
    ramp = (ROOT / "cases" / "ask_ramp_programme.toml").read_text()
    strict_ramp = saved(folder, ramp.replace(*SCARCE_DPPM), "ramp.toml")
    dead = json.loads(json.dumps(FLOW))
    dead["nodes"][0]["steps"][0]["scrap"] = 1.0
    return {
        "eval": ([saved(folder, FLOW)], [saved(folder, dead, "dead.json")]),
        "solve": (["minimal"], [poor]),
        "explain": ([*ON_ONE_ROUTE, "cowos_l"], [*ON_ONE_ROUTE, "osat_2p5d"]),
        "frontier": ([*ON_ONE_ROUTE, "cowos_l"], [*ON_ONE_ROUTE, "osat_2p5d"]),
        "tornado": (["minimal", "--product", "asic"], [poor, "--product", "asic"]),
        "robust": (["ask_ramp_programme", "--product", "b200"], [strict_ramp, "--product", "b200"]),
        "refine": (["minimal", "--product", "asic"], [poor, "--product", "asic"]),
    }


@pytest.mark.parametrize(
    "name", ["eval", "solve", "explain", "frontier", "robust", "refine", "tornado"]
)
def test_answers_have_the_same_keys_whether_or_not_there_is_a_plan(
    name: str, tmp_path: Path
) -> None:
    good, bad = pairs(tmp_path)[name]
    answered = strict(run(name, *good, "--json").stdout)
    not_so = strict(run(name, *bad, "--json", code=3).stdout)
    assert list(answered) == list(not_so)
    assert not_so["status"] == "infeasible" != answered["status"]
    if name != "robust":
        assert answered["binding"] == []
        assert not_so["binding"]


def test_an_infeasible_product_has_no_plan_and_its_reasons() -> None:
    found = strict(run("explain", *ON_ONE_ROUTE, "osat_2p5d", "--json", code=3).stdout)
    assert found["plan"] is None
    assert found["insertions"] == found["dppm_budget"] == found["content_moves"] == []
    assert found["binding"] == [f"osat_2p5d: {reason}" for reason in found["routes"][0]["reasons"]]


def test_no_route_to_compare_is_infeasible(tmp_path: Path) -> None:
    columns = strict(run("compare", case(tmp_path, *SCARCE_DPPM), "--json", code=3).stdout)
    assert {column["recipe"] for column in columns} == {None}
    assert list(columns[0]) == list(strict(run("compare", "minimal", "--json").stdout)[0])
    assert (
        "no combination of levels reaches"
        in run("compare", case(tmp_path, *SCARCE_DPPM), code=3).stdout
    )


RAMP = ("robust", "ask_ramp_programme", "--product", "b200")
# (words, option that would do nothing, what it belongs to)
IDLE: list[tuple[tuple[str, ...], str, str]] = [
    ((*RAMP, "--starts-of", "package"), "--starts-of", "--measure fixed_starts"),
    (
        (*RAMP, "--measure", "worst", "--starts-of", "package"),
        "--starts-of",
        "--measure fixed_starts",
    ),
    ((*RAMP, "--tail", "0.2"), "--tail", "--measure cvar"),
    ((*RAMP, "--measure", "fixed_starts", "--tail", "0.1"), "--tail", "--measure cvar"),
]


@pytest.mark.parametrize("row", IDLE, ids=lambda row: " ".join(row[0][4:]))
def test_an_option_that_would_do_nothing_is_refused(row: tuple[tuple[str, ...], str, str]) -> None:
    words, option, home = row
    result = run(*words, code=2)
    assert result.stdout == ""
    assert f"error: {option}: " in result.stderr
    assert home in result.stderr


def test_a_share_of_no_limit_is_refused(tmp_path: Path) -> None:
    ramp = (ROOT / "cases" / "ask_ramp_programme.toml").read_text()
    path = saved(tmp_path, ramp.replace("dppm_limit = 1000.0", "escape_cost_usd = 500.0"), "r.toml")
    result = run("robust", path, "--product", "b200", "--dppm-share", "0.7", code=2)
    assert "error: --dppm-share: does nothing without a dppm_limit of the product" in result.stderr
    run("robust", path, "--product", "b200")


def test_two_levels_of_one_insertion_are_refused() -> None:
    flow = ("flow", "minimal", "--product", "asic", "--route", "cowos_s")
    levels = ("--level", "package/final_test=f999", "--level", "package/final_test=off")
    result = run(*flow, *levels, code=2)
    assert "error: --level: package/final_test is given two levels" in result.stderr


def test_an_unknown_insertion_is_named_on_a_route_that_cannot_be_taken_too() -> None:
    words = ("explain", *ON_ONE_ROUTE, "osat_2p5d", "--insertion")
    result = run(*words, "package/final", code=2)
    assert (
        "unknown insertion (got 'package/final'); did you mean 'package/final_test'?"
        in result.stderr
    )
    run(*words, "package/final_test", code=3)


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (("--measure", "cvar", "--tail", "2"), "--tail"),
        (("--dppm-share", "0"), "--dppm-share"),
        (("--measure", "fixed_starts", "--starts-of", "gpu"), "--starts-of"),
        (("--measure", "mean"), "--measure"),
    ],
)
def test_a_wrong_value_is_named_by_its_option(words: tuple[str, ...], option: str) -> None:
    result = run(*RAMP, *words, code=2)
    assert result.stderr.startswith(f"error: {option}: ")


def test_a_folder_that_cannot_take_the_answer_is_refused_before_anything_is_solved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def solved(*_: object) -> None:
        raise AssertionError("solved for nothing")

    monkeypatch.setattr("yieldopt.solving.solve_whole", solved)
    taken = saved(tmp_path, "a file", "taken")
    for place, words in ((taken, "is a file"), (ROOT / "cases", "holds inputs")):
        result = run("solve", "minimal", "--out", place, code=2)
        assert f"error: --out: {words}" in result.stderr
    assert taken.read_text() == "a file"


@pytest.mark.skipif(sys.platform == "win32", reason="signals of another kind")
def test_an_interrupt_ends_with_a_line_and_130() -> None:
    """SIGINT as a shell sends it, once the command is at work."""
    code = (
        "import os, signal, yieldopt.read\n"
        "def load(*_): os.kill(os.getpid(), signal.SIGINT)\n"
        "yieldopt.read.load = load\n"
        "from yieldopt.cli import main\n"
        "main(['check', 'minimal'])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "interrupted\n")
