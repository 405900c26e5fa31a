"""The linear programme of a plan: its prices, its rounds of pricing, its sessions and its nodes.

Against dense matrices, and against the same programme with every recipe written out in every slot.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tests.optimize.programmes import bounded_lp, dense_of, prove_optimal
from tests.planning.small_plans import CASE, PERIODS, SOFT, enumerated
from tests.planning.whole_pools import drawn, filled, fresh
from yieldopt import load
from yieldopt.optimize.backends import LinearProgram, LpAnswer
from yieldopt.optimize.backends.highs_session import HighsSession
from yieldopt.optimize.budget import Budget
from yieldopt.optimize.rules import Menus
from yieldopt.planning.generation import Round, relax
from yieldopt.planning.master import Master, Node
from yieldopt.planning.pools import keeps
from yieldopt.planning.programme import programme_of
from yieldopt.planning.session import WholeSession
from yieldopt.planning.setting import Setting, setting_of
from yieldopt.planning.sheet import MONEY

SAME = 1e-9  # of the objective: HiGHS solves to 1e-9
Which = tuple[int, frozenset[str]]
# Every rule that adds rows, columns or entries, in some case; "pooled" prices escapes.
CASES: list[Which] = [
    (0, frozenset[str]()),
    (1, frozenset({"pooled", "lines", "shares"})),
    (2, frozenset({"changes", "surcharges", "stock", "late"})),
    (3, frozenset({"bookings", "lumps", "discount", "qualification"})),
    (4, frozenset({"pooled", "budget_all", "lots"})),
    (5, frozenset({"service", "share_each", "share_vendor"})),
]


def begun(setting: Setting, solver: str = "highs") -> Master:
    """A master without a recipe: pricing has to find them all."""
    return Master(setting, programme_of(setting), solver)


@pytest.mark.parametrize("which", CASES)
def test_prices_of_features_are_reduced_costs_of_columns(which: Which) -> None:
    """Of every recipe column, at any duals: c − A'y, and −A'y where money counts nothing."""
    master = filled(fresh(drawn(*which)))
    lp, rng = master.whole_programme(), np.random.default_rng(3)
    a, first = dense_of(lp), master.decisions
    assert len(lp.cost) - first == len(master.slot) > 50
    for _ in range(4):
        duals = rng.normal(0.0, 1000.0, len(lp.row_lower)) * (rng.random(len(lp.row_lower)) < 0.7)
        for money in (1.0, 0.0):
            prices = master.programme.prices(duals, money)
            own = (prices[master.slot] * master.features).sum(axis=1)
            reduced = (money * lp.cost - a.T @ duals)[first:]
            size = lp.cost[first:] + np.abs(a.T[first:]) @ np.abs(duals)
            assert (np.abs(own - reduced) <= 1e-12 * size).all()


def test_the_cases_have_every_kind_of_row() -> None:
    kinds = {k for which in CASES for k in programme_of(fresh(drawn(*which))).row_kinds}
    assert {"demand", "capacity", "surcharge", "expansion", "booking", "taken", "quality"} <= kinds
    assert {"qualification", "qualified", "lot", "run", "share", "budget", "service"} <= kinds


@pytest.mark.parametrize("which", CASES)
def test_rounds_of_pricing_end_at_the_optimum_and_bounds_stay_below(which: Which) -> None:
    """The linear programme over all recipes, solved at once, is what the rounds end at."""
    whole = filled(fresh(drawn(*which)))
    whole.set_phase(False)
    best = whole.solve()
    master, seen = begun(fresh(drawn(*which))), list[Round]()
    master.set_phase(False)
    found = relax(master, seen.append)
    if found is None:  # nothing is feasible without recipes, as where a service level is asked for
        master.set_phase(True)
        assert relax(master) is not None
        master.set_phase(False)
        found = relax(master, seen.append)
    assert best is not None
    assert found is not None
    off = SAME * abs(best.objective)
    assert found.value == pytest.approx(best.objective, abs=off)
    assert found.bound == pytest.approx(best.objective, abs=off)
    assert [held.round for held in seen] == list(range(len(seen)))
    told = best.objective + master.programme.constant_usd
    assert all(held.bound_usd <= told + off for held in seen)
    assert all(held.value_usd >= told - off for held in seen)
    for one, other in pairwise(seen):
        assert other.bound_usd >= one.bound_usd
        assert other.value_usd <= one.value_usd + off
        assert other.columns >= one.columns
    assert len(master.slot) < len(whole.slot) / 2


def test_bounds_are_told_before_the_end() -> None:
    """Else the test above would see none but the last, which is the optimum."""
    early, rounds = 0, 0
    for which in CASES:
        master, seen = begun(fresh(drawn(*which))), list[Round]()
        master.set_phase(False)
        found = relax(master, seen.append)
        rounds += len(seen)
        for held in seen if found is not None else ():
            early += bool(np.isfinite(held.bound_usd)) and held.gap > 1e-6
    assert early > 5
    assert rounds > 3 * len(CASES)


def test_bounds_of_the_shortfall_stay_below_the_least_one(tmp_path: Path) -> None:
    """Phase one, in packages: what the wafers can be stretched to is the engine's."""
    path = tmp_path / "firm.toml"
    text = CASE.format(wafers=4.0, asic=SOFT, switch="").replace("[20.0, 25.0]", "200.0")
    path.write_text(text)
    case = load(path)
    switch = case.product("switch")
    uses = min(uses["interposer.cowos_s"] for _, uses in enumerated(case, switch))
    left = sum(max(0.0, asked - 4.0 / uses) for asked in switch.demand.over(PERIODS))
    master, seen = begun(setting_of(case, Budget())), list[Round]()
    master.set_phase(True)
    found = relax(master, seen.append)
    assert found is not None
    assert found.bound == pytest.approx(left, rel=1e-8)
    assert all(held.bound_usd <= left * (1 + 1e-9) <= held.value_usd + 1e-6 for held in seen)
    assert any(held.bound_usd > 0.0 for held in seen)


