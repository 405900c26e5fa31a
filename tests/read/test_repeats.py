"""Keys given twice: file, line, key and hint, and no word of the parser's."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pytest

from tests.read.test_case import CASE, faults_of, spoilt, written
from tests.read.test_flow import faults_of as flow_faults_of
from yieldopt.read.repeats import toml_repeats

PRODUCT = "products[0]"
# (what follows the DPPM limit of the case, key, lines after the first given and the second)
TWICE: list[tuple[str, str, int, int]] = [
    ('least_coverage = {"package/final_test" = {logic = 0.9, sram = 0.9, logic = 0.95}}',
     f'{PRODUCT}.least_coverage."package/final_test".logic', 0, 0),
    ('levels = {"tpu_die/wafer_sort" = ["off"], "tpu_die/wafer_sort" = ["p80"]}',
     f'{PRODUCT}.levels."tpu_die/wafer_sort"', 0, 0),
    ('moves = [\n {places = ["a", "b"]},\n {places = ["a", "b"], most = 1, most = 2}]',
     f"{PRODUCT}.moves[1].most", 2, 2),
    ("power_w = 800.0\npower_w = 900.0", f"{PRODUCT}.power_w", 0, 1),
    ("escape_cost_usd.base = 3.0\nescape_cost_usd = 4.0", f"{PRODUCT}.escape_cost_usd", 0, 1),
    ("escape_cost_usd = {base = 3.0}\nescape_cost_usd.low = 2.0",
     f"{PRODUCT}.escape_cost_usd", 0, 1),
]  # fmt: skip


@pytest.mark.parametrize("row", TWICE, ids=lambda row: row[0][:50])
def test_a_key_given_twice(row: tuple[str, str, int, int], tmp_path: Path) -> None:
    lines, key, first, second = row
    text = spoilt("dppm_limit = 1000.0", f"dppm_limit = 1000.0\n{lines}")
    start = text.splitlines().index(lines.splitlines()[0]) + 1
    path = written(tmp_path, text)
    (fault,) = faults_of(path)
    assert (fault.file, fault.line, fault.key) == (str(path), start + second, key)
    assert fault.message == "duplicate key"
    assert fault.hint == f"it is given in line {start + first} before: keep one of the two"


def test_all_keys_given_twice_are_named_at_once(tmp_path: Path) -> None:
    more = "[override.processes.n5]\nd0_per_cm2 = 0.1\nd0_per_cm2 = 0.2\n[override.processes.n5]\n"
    text = spoilt("demand = [1, 2]", "demand = [1, 2]\ndemand = [1, 3]") + more
    path = written(tmp_path, text)
    n5 = "override.processes.n5"
    assert [fault.key for fault in faults_of(path)] == [
        f"{PRODUCT}.demand", f"{n5}.d0_per_cm2", n5,
    ]  # fmt: skip


def test_a_wrong_sign_is_said_first(tmp_path: Path) -> None:
    path = written(tmp_path, CASE + "a = 1\na = 2\nb = = 3\n")
    (fault,) = faults_of(path)
    assert fault.line == CASE.count("\n") + 2


def test_a_key_twice_in_json_has_its_path_and_line(tmp_path: Path) -> None:
    text = '{"nodes": [{"name": "a",\n "name": "b"}],\n "ship": {"name": "a"}}'
    path = written(tmp_path, text, "flow.json")
    (fault,) = flow_faults_of(path)
    assert (fault.file, fault.line, fault.key) == (str(path), 2, "nodes[0].name")
    assert fault.hint == "it is given in line 1 before: keep one of the two"


LINES = [
    "a = 1", "a.b = 1", "a.b.c = 2", "b = {a = 1}", "b.a = 2", "b = {a.b = 1, a.c = 2}", "[a]",
    "[a.b]", "[[a]]", "[b]", "[b.a]", "[[b.a]]", "[a.b.c]", "c = [{a = 1}, {a = 2}]", "[[c]]",
    '"a" = 3', "b.c = 1", "b = {a = {b = 1}, a.c = 2}", "c = [{a = 1, a = 2}]",
]  # fmt: skip


def parses(lines: list[str]) -> bool:
    try:
        tomllib.loads("\n".join(lines) + "\n")
    except tomllib.TOMLDecodeError:
        return False
    return True


def test_the_line_is_where_the_parser_stops() -> None:
    """Random files of right lines: those before the line named parse, with it they do not."""
    rng = np.random.default_rng(3)
    refused = 0
    for _ in range(3000):
        lines = [LINES[int(at)] for at in rng.integers(len(LINES), size=int(rng.integers(1, 7)))]
        faults = toml_repeats("\n".join(lines) + "\n")
        if parses(lines):
            assert faults == [], lines
        else:
            refused += 1
            assert faults, lines
            assert parses(lines[: faults[0].line - 1]), (lines, faults)
            assert not parses(lines[: faults[0].line]), (lines, faults)
    assert refused > 1000
