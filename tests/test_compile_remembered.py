"""What the compiler remembers from one case to the next: never of a case that differs in it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from yieldopt import load
from yieldopt.compile import compile_template
from yieldopt.flow import Step
from yieldopt.read.replacing import replaced
from yieldopt.schema.case import Case
from yieldopt.study.inputs import inputs_of
from yieldopt.template import Template


def template_on(case: Case, product: str, route: str) -> Template:
    return compile_template(case, case.product(product), case.library.routes[route])


@pytest.mark.parametrize(
    ("name", "product", "every"), [("minimal", "asic", 9), ("ask_cpo_switch", "co_packaged", 11)]
)
def test_a_case_with_a_number_replaced_compiles_as_the_case_read_with_it(
    name: str, product: str, every: int
) -> None:
    """A case that was read shares no object with another, so that nothing of it is remembered."""
    case = load(name)
    route = case.product(product).routes[0]
    base, changed = template_on(case, product, route), 0
    inputs = [one for one in inputs_of(case, product, route) if one.has_range]
    for one in inputs[::every]:
        value = one.low if one.low is not None and one.low < one.base else one.high
        assert value is not None
        here = template_on(replaced(case, one.key, value), product, route)
        assert repr(here) == repr(template_on(load(name, {one.key: value}), product, route))
        changed += here != base
    assert changed > len(inputs[::every]) // 2
    assert template_on(case, product, route) == base


def step_with(case: Case, product: str, route: str, fault_class: str) -> Step:
    steps = template_on(case, product, route).steps()
    return next(step for step in steps if step.kind == "process" and fault_class in step.faults)


@pytest.mark.parametrize(
    ("name", "product", "route", "fault_class", "part", "changes"),
    [
        ("b200_class", "b200_class", "cowos_l", "warp", "abf_ai_gpu", {"layers": 24}),
        ("reference_panel", "wearable_cmc", "cmc", "bump", "lpddr5x_die", {"width_mm": 99.0}),
    ],
)
def test_faults_of_joints_and_layers_follow_the_parts_of_the_same_product(
    name: str, product: str, route: str, fault_class: str, part: str, changes: dict[str, float]
) -> None:
    case = load(name)
    before = step_with(case, product, route, fault_class)
    held = case.library.parts
    parts = {**held, part: held[part].model_copy(update=changes)}
    changed = replace(case, library=replace(case.library, parts=parts))
    after = step_with(changed, product, route, fault_class)
    assert after.faults[fault_class].mean > before.faults[fault_class].mean
    assert step_with(case, product, route, fault_class) is before
