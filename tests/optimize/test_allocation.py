"""The allocation LP: three backends against each other, duality, pricing against every recipe.

Random programmes have a known feasible point and costs that keep them bounded. On small cases the
LP with priced columns is compared with one LP over all combinations of levels, each evaluated by
the engine alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import highspy
import numpy as np
import pytest

from tests.random_templates import all_plans
from yieldopt import evaluate, load
from yieldopt.optimize.allocation import Allocation, Capacity, Demand, allocate
from yieldopt.optimize.backends import BACKENDS, LinearProgram, LpAnswer, backend, pulp_lp
from yieldopt.optimize.candidates import weigh
from yieldopt.schema.case import Case

# Backends stop at feasibility and duality tolerances of 1e-9 (CLP and PuLP's file: 1e-7).
AGREE = 1e-6

CASE = """\
name = "small"
periods = ["q1", "q2"]
insertions = ["wafer_sort", "final_test", "system_level"]

[[resources]]
name = "interposer.cowos_s"
source = "assumed: a test"
capacity = [{wafers}, {wafers}]

[[resources]]
name = "tester.ft_h"
source = "assumed: a test"
capacity = [20.0, 25.0]

[[products]]
name = "asic"
routes = ["cowos_s", "osat_2p5d"]
interposer_mm = [32.0, 44.0]
substrate_mm = [68.5, 68.5]
dppm_limit = 1500.0
demand = [600, 700]
{asic}
[products.slots]
logic = [{{part = "tpu_die"}}]
memory = [{{part = "hbm3e_8h", count = 4}}]
substrate = [{{part = "abf_68"}}]
[products.levels]
"package/system_level" = ["off", "s90", "s94"]

