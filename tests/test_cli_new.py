"""`yieldopt new`: a starter case that loads and solves, with every key that it shows switched on
too; nothing is written over.
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner, Result

from yieldopt import load, solve
from yieldopt.cli import main
from yieldopt.schema.json_schema import json_schema


def run(*args: object) -> Result:
    return CliRunner().invoke(main, list(map(str, args)))


def test_it_loads_solves_and_has_its_name(tmp_path: Path) -> None:
    path = tmp_path / "my first-case.toml"
    done = run("new", path)
    assert done.exit_code == 0
    assert str(path) in done.output
    case = load(path)
    assert case.name == "my_first-case"
    result = solve(case)
    assert str(result.status) == "optimal"
    assert len({recipe.route for recipe in result.recipes}) == 2  # the capacity that it gives binds
    assert result.products[0].unmet == pytest.approx(0.0, abs=1e-6)
    assert run("check", path).exit_code == 0


def test_every_key_that_it_shows_can_be_switched_on(tmp_path: Path) -> None:
    path = tmp_path / "case.toml"
    run("new", path)
    text = path.read_text()
    on = re.sub(r"(?m)^#(?=[a-z\[])", "", text)
    assert on.count("\n") == text.count("\n")
    assert len(re.findall(r"(?m)^#(?=[a-z\[])", text)) >= 10
    (tmp_path / "my_models" / "parts").mkdir(parents=True)
    path.write_text(on)
    jsonschema.validate(tomllib.loads(on), json_schema("case"))
    case = load(path)
    assert [resource.name for resource in case.resources] == ["interposer.osat_2p5d", "tester.ft_h"]
    assert case.shares
    assert case.library.processes["n5"].d0_per_cm2.base == 0.08
    assert case.products[0].barred_regions


def test_its_first_line_names_a_schema_that_is_there(tmp_path: Path) -> None:
    path = tmp_path / "case.toml"
    run("new", path)
    first, _, rest = path.read_text().partition("\n")
    head, _, place = first.partition(" ")
    assert head == "#:schema"
    schema = json.loads((path.parent / place).read_text())
    assert schema == json_schema("case")
    assert not list(jsonschema.Draft202012Validator(schema).iter_errors(tomllib.loads(rest)))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["case.schema.json", "case.toml"]


def test_a_schema_that_is_there_stays(tmp_path: Path) -> None:
    (tmp_path / "case.schema.json").write_text("{}")
    assert run("new", tmp_path / "case.toml").exit_code == 0
    assert (tmp_path / "case.schema.json").read_text() == "{}"


def test_nothing_is_written_over(tmp_path: Path) -> None:
    path = tmp_path / "case.toml"
    path.write_text("mine")
    done = run("new", path)
    assert done.exit_code == 2
    assert "is there already; nothing was written" in done.output
    assert path.read_text() == "mine"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["case", "case.json", "case.toml.txt"])
def test_another_ending_is_refused(name: str, tmp_path: Path) -> None:
    done = run("new", tmp_path / name)
    assert done.exit_code == 2
    assert "a case is a .toml file" in done.output
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_or_is_one(tmp_path: Path) -> None:
    done = run("new", tmp_path / "none" / "case.toml")
    assert done.exit_code == 2
    assert "cannot be written: no such file or directory" in done.output
    (tmp_path / "folder.toml").mkdir()
    done = run("new", tmp_path / "folder.toml")
    assert done.exit_code == 2
    assert "is there already" in done.output


@pytest.mark.skipif(os.name == "nt" or not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disc_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = Path.open

    def full(self: Path, *args: object, **how: object) -> object:
        opened = plain(self, *args, **how)
        if args[:1] != ("x",):
            return opened
        opened.close()
        return plain(Path("/dev/full"), "w", encoding="utf-8")

    monkeypatch.setattr(Path, "open", full)
    done = run("new", tmp_path / "case.toml")
    assert done.exit_code == 2
    assert "no space left" in done.output
    assert list(tmp_path.iterdir()) == []
