"""A number replaced in memory: the case is that which is read with it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from yieldopt import CaseError, load
from yieldopt.read.replacing import replaced
from yieldopt.schema.base import Quantity
from yieldopt.schema.models import KINDS
from yieldopt.study.inputs import inputs_of

GRADED = ("ask_cpo_switch", "co_packaged")


@pytest.mark.parametrize(("name", "product"), [("minimal", "asic"), GRADED])
def test_a_case_with_a_number_replaced_is_the_case_read_with_it(name: str, product: str) -> None:
    """Every seventh input of all kinds: the whole library, with what extends the model changed."""
    case = load(name)
    inputs = inputs_of(case, product, case.product(product).routes[0])
    assert {one.key.partition(".")[0] for one in inputs} >= {*KINDS}
    for one in [one for one in inputs if one.has_range][::7]:
        value = one.low if one.low is not None and one.low < one.base else one.high
        assert value is not None
        read, new = load(name, {one.key: value}), replaced(case, one.key, value)
        assert new != case
        assert new.products == read.products
        assert new.insertions == read.insertions
        for kind in KINDS:
            mine, theirs = getattr(new.library, kind), getattr(read.library, kind)
            assert [name for name in theirs if mine[name] != theirs[name]] == [], one.key


def test_a_model_follows_the_one_that_it_extends_unless_it_has_its_own_number() -> None:
    key = "processes.si_interposer_65.alpha"
    case = load("minimal", {"processes.si_interposer_samsung.alpha": 4.0})
    assert case.library.extends["processes", "si_interposer_samsung"] == "si_interposer_65"
    new = replaced(case, key, 2.5).library.processes
    assert new["si_interposer_osat"].alpha == Quantity(base=2.5)
    assert new["si_interposer_samsung"].alpha == Quantity(base=4.0)


def test_a_key_of_no_number_and_a_value_out_of_range_are_refused() -> None:
    case = load("minimal")
    with pytest.raises(CaseError, match="not a number of this case; did you mean 'd0_per_cm2'"):
        replaced(case, "processes.n5.d0_per_cm", 0.1)
    with pytest.raises(CaseError, match=r"processes\.n5\.d0_per_cm2: must be at least 0"):
        replaced(case, "processes.n5.d0_per_cm2", -0.1)
    with pytest.raises(CaseError, match=r"the shares sum to 0\.8, not to 1"):
        replaced(case, "processes.n5.shares.logic", 0.5)


def test_what_the_number_is_not_in_is_the_very_object_that_it_was() -> None:
    """The compiler remembers steps and levels by what they are."""
    case = load("minimal")
    held = case.library.routes["cowos_s"].steps
    work = next(at for at, step in enumerate(held) if step.work and step.cost_usd.base > 0.0)
    new = replaced(case, f"routes.cowos_s.steps.{held[work].work}.cost_usd", 1.0)
    steps = new.library.routes["cowos_s"].steps
    assert steps[work].cost_usd == Quantity(base=1.0)
    assert [at for at in range(len(held)) if steps[at] is not held[at]] == [work]


def test_what_equals_a_number_asked_for_before_is_looked_at_anew() -> None:
    """Cases are remembered by value: True equals 1.0, and 0.0 equals -0.0."""
    case, key = load("minimal"), "processes.n5.d0_per_cm2"

    def now(value: Any) -> Any:
        return replaced(case, key, value).library.processes["n5"].d0_per_cm2.base

    assert now(1.0) == 1.0
    assert replaced(case, key, 1.0) is replaced(case, key, 1.0)
    for value in (True, [1.0], np.array(1.0)):
        with pytest.raises(CaseError, match="must be a number"):
            now(value)
    assert [math.copysign(1.0, now(value)) for value in (-0.0, 0.0)] == [-1.0, 1.0]
