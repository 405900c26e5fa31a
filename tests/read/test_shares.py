"""Shares that leave a product nothing are faults of the case: a plan of nothing is no optimum."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.read.planned import PLANNED
from tests.read.test_case import faults_of, written
from yieldopt import load
from yieldopt.errors import Fault

# The case has the lines cowos_s_taiwan (tsmc), cowos_s_arizona (tsmc) and osat_2p5d (Taiwan, also
# at the site of the first); the vendor of osat_2p5d is nobody's.
HEAD, TAIL = PLANNED.split("[[shares]]")[0], PLANNED[PLANNED.index("[[budgets]]") :]


def shared(*rows: str, text: str = "") -> str:
    share = "\n".join(("[[shares]]", 'name = "x"', *rows, 'source = "assumed: a test"', "", ""))
    return (text or HEAD) + share + TAIL


def one(text: str, folder: Path) -> Fault:
    (fault,) = faults_of(written(folder, text))
    assert fault.line == 1 + text[: text.index(fault.key.partition(".")[2])].count("\n")
    return fault


@pytest.mark.parametrize("whose", ['product = "asic"', "# of each product"])
def test_all_lines_lie_where_only_a_share_may(whose: str, tmp_path: Path) -> None:
    text = shared(whose, 'region = "Taiwan"', "most_frac = 0.6")
    assert load(written(tmp_path, text)).shares[0].most_frac == 0.6
    barred = text.replace('["mainland China"]', '["mainland China", "North America"]')
    fault = one(barred, tmp_path)
    assert (fault.key, fault.value) == ("shares[0].most_frac", 0.6)
    assert fault.message == "lets nothing be made of 'asic': every line falls under the share"
    assert fault.hint == "asic has cowos_s_taiwan, osat_2p5d: there is no other"


@pytest.mark.parametrize(
    ("kind", "most", "least"),
    [("line", 0.3, "0.3334"), ("route", 0.4, "0.5"), ("region", 0.49, "0.5"), ("site", 0.4, "0.5")],
)  # fmt: skip
def test_each_place_may_have_too_little(kind: str, most: float, least: str, tmp_path: Path) -> None:
    text = shared(f'each = "{kind}"', f"most_frac = {most}")
    fault = one(text, tmp_path)
    assert (fault.key, fault.value) == ("shares[0].most_frac", most)
    why = f"too few {kind}s have lines" if kind != "line" else "too few lines"
    assert fault.message == f"lets nothing be made of 'asic': {why}"
    lines = "cowos_s_taiwan, cowos_s_arizona, osat_2p5d"
    assert fault.hint == f"asic has {lines}: most_frac must be at least {least}"
    kept = text.replace(f"most_frac = {most}", f"most_frac = {least}")
    assert load(written(tmp_path, kept)).shares[0].most_frac == float(least)


def test_two_sources_with_one_line(tmp_path: Path) -> None:
    text = shared('product = "asic"', 'each = "line"', "most_frac = 0.7")
    text = text.replace('["mainland China"]', '["Taiwan"]').replace(
        'qualified = ["cowos_s_taiwan"]', "qualified = []"
    )
    fault = one(text, tmp_path)
    assert fault.message == "lets nothing be made of 'asic': too few lines"
    assert fault.hint == "asic has cowos_s_arizona: no most_frac below 1 can be kept"


def test_a_line_of_no_vendor_falls_under_no_share_of_vendors(tmp_path: Path) -> None:
    text = shared('each = "vendor"', "most_frac = 0.1")
    assert load(written(tmp_path, text)).shares[0].each == "vendor"
    alone = text.replace('routes = ["cowos_s", "osat_2p5d"]', 'routes = ["cowos_s"]')
    fault = one(alone, tmp_path)
    assert fault.hint.endswith("no most_frac below 1 can be kept")
    # The tester's is that of some levels alone.
    tester = '[[resources]]\nname = "tester.ft_h"\ncapacity = 9\nvendor = "t"\n' \
        'source = "assumed: a test"\n\n'  # fmt: skip
    text = shared('vendor = "t"', "most_frac = 0.1", text=HEAD + tester)
    assert load(written(tmp_path, text)).shares[0].vendor == "t"


def test_a_third_that_is_rounded_in_the_file_is_a_third(tmp_path: Path) -> None:
    text = shared('each = "line"', "most_frac = 0.3333333333")
    assert load(written(tmp_path, text)).shares[0].each == "line"
    assert one(text.replace("0.3333333333", "0.33333"), tmp_path).key == "shares[0].most_frac"


OTHER = """
[[products]]
name = "twin"
routes = ["osat_2p5d"]
interposer_mm = [32.0, 44.0]
substrate_mm = [60.0, 60.0]
dppm_limit = 1000.0
price_usd = 9000.0
demand = 5
slots.logic = [{part = "tpu_die"}]
slots.memory = [{part = "hbm3e_8h", count = 4}]
slots.substrate = [{part = "abf_68"}]
"""


def test_a_share_of_every_product_where_one_has_no_line(tmp_path: Path) -> None:
    text = shared('region = "North America"', "least_frac = 0.2") + OTHER
    fault = one(text, tmp_path)
    assert (fault.key, fault.value) == ("shares[0].least_frac", 0.2)
    assert fault.message == "lets nothing be made of 'twin': no line falls under the share"
    assert fault.hint == "twin has osat_2p5d: name the products that are meant"
    most = text.replace("least_frac", "most_frac")
    assert load(written(tmp_path, most)).shares[0].most_frac == 0.2
    idle = text.replace("demand = 5", "demand = 0")  # planned for information: nothing is made
    assert load(written(tmp_path, idle)).product("twin").demand.each == 0.0


def test_two_products_are_one_fault(tmp_path: Path) -> None:
    text = shared('each = "line"', "most_frac = 0.3") + OTHER
    fault = one(text, tmp_path)
    assert fault.message == "lets nothing be made of 'asic', 'twin': too few lines"
    assert fault.hint == (
        "asic has cowos_s_taiwan, cowos_s_arizona, osat_2p5d: most_frac must be at least 0.3334; "
        "twin has osat_2p5d: no most_frac below 1 can be kept"
    )
