"""Free times where the name of a die or an insertion holds the sign that joins the two."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hostile.named import PLAIN, hostile_case, numbers
from yieldopt import CaseError, load
from yieldopt.optimize.refine_case import refine_product

NAME = "a/b"


def test_free_times_do_not_depend_on_names(tmp_path: Path) -> None:
    found = {
        name: refine_product(hostile_case(tmp_path / str(at), name), name).to_dict()
        for at, name in enumerate((PLAIN, NAME))
    }
    assert found[NAME]["status"] == "optimal"
    assert f"{NAME}/{NAME}" in found[NAME]["routes"][0]["ranges_s"]
    assert numbers(found[NAME]) == numbers(found[PLAIN])


def two_places(folder: Path, name: str) -> Path:
    """The case with its insertion at the memories too, and a line ``RULE`` in place of its move."""
    path = hostile_case(folder, name)
    own = folder / "own" / "insertions" / "a.toml"
    both = own.read_text(encoding="utf-8").replace('points = ["die"]', 'points = ["die", "memory"]')
    own.write_text(both, encoding="utf-8")
    lines = path.read_text(encoding="utf-8").splitlines()
    (at,) = (at for at, line in enumerate(lines) if line.startswith("moves = "))
    lines[at] = "RULE"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.mark.parametrize("name", [pytest.param(PLAIN, marks=pytest.mark.long), NAME])
@pytest.mark.parametrize(
    ("rule", "key", "value"),
    [
        ('moves = [{ places = ["DIE", "MEMORY"], resting = "t40" }]', "moves[0].resting", "t40"),
        ('same_level = [["DIE", "MEMORY"]]', "same_level[0][0]", "DIE"),
    ],
    ids=["move", "tie"],
)
def test_rules_on_single_times_are_refused_by_place(
    tmp_path: Path, name: str, rule: str, key: str, value: str
) -> None:
    """The insertion of a place is known, whatever it is called: its times are those of its file."""
    path, places = (
        two_places(tmp_path, name),
        {"DIE": f"{name}/{name}", "MEMORY": f"hbm3e_8h/{name}"},
    )
    for word, place in places.items():
        rule = rule.replace(word, place)
    path.write_text(path.read_text(encoding="utf-8").replace("RULE", rule), encoding="utf-8")
    with pytest.raises(CaseError) as caught:
        refine_product(path, name, route=name)
    fault = caught.value.faults[0]
    assert (fault.key, fault.value) == (f"products[0].{key}", places.get(value, value))
    assert places["DIE"] in str(fault)


def test_two_insertions_of_one_place_are_refused(tmp_path: Path) -> None:
    """``b/c`` of ``a`` and ``c`` of ``a/b`` would both be ``a/b/c``."""
    path = hostile_case(tmp_path, "c")
    own = tmp_path / "own"
    for kind, base, name in (
        ("parts", "c", "a"),
        ("parts", "c", "a/b"),
        ("insertions", "c", "b/c"),
    ):
        text = f'extends = "{base}"\nname = "{name}"\n'
        (own / kind / f"own_{name.replace('/', '_')}.toml").write_text(text, encoding="utf-8")
    text = path.read_text(encoding="utf-8").replace(
        'insertions = ["c",', 'insertions = ["c", "b/c",'
    )
    logic = 'slots.logic = [{ part = "c", count = 1 }, { part = "a" }, { part = "a/b" }]'
    text = text.replace('slots.logic = [{ part = "c", count = 1 }]', logic)
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CaseError) as caught:
        load(path)
    (fault,) = caught.value.faults
    assert fault.key == "products[0].routes"
    assert "insertion 'b/c' of 'a'" in fault.message
    assert "insertion 'c' of 'a/b'" in fault.message
    assert fault.message.endswith("would both be called 'a/b/c'")
