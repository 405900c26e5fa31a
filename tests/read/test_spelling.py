"""Places that are misspelt, and places whose names are near to those of others."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from tests.read.planned import PLANNED
from tests.read.test_case import faults_of, written
from yieldopt import load
from yieldopt.read.spelling import is_slip

SLIPS = [
    ("Taiwan", "taiwan"), ("Taiwan", " Taiwan"), ("Taiwan", "Taiwan "), ("Taiwan", "TAIWAN"),
    ("Taiwan", "Tawian"), ("Taiwan", "Tawain"), ("Taiwan", "Taian"), ("Taiwan", "Taiwaan"),
    ("Taiwan", "Taiean"), ("North America", "North-America"), ("North America", "NorthAmerica"),
    ("North America", "North Amercia"), ("North America", "North Amerca"), ("USA", "U.S.A."),
    ("tsmc_ap_taiwan", "tsmc_ap_tawan"), ("mainland China", "mainland  China"),
    ("Fab 12", "Fab12"), ("Philippines", "Phillippines"), ("Malaysia", "Maleysia"),
]  # fmt: skip
APART = [
    "Fab 12", "Fab 14", "Fab 12 B", "Fab 1", "Fab 121", "Taiwan", "Taiwan 2", "TW-1", "TW-2", "TW",
    "siteA", "siteB", "site_c", "plant east", "plant west", "planta", "plantb", "plantM", "plantN",
    "North Korea", "South Korea", "Korea", "US", "USA", "UK", "UAE", "Ireland", "Iceland",
    "Austria", "Australia", "Hunan", "Henan", "Hubei", "Hebei", "Shanxi", "Shaanxi", "Tainan",
    "Iran", "Iraq", "Gambia", "Zambia", "Slovakia", "Slovenia", "Niger", "Nigeria", "Changzhou",
    "Cangzhou", "Suzhou", "Xuzhou", "China", "mainland China", "Asia", "other Asia-Pacific",
    "tsmc_tainan", "tsmc_taiwan", "amkor_korea", "amkor_arizona", "tsmc_arizona", "Line I",
    "Line II", "America", "North America", "South America", "Europe", "Dresden", "-", "+",
]  # fmt: skip


@pytest.mark.parametrize(("right", "slip"), SLIPS)
def test_a_slip(right: str, slip: str) -> None:
    assert is_slip(right, slip)
    assert is_slip(slip, right)


def test_near_names_are_names() -> None:
    pairs = itertools.combinations(APART, 2)
    assert [pair for pair in pairs if is_slip(*pair)] == []
    assert not any(is_slip(name, name) for name in APART)


BAD = [  # (old, new, key, hint)
    ('region = "Taiwan"', 'region = "Tawian"', "resources[0].region", "Taiwan"),
    ('region = "Taiwan"', 'region = "taiwan"', "resources[0].region", "Taiwan"),
    ('site = "tsmc_ap_taiwan"', 'site = "tsmc_ap_tawan"', "resources[0].site", "tsmc_ap_taiwan"),
    ('region = "North America"}', 'region = "North Amrica"}', "lines[1].sites[0].region",
     "North America"),
    ('{name = "arizona", region = "North America"}',
     '{name = "samsung korea", region = "other Asia-Pacific"}', "lines[1].sites[0].name",
     "samsung_korea"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "key", "hint"), BAD)
def test_a_misspelt_place_is_no_third_place(
    old: str, new: str, key: str, hint: str, tmp_path: Path
) -> None:
    assert PLANNED.count(old) == 1
    text = PLANNED.replace(old, new)
    found = {fault.key: fault for fault in faults_of(written(tmp_path, text))}
    fault = found.pop(key)
    assert fault.message.endswith(": the same place has one name")
    assert fault.line == 1 + text[: text.index(new)].count("\n")
    assert fault.hint.startswith(f"did you mean {hint!r}?")
    assert set(found) <= {"shares[0].region"}  # in which then nothing lies


@pytest.mark.parametrize("name", ["arizona 2", "arizona_west", "Arizone Nord", "tsmc_ap_tainan"])
def test_another_place_is_taken(name: str, tmp_path: Path) -> None:
    text = PLANNED.replace("capacity = 80\n", f'capacity = 80\nsite = "{name}"\n')
    assert load(written(tmp_path, text)).resources[1].site == name


def test_a_region_that_is_misspelt_among_models(tmp_path: Path) -> None:
    """Of models it is the later that is told; a case's own override is."""
    sites = 'sites = [{name = "samsung_korea", region = "other Asia-Pacifc"}]'
    over = f"\n[override.routes.i_cube]\n{sites}\n"
    (fault,) = faults_of(written(tmp_path, PLANNED + over))
    assert (fault.key, fault.value) == (
        "override.routes.i_cube.sites[0].region", "other Asia-Pacifc"
    )  # fmt: skip
    assert fault.hint.startswith("did you mean 'other Asia-Pacific'?")


def test_a_hint_lists_each_place_once(tmp_path: Path) -> None:
    text = PLANNED.replace('["mainland China"]', '["Mars"]')
    (fault,) = faults_of(written(tmp_path, text))
    assert fault.message == "unknown region"
    assert fault.hint == "known: North America, Taiwan, mainland China, other Asia-Pacific"
