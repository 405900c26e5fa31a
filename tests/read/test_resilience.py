"""What may be lost and the factors of scenarios: read whole, and every fault at its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.read.planned import PLANNED
from tests.read.test_case import faults_of, written
from yieldopt import load
from yieldopt.schema.places import losses_of

SOURCE = 'source = "assumed: a test"\n'
ASKED = f'\n[resilience]\nfrom = "q2"\nlose = "region"\nprobability = 0.1\n{SOURCE}'
SCENARIOS = f"""
[[scenarios]]
name = "low"
probability = 0.5
demand_factor = 0.5
capacity_factor = {{"interposer.cowos_s" = 0.8}}
{SOURCE}
[[scenarios]]
name = "high"
probability = 0.5
demand_factor = {{asic = 2}}
{SOURCE}"""


def lost(folder: Path, text: str) -> list[tuple[str, list[str], list[str]]]:
    case = load(written(folder, text))
    assert case.resilience is not None
    library = case.library.routes
    found = losses_of(case.resilience, case.products, case.lines, case.resources, library)
    return [(one.name, sorted(one.lines), sorted(one.resources)) for one in found]


def test_what_stands_in_a_place_is_lost_with_it(tmp_path: Path) -> None:
    assert lost(tmp_path, PLANNED + ASKED) == [
        ("Taiwan", ["cowos_s_taiwan", "osat_2p5d"], ["interposer.cowos_s"]),
        ("North America", ["cowos_s_arizona"], []),
    ]
    sites = ASKED.replace('"region"', '"site"')
    assert [name for name, _, _ in lost(tmp_path, PLANNED + sites)] == [
        "tsmc_ap_taiwan", "arizona", "ase_spil_taiwan"
    ]  # fmt: skip
    named = ASKED.replace('lose = "region"', 'names = ["tsmc_ap_taiwan"]')
    assert lost(tmp_path, PLANNED + named) == [
        ("tsmc_ap_taiwan", ["cowos_s_taiwan", "osat_2p5d"], ["interposer.cowos_s"])
    ]


def test_a_resource_lies_in_the_region_of_its_site(tmp_path: Path) -> None:
    text = PLANNED.replace('region = "Taiwan"\nfixed', "fixed")
    assert text != PLANNED
    assert lost(tmp_path, text + ASKED)[0][2] == ["interposer.cowos_s"]


def test_factors_are_of_demand_and_of_own_capacity(tmp_path: Path) -> None:
    case = load(written(tmp_path, PLANNED + SCENARIOS))
    low, high = (scenario.case for scenario in case.scenarios)
    assert low.products[0].demand.over(3) == (500.0, 1000.0, 1500.0)
    assert high.products[0].demand.over(3) == (2000.0, 4000.0, 6000.0)
    assert low.resources[0].capacity.over(3) == (80.0, 120.0, 160.0)
    assert low.resources[1].capacity.over(3) == (80.0, 80.0, 80.0)
    assert high.resources == case.resources
    assert low.reservations == case.reservations
    assert low.library == case.library


BAD = [
    ('from = "q2"', 'from = "q5"', "resilience.from: unknown period (got 'q5')"),
    ('from = "q2"', 'from = "q1"', "resilience.from: must not be the first period (got 'q1')"),
    ('from = "q2"\n', "", "resilience.from: is missing"),
    ('from = "q2"', 'from = "q2"\nfrm = 1', "resilience.frm: unknown key; did you mean 'from'?"),
    ('lose = "region"\n', "", "resilience: needs one of lose, names"),
    ('"region"', '"region"\nnames = ["Taiwan"]', "resilience: needs one of lose, names"),
    ('"region"', '"town"', "resilience.lose: must be one of 'site' or 'region'"),
    ('lose = "region"', 'names = ["Taiwam"]',
     "resilience.names[0]: unknown site or region (got 'Taiwam'); did you mean 'Taiwan'?"),
    ('lose = "region"', 'names = ["Taiwan", "Taiwan"]', "resilience.names[1]: duplicate name"),
    ('lose = "region"', "names = []", "resilience.names: must not be empty"),
    ("probability = 0.1\nsource", "probability = 0.6\nsource",
     "resilience.probability: exceeds 1 over all losses (got 0.6); there are 2"),
    ("probability = 0.1\nsource", "probability = 0.0\nsource",
     "resilience.probability: must be above 0"),
    ("probability = 0.1\nsource", "service_frac = 0\nsource",
     "resilience.service_frac: must be above 0"),
    ("demand_factor = 0.5", "demand_factor = 0", "scenarios[0].demand_factor: must be above 0"),
    ("demand_factor = 0.5", 'demand_factor = "half"',
     "scenarios[0].demand_factor: must be a number (got 'half')"),
    ("{asic = 2}", "{asik = 2}",
     "scenarios[1].demand_factor.asik: unknown product; did you mean 'asic'?"),
    ("{asic = 2}", "{asic = 0}", "scenarios[1].demand_factor.asic: must be above 0"),
    ("{asic = 2}", "{asic = -2}", "scenarios[1].demand_factor.asic: must be at least 0"),
    ('"interposer.cowos_s" = 0.8', '"interposer.cowos_z" = 0.8',
     'scenarios[0].capacity_factor."interposer.cowos_z": unknown resource'),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "words"), BAD)
def test_a_bad_key_is_one_fault_at_its_place(
    old: str, new: str, words: str, tmp_path: Path
) -> None:
    text = PLANNED + ASKED + SCENARIOS
    assert text.count(old) == 1, old
    (fault,) = faults_of(written(tmp_path, text.replace(old, new)))
    assert words in str(fault)
    assert fault.line > PLANNED.count("\n")


def test_what_is_unmet_under_a_loss_must_cost_something(tmp_path: Path) -> None:
    text = PLANNED.replace('objective = "margin"\n', "")
    shortage = 'shortage_cost_usd = {base = 100.0, source = "assumed: a fine"}\n'
    assert shortage in text
    load(written(tmp_path, text.replace(shortage, "")))
    load(written(tmp_path, PLANNED.replace(shortage, "") + ASKED))  # a sale that is lost does
    (fault,) = faults_of(written(tmp_path, text.replace(shortage, "") + ASKED))
    assert "products[0].shortage_cost_usd: is missing: [resilience] asks" in str(fault)
