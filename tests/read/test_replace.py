"""`Case.replace`: a new checked case, as `load` with changes gives it."""

from __future__ import annotations

import dataclasses
import pickle
from pathlib import Path
from typing import Any

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