@pytest.mark.parametrize("solver", ["highs", "ortools"])
@pytest.mark.parametrize("seed", range(12))
def test_sessions_agree_whatever_is_changed(seed: int, solver: str) -> None:
    """Columns in batches, bounds and costs in between; now and then nothing is feasible."""
    lp, rng = bounded_lp(seed), np.random.default_rng([seed, 9])
    lower, upper = lp.bounds
    one = HighsSession(lp.row_lower, lp.row_upper)
    two = WholeSession(lp.row_lower, lp.row_upper, solver)
    a, there, cost = dense_of(lp), 0, lp.cost.copy()
    order = rng.permutation(len(cost))
    outcomes = []
    while there < len(cost):
        batch = order[there : there + int(rng.integers(1, 1 + len(cost) // 3))]
        rows, columns = np.nonzero(a[:, batch])
        mixed = rng.permutation(len(rows))
        rows, columns = rows[mixed], columns[mixed]
        held = np.arange(there, there + len(batch))
        there += len(batch)
        some = rng.permutation(there)[: int(rng.integers(0, there + 1))]
        draw = rng.uniform(0.0, 4.0, len(some))
        for session in (one, two):
            session.add(cost[batch], rows, columns, a[rows, batch[columns]])
            session.bound(held, lower[batch], upper[batch])
        outcomes.append(alike(one, two))
        for session in (one, two):
            session.bound(some, draw, draw + 1.0)  # which may leave nothing
        outcomes.append(alike(one, two))
        for session in (one, two):
            session.bound(some, lower[order[some]], upper[order[some]])
            session.price(np.abs(cost[order[:there]]) + 0.1)
        outcomes.append(alike(one, two))
        for session in (one, two):
            session.price(cost[order[:there]])
    assert outcomes[-1] is not None  # all columns and their own bounds: there is a plan
    final = alike(one, two)
    assert final is not None


def alike(one: HighsSession, two: WholeSession) -> LpAnswer | None:
    """Solve both; each answer is an optimum of the programme as it stands, or there is none."""
    program: LinearProgram = two.program()
    first, second = one.solve(), two.solve()
    assert (first is None) == (second is None)
    if first is None or second is None:
        return None
    for answer in (first, second):
        prove_optimal(program, answer)
    assert first.objective == pytest.approx(second.objective, rel=1e-8, abs=1e-8)
    return first


def test_sessions_were_asked_for_what_is_not_feasible() -> None:
    """The draws of the test above: rows without enough columns, and bounds that are too tight."""
    lp = bounded_lp(0)
    one = HighsSession(lp.row_lower + 1e3, lp.row_upper + 1e3)
    two = WholeSession(lp.row_lower + 1e3, lp.row_upper + 1e3, "highs")
    for session in (one, two):
        session.add(lp.cost, lp.rows, lp.columns, lp.values)
        session.bound(np.arange(len(lp.cost)), np.zeros(len(lp.cost)), np.ones(len(lp.cost)))
    assert alike(one, two) is None
    for session in (one, two):
        session.add(np.full(len(lp.row_lower), 7.0), *eye(len(lp.row_lower)))
        session.add(np.full(len(lp.row_lower), 9.0), *eye(len(lp.row_lower), -1.0))
    assert alike(one, two) is not None


def eye(count: int, value: float = 1.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return np.arange(count), np.arange(count), np.full(count, value)


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("which", CASES)
def test_a_node_keeps_its_menus_and_reaches_its_own_optimum(which: Which, known: bool) -> None:
    """Menus on lines and fixed decisions: the same node with every recipe written out agrees.

    One master goes from node to node, so that columns of one are there in the next. ``known``: the
    pools hold every recipe from the start, so that columns come from them and not from searches.
    """
    rng = np.random.default_rng(11)
    whole = filled(fresh(drawn(*which)))
    setting = whole.setting if known else fresh(drawn(*which))
    master = begun(setting)
    root = None
    dearer = feasible = 0
    for number in range(9):
        node = Node() if number in (0, 8) else some_node(master, rng)
        for held in (master, whole):
            held.go_to(node)
            held.set_phase(False)
        best, found = whole.solve(), relax(master)
        if found is None:
            master.set_phase(True)
            broken = relax(master)
            assert broken is not None
            assert (broken.value > 1e-6) == (best is None)
            master.set_phase(False)
            found = relax(master) if best is not None else None
        if best is None or found is None:
            assert (best is None) == (found is None)
            continue
        assert found.value == pytest.approx(best.objective, abs=SAME * abs(best.objective))
        root = found.value if root is None else root
        feasible += 1
        dearer += found.value > root + SAME * abs(root)
        made = master.fill(found.x)
        for at in np.flatnonzero(made > 1e-9):  # less is rounding: demands are hundreds
            pool = int(setting.slot_pool[master.slot[at]])
            menus = master.menus(pool)
            recipe = setting.pools[pool].recipes[master.recipe[at]]
            assert menus is None or keeps(recipe, menus)
        for at, (low, high) in node.bounds.items():
            assert low - 1e-9 <= found.x[at] <= high + 1e-9
        if number == 8:
            assert found.value == pytest.approx(root, rel=SAME)
    assert feasible > 3
    assert dearer > 1


def some_node(master: Master, rng: np.random.Generator) -> Node:
    """Cut menus on some lines of each product, and fix some decisions at a whole number."""
    menus: dict[tuple[int, str], Menus] = {}
    for pool in master.setting.pools:
        if rng.random() < 0.7:
            own = {}
            for place, levels in pool.candidate.ruled.menus.items():
                if rng.random() < 0.5:
                    count = int(rng.integers(1, len(levels) + 1))
                    own[place] = tuple(str(k) for k in rng.permutation(levels)[:count])
            menus[pool.product, pool.line.name] = own
    bounds = {
        at: (float(value), float(value))
        for at, column in enumerate(master.programme.columns)
        if column.integral and rng.random() < 0.15
        for value in [rng.integers(0, 2)]
    }
    return Node(bounds, menus)


def test_money_counts_nothing_in_phase_one() -> None:
    """Artificial columns are closed again when money counts, and the columns keep their cost."""
    master = filled(fresh(drawn(*CASES[0])))
    master.set_phase(False)
    before = master.solve()
    master.set_phase(True)
    broken = master.solve()
    assert broken is not None
    assert broken.objective == pytest.approx(0.0, abs=1e-9)
    pool = master.setting.pools[0]
    pool.recipes.append(pool.recipes[0])  # a column that comes in phase one has its cost later
    master.add(np.array(pool.slots), np.full(len(pool.slots), len(pool.recipes) - 1))
    master.set_phase(False)
    after = master.solve()
    assert before is not None
    assert after is not None
    assert after.objective == pytest.approx(before.objective, rel=SAME)
    lp = master.whole_programme()
    last = lp.cost[-len(pool.slots) :]
    money = pool.features[-1, MONEY] * np.array([master.programme.weight[s] for s in pool.slots])
    np.testing.assert_allclose(last, money)
