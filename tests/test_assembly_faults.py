"""Faults of the keys of assembled parts, grades, joints, rework, seams, curves and burn-in."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.test_assembly import case_of
from yieldopt import CaseError

FAULTS: list[tuple[str, str, str, str, str]] = [
    ("parts__t_stack", 'until = "stack"', 'until = "stac"', "until", "no such node"),
    ("parts__t_stack", '"t_stacking"', '"t_stackin"', "route", "unknown route"),
    ("parts__t_stack", "slots.base", "slots.bas", "slots", "is not filled"),
    ("parts__t_stack", '"t_base"', '"t_stack"', "slots", "circular"),
    ("parts__t_stack", '"t_base"', '"t_die"', "slots.top[0].part", "already in slot"),
    ("parts__t_mem", "incoming_dppm = 300", "incoming_dppm = 1e6", "grades.fine.incoming_dppm",
     "below 1000000"),
    ("parts__t_mem", 'fault_class = "hbm"', "", "", "grades need a fault_class"),
    ("parts__t_mem", "fault_class", "price_usd = 3\nfault_class", "", "needs one of"),
    ("routes__t_stacking", 'blind = ["@top"]', 'blind = ["@tops"]', "steps[0].blind",
     "none of the inputs"),
    ("routes__t_stacking", 'per = "layer"', 'per = "part"', "steps[1].growth_frac_per_layer",
     "growth goes with"),
    ("routes__t_pack", 'per = "part", of = ["@logic"],', "", "steps[2].faults.joint.bumps",
     "those of parts"),
    ("routes__t_pack", "fail_ppb = 20", "fail_ppb = -1", "steps[2].faults.joint.bumps.fail_ppb",
     "at least 0"),
    ("insertions__t_sort", "overlap = 0.5", "overlap = 1.5", "overlap", "between 0 and 1"),
    ("insertions__t_sort", "tau_s = {logic", "tau_s = {sram", "curve.tau_s", "different classes"),
    ("insertions__t_burn", '"hybrid"', '"hybrit"', "levels.h48.burn_in.fault_class",
     "unknown fault class"),
    ("processes__t_carrier", 'fault_class = "stitch"', 'fault_class = "rdl"',
     "stitch.fault_class", "is a class of the shares too"),
    ("routes__t_stacking", "scrap = 0.2, ", "", "steps[2].rework", "no scrap to rework"),
    ("routes__t_pack", "fail_ppb = 20", "fail_ppb = 1e10", "steps[2].faults.joint.bumps.fail_ppb",
     "must be below 1e9"),
    ("insertions__t_burn", "beta = 0.4", "beta = 1.5", "levels.h48.burn_in.beta", "at most 1"),
    ("insertions__t_sort", "[5.0, 20.0]", "[5.0, 5.0]", "curve.seconds", "print alike"),
    ("parts__t_stack", "width_mm = 12.0\nheight_mm = 9.0\n", "", "", "needs slots, width_mm"),
    ("insertions__t_sort", "coverage = {logic = 0.8}", "bad_die_detection = 0.8",
     "levels.twice.bad_die_detection", ""),
]  # fmt: skip


@pytest.mark.parametrize("row", FAULTS, ids=lambda row: f"{row[0]}: {row[2]}")
def test_faults_of_the_new_keys(row: tuple[str, str, str, str, str], tmp_path: Path) -> None:
    kind, old, new, key, message = row
    if not message:  # detection of single dies is fine: the last row is a control
        case_of(tmp_path, **{kind: (old, new)})
        return
    with pytest.raises(CaseError) as error:
        case_of(tmp_path, **{kind: (old, new)})
    fitting = [f for f in error.value.faults if f.key == key and message in f.message]
    assert fitting, error.value
    assert fitting[0].file.endswith(kind.replace("__", "/") + ".toml")
