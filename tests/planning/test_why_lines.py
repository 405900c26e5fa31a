"""Lines that a plan does not use: they join when a good package is cheaper by a little more.

Each saving and each cost of opening a line is tried on the case: a little less changes nothing.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.planning.random_plans import random_case
from tests.planning.small_plans import CASE, SOFT, SOFT_SWITCH
from tests.planning.test_why import EXACT, SMALL, capacity, cost, demand, read, with_number
from tests.seeds import seeds
from yieldopt import solve
from yieldopt.planning.why import why
from yieldopt.report.why import why_text
from yieldopt.schema.case import Case


def dearer(case: Case, usd: float, name: str | None = None) -> Case:
    """Return a case in which a line, or every one that is given, costs more a good package."""
    held = []
    for line in case.lines:
        extra = line.extra_usd_per_good
        more = extra.model_copy(update={"base": extra.base + usd})
        same = name not in (None, line.name)
        held.append(line if same else line.model_copy(update={"extra_usd_per_good": more}))
    return replace(case, lines=tuple(held))


LINES = """
[[lines]]
name = "home"
route = "cowos_s"
source = "assumed: a test"
[[lines]]
name = "away"
route = "cowos_s"
extra_usd_per_good = {extra}
source = "assumed: a test"
"""
FAR = """\
resources = {{ "interposer.cowos_s" = "far_wafers" }}
[[resources]]
name = "far_wafers"
source = "assumed: a test"
capacity = {far}
"""


def away(extra: float, far: float | None) -> str:
    """The small case with a second line: on the same wafers, or on so many of its own."""
    lines = LINES.format(extra=extra) + ("" if far is None else FAR.format(far=far))
    return SMALL.replace("[[products]]", lines + "\n[[products]]", 1)


@pytest.mark.parametrize("far", [None, 500.0])
@pytest.mark.parametrize("extra", [4000.0, 9000.0])
def test_a_line_joins_when_it_is_cheaper_by_a_little_more(
    far: float | None, extra: float, tmp_path: Path
) -> None:
    """The product that has to gain least joins first, and it alone."""
    case = read(away(extra, far), tmp_path)
    rows = [row for row in why(case).unused if row.line == "away"]
    assert {row.product for row in rows} == {"asic", "switch"}
    first = min(rows, key=lambda row: row.cheaper_usd_per_good or 0.0)
    usd = first.cheaper_usd_per_good
    assert usd is not None
    assert first.enough_usd_per_good == pytest.approx(usd, rel=1e-6)
    for share, joins in [(1.0 - 1e-4, False), (1.0 + 1e-4, True)]:
        found = solve(dearer(case, -usd * share, "away"))
        made = [row for row in found.allocation if row["line"] == "away" and row["packages"] > 1e-6]
        assert bool(made) == joins
        assert {row["product"] for row in made} <= {first.product}


@pytest.mark.parametrize("seed", seeds(range(5), 2))
def test_random_lines_join_when_cheaper_by_a_little_more(seed: int, tmp_path: Path) -> None:
    case = read(
        random_case(seed, {"lines", "discount"} | ({"stock"} if seed % 2 else set())), tmp_path
    )
    given, dear = {line.name for line in case.lines}, dearer(case, 2000.0)
    found = why(dear)
    shown = 0
    for name in sorted(given):
        rows = [row for row in found.unused if row.line == name]
        whole = {s.name for s in case.products} == {row.product for row in rows} or len(rows) == 1
        none_used = all(row["line"] != name for row in solve(dear).allocation)
        if not rows or not whole or not none_used:
            continue
        first = min(rows, key=lambda row: row.cheaper_usd_per_good or 0.0)
        usd, enough = first.cheaper_usd_per_good, first.enough_usd_per_good
        assert usd is not None
        assert enough is not None
        used = [
            any(row["line"] == name for row in solve(dearer(dear, -at, name)).allocation)
            for at in (usd * (1.0 - 1e-4), enough * (1.0 + 1e-4))
        ]
        assert used == [False, True]
        shown += 1
    assert shown


def test_where_nothing_fits_no_saving_helps(tmp_path: Path) -> None:
    case = read(away(0.0, 0.0), tmp_path)
    rows = [row for row in why(case).unused if row.line == "away"]
    assert len(rows) == 2
    for row in rows:
        assert row.cheaper_usd_per_good is None


def test_a_line_without_capacity_in_some_periods_is_weighed_in_the_others(tmp_path: Path) -> None:
    """A ramp begins at nothing: then no package fits in the first period, whatever it costs."""
    text = away(9000.0, 500.0).replace("capacity = 500.0", "capacity = [0.0, 500.0]")
    case = read(text, tmp_path)
    rows = [row for row in why(case).unused if row.line == "away"]
    assert {row.product for row in rows} == {"asic", "switch"}
    first = min(rows, key=lambda row: row.cheaper_usd_per_good or 0.0)
    usd = first.cheaper_usd_per_good
    assert usd is not None
    for share, joins in [(1.0 - 1e-4, False), (1.0 + 1e-4, True)]:
        found = solve(dearer(case, -usd * share, "away"))
        assert any(row["line"] == "away" for row in found.allocation) == joins
    assert all(row.cheaper_usd_per_good is not None for row in rows)


def test_whole_decisions_are_held_and_named(tmp_path: Path) -> None:
    case = read(random_case(2, {"qualification"}), tmp_path)
    found = why(case)
    assert found.held
    assert found.notes == ()
    base = found.objective_usd or 0.0
    for row in found.scarce:  # other decisions can only be better: the line is above the plan
        assert row.high is not None
        most = base - row.usd_per_unit * (row.high - row.capacity)
        assert capacity(case, row, row.high) <= most + EXACT * base
    closed = [row for row in found.unused if row.closed == "not entered"]
    assert closed
    for row in closed:
        if row.opening_usd is not None:
            assert row.opening_usd >= -EXACT * base  # the plan is the best
    assert any(row.opening_usd is not None for row in closed)


def test_opening_a_line_costs_what_it_says(tmp_path: Path) -> None:
    """The entry made cheaper by a little more than that: another plan is best."""
    case = read(random_case(2, {"qualification"}), tmp_path)
    row = next(row for row in why(case).unused if row.opening_usd)
    usd = row.opening_usd or 0.0
    route = case.library.routes[row.line]
    objective = []
    for more in (0.9, 1.1):
        change = {"base": route.one_off_cost_usd.base - more * usd}
        own = route.model_copy(
            update={"one_off_cost_usd": route.one_off_cost_usd.model_copy(update=change)}
        )
        library = replace(case.library, routes={**case.library.routes, row.line: own})
        objective.append(cost(replace(case, library=library)))
    base = cost(case)
    assert objective[0] == pytest.approx(base, rel=EXACT)
    assert objective[1] <= base - 0.09 * usd


def shut(far: float, weeks: float) -> str:
    """The small case with a line that both products would have to enter, which takes some weeks."""
    text = away(100.0, far)
    head = "[override.routes.cowos_s]\none_off_cost_usd = 1e6\n"
    head += f"lead_time_weeks = {weeks}\n\n[[resources]]"
    text = text.replace("[[resources]]", head, 1)
    asic, switch = 'qualified = ["home", "osat_2p5d"]', 'qualified = ["home"]'
    text = text.replace("[products.slots]", f"{asic}\n[products.slots]", 1)
    first, last = text.rsplit("[products.slots]", 1)
    return f"{first}{switch}\n[products.slots]{last}"


@pytest.mark.parametrize("lead", [0, 1])
def test_a_closed_line_is_weighed_without_its_opening(lead: int, tmp_path: Path) -> None:
    """Against the case in which it is open from when a start is ready, with some wafers."""
    case = read(shut(0.05, 13.0 * lead), tmp_path)
    rows = {row.product: row for row in why(case).unused if row.line == "away"}
    shown = []
    for at, product in enumerate(case.products):
        row = rows[product.name]
        assert row.closed == "not entered"
        assert row.period in case.periods[lead:]
        every = (*(product.qualified or ()), "away")
        other = product.model_copy(update={"qualified": every})
        opened = replace(case, products=(*case.products[:at], other, *case.products[at + 1 :]))
        for period in case.periods[:lead]:  # what no start can reach
            opened = with_number(opened, "resources", "far_wafers", "capacity", period, 0.0)
        made = [r for r in solve(opened).allocation if r["line"] == "away"]
        assert row.cheaper_usd_per_good is not None
        assert bool(made) == (row.cheaper_usd_per_good < 0.0)
        assert len(made) <= 1  # one period gains, and the figure is of the best
        for entry in made:
            assert entry["period"] == row.period
            usd = (cost(opened) - cost(case)) / entry["packages"]
            assert row.cheaper_usd_per_good == pytest.approx(usd, rel=1e-5)
            shown.append(entry)
    assert shown


def test_a_line_that_no_start_can_reach_gains_nothing(tmp_path: Path) -> None:
    found = why(read(shut(500.0, 26.0), tmp_path))
    rows = [row for row in found.unused if row.line == "away"]
    assert len(rows) == 2
    for row in rows:
        assert row.closed == "no start is early enough to be ready"
        assert (row.cheaper_usd_per_good, row.opening, row.opening_usd) == (None, None, None)
    text = why_text(found)
    assert "asic on away (q1, q2): no start is early enough to be ready\n" in text
    assert "once open" not in text


def test_a_closed_line_without_capacity_gains_nothing(tmp_path: Path) -> None:
    found = why(read(shut(0.0, 0.0), tmp_path))
    rows = [row for row in found.unused if row.line == "away"]
    assert len(rows) == 2
    for row in rows:
        assert row.closed == "not entered"
        assert row.cheaper_usd_per_good is None
        assert row.opening_usd == pytest.approx(1e6)  # the entry alone
    assert "once open, no package of its best recipe fits there" in why_text(found)


def test_a_line_entered_late_is_tried_earlier(tmp_path: Path) -> None:
    """Against the plan of the case in which the line is open from the start, and the entry."""
    text = SMALL.replace('name = "small"', 'name = "small"\ndiscount_frac_per_year = 0.2')
    text = text.replace("demand = [300, 400]", "demand = [1, 400]\nqualified = []")
    head = "[override.routes.cowos_s]\none_off_cost_usd = 1e5\nlead_time_weeks = 0.0\n"
    case = read(text.replace("[[resources]]", f"{head}\n[[resources]]", 1), tmp_path)
    found = why(case)
    assert found.held == ("switch enters cowos_s in q2",)
    row = next(row for row in found.unused if row.product == "switch")
    assert (row.closed, row.periods) == ("entered, but not ready yet", ("q1",))
    assert row.opening == "switch enters cowos_s in q1"
    asic, switch = case.products
    other = switch.model_copy(update={"qualified": ("cowos_s",)})
    usd = cost(replace(case, products=(asic, other))) + 1e5 - cost(case)
    assert usd > 1e3
    assert row.opening_usd == pytest.approx(usd, rel=1e-5)


def test_a_barred_route_is_named_once(tmp_path: Path) -> None:
    text = SMALL.replace('routes = ["cowos_s", "osat_2p5d"]', 'routes = ["cowos_s", "i_cube"]')
    case = read(text.replace("dppm_limit", 'barred_regions = ["Taiwan"]\ndppm_limit', 1), tmp_path)
    found = [(row.product, row.line) for row in why(case).excluded]
    assert ("asic", "cowos_s") in found
    assert len(found) == len(set(found))


def test_an_open_line_makes_more_than_it_was_opened_for(tmp_path: Path) -> None:
    """Runs and entries limit a line to what it could serve; one more is served there too."""
    text = CASE.format(wafers=100.0, asic=SOFT, switch=SOFT_SWITCH + "\nleast_lot_packages = 200")
    text = text.replace("[20.0, 25.0]", "900.0")
    for more in ("", '\nqualified = ["cowos_s"]'):
        case = read(
            text.replace("least_lot_packages = 200", "least_lot_packages = 200" + more), tmp_path
        )
        found = why(case)
        assert len(found.held) == 2
        for row in (row for row in found.demand if row.product == "switch"):
            assert row.high is None
            far = demand(case, row.product, row.period, 2.0 * row.demand)
            assert row.usd_per_good == pytest.approx((far - cost(case)) / row.demand, rel=1e-6)
            assert [(m.kind, m.line) for m in row.moved] == [("made", "cowos_s")]


DUAL = """\
name = "dual"
periods = ["q1", "q2", "q3"]

[[resources]]
name = "interposer.cowos_s"
source = "assumed: a test"
capacity = [2000, 2500, 3000]

[[resources]]
name = "interposer.osat_2p5d"
source = "assumed: a test"
capacity = [500, 600, 700]

[[shares]]
name = "dual"
each = "line"
most_frac = 0.6
source = "assumed: a test"

[[products]]
name = "gpu"
routes = ["cowos_s", "osat_2p5d"]
interposer_mm = [40.0, 43.0]
substrate_mm = [60.0, 60.0]
dppm_limit = 500.0
shortage_cost_usd = 15000
demand = [70000, 90000, 110000]
[products.slots]
logic = [{part = "gpu_h100"}]
memory = [{part = "hbm3_8h", count = 5}]
substrate = [{part = "abf_ai_gpu"}]
"""


def test_a_line_that_the_plan_uses_is_not_called_unused(tmp_path: Path) -> None:
    """Also where plans that cost the same use it in other periods: the plan shown counts."""
    case = read(DUAL, tmp_path)
    result = solve(case)
    made = {(row["product"], row["line"], row["period"]) for row in result.allocation}
    idle = {(row.product, row.line, period) for row in why(case).unused for period in row.periods}
    assert made
    assert not made & idle
