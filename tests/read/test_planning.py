"""Planning keys of a case: a good case reads whole, a bad key is one fault at its line.

The faults of changes over time are in ``test_changes``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.read.planned import PLANNED
from tests.read.test_case import check_one, faults_of, written
from yieldopt import load

ASSUMED = 'source = "assumed: a test"'


def spoilt(old: str, new: str) -> str:
    assert PLANNED.count(old) == 1, old
    return PLANNED.replace(old, new)


def added(key: str, *rows: str) -> str:
    """The case with one more entry of a list."""
    return PLANNED + "\n".join((f"[[{key}]]", *rows, ASSUMED, ""))


def test_a_case_with_every_key_reads_whole(tmp_path: Path) -> None:
    case = load(written(tmp_path, PLANNED))
    assert (case.period_weeks, case.discount_frac_per_year) == (13.0, 0.1)
    assert case.objective == "margin"
    first, second = case.resources
    assert (first.vendor, first.site, first.region) == ("tsmc", "tsmc_ap_taiwan", "Taiwan")
    assert first.fixed_usd_per_period.base == 1000.0
    assert [(s.above_frac, s.usd_per_unit) for s in first.surcharges] == [(0.8, 50.0), (0.9, 90.0)]
    assert second.capacity.over(3) == (80.0, 80.0, 80.0)
    taiwan, arizona = case.lines
    assert (taiwan.name, taiwan.route, taiwan.sites) == ("cowos_s_taiwan", "cowos_s", None)
    assert arizona.resources == {"interposer.cowos_s": "interposer.arizona"}
    assert arizona.extra_usd_per_good.base == 12.5
    (shell,) = case.expansions
    assert (shell.resource, shell.amount_per_period) == ("interposer.arizona", 40.0)
    assert (shell.cost_usd.base, shell.running_usd_per_period.base) == (5e6, 1e5)
    assert (shell.lead_time_periods, shell.most) == (1, 2)
    (booked,) = case.reservations
    assert booked.capacity.over(3) == (0.0, 50.0, 50.0)
    assert (booked.take_or_pay_frac, booked.committed) == (0.6, True)
    assert (booked.prepayment_usd_per_unit.base, booked.usd_per_unit_not_taken.base) == (100, 500)
    assert [share.name for share in case.shares] == ["second_region", "dual", "one_vendor"]
    assert (case.shares[0].least_frac, case.shares[0].most_frac) == (0.1, 0.5)
    assert (case.shares[0].per, case.shares[1].each) == ("period", "line")
    assert [(b.of, b.most_usd, b.periods) for b in case.budgets] == [
        ("capital", 2e7, ("q1", "q2")), ("all", 1e9, None)
    ]  # fmt: skip
    asic = case.product("asic")
    assert (asic.stock_start_packages, asic.stock_most_packages) == (50.0, 500.0)
    assert asic.qualified == ("cowos_s_taiwan",)
    assert asic.barred_regions == ("mainland China",)


def test_a_case_without_any_key_has_the_defaults() -> None:
    case = load("minimal")
    empty = (case.lines, case.expansions, case.reservations, case.shares, case.budgets)
    assert (*empty, case.changes) == ((),) * 6
    assert (case.period_weeks, case.discount_frac_per_year, case.objective) == (13.0, 0.0, "cost")


UNKNOWN = "unknown"
# (what is replaced, by what, key, fragment of the fault's line, message, value, hint)
BAD: list[tuple[str, str, str, str, str, Any, str]] = [
    # Names.
    ('"cowos_s_arizona"\nroute = "cowos_s"', '"cowos_s_arizona"\nroute = "cowos_z"',
     "lines[1].route", "cowos_z", "unknown route", "cowos_z", "'cowos_s'"),
    ('resource = "interposer.arizona"', 'resource = "interposer.arizone"',
     "expansions[0].resource", "arizone", "unknown resource: none of [[resources]]",
     "interposer.arizone", "'interposer.arizona'"),
    ('resource = "interposer.arizona"', 'resource = "tester.ft_h"', "expansions[0].resource",
     "tester.ft_h", "unknown resource: none of", "tester.ft_h", "known: "),
    ('"booked"\nresource = "interposer.cowos_s"', '"booked"\nresource = "interposer.cowos_z"',
     "reservations[0].resource", "cowos_z", "unknown resource", "interposer.cowos_z",
     "'interposer.cowos_s'"),
    ('product = "asic"', 'product = "asics"', "shares[0].product", "asics", "unknown product",
     "asics", "'asic'"),
    ('region = "North America"\nleast', 'region = "Nort America"\nleast', "shares[0].region",
     "Nort ", "unknown region", "Nort America", "'North America'"),
    ('region = "North America"\nleast', 'site = "arizone"\nleast', "shares[0].site", "arizone",
     "unknown site", "arizone", "'arizona'"),
    ('region = "North America"\nleast', 'line = "cowos_s"\nleast', "shares[0].line",
     'line = "cowos_s"', "unknown line", "cowos_s", "'cowos_"),
    ('region = "North America"\nleast', 'route = "osat_2p5"\nleast', "shares[0].route",
     'route = "osat', "unknown route", "osat_2p5", "'osat_2p5d'"),
    ('vendor = "tsmc"\nmost', 'vendor = "tsmcs"\nmost', "shares[2].vendor", "tsmcs",
     "unknown vendor", "tsmcs", "'tsmc'"),
    ('periods = ["q1", "q2"]\n', 'periods = ["q1", "q4"]\n', "budgets[0].periods[1]", '"q4"',
     "unknown period", "q4", "known: q1, q2, q3"),
    ('periods = ["q1", "q2"]\n', 'periods = ["q1", "q1"]\n', "budgets[0].periods[1]", '"q1", "q1"',
     "duplicate name", "q1", ""),
    ('periods = ["q1", "q2"]\n', "periods = []\n", "budgets[0].periods", "periods = []",
     "must not be empty", None, "whole horizon"),
    ('qualified = ["cowos_s_taiwan"]', 'qualified = ["cowos_s"]', "products[0].qualified[0]",
     "qualified", "unknown line", "cowos_s", "'cowos_"),
    ('qualified = ["cowos_s_taiwan"]', 'qualified = ["emib"]', "products[0].qualified[0]",
     "qualified", "the line is of none of the product's routes", "emib", "cowos_s_taiwan"),
    ('qualified = ["cowos_s_taiwan"]', 'qualified = ["osat_2p5d", "osat_2p5d"]',
     "products[0].qualified[1]", "qualified", "duplicate name", "osat_2p5d", ""),
    ('present_route = "cowos_s"', 'present_route = "cowos"', "products[0].present_route",
     "present_route", "unknown route", "cowos", "'cowos_"),
    ('["mainland China"]', '["mainland Chine"]', "products[0].barred_regions[0]", "barred",
     "unknown region", "mainland Chine", "'mainland China'"),
    ('name = "spend"', 'name = "capex"', "budgets[1].name", "", "duplicate name",
     "capex", ""),
    # Lines.
    ('name = "cowos_s_arizona"', 'name = "cowos_s_taiwan"', "lines[1].name", "", "duplicate name",
     "cowos_s_taiwan", ""),
    ('name = "cowos_s_arizona"', 'name = "osat_2p5d"', "lines[1].name", '"osat_2p5d"',
     "the name of a line is that of another route", "osat_2p5d", "lines of its own"),
    ('{"interposer.cowos_s" = "interposer.arizona"}',
     '{"interposer.cowos_s" = "interposer.arizona", "interposer.cowos_l" = "x"}',
     'lines[1].resources."interposer.cowos_l"', "cowos_l",
     "unknown resource: nothing on route 'cowos_s' uses it", "interposer.cowos_l",
     "'interposer.cowos_s'"),
    ('{"interposer.cowos_s" = "interposer.arizona"}',
     '{"interposer.cowos_s" = "interposer.arizona", "tester.ft_h" = "tester.ft_h"}',
     'lines[1].resources."tester.ft_h"', "tester.ft_h", "keeps its name", "tester.ft_h", ""),
    ('"cowos_s_taiwan"\nroute = "cowos_s"',
     '"cowos_s_taiwan"\nroute = "cowos_s"\nresources = {"interposer.cowos_s" = "other"}',
     "resources[0].name", 'name = "interposer.cowos_s"', "nothing draws on it",
     "interposer.cowos_s", ""),
    ('{name = "arizona", region = "North America"}',
     '{name = "arizona", region = "North America"}, {name = "arizona", region = "North America"}',
     "lines[1].sites[1].name", "sites =", "duplicate name", "arizona", ""),
    ('{name = "arizona", region = "North America"}',
     '{name = "arizona", region = "North America"}, {name = "tsmc_ap_taiwan", region = "Japan"}',
     "lines[1].sites[1].region", "Japan", "site 'tsmc_ap_taiwan' lies in one region", "Japan",
     "'Taiwan'"),
    ('region = "Taiwan"', 'region = "Japan"', "resources[0].region", "",
     "lies in one region", "Japan", "'Taiwan'"),
    # Lengths.
    ("capacity = [0, 50, 50]", "capacity = [0, 50]", "reservations[0].capacity", "[0, 50]",
     "has 2 entries for 3 periods", None, "one number per period"),
    ("capacity = [0, 50, 50]", "capacity = [0, 0, 0]", "reservations[0].capacity", "[0, 0, 0]",
     "offers nothing", None, ""),
    # Keys that do nothing.
    ("lead_time_periods = 1", "lead_time_periods = 3", "expansions[0].lead_time_periods",
     "lead_time_periods", "it never stands: there are 3 periods", 3, ""),
    ("usd_per_unit_not_taken = 500.0\n", "", "reservations[0].take_or_pay_frac", "take_or_pay",
     "does nothing", 0.6, "give usd_per_unit_not_taken"),
    ("take_or_pay_frac = 0.6\n", "", "reservations[0].usd_per_unit_not_taken", "not_taken",
     "does nothing", 500.0, "give take_or_pay_frac"),
    ("{above_frac = 0.8, usd_per_unit = 50.0}", "{above_frac = 0.8, usd_per_unit = 0}",
     "resources[0].surcharges[0].usd_per_unit", "surcharges", "must be above 0", 0.0, ""),
    ("{above_frac = 0.9,", "{above_frac = 0.7,", "resources[0].surcharges", "surcharges",
     "must both rise", ..., ""),
    ("least_frac = 0.1", "least_frac = 0.6", "shares[0].least_frac", "least_frac",
     "exceeds most_frac", 0.6, ""),
    ("least_frac = 0.1", "least_frac = 0", "shares[0].least_frac", "least_frac",
     "must be above 0", 0.0, ""),
    ("most_frac = 0.95", "most_frac = 1.0", "shares[2].most_frac", "most_frac = 1.0",
     "must be below 1", 1.0, ""),
    ('region = "North America"\nleast', 'region = "mainland China"\nleast', "shares[0].region",
     'region = "mainland', "no line of 'asic' can fall under it", "mainland China", ""),
    ('vendor = "tsmc"\nmost', 'route = "emib"\nmost', "shares[2].route", '"emib"',
     "no line of any product can fall under it", "emib", ""),
    # Products.
    ("price_usd = 9000.0\n", "", "products[0].price_usd", "[[products]]",
     "is missing: the margin", None, "objective = 'cost'"),
    ("stock_most_packages = 500", "stock_most_packages = 40", "products[0].stock_start_packages",
     "stock_start", "exceeds stock_most_packages", 50.0, ""),
    ("stock_start_packages = 50\nstock_most_packages = 500", "stock_most_packages = 0",
     "products[0].stock_most_packages", "stock_most", "must be above 0", 0.0, "leave holding"),
    ("holding_usd_per_period = 20.0\nstock_start_packages = 50\n", "",
     "products[0].stock_most_packages", "stock_most", "goes with holding_usd_per_period", 500, ""),
    ("service_frac = 0.9", "service_frac = 0", "products[0].service_frac", "service_frac",
     "must be above 0", 0.0, "shortage_cost_usd"),
    ('["mainland China"]', '["Taiwan", "North America"]', "products[0].barred_regions", "barred",
     "leaves the product no line", None, "cowos_s_taiwan, cowos_s_arizona, osat_2p5d"),
    # Sources, those of single numbers too.
    ('usd_per_unit_not_taken = 500.0\ncommitted = true\nsource = "assumed: a test"',
     'usd_per_unit_not_taken = 500.0\ncommitted = true\nsource = "brief2062"',
     "reservations[0].source", "brief2062", "unknown source", "brief2062", "'brief2026'"),
    ('"assumed: rent"', '"brief2062"', "resources[0].fixed_usd_per_period.source", "brief2062",
     "unknown source", "brief2062", "'brief2026'"),
    ('"assumed: a fine"', '"assumed:"', "products[0].shortage_cost_usd.source", '"assumed:"',
     "without saying why", "assumed:", ""),
]  # fmt: skip


@pytest.mark.parametrize("row", BAD, ids=lambda row: f"{row[2]}: {row[4][:24]}")
def test_a_bad_key_is_one_fault(
    row: tuple[str, str, str, str, str, Any, str], tmp_path: Path
) -> None:
    old, new, key, fragment, message, value, hint = row
    text = spoilt(old, new)
    path = written(tmp_path, text)
    faults = faults_of(path)
    if fragment:
        check_one(faults, path, text, (key, fragment, message, value, hint))
    else:  # the same text stands above, too
        line = 1 + PLANNED[: PLANNED.index(old)].count("\n")
        assert [(fault.key, fault.line) for fault in faults] == [(key, line)]
        assert message in faults[0].message
        assert (faults[0].value, hint in faults[0].hint) == (value, True)


def test_a_qualified_line_that_is_barred(tmp_path: Path) -> None:
    """One line is left; shares of two and more cannot be kept with it."""
    text = spoilt('["mainland China"]', '["Taiwan"]')
    found = {
        fault.key: (fault.message, fault.value) for fault in faults_of(written(tmp_path, text))
    }
    assert found.pop("products[0].qualified[0]") == (
        "the line is barred to the product", "cowos_s_taiwan"
    )  # fmt: skip
    assert set(found) == {f"shares[{at}].most_frac" for at in range(3)}
    bare = text.split("[[shares]]")[0] + text[text.index("[[budgets]]") :]
    (fault,) = faults_of(written(tmp_path, bare))
    assert (fault.key, fault.hint) == ("products[0].qualified[0]", "it lies in Taiwan")


def test_a_line_of_a_route_that_no_product_takes(tmp_path: Path) -> None:
    """The share of its region is then one of nothing, too."""
    text = spoilt('"cowos_s_arizona"\nroute = "cowos_s"', '"cowos_s_arizona"\nroute = "emib"')
    found = {fault.key: fault.message for fault in faults_of(written(tmp_path, text))}
    assert found == {
        "lines[1].route": "no product takes this route: the line does nothing",
        "shares[0].region": "no line of 'asic' can fall under it",
    }


def test_a_resource_is_one_of_a_model_or_of_a_line(tmp_path: Path) -> None:
    text = spoilt('name = "interposer.arizona"', 'name = "interposer.nevada"')
    found = {fault.key: fault.message for fault in faults_of(written(tmp_path, text))}
    assert found == {
        "resources[1].name": "unknown resource: no model uses it",
        "expansions[0].resource": "unknown resource: none of [[resources]]",
    }


# (more at the end, key, message)
MORE: list[tuple[str, str, str]] = [
    (added("resources", 'name = "wafer.n5"', "capacity = {values = [1, 2]}"),
     "resources[2].capacity", "has 2 entries for 3 periods"),
    (added("resources", 'name = "wafer.n5"', "capacity = {}"), "resources[2].capacity",
     "must be a number, or a list"),
    (added("resources", 'name = "wafer.n5"', "capacity = 5",
           "surcharges = [{above_frac = 1.0, usd_per_unit = 5.0}]"),
     "resources[2].surcharges[0].above_frac", "must be below 1: no use is above"),
    (added("shares", 'name = "x"', 'line = "emib"', "most_frac = 0.5"), "shares[3].line",
     "no line of any product can fall under it"),
    (added("shares", 'name = "x"', 'site = "intel_malaysia"', "least_frac = 0.5"),
     "shares[3].site", "no line of any product can fall under it"),
    (added("shares", 'name = "x"', "most_frac = 0.5"), "shares[3]", "needs one of line, route"),
    (added("shares", 'name = "x"', 'each = "site"', "least_frac = 0.5"), "shares[3].each",
     "goes with most_frac"),
    (added("expansions", 'name = "x"', 'resource = "interposer.cowos_s"', "amount_per_period = 0",
           "cost_usd = 1", "lead_time_periods = 0.5"), "expansions[1].amount_per_period",
     "must be above 0"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "key", "message"), MORE, ids=lambda value: str(value)[-40:])
def test_a_bad_entry(text: str, key: str, message: str, tmp_path: Path) -> None:
    fault = faults_of(written(tmp_path, text))[0]
    assert fault.key == key
    assert message in fault.message
    assert PLANNED.count("\n") < fault.line <= text.count("\n")


def test_a_vendor_that_no_line_of_a_product_uses(tmp_path: Path) -> None:
    text = added("resources", 'name = "wafer.n3"', "capacity = 5", 'vendor = "other"')
    text += added("shares", 'name = "x"', 'vendor = "other"', "most_frac = 0.5")[len(PLANNED) :]
    (fault,) = faults_of(written(tmp_path, text))
    assert (fault.key, fault.value) == ("shares[3].vendor", "other")
    assert "no line of any product can fall under it" in fault.message


def test_a_share_of_each_vendor_needs_a_vendor(tmp_path: Path) -> None:
    text = PLANNED.replace('vendor = "tsmc"\nmost_frac', 'each = "vendor"\nmost_frac')
    assert load(written(tmp_path, text)).shares[2].each == "vendor"
    (fault,) = faults_of(written(tmp_path, text.replace('vendor = "tsmc"\n', "")))
    assert (fault.key, fault.message) == ("shares[2].each", "no resource has a vendor")


def test_what_does_nothing_with_one_period(tmp_path: Path) -> None:
    text = PLANNED.split("[[expansions]]")[0].replace("[100, 150, 200]", "100")
    text += "[[products]]" + PLANNED.split("[[products]]")[1].replace("[1000, 2000, 3000]", "10")
    text = text.replace('["q1", "q2", "q3"]', '["q1"]').replace("stock_start_packages = 50\n", "")
    found = {fault.key: fault.message for fault in faults_of(written(tmp_path, text))}
    assert found == dict.fromkeys(
        ("discount_frac_per_year", "products[0].holding_usd_per_period",
         "products[0].late_usd_per_period"), "does nothing",
    )  # fmt: skip
    again = text.replace("discount_frac_per_year = 0.1\n", "").replace(
        "late_usd_per_period = 40.0\n", ""
    )
    stocked = again.replace("holding_usd", "stock_start_packages = 5\nholding_usd")
    assert load(written(tmp_path, stocked)).product("asic").stock_start_packages == 5.0


def test_a_budget_of_capital_needs_capital(tmp_path: Path) -> None:
    """Lumps, prepayments and qualifications count, each alone, unless they cost nothing."""
    lumps = PLANNED.split("[[expansions]]")[1].split("[[reservations]]")[0]
    prepaid, sunk = "prepayment_usd_per_unit = 100.0\n", "qualified = ["
    all_lines = 'qualified = ["cowos_s_arizona", "osat_2p5d", '
    assert prepaid in PLANNED
    none = PLANNED.replace(f"[[expansions]]{lumps}", "").replace(prepaid, "")
    none = none.replace(sunk, all_lines)
    (fault,) = faults_of(written(tmp_path, none))
    assert (fault.key, fault.value) == ("budgets[0].of", "capital")
    assert fault.message == "nothing in the case is capital"
    assert fault.line == 1 + none[: none.index('of = "capital"')].count("\n")
    for one in (
        none.replace("[[reservations]]", f"[[expansions]]{lumps}[[reservations]]"),
        none.replace("usd_per_unit_not_taken", f"{prepaid}usd_per_unit_not_taken"),
        none.replace(all_lines, sunk),
    ):
        assert load(written(tmp_path, one)).budgets[0].of == "capital"
    (free,) = faults_of(
        written(tmp_path, none + f"[[expansions]]{lumps}".replace("cost_usd = 5e6", "cost_usd = 0"))
    )
    assert free.key == "budgets[0].of"


def test_a_price_is_asked_for_only_where_something_is_sold(tmp_path: Path) -> None:
    text = spoilt("price_usd = 9000.0\n", "").replace("[1000, 2000, 3000]", "0")
    assert load(written(tmp_path, text)).product("asic").price_usd is None
    text = spoilt("price_usd = 9000.0\n", "").replace('objective = "margin"\n', "")
    assert load(written(tmp_path, text)).objective == "cost"


def test_many_faults_of_a_plan_at_once(tmp_path: Path) -> None:
    text = PLANNED
    for old, new in (
        ('objective = "margin"', 'objective = "profit"'), ("= 12.5", "= -12.5"),
        ('resource = "interposer.arizona"', 'resource = "x"'), ("[0, 50, 50]", "[0, 50]"),
        ("least_frac = 0.1", "least_frac = 0.6"), ("most_usd = 1e9", 'most_usd = "all"'),
        ('begins = "q3"', 'begins = "q4"'), ("service_frac = 0.9", "service_frac = 1.5"),
        ("above_frac = 0.8", "above_fraction = 0.8"),
    ):  # fmt: skip
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    found = {fault.key: fault for fault in faults_of(written(tmp_path, text))}
    wanted = {
        "objective": "objective =", "lines[1].extra_usd_per_good": "12.5",
        "expansions[0].resource": 'resource = "x"', "reservations[0].capacity": "[0, 50]",
        "shares[0].least_frac": "least_frac", "budgets[1].most_usd": '"all"',
        "changes[1].begins": '"q4"', "products[0].service_frac": "service_frac",
        "resources[0].surcharges[0].above_fraction": "above_fraction",
        "resources[0].surcharges[0].above_frac": "above_fraction",
    }  # fmt: skip
    assert set(found) == set(wanted)
    lines = text.splitlines()
    for key, fragment in wanted.items():
        assert fragment in lines[found[key].line - 1], found[key]


def test_a_broken_line_or_product_has_no_echoes(tmp_path: Path) -> None:
    """What cannot be told without the broken entry is not called wrong."""
    text = spoilt('"cowos_s_arizona"\nroute = "cowos_s"', '"cowos_s_arizona"\nrote = "cowos_s"')
    found = {fault.key for fault in faults_of(written(tmp_path, text))}
    assert found == {"lines[1].rote", "lines[1].route"}
    text = spoilt('name = "shell"\nresource', 'name = "shell"\nresource_ = 1\nresource')
    assert [f.key for f in faults_of(written(tmp_path, text))] == ["expansions[0].resource_"]
    text = spoilt("service_frac = 0.9", "service_frac = -1")
    assert [f.key for f in faults_of(written(tmp_path, text))] == ["products[0].service_frac"]
