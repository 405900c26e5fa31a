"""The command line as a whole: its modules, names, options that do nothing, keys of answers."""

from __future__ import annotations

import itertools
import json
from importlib import import_module
from pathlib import Path

import pytest
from click import Context

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
    switch = (ROOT / "cases" / "ask_cpo_switch.toml").read_text()
    none = saved(folder, switch.replace("dppm_limit = 3000.0", "dppm_limit = 0.001"), "cpo.toml")
    return {
        "eval": ([saved(folder, FLOW)], [saved(folder, dead, "dead.json")]),
        "solve": (["minimal"], [poor]),
        "explain": ([*ON_ONE_ROUTE, "cowos_l"], [*ON_ONE_ROUTE, "osat_2p5d"]),
        "frontier": ([*ON_ONE_ROUTE, "cowos_l"], [*ON_ONE_ROUTE, "osat_2p5d"]),
        "robust": (["ask_ramp_programme", "--product", "b200"], [strict_ramp, "--product", "b200"]),
        "refine": (
            ["ask_cpo_switch", "--product", "co_packaged"],
            [none, "--product", "co_packaged"],
        ),
    }


@pytest.mark.parametrize("name", ["eval", "solve", "explain", "frontier", "robust", "refine"])
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
