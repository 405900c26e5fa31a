"""Bad rules of a product: every fault at once, each with line, key, value and hint.

What is asked of a good rule is in ``tests/test_product_rules.py``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.read.test_case import CASE, check_one, faults_of, spoilt, written
from yieldopt.errors import CaseError
from yieldopt.read import load

SORT, FINAL = '"tpu_die/wafer_sort"', '"package/final_test"'
FORBIDDEN, LEAST = "products[0].forbidden_levels", "products[0].least_coverage"
TIED, MOVES = "products[0].same_level", "products[0].moves"
USE = "products[0].use_limits_per_good"
NOWHERE = "no such place on the product's routes"

# (line of the product, key of the fault, message, value, hint)
BAD: list[tuple[str, str, str, Any, str]] = [
    (f'forbidden_levels = {{{SORT} = ["of"]}}', f"{FORBIDDEN}.{SORT}[0]", "unknown level", "of",
     "'off'"),
    (f'forbidden_levels = {{{SORT} = ["off", "off"]}}', f"{FORBIDDEN}.{SORT}[1]",
     "duplicate name", "off", ""),
    ('forbidden_levels = {"tpu_die/wafer_srt" = ["off"]}', f'{FORBIDDEN}."tpu_die/wafer_srt"',
     NOWHERE, None, "'tpu_die/wafer_sort'"),
    ('forbidden_levels = {"cow/mid_bond" = ["off"]}', f'{FORBIDDEN}."cow/mid_bond"',
     "this insertion is not in play", None, "add 'mid_bond' to the insertions of the case"),
    (f"forbidden_levels = {{{SORT} = []}}", f"{FORBIDDEN}.{SORT}", "must not be empty", None, ""),
    (f'forbidden_levels = {{{SORT} = "off"}}', f"{FORBIDDEN}.{SORT}", "must be a list", "off", ""),
    (f"least_coverage = {{{FINAL} = {{logc = 0.9}}}}", f"{LEAST}.{FINAL}.logc",
     "unknown fault class", None, "'logic'"),
    (f"least_coverage = {{{FINAL} = {{logic = 1.5}}}}", f"{LEAST}.{FINAL}.logic",
     "must be at most 1", 1.5, ""),
    (f"least_coverage = {{{FINAL} = {{logic = nan}}}}", f"{LEAST}.{FINAL}.logic", "must be", ...,
     ""),
    (f"least_coverage = {{{FINAL} = 0.9}}", f"{LEAST}.{FINAL}", "must be a table", 0.9, ""),
    ('least_coverage = {"package/final" = {logic = 0.9}}', f'{LEAST}."package/final"', NOWHERE,
     None, "'package/final_test'"),
    ('least_coverage = {"cow/mid_bond" = {logic = 0.9}}', f'{LEAST}."cow/mid_bond"',
     "this insertion is not in play", None, "add 'mid_bond'"),
    (f'same_level = [[{SORT}, "package/finl_test"]]', f"{TIED}[0][1]", NOWHERE,
     "package/finl_test", "'package/final_test'"),
    (f'same_level = [[{SORT}, {FINAL}], [{SORT}, "cow/mid_bond"]]', f"{TIED}[1][1]",
     "not in play", "cow/mid_bond", "add 'mid_bond'"),
    (f"same_level = [[{SORT}]]", f"{TIED}[0]", "needs two or more different insertions", None, ""),
    (f"same_level = [[{SORT}, {SORT}]]", f"{TIED}[0]", "needs two or more different", None, ""),
    (f"same_level = [{SORT}]", f"{TIED}[0]", "must be a list", "tpu_die/wafer_sort", ""),
    (f"moves = [{{places = [{SORT}]}}]", f"{MOVES}[0].places", "needs two or more", None, ""),
    (f'moves = [{{places = [{SORT}, "cow/md_bond"]}}]', f"{MOVES}[0].places[1]", NOWHERE,
     "cow/md_bond", "'cow/mid_bond'"),
    (f"moves = [{{places = [{SORT}, {FINAL}], leest = 1}}]", f"{MOVES}[0].leest", "unknown key",
     None, "'least'"),
    (f"moves = [{{places = [{SORT}, {FINAL}], least = 3, most = 3}}]", f"{MOVES}[0].least",
     "exceeds the number of places", 3, ""),
    (f"moves = [{{places = [{SORT}, {FINAL}], least = 2}}]", f"{MOVES}[0].least",
     "must not exceed most", 2, ""),
    (f"moves = [{{places = [{SORT}, {FINAL}], most = 0}}]", f"{MOVES}[0].most",
     "must be at least 1", 0, ""),
    (f"moves = [{{places = [{SORT}, {FINAL}], least = 0.5}}]", f"{MOVES}[0].least",
     "must be a whole number", 0.5, ""),
    ("moves = [{least = 0}]", f"{MOVES}[0].places", "is missing", None, ""),
    ('use_limits_per_good = {"tester.ft" = 0.05}', f'{USE}."tester.ft"',
     "unknown resource: no model uses it", None, "'tester.ft_h'"),
    ('use_limits_per_good = {"tester.ft_h" = -1}', f'{USE}."tester.ft_h"', "must be at least 0",
     -1, ""),
    ('use_limits_per_good = {"tester.ft_h" = inf}', f'{USE}."tester.ft_h"', "must be", ..., ""),
    ("forbiden_levels = {}", "products[0].forbiden_levels", "unknown key", None,
     "'forbidden_levels'"),
]  # fmt: skip


@pytest.mark.parametrize("row", BAD, ids=lambda row: row[0][:70])
def test_a_bad_rule(row: tuple[str, str, str, Any, str], tmp_path: Path) -> None:
    line, key, message, value, hint = row
    text = spoilt("dppm_limit", f"{line}\ndppm_limit")
    path = written(tmp_path, text)
    check_one(faults_of(path), path, text, (key, line, message, value, hint))


def test_a_resting_level_must_be_on_the_menu_of_every_place(tmp_path: Path) -> None:
    line = f'moves = [{{places = [{SORT}, {FINAL}], resting = "p80"}}]'
    text = spoilt("dppm_limit", f"{line}\ndppm_limit")
    path = written(tmp_path, text)
    row = (f"{MOVES}[0].resting", line, "unknown level of package/final_test", "p80", "known: ")
    check_one(faults_of(path), path, text, row)


def test_a_choice_of_grades_covers_nothing() -> None:
    changes = {"products.small.least_coverage": {"hbm4_16h_graded/grade": {"logic": 0.9}}}
    with pytest.raises(CaseError, match="a choice of grades covers nothing") as error:
        load("ask_hbm_grade", changes)
    (fault,) = error.value.faults
    assert fault.key == 'products[0].least_coverage."hbm4_16h_graded/grade"'


def test_all_bad_rules_are_named_at_once(tmp_path: Path) -> None:
    lines = [
        f'forbidden_levels = {{{SORT} = ["of"], "tpu/wafer_sort" = ["off"]}}',
        f"least_coverage = {{{FINAL} = {{logc = 0.9, srm = 0.5}}}}",
        f'same_level = [[{SORT}, "x/y"]]',
        f'moves = [{{places = [{SORT}, "x/z"], resting = "of"}}]',
        'use_limits_per_good = {"tester.ft" = 0.05}',
    ]
    text = spoilt("dppm_limit", "\n".join([*lines, "dppm_limit"]))
    found = {fault.key for fault in faults_of(written(tmp_path, text))}
    assert found == {
        f"{FORBIDDEN}.{SORT}[0]",
        f'{FORBIDDEN}."tpu/wafer_sort"',
        f"{LEAST}.{FINAL}.logc",
        f"{LEAST}.{FINAL}.srm",
        f"{TIED}[0][1]",
        f"{MOVES}[0].places[1]",
        f"{MOVES}[0].resting",
        f'{USE}."tester.ft"',
    }


def test_good_rules_are_read_as_written(tmp_path: Path) -> None:
    lines = [
        f'forbidden_levels = {{{SORT} = ["off", "p80"]}}',
        f"least_coverage = {{{FINAL} = {{logic = 0.95}}}}",
        f"same_level = [[{SORT}, {FINAL}]]",
        f"moves = [{{places = [{SORT}, {FINAL}], least = 1, most = 2}}]",
        'use_limits_per_good = {"tester.ft_h" = 0.05}',
    ]
    text = spoilt("dppm_limit", "\n".join([*lines, "dppm_limit"]))
    product = load(written(tmp_path, text)).products[0]
    assert product.forbidden_levels == {"tpu_die/wafer_sort": ("off", "p80")}
    assert product.least_coverage == {"package/final_test": {"logic": 0.95}}
    assert product.same_level == (("tpu_die/wafer_sort", "package/final_test"),)
    (move,) = product.moves
    assert (move.places, move.least, move.most, move.resting) == (
        product.same_level[0],
        1,
        2,
        "off",
    )
    assert product.use_limits_per_good == {"tester.ft_h": 0.05}
    plain = load(written(tmp_path, CASE, "plain.toml")).products[0]
    assert not plain.moves
    assert not plain.same_level
