"""Names that read alike once they are joined: refused, where an answer would mix two things up."""

from __future__ import annotations

from pathlib import Path

import pytest

from yieldopt import CaseError, load
from yieldopt.data import bundled_cases

_PRODUCT = """
[[products]]
name = "NAME"
routes = ["ROUTE"]
interposer_mm = [32.0, 44.0]
substrate_mm = [68.5, 68.5]
dppm_limit = 1000.0
demand = 10
shortage_cost_usd = 1e5
slots.logic = [{ part = "tpu_die", count = 1 }]
slots.memory = [{ part = "hbm3e_8h", count = 4 }]
slots.substrate = [{ part = "abf_68" }]
"""


def route(folder: Path, name: str, base: str) -> None:
    own = folder / "own" / "routes"
    own.mkdir(parents=True, exist_ok=True)
    (own / f"{base}.toml").write_text(f'name = "{name}"\nextends = "{base}"\n', "utf-8")


def two_products(folder: Path, *pairs: tuple[str, str]) -> Path:
    text = 'name = "x"\ninclude = ["own"]\n'
    for product, line in pairs:
        text += _PRODUCT.replace("NAME", product).replace("ROUTE", line)
    path = folder / "case.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_recipes_that_would_be_called_alike(tmp_path: Path) -> None:
    """``a`` on ``b/c`` and ``a/b`` on ``c``: the answer would show one recipe for both."""
    route(tmp_path, "b/c", "cowos_s")
    route(tmp_path, "c", "osat_2p5d")
    with pytest.raises(CaseError) as caught:
        load(two_products(tmp_path, ("a", "b/c"), ("a/b", "c")))
    (fault,) = caught.value.faults
    assert (fault.key, fault.line) == ("products[1].name", 17)
    assert "'a' on 'b/c' and 'a/b' on 'c' would both be called 'a/b/c'" in fault.message
    assert len(load(two_products(tmp_path, ("a", "b/c"), ("a/c", "c"))).products) == 2


def test_nodes_that_would_be_called_alike(tmp_path: Path) -> None:
    """A part named as a node inside an assembled part: its node would take the other's place."""
    own = tmp_path / "own" / "parts"
    own.mkdir(parents=True)
    inner = "foveros_module.base"
    (own / "a.toml").write_text(f'name = "{inner}"\nextends = "tile_link"\n', "utf-8")
    text = bundled_cases()["ask_many_dies"].read_text(encoding="utf-8")
    assert text.count('{part = "tile_link", count = 2}') == 1
    text = text.replace('part = "tile_link", count', f'part = "{inner}", count')
    path = tmp_path / "case.toml"
    path.write_text(f'include = ["own"]\n{text}', encoding="utf-8")
    with pytest.raises(CaseError) as caught:
        load(path)
    (fault,) = [fault for fault in caught.value.faults if "called" in fault.message]
    assert fault.key.endswith(".routes")
    assert f"node 'base' in part 'foveros_module' and part '{inner}' would both" in fault.message


@pytest.mark.parametrize(
    ("name", "base", "node", "step"),
    [("chip_bond", "mid_bond", "cow", "chip_bond"), ("fab", "wafer_sort", "tpu_die", "fab")],
)
def test_an_insertion_called_as_a_step_before_it(
    name: str, base: str, node: str, step: str, tmp_path: Path
) -> None:
    """The flow would have two steps of one name: said when the case is checked, not by a report."""
    own = tmp_path / "own" / "insertions"
    own.mkdir(parents=True)
    (own / "a.toml").write_text(f'name = "{name}"\nextends = "{base}"\n', "utf-8")
    text = bundled_cases()["minimal"].read_text(encoding="utf-8")
    path = tmp_path / "case.toml"
    path.write_text(f'include = ["own"]\n{text}', encoding="utf-8")
    with pytest.raises(CaseError) as caught:
        load(path)
    (fault,) = caught.value.faults
    told = f"step '{step}' of '{node}' and insertion '{name}' of '{node}' would both be called"
    assert fault.message == f"{told} '{node}/{step}'"
