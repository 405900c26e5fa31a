"""The command line as a whole: its modules, names, options that do nothing, keys of answers."""

from __future__ import annotations

import itertools
from importlib import import_module

from click import Context

from tests.test_cli import ROOT, run
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
