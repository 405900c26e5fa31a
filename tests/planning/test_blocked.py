"""Shares that together let nothing be made: the answer names them and calls no resource enough."""

from __future__ import annotations

from pathlib import Path

import pytest

from yieldopt import load, solve
from yieldopt.plan import Result
from yieldopt.planning.why import why
from yieldopt.report.result import result_text
from yieldopt.report.why import why_text

CASE = """
name = "blocked"
periods = ["q1", "q2"]

[[resources]]
name = "interposer.cowos_s"
capacity = 9000
source = "assumed: a test"

[[products]]
name = "asic"
routes = ["cowos_s", "i_cube", "osat_2p5d_amkor"]
interposer_mm = [32.0, 44.0]
substrate_mm = [68.5, 68.5]
dppm_limit = 1500.0
shortage_cost_usd = 9000.0
demand = [10, 20]
slots.logic = [{ part = "tpu_die" }]
slots.memory = [{ part = "hbm3e_8h", count = 4 }]
slots.substrate = [{ part = "abf_68" }]
"""


def share(name: str, rows: str) -> str:
    return f'\n[[shares]]\nname = "{name}"\nsource = "assumed: a test"\n{rows}\n'


def solved(text: str, folder: Path) -> Result:
    path = folder / "case.toml"
    path.write_text(text)
    return solve(load(path))


ASIA = 'region = "other Asia-Pacific"\nmost_frac = 0.6'
HOME = 'route = "cowos_s"\nmost_frac = 0.3'
LOOSE = 'route = "i_cube"\nmost_frac = 0.5'


@pytest.mark.parametrize("per", ["horizon", "period"])
def test_shares_that_leave_nothing_together_are_named(per: str, tmp_path: Path) -> None:
    per = f'\nper = "{per}"'
    text = CASE + share("loose", LOOSE + per) + share("asia", ASIA + per)
    text += share("home", HOME + per)
    found = solved(text, tmp_path)
    assert (str(found.status), found.products[0].made) == ("optimal", 0.0)
    assert found.binding == ("shares asia, home together let nothing be made of asic",)
    shown = result_text(found)
    assert found.binding[0] in shown
    why_shown = why_text(why(load(tmp_path / "case.toml")))
    assert found.binding[0] in why_shown
    assert "no resource is scarce" not in why_shown
    assert "no resource is scarce" not in shown
    wider = solved(text.replace("most_frac = 0.3", "most_frac = 0.4"), tmp_path)
    assert (wider.products[0].unmet, wider.binding) == (0.0, ())
    assert "no resource is scarce" in result_text(wider)


def test_one_share_where_the_other_line_cannot_make_the_product(tmp_path: Path) -> None:
    """That a route is too small for the product is not seen as the case is read."""
    text = CASE.replace('"i_cube", "osat_2p5d_amkor"', '"organic_mcm"')
    text = text.replace("dppm_limit", "bump_pitch_um = 45.0\ndppm_limit")
    found = solved(text + share("home", HOME), tmp_path)
    assert [verdict.feasible for verdict in found.products[0].routes] == [True, False]
    assert found.binding == ("share home lets nothing be made of asic",)


def test_what_is_too_dear_to_make_is_not_called_forbidden(tmp_path: Path) -> None:
    text = CASE.replace("= 9000.0", "= 1.0") + share("asia", ASIA)
    found = solved(text, tmp_path)
    assert (found.products[0].made, found.binding) == (0.0, ())


def test_a_period_in_which_capacity_is_none_is_not_the_shares_doing(tmp_path: Path) -> None:
    text = CASE.replace("capacity = 9000", "capacity = [0, 9000]")
    text += share("asia", ASIA + '\nper = "period"')
    found = solved(text, tmp_path)
    assert found.products[0].made == pytest.approx(20.0)
    assert found.binding == ()
