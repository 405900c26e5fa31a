"""Faults of a model in layers stand where their value was written."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.test_assembly import CASE, case_of
from yieldopt import CaseError, load
from yieldopt.errors import Fault
from yieldopt.read.keys import join_key, path_of

VARIANT = """extends = "t_pack"
name = "t_variant"

[steps.bumps]
cost_usd = 9

[steps.warp]
cost_usd = 8
"""


def written(folder: Path, variant: str = VARIANT, case: str = CASE) -> Path:
    case_of(folder)
    (folder / "own" / "routes" / "t_variant.toml").write_text(variant)
    (folder / "case.toml").write_text(case)
    return folder / "case.toml"


def only_fault(path: Path) -> Fault:
    with pytest.raises(CaseError) as error:
        load(path)
    (fault,) = error.value.faults
    return fault


@pytest.mark.parametrize(
    ("old", "new", "key", "line"),
    [
        ("cost_usd = 9", "cost_usd = -9", "steps.bumps.cost_usd", 5),
        ("cost_usd = 8", "cost_usd = -8", "steps.warp.cost_usd", 8),
        ("cost_usd = 8", "kost_usd = 8", "steps.warp.kost_usd", 8),
        ("[steps.warp]", "[steps.wrap]", "steps.wrap", 7),
    ],
)
def test_a_variant_is_blamed_for_its_own_change(
    old: str, new: str, key: str, line: int, tmp_path: Path
) -> None:
    fault = only_fault(written(tmp_path, VARIANT.replace(old, new)))
    assert (fault.key, fault.line) == (key, line)
    assert fault.file.endswith("t_variant.toml")


def test_a_step_that_is_not_there_gets_its_nearest(tmp_path: Path) -> None:
    fault = only_fault(written(tmp_path, VARIANT.replace("[steps.warp]", "[steps.wrap]")))
    assert fault.hint == "did you mean 'warp'?"


def test_a_name_is_not_inherited(tmp_path: Path) -> None:
    fault = only_fault(written(tmp_path, VARIANT.replace('name = "t_variant"\n', "")))
    assert (fault.key, fault.message) == ("name", "is missing")


@pytest.mark.parametrize("base", ['"t_nothing"', '"t_variant"', "3"])
def test_extending_nothing(base: str, tmp_path: Path) -> None:
    path = written(tmp_path, VARIANT.replace('"t_pack"', base, 1))
    with pytest.raises(CaseError) as error:
        load(path)
    assert any(f.key == "extends" and f.line == 1 for f in error.value.faults), error.value


def test_an_override_of_a_step_is_blamed_in_the_case(tmp_path: Path) -> None:
    case = CASE + "[override.routes.t_pack.steps.bumps]\nscrap = 7\n"
    fault = only_fault(written(tmp_path, case=case))
    assert fault.key == "override.routes.t_pack.steps.bumps.scrap"
    assert fault.file.endswith("case.toml")
    assert fault.line == len(case.splitlines())
    assert fault.value == 7


def test_an_override_reaches_what_extends_it(tmp_path: Path) -> None:
    case = CASE + "[override.routes.t_pack.steps.warp]\nscrap = 0.25\n"
    routes = load(written(tmp_path, case=case)).library.routes
    assert routes["t_variant"].steps[3].scrap.base == 0.25
    assert routes["t_variant"].steps[3].cost_usd.base == 8.0


def test_a_changed_product_that_is_not_there(tmp_path: Path) -> None:
    path = written(tmp_path)
    with pytest.raises(CaseError, match="nothing of this name to change; did you mean 'p'"):
        load(path, {"products.pp.dppm_limit": 3.0})


@pytest.mark.parametrize("path", [("a", 2, "b.c"), ("a/b", "c", 0), ("x",), ()])
def test_paths_are_read_as_they_are_joined(path: tuple[str | int, ...]) -> None:
    assert path_of(join_key(path)) == path