[[products]]
name = "switch"
routes = ["cowos_s"]
interposer_mm = [30.0, 36.0]
substrate_mm = [60.0, 60.0]
escape_cost_usd = 9000.0
demand = [300, 400]
{switch}
[products.slots]
logic = [{{part = "switch_die"}}]
memory = []
substrate = [{{part = "abf_ai_gpu"}}]
"""


@dataclass(frozen=True)
class Small:
    """A case with its demands, candidates fresh at every call."""

    case: Case

    def demands(self) -> list[Demand]:
        out = []
        for product in self.case.products:
            cost = product.shortage_cost_usd
            asked = product.demand.over(len(self.case.periods))
            candidates, _ = weigh(self.case, product)
            out.append(Demand(product.name, asked, cost.base if cost else None, tuple(candidates)))
        return out

    def capacities(self) -> list[Capacity]:
        return [Capacity(r.name, r.capacity.over(2)) for r in self.case.resources]

    def allocate(self, solver: str = "highs", capacities: Any = None) -> Allocation:
        return allocate(self.demands(), capacities or self.capacities(), 2, solver)


SOFT = "shortage_cost_usd = 4000.0"


@pytest.fixture(scope="module", params=["short", "ample", "firm"])
def small(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Small:
    """Too few wafers and tester hours; enough; too few, but the asic must be made (at the OSAT)."""
    wafers = 100.0 if request.param == "ample" else 7.0
    asic = "" if request.param == "firm" else SOFT
    text = CASE.format(wafers=wafers, asic=asic, switch="shortage_cost_usd = 2500.0")
    if request.param != "short":
        text = text.replace("[20.0, 25.0]", "[200.0, 200.0]")
    path = tmp_path_factory.mktemp(request.param) / "case.toml"
    path.write_text(text)
    return Small(load(path))


def random_lp(seed: int) -> LinearProgram:
    """min c·x, x ≥ 0 with equal, upper, lower and two-sided rows around a known point."""
    rng = np.random.default_rng([seed, 5])
    m, n = int(rng.integers(3, 25)), int(rng.integers(5, 60))
    dense = rng.uniform(-1, 2, (m, n)) * (rng.random((m, n)) < 0.4)
    x = rng.uniform(0, 10, n) * (rng.random(n) < 0.6)
    at = dense @ x
    slack, kind = rng.uniform(0, 3, m), rng.integers(0, 4, m)
    lower = np.where(kind == 0, at, np.where(kind == 1, -np.inf, at - slack))
    upper = np.where(kind == 0, at, np.where(kind == 2, np.inf, at + slack * (kind == 1) + 1e-3))
    cost = rng.uniform(0, 5, n) + dense.T @ (rng.normal(0, 1, m) * (kind == 0))
    rows, columns = np.nonzero(dense)
    names = tuple(f"r{i}" for i in range(m)), tuple(f"x{i}" for i in range(n))
    return LinearProgram(cost, rows, columns, dense[rows, columns], lower, upper, *names)


def dense_of(lp: LinearProgram) -> np.ndarray:
    a = np.zeros((len(lp.row_lower), len(lp.cost)))
    np.add.at(a, (lp.rows, lp.columns), lp.values)
    return a


def prove_optimal(lp: LinearProgram, answer: LpAnswer) -> None:
    """Feasible, dual feasible, complementary, and both objectives alike."""
    a = dense_of(lp)
    at, y = a @ answer.x, answer.duals
    size, scale = 1.0 + np.abs(at).max(), 1.0 + np.abs(lp.cost).max()
    assert answer.x.min() >= -1e-9 * size
    assert (at >= lp.row_lower - 1e-8 * size).all()
    assert (at <= lp.row_upper + 1e-8 * size).all()
    reduced = lp.cost - a.T @ y
    assert reduced.min() >= -1e-7 * scale
    side = np.where(y > 0, lp.row_lower, lp.row_upper)  # a positive dual holds the lower side
    held = np.abs(y) > 1e-9 * scale
    assert np.isfinite(side[held]).all()
    assert np.abs(at - side)[held].max(initial=0.0) <= 1e-7 * size
    assert float(np.abs(reduced * answer.x).max()) <= 1e-7 * scale * size
    total = float(y[held] @ side[held])
    magnitude = max(abs(answer.objective), float(np.abs(y[held] * side[held]).sum()), 1.0)
    assert answer.objective == pytest.approx(total, abs=1e-9 * magnitude)
    assert answer.objective == pytest.approx(float(lp.cost @ answer.x), abs=1e-9 * magnitude)


@pytest.mark.parametrize("seed", range(24))
def test_backends_agree_on_random_programmes(seed: int) -> None:
    lp = random_lp(seed)
    answers = {name: backend(name)(lp) for name in BACKENDS}
    for answer in answers.values():
        assert answer.objective == pytest.approx(answers["highs"].objective, rel=AGREE, abs=AGREE)
        prove_optimal(lp, answer)


def test_backends_agree_on_cases(small: Small) -> None:
    found = {name: small.allocate(name) for name in BACKENDS}
    for one in found.values():
        assert one.objective_usd == pytest.approx(found["highs"].objective_usd, rel=AGREE)
        lp = one.program
        for name in BACKENDS:
            answer = backend(name)(lp)
            assert answer.objective == pytest.approx(one.objective_usd, rel=AGREE)
            prove_optimal(lp, answer)


def enumerated(demand: Demand, case: Case) -> list[tuple[float, dict[str, float]]]:
    """(cost, uses) per good package of every combination of levels that meets the DPPM limit."""
    product = case.product(demand.product)
    limit = product.dppm_limit or np.inf
    escape = product.escape_cost_usd.base if product.escape_cost_usd else 0.0
    out = []
    for candidate in demand.candidates:
        for plan in all_plans(candidate.template):
            got = evaluate(candidate.template.at(plan))
            if got.dppm <= limit:
                q = float(got.quality)
                cost = float(got.cost_per_good_usd) + escape * (1 - q) / q
                out.append((cost, {k: float(v) / q for k, v in got.uses.items()}))
    return out


def whole_lp(small: Small) -> LinearProgram:
    """One LP with a column for every recipe and period, written down afresh."""
    demands, capacities = small.demands(), small.capacities()
    columns: list[tuple[float, dict[int, float]]] = []
    for p, demand in enumerate(demands):
        every = enumerated(demand, small.case)
        for t in range(2):
            for cost, uses in every:
                held = {2 * (len(demands) + k) + t: uses.get(c.resource, 0.0)
                        for k, c in enumerate(capacities)}  # fmt: skip
                columns.append((cost, {2 * p + t: 1.0, **held}))
            if demand.shortage_usd is not None:
                columns.append((demand.shortage_usd, {2 * p + t: 1.0}))
    asked = np.array([d.packages for d in demands]).ravel()
    amounts = np.array([c.amount for c in capacities]).ravel()
    entries = [(row, at, v) for at, (_, held) in enumerate(columns) for row, v in held.items()]
    rows, cols, values = (np.array(x) for x in zip(*entries, strict=True))
    lower = np.concatenate([asked, np.full(len(amounts), -np.inf)])
    names = tuple(map(str, range(len(lower)))), tuple(map(str, range(len(columns))))
    cost = np.array([c for c, _ in columns])
    upper = np.concatenate([asked, amounts])
    return LinearProgram(cost, rows, cols, values.astype(float), lower, upper, *names)


def test_priced_columns_reach_the_optimum_over_all_recipes(small: Small) -> None:
    found = small.allocate()
    every = whole_lp(small)
    assert len(every.cost) > 800
    assert found.objective_usd == pytest.approx(backend("highs")(every).objective, rel=1e-9)
    assert found.bound_usd <= found.objective_usd
    assert found.objective_usd - found.bound_usd <= 1e-9 * found.objective_usd


def test_what_is_made_keeps_demand_and_capacity(small: Small) -> None:
    found = small.allocate()
    for p, demand in enumerate(small.demands()):
        mine = [i for i, r in enumerate(found.recipes) if r.product == demand.product]
        made = found.packages[mine].sum(axis=0)
        np.testing.assert_allclose(made + found.unmet[p], demand.packages, rtol=1e-9)
    for capacity in small.capacities():
        use = np.array([r.uses_per_good.get(capacity.resource, 0.0) for r in found.recipes])
        assert (use @ found.packages <= np.array(capacity.amount) * (1 + 1e-9)).all()
    assert (found.shadow >= 0).all()


def test_the_cases_are_not_trivial(small: Small, request: pytest.FixtureRequest) -> None:
    found, kind = small.allocate(), request.node.callspec.params["small"]
    assert bool(found.shadow.any()) == (kind != "ample")
    assert bool(found.unmet.sum() > 1.0) == (kind != "ample")
    assert len(found.recipes) > (3 if kind == "short" else 2)


def test_a_shadow_price_is_what_a_little_more_capacity_saves(small: Small) -> None:
    """The optimum is piecewise linear in capacity: within a piece the difference is exact."""
    found, capacities = small.allocate(), small.capacities()
    for k, capacity in enumerate(capacities):
        for t in range(2):
            step = 1e-4 * capacity.amount[t]
            objective = {}
            for sign in (-1, 1):
                amount = tuple(a + sign * step * (i == t) for i, a in enumerate(capacity.amount))
                more = [*capacities[:k], replace(capacity, amount=amount), *capacities[k + 1 :]]
                objective[sign] = small.allocate(capacities=more).objective_usd
            saved = (objective[-1] - objective[1]) / (2 * step)
            # The objective, some 1e6 USD, is known to 1e-9 of itself.
            rounding = 2e-9 * found.objective_usd / (2 * step)
            assert found.shadow[k, t] == pytest.approx(saved, rel=1e-5, abs=rounding)


def firm(tmp_path: Path, wafers: float) -> Small:
    path = tmp_path / "firm.toml"
    text = CASE.format(wafers=wafers, asic=SOFT, switch="").replace("[20.0, 25.0]", "200.0")
    path.write_text(text)
    return Small(load(path))


@pytest.mark.parametrize("solver", BACKENDS)
def test_firm_demand_is_met_or_named(solver: str, tmp_path: Path) -> None:
    """The switch goes on cowos_s alone: 400 packages need some 8 wafers."""
    found = firm(tmp_path, 13.5).allocate(solver)
    assert found.short == 0.0
    assert np.abs(found.unmet[1]).max() <= 1e-9
    short = firm(tmp_path, 7.0).allocate(solver)
    assert short.short > 1.0
    assert {name for name, _ in short.binding} == {"interposer.cowos_s"}


def test_the_shortfall_is_the_least_one(tmp_path: Path) -> None:
    """Phase 1 prices by uses alone: it finds the recipes that stretch the wafers farthest."""
    small = firm(tmp_path, 4.0)
    demand = small.demands()[1]
    best = min(uses["interposer.cowos_s"] for _, uses in enumerated(demand, small.case))
    left = sum(max(0.0, asked - 4.0 / best) for asked in demand.packages)
    assert small.allocate().short == pytest.approx(left, rel=1e-7)


@pytest.mark.parametrize("suffix", [".lp", ".mps"])
def test_written_programmes_read_back_to_the_same_optimum(
    suffix: str, small: Small, tmp_path: Path
) -> None:
    for number, lp in enumerate([small.allocate().program, random_lp(1), random_lp(2)]):
        path = tmp_path / f"{number}{suffix}"
        pulp_lp.write(lp, path)
        highs = highspy.Highs()
        highs.setOptionValue("output_flag", False)
        assert highs.readModel(str(path)) == highspy.HighsStatus.kOk
        highs.run()
        assert highs.getModelStatus() == highspy.HighsModelStatus.kOptimal
        value = highs.getInfo().objective_function_value
        # The files hold some twelve digits of every number.
        assert value == pytest.approx(backend("highs")(lp).objective, rel=1e-8)
