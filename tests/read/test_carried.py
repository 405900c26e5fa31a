"""Fault classes where insertions attach, as read, against those of the compiled steps."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.read.test_case import check_one, faults_of, spoilt, written
from yieldopt import load
from yieldopt.compile import compile_template
from yieldopt.data import bundled_cases
from yieldopt.optimize.product_rules import carried
from yieldopt.optimize.route import exclusions
from yieldopt.read.carried import carried_at
from yieldopt.schema.assembly import product_assembly
from yieldopt.template import Choice


@pytest.mark.parametrize("name", sorted(bundled_cases()))
def test_classes_as_read_are_those_of_the_compiled_steps(name: str) -> None:
    case = load(name)
    places = 0
    for product in case.products:
        found: dict[str, set[str]] = {}
        for route in (case.library.routes[name] for name in product.routes):
            if exclusions(case.library, product_assembly(product), route):
                continue
            template = compile_template(case, product.model_copy(update={"levels": {}}), route)
            for node in template.nodes:
                for at, item in enumerate(node.items):
                    if isinstance(item, Choice) and item.name != "grade":
                        place = f"{node.name}/{item.name}"
                        found.setdefault(place, set()).update(carried(template, node, at))
        read = carried_at(product, case.library, case.insertions)
        if len(found) and all(
            not exclusions(case.library, product_assembly(product), case.library.routes[r])
            for r in product.routes
        ):
            # Seams need a body larger than a field, and a D0 may be 0 for now: matters of numbers.
            clean = [p for p in case.library.processes.values() if p.d0_per_cm2.base == 0.0]
            numbers = {"stitch", *(name for process in clean for name in process.shares)}
            assert {place: read[place] - numbers for place in found} == {
                place: classes - numbers for place, classes in found.items()
            }
        for place, classes in found.items():
            assert read[place] >= classes
        places += len(found)
    assert places > 0


def test_a_contract_on_a_class_that_is_not_there_yet(tmp_path: Path) -> None:
    sort = '"tpu_die/wafer_sort"'
    line = f"least_coverage = {{{sort} = {{joint = 0.9}}}}"
    text = spoilt("dppm_limit", f"{line}\ndppm_limit")
    path = written(tmp_path, text)
    key = f"products[0].least_coverage.{sort}.joint"
    row = (key, line, "no unit carries faults of this class here", None, "carried here: ")
    check_one(faults_of(path), path, text, row)
