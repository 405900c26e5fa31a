"""Why there is no plan: rules that cannot be kept together, and of which none can be left out.

Both are asked of another programme: a column for every combination of levels, nothing priced, and
another solver (SCIP or GLOP).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.planning.small_plans import CASE, SOFT, SOFT_SWITCH
from tests.random_templates import all_plans
from yieldopt import evaluate, load, solve
from yieldopt.optimize.backends import Infeasible, LinearProgram, backend
from yieldopt.optimize.budget import Budget
from yieldopt.optimize.candidates import make_recipe
from yieldopt.planning.conflict import DEFINITIONS, conflict
from yieldopt.planning.master import Master
from yieldopt.planning.programme import programme_of
from yieldopt.planning.setting import setting_of
from yieldopt.planning.why import Why, why
from yieldopt.schema.case import Case

FIRM = CASE.format(wafers=7.0, asic=SOFT, switch="")
AMPLE = CASE.format(wafers=100.0, asic="", switch="").replace("[20.0, 25.0]", "900.0")


def table(kind: str, **keys: object) -> str:
    lines = [f"{key} = {value}" for key, value in keys.items()]
    return "\n".join([f"[[{kind}]]", 'source = "assumed: a test"', *lines, "", ""])


def budget(usd: float) -> str:
    return AMPLE + table("budgets", name='"purse"', of='"all"', most_usd=usd)


def lots(stock: float) -> str:
    """A least lot that is more than a period asks for, and little room for stock."""
    keys = f"least_lot_packages = 500\nholding_usd_per_period = 9.0\nstock_most_packages = {stock}"
    return CASE.format(wafers=100.0, asic=SOFT, switch=keys).replace("[20.0, 25.0]", "900.0")


def service(share: float) -> str:
    switch = f"{SOFT_SWITCH}\nservice_frac = {share}"
    return CASE.format(wafers=7.0, asic=SOFT, switch=switch)


def spread() -> str:
    """Of two places no more than 60 % and 30 % may come, and there is no third."""
    text = AMPLE.replace('routes = ["cowos_s", "osat_2p5d"]', 'routes = ["cowos_s", "i_cube"]')
    for region, most in (("other Asia-Pacific", 0.6), ("Taiwan", 0.3)):
        keys = {"product": '"asic"', "region": f'"{region}"', "most_frac": most}
        text += table("shares", name=f'"of {region}"', **keys)
    return text


def lead() -> str:
    """The switch must enter its only line, which takes a quarter."""
    head = "[override.routes.cowos_s]\nlead_time_weeks = 13.0\n\n[[resources]]"
    text = CASE.format(wafers=100.0, asic=SOFT, switch="qualified = []")
    return text.replace("[20.0, 25.0]", "900.0").replace("[[resources]]", head, 1)


CASES: dict[str, tuple[str, list[str]]] = {  # and the kinds of the rules
    "firm": (FIRM, ["capacity", "demand"]),
    "lot": (lots(100.0), ["demand", "lot"]),
    "lots": (lots(250.0), ["demand", "demand", "lot", "lot"]),  # only whole runs stand in the way
    "spread": (spread(), ["demand", "share", "share"]),
    "lead": (lead(), ["demand", "qualified"]),
    "purse": (budget(3.2e6), ["budget", "demand", "demand", "demand"]),
    "small purse": (budget(1.5e5), ["budget", "demand"]),
    "service": (service(0.9), ["capacity", "demand", "service"]),
    "high service": (service(1.0), ["capacity", "demand", "service"]),
}
NAMES = {
    "firm": {"demand of switch in q2", "capacity of interposer.cowos_s in q2"},
    "lot": {"demand of switch in q1", "least lot of switch on cowos_s in q1"},
    "lead": {"demand of switch in q1", "switch on cowos_s in q1 is qualified"},
}


def read(text: str, folder: Path) -> Case:
    path = folder / "case.toml"
    path.write_text(text)
    return load(path)


def every_recipe(case: Case) -> tuple[LinearProgram, tuple[str, ...]]:
    """Return the programme with every recipe as a column, and the kinds of its rows."""
    setting = setting_of(case, Budget())
    for pool in setting.pools:
        held = pool.candidate
        known = [recipe.levels for recipe in held.recipes]
        limit, proof = held.dppm_limit or np.inf, held.recipes[0].proof
        for levels in all_plans(held.template):
            if levels not in known and evaluate(held.template.at(levels)).dppm <= limit:
                held.recipes.append(make_recipe("r", held, levels, proof))
                known.append(levels)
    programme = programme_of(setting)
    master = Master(setting, programme, "highs")
    for pool in setting.pools:
        slots, count = np.array(pool.slots, np.intp), len(pool.recipes)
        master.add(np.repeat(slots, count), np.tile(np.arange(count), len(slots)))
    return master.whole_programme(), programme.row_kinds


def is_feasible(lp: LinearProgram, kinds: tuple[str, ...], kept: set[str]) -> bool:
    """Whether rules can be kept, the others left out."""
    pairs = zip(lp.row_names, kinds, strict=True)
    held = np.array([name in kept or kind in DEFINITIONS for name, kind in pairs])
    lower, upper = np.where(held, lp.row_lower, -np.inf), np.where(held, lp.row_upper, np.inf)
    try:
        backend("ortools")(replace(lp, row_lower=lower, row_upper=upper))
    except Infeasible:
        return False
    return True


def names_of(found: Why) -> set[str]:
    return {rule.words.split("; ")[0] for rule in found.conflict}


@pytest.mark.parametrize("name", CASES)
def test_no_rule_can_be_left_out_and_the_rest_is_not_needed(name: str, tmp_path: Path) -> None:
    text, kinds_of = CASES[name]
    case = read(text, tmp_path)
    found = why(case)
    assert str(found.status) == "infeasible"
    assert found.objective_usd is None
    assert found.is_irreducible
    names = names_of(found)
    assert len(names) == len(found.conflict)
    assert sorted(rule.kind for rule in found.conflict) == kinds_of
    assert names == NAMES.get(name, names)
    lp, kinds = every_recipe(case)
    assert not is_feasible(lp, kinds, names)
    for rule in names:
        assert is_feasible(lp, kinds, names - {rule}), rule


def test_a_purse_that_only_all_demand_together_overdraws(tmp_path: Path) -> None:
    most = solve(read(AMPLE, tmp_path)).objective_usd or 0.0
    assert str(why(read(budget(most * (1.0 + 1e-5)), tmp_path)).status) == "optimal"
    found = why(read(budget(most * (1.0 - 1e-5)), tmp_path))
    demands = {f"demand of {p} in {t}" for p in ("asic", "switch") for t in ("q1", "q2")}
    assert names_of(found) == demands | {"budget purse"}
    assert found.is_irreducible


def test_rules_are_in_the_words_of_the_case(tmp_path: Path) -> None:
    words = [rule.words for name in ("firm", "lot", "small purse", "service")
             for rule in why(read(CASES[name][0], tmp_path)).conflict]  # fmt: skip
    for part in (
        "demand of switch in q2; 400 good packages; firm: it has no shortage_cost_usd",
        "capacity of interposer.cowos_s in q2; 7 units",
        "least lot of switch on cowos_s in q1; 500 good packages or none",
        "budget purse; 150,000.00 USD",
        "service level of switch; at least 90.0% of all demand",
    ):
        assert part in words


def test_lots_that_fit_the_stock_conflict_with_nothing(tmp_path: Path) -> None:
    found = why(read(lots(300.0), tmp_path))
    assert str(found.status) == "optimal"
    assert found.conflict == ()


def test_where_time_ends_rules_are_kept_and_it_is_said(tmp_path: Path) -> None:
    """With no time for a search no price is proved, so nothing can be left out."""
    setting = setting_of(read(FIRM, tmp_path), Budget())
    for pool in setting.pools:
        pool.candidate.budget = Budget(1.0, 0.0)
    master = Master(setting, programme_of(setting), "highs")
    found = conflict(master, Budget(), whole=False)
    assert not found.is_irreducible
    assert len(found.rules) == 8  # demands and capacities
    assert not conflict(master, Budget(1.0, 0.0), whole=True).is_irreducible


def test_a_product_that_no_route_can_make_has_reasons(tmp_path: Path) -> None:
    text = AMPLE.replace("dppm_limit = 1500.0", "dppm_limit = 1e-6")
    found = why(read(text, tmp_path))
    reasons = [row for row in found.excluded if row.product == "asic"]
    assert {row.line for row in reasons} == {"cowos_s", "osat_2p5d"}
    assert all(row.reasons for row in reasons)
