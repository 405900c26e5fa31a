"""`Case.replace`: a new checked case, as `load` with changes gives it."""

from __future__ import annotations

import dataclasses
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from yieldopt import CaseError, load
from yieldopt.data import bundled_cases

D0 = "processes.n5.d0_per_cm2"
LIMIT = "products.asic.dppm_limit"


def test_a_value_is_replaced_and_the_case_stays() -> None:
    case = load("minimal")
    cleaner = case.replace(D0, 0.08)
    assert cleaner == load("minimal", {D0: 0.08})
    assert cleaner.library.processes["n5"].d0_per_cm2.base == 0.08
    assert case == load("minimal")


def test_several_at_once_and_one_after_the_other_are_the_same() -> None:
    at_once = load("minimal").replace({D0: 0.08, LIMIT: 500.0})
    one_by_one = load("minimal").replace(LIMIT, 500.0).replace(D0, 0.08)
    assert at_once == one_by_one == load("minimal", {D0: 0.08, LIMIT: 500.0})
    assert at_once.origin is not None
    assert at_once.origin.changes == {D0: 0.08, LIMIT: 500.0}
    assert at_once.origin.file == str(bundled_cases()["minimal"])


def test_the_last_value_of_a_key_holds_also_over_a_table_that_has_it() -> None:
    case = load("minimal").replace(D0, 0.08).replace("processes.n5", {"d0_per_cm2": 0.07})
    assert case.library.processes["n5"].d0_per_cm2.base == 0.07
    assert case.replace(D0, 0.06).library.processes["n5"].d0_per_cm2.base == 0.06


@pytest.mark.parametrize(
    ("key", "value", "hint"),
    [
        ("processes.n5.d0_per_cm", 0.08, "did you mean 'd0_per_cm2'?"),
        ("processes.n55.d0_per_cm2", 0.08, "did you mean 'n5'?"),
        ("process.n5.d0_per_cm2", 0.08, "did you mean 'processes'?"),
        ("route.cowos_s.limits.power_w", 1.0, "did you mean 'routes'?"),
        ("products.asik.dppm_limit", 1.0, "did you mean 'asic'?"),
        ("routes.cowos_s.steps.interposr.scrap", 0.1, "did you mean 'interposer'?"),
        (D0, -1.0, "must be at least 0"),
        (LIMIT, "500", "must be a number"),
        ("period_week", 4.0, "did you mean 'period_weeks'?"),
        ("a b", 1.0, "not a dotted key"),
    ],
)
def test_faults_are_those_of_load(key: str, value: Any, hint: str) -> None:
    with pytest.raises(CaseError) as found:
        load("minimal").replace(key, value)
    with pytest.raises(CaseError) as loaded:
        load("minimal", {key: value})
    assert str(found.value) == str(loaded.value)
    assert hint in str(found.value)


def test_all_faults_at_once() -> None:
    with pytest.raises(CaseError) as found:
        load("minimal").replace({D0: -1.0, LIMIT: -2.0})
    assert len(found.value.faults) == 2


def test_the_file_may_be_gone_and_the_folder_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(bundled_cases()["minimal"].read_bytes())
    case = load(path)
    path.unlink()
    monkeypatch.chdir(tmp_path.parent)
    assert case.replace(D0, 0.08).library.processes["n5"].d0_per_cm2.base == 0.08


def test_what_was_put_in_by_hand_is_not_lost_in_silence() -> None:
    other = dataclasses.replace(load("minimal"), periods=("one", "two"))
    with pytest.raises(CaseError, match="did not come from a file"):
        other.replace(D0, 0.08)


def test_an_origin_survives_a_pickle() -> None:
    case = pickle.loads(pickle.dumps(load("minimal").replace(LIMIT, 500.0)))
    assert case.replace(D0, 0.08) == load("minimal", {LIMIT: 500.0, D0: 0.08})


def test_wrong_calls() -> None:
    case = load("minimal")
    for wrong in ((D0,), ({D0: 0.08}, 1.0), (D0, 1.0, 2.0)):
        with pytest.raises(TypeError, match="a key and a value, or one mapping"):
            case.replace(*wrong)


def test_scenarios_are_left_out_as_load_leaves_them_out() -> None:
    case = load("ask_ramp_programme")
    assert case.scenarios
    assert not case.replace("period_weeks", 4.0).scenarios


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("routes.foplp.rdl.d0_per_cm2", "processes.foplp_rdl.d0_per_cm2"),
        ("routes.foplp_chip_last.rdl.d0_per_cm2", "processes.foplp_rdl.d0_per_cm2"),
        ("routes.cowos_s.interposer.d0_per_cm2", "processes.si_interposer_65.d0_per_cm2"),
        ("routes.cowos_s.mould_and_grind.scrap", "routes.cowos_s.steps.mould_and_grind.scrap"),
    ],
)
def test_a_number_that_stands_elsewhere_is_hinted_at(key: str, hint: str) -> None:
    case = load("accelerators_2026")
    with pytest.raises(CaseError) as found:
        case.replace(key, 0.08)
    (fault,) = found.value.faults
    assert key.startswith(fault.key)
    assert fault.hint == f"did you mean {hint!r}?"
    assert (fault.file, fault.line) == ("", 0)
    assert case.replace(hint, 0.08) != case


def test_a_hint_below_the_key_stays() -> None:
    with pytest.raises(CaseError, match=r"d0_per_cm2\.bse: unknown key; did you mean 'base'\?"):
        load("minimal").replace(D0, {"bse": 0.1})


def test_numbers_of_numpy_are_numbers_and_values_are_copied() -> None:
    case = load("minimal")
    demand = [10.0]
    for value in (np.float32(0.5), np.int64(1), np.array(0.25)):
        assert case.replace(D0, value) == case.replace(D0, float(value))
    for asked in (np.array([10.0]), (10,), demand):
        assert case.replace("products.asic.demand", asked).products[0].demand.over(1) == (10.0,)
    other = case.replace("products.asic.demand", demand)
    demand[0] = 99.0
    assert other.replace("period_weeks", 4.0).products[0].demand.over(1) == (10.0,)


def test_the_list_of_insertions_in_play_is_the_cases_own() -> None:
    case = load("minimal").replace("insertions", ["wafer_sort", "final_test"])
    assert {one.name for one in case.insertions} == {"wafer_sort", "final_test"}
    slower = case.replace("insertions.wafer_sort.tester.index_s", 2.0)
    assert slower.library.insertions["wafer_sort"].tester.index_s.base == 2.0


def test_what_is_replaced_is_what_an_edited_file_says(tmp_path: Path) -> None:
    text = bundled_cases()["minimal"].read_text(encoding="utf-8")
    path = tmp_path / "minimal.toml"
    path.write_text(text.replace("dppm_limit = 1000.0", "dppm_limit = 500.0"), encoding="utf-8")
    assert load(path) == load("minimal").replace(LIMIT, 500.0)
