"""Changes of a case over time, alone and under scenarios and values that are put over them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.read.planned import PLANNED
from tests.read.test_case import faults_of, written
from yieldopt import load
from yieldopt.schema.case import Case

HEAD, TAIL = PLANNED.split("[[changes]]")[0], "[[products]]" + PLANNED.split("[[products]]")[1]
SCENARIOS = """
[[scenarios]]
name = "as_is"
probability = 0.75
[[scenarios]]
name = "dirty"
probability = 0.25
[scenarios.override.processes.n5]
d0_per_cm2 = 0.2
"""


def with_changes(*changes: tuple[str, str]) -> str:
    """The planned case with other changes: (begins, override tables)."""
    return HEAD + "".join(
        f'[[changes]]\nbegins = "{begins}"\nsource = "assumed: a test"\n{tables}\n'
        for begins, tables in changes
    ) + TAIL  # fmt: skip


def d0(number: float, of: str = "n5") -> str:
    return f"override.processes.{of}.d0_per_cm2 = {number}"


def density(case: Case) -> float:
    return case.library.processes["n5"].d0_per_cm2.base


def test_changes_add_up(tmp_path: Path) -> None:
    case = load(written(tmp_path, PLANNED))
    base = load(written(tmp_path, with_changes(), "base.toml"))
    assert case.library == base.library
    second, third = case.changes
    assert (second.period, third.period) == (1, 2)
    assert (density(second.case), density(third.case)) == (0.08, 0.06)
    prices = [change.case.library.parts["hbm3e_8h"].price_usd for change in case.changes]
    assert prices[0] == base.library.parts["hbm3e_8h"].price_usd
    assert prices[1] is not None
    assert prices[1].base == 200.0
    for change in case.changes:
        assert change.case.changes == change.case.scenarios == ()
        assert (change.case.lines, change.case.shares) == (case.lines, case.shares)


def test_a_change_stays_in_force(tmp_path: Path) -> None:
    """What a later change does not name is as the change before left it."""
    text = with_changes(("q1", d0(0.09)), ("q3", d0(0.05, "n4p")))
    first, last = load(written(tmp_path, text)).changes
    assert (first.period, last.period) == (0, 2)
    assert density(first.case) == density(last.case) == 0.09
    assert last.case.library.processes["n4p"].d0_per_cm2.base == 0.05


def test_changes_stand_over_what_the_case_overrides(tmp_path: Path) -> None:
    text = with_changes(("q2", d0(0.08))) + "[override.processes.n5]\nd0_per_cm2 = 0.15\n"
    case = load(written(tmp_path, text))
    assert (density(case), density(case.changes[0].case)) == (0.15, 0.08)


def test_a_scenario_stands_over_the_changes(tmp_path: Path) -> None:
    """It holds in all periods; whatever else changes does so in it, too."""
    as_is, dirty = load(written(tmp_path, PLANNED + SCENARIOS)).scenarios
    assert [density(change.case) for change in as_is.case.changes] == [0.08, 0.06]
    assert density(dirty.case) == 0.2
    assert [density(change.case) for change in dirty.case.changes] == [0.2, 0.2]
    price = dirty.case.changes[1].case.library.parts["hbm3e_8h"].price_usd
    assert price is not None
    assert price.base == 200.0
    assert dirty.case.lines == load(written(tmp_path, PLANNED)).lines


def test_a_value_put_over_the_case_holds_in_all_periods(tmp_path: Path) -> None:
    path = written(tmp_path, PLANNED + SCENARIOS)
    case = load(
        path, {"processes.n5.d0_per_cm2": 0.3, "lines.cowos_s_arizona.extra_usd_per_good": 1}
    )
    assert density(case) == 0.3
    assert [density(change.case) for change in case.changes] == [0.3, 0.3]
    assert case.changes[0].case.lines[1].extra_usd_per_good.base == 1.0
    assert case.scenarios == ()


# (changes, fragment of the fault's line, key, message)
Row = tuple[list[tuple[str, str]], str, str, str]
BAD: list[Row] = [
    ([("q5", d0(0.08))], 'begins = "q5"', "changes[0].begins", "unknown period"),
    ([("q3", d0(0.08)), ("q2", d0(0.07))], 'begins = "q2"', "changes[1].begins",
     "changes must stand in the order of periods"),
    ([("q2", d0(0.08)), ("q2", d0(0.07))], 'begins = "q2"', "changes[1].begins",
     "a change begins in this period already"),
    ([("q2", "override = {}")], "override = {}", "changes[0].override", "overrides nothing"),
    ([("q2", "")], "[[changes]]", "changes[0].override", "is missing"),
    ([("q2", "override.process.n5.d0 = 1")], "override.process", "changes[0].override.process",
     "unknown kind"),
    ([("q2", "override.processes = 1")], "override.processes", "changes[0].override.processes",
     "must be a table"),
    ([("q2", d0(0.08, "n55"))], "n55", "changes[0].override.processes.n55",
     "unknown name in processes"),
    ([("q2", d0(-1))], "-1", "changes[0].override.processes.n5.d0_per_cm2", "must be at least 0"),
    ([("q2", d0(0.08) + "\n" + d0(-1, "n4p"))], "-1",
     "changes[0].override.processes.n4p.d0_per_cm2", "must be at least 0"),
    ([("q2", "override.routes.cowos_s.steps.mold_and_grind.scrap = 0.1")], "mold_and",
     "changes[0].override.routes.cowos_s.steps.mold_and_grind", "nothing of this name"),
    ([("q2", d0(0.08)), ("q3", d0(0.08))], "0.08", "changes[1].override",
     "changes nothing"),
    ([("q2", "override.routes.cowos_s.lead_time_weeks = 4")], "lead_time",
     "changes[0].override.routes.cowos_s.lead_time_weeks", "is the same in all periods"),
]  # fmt: skip


@pytest.mark.parametrize("row", BAD, ids=lambda row: f"{row[2]}: {row[3]}")
def test_a_bad_change_is_one_fault(row: Row, tmp_path: Path) -> None:
    changes, fragment, key, message = row
    text = with_changes(*changes)
    path = written(tmp_path, text)
    (fault,) = faults_of(path)
    assert fault.key == key
    assert message in fault.message
    lines = [at for at, line in enumerate(text.splitlines(), 1) if fragment in line]
    assert (fault.file, fault.line) == (str(path), lines[-1])


def test_every_change_is_read_and_a_fault_said_once(tmp_path: Path) -> None:
    """A bad value stays in force, and is said where it is given; later ones are read as well."""
    text = with_changes(("q1", d0(-1)), ("q2", d0(-2, "n4p")), ("q3", d0(-3))) + SCENARIOS
    found = [(fault.key, fault.value) for fault in faults_of(written(tmp_path, text))]
    assert sorted(found) == [
        ("changes[0].override.processes.n5.d0_per_cm2", -1),
        ("changes[1].override.processes.n4p.d0_per_cm2", -2),
        ("changes[2].override.processes.n5.d0_per_cm2", -3),
    ]


def test_what_a_change_breaks_elsewhere_names_its_period(tmp_path: Path) -> None:
    points = 'override.insertions.wafer_sort.points = ["nowhere"]'
    text = with_changes(("q2", points)) + '[products.levels]\n"tpu_die/wafer_sort" = ["off"]\n'
    found = faults_of(written(tmp_path, text))
    assert any(f.key == "changes[0].override.insertions.wafer_sort.points[0]" for f in found)
    elsewhere = [fault for fault in found if not fault.key.startswith("changes")]
    assert elsewhere
    assert all(fault.message.startswith("from period q2 on: ") for fault in elsewhere)


def test_a_fault_of_a_scenario_under_changes_stands_at_the_scenario(tmp_path: Path) -> None:
    text = PLANNED + SCENARIOS.replace("0.2\n", "-0.2\n")
    found = faults_of(written(tmp_path, text))
    assert [fault.key for fault in found] == ["scenarios[1].override.processes.n5.d0_per_cm2"]
    assert found[0].line == len(text.splitlines())
