"""Arguments: what each kind of range takes and refuses, and that every fault is named at once."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest

from tests.physics.support import refused
from yieldopt.errors import CaseError
from yieldopt.physics.arguments import check, faults_of


@pytest.mark.parametrize(("allowed", "value"), [
    ("[0, 1]", 0), ("[0, 1]", 1.0), ("[0, 1)", 0.999), ("(0, inf)", 5e-324), ("[0, inf)", 1.7e308),
    ("(-inf, 1)", -1e300), ("[0, 1]", np.float32(0.5)), ("[0, 1]", np.array([0, 1])),
    ("[0, 1]", np.zeros(0)), ("[0, 1]", np.array(1.0)), ("one [0, 1]", 0.5),
    ("one [0, 1]", np.array(0.5)), (3, 3), (0, 10**400), (0, np.int64(4)),
])  # fmt: skip
def test_what_is_inside_a_range(allowed: Any, value: Any) -> None:
    check(("x", value, allowed), ("y", value, allowed))


@pytest.mark.parametrize(("allowed", "value"), [
    ("[0, 1]", -5e-324), ("[0, 1]", 1.0 + 2e-16 * 2), ("[0, 1)", 1.0), ("(0, 1]", 0.0),
    ("[0, inf)", math.inf), ("(-inf, 1)", -math.inf), ("[0, 1]", math.nan), ("[0, 1]", True),
    ("[0, 1]", "0.5"), ("[0, 1]", None), ("[0, 1]", 1j), ("[0, inf)", 10**400), ("[0, 1]", [0.5]),
    ("[0, 1]", [0.5, [0.5]]), ("[0, 1]", np.zeros((2, 2))), ("[0, 1]", np.array([True, False])),
    ("[0, 1]", np.array([0.5, math.nan])), ("one [0, 1]", np.zeros(2)),
    (3, 2), (3, 3.0), (3, True), (3, None), (1, np.array([2])),
])  # fmt: skip
def test_what_is_outside_a_range(allowed: Any, value: Any) -> None:
    kind = "whole number, at least" if isinstance(allowed, int) else "number in"
    with pytest.raises(CaseError, match=rf"(?s)^x: must be a {kind} .*\(got .*\)$"):
        check(("x", value, allowed))


def test_every_fault_is_named_in_order_unlike_lengths_last() -> None:
    given: list[tuple[str, Any, Any]] = [
        ("b", 2.0, "[0, 1]"), ("a", np.array([0.5, math.nan]), "[0, 1]"), ("n", 0, 1),
        ("fine", 0.5, "[0, 1]"), ("c", np.zeros(3), "[0, 1]"),
    ]  # fmt: skip
    keys = ["b", "a", "n", "a, c"]
    assert refused(check, *given) == [fault.key for fault in faults_of(*given)] == keys
    assert faults_of(given[3], given[4]) == faults_of() == []


def test_the_first_wrong_entry_and_unequal_lengths_are_shown() -> None:
    (fault,) = faults_of(("x", np.array([0.5, 3.0, 4.0]), "[0, 1]"))
    assert str(fault) == "x: must be a number in [0, 1] (got 3.0)"
    assert str(*faults_of(("x", None, 1))) == (
        "x: must be a whole number, at least 1 (got 'nothing')"
    )
    with pytest.raises(CaseError, match="a, b: arrays of different lengths"):
        check(("a", np.zeros(2), "[0, 1]"), ("b", np.zeros(3), "[0, 1]"))
    for first, second in itertools.permutations((np.zeros(2), np.ones(2), 0.5, np.array(1.0)), 2):
        check(("a", first, "[0, 1]"), ("b", second, "[0, 1]"))
