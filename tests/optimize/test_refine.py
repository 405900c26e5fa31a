"""Times of tests chosen below the grid: against dense grids, closed forms and their own bounds."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from tests.certificate import Asked
from tests.random_curves import classes_of, least_on, random_problem, timed_plans, values
from tests.seeds import seeds
from yieldopt import CaseError, Faults, Input, Law, Step, evaluate, load
from yieldopt.cli import main
from yieldopt.compile import compile_template
from yieldopt.optimize.coverage import best_levels
from yieldopt.optimize.problem import prepare
from yieldopt.optimize.refine import Refined, refine
from yieldopt.optimize.refine_bend import Bend
from yieldopt.optimize.refine_case import refine_product
from yieldopt.optimize.refine_curve import Curve, with_options
from yieldopt.optimize.refine_open import opened
from yieldopt.optimize.refine_polish import flow_at
from yieldopt.template import Choice, OpenNode, Template

GAP = 1e-6
ROUNDING = 1e-11  # of sums of some ten logs and exponentials, either way


def problem(seed: int, count: int) -> tuple[Template, list[Curve]] | None:
    """A random problem; ``None`` where there are too few tests, or a harvested die is refused."""
    found = random_problem(seed, count)
    if found is None:
        return None
    template, curves = found
    try:
        for curve in curves:
            Bend(template, curve, curves)
    except CaseError as error:
        assert "harvest" in str(error)
        return None
    return template, curves


ONE = [seed for seed in range(40) if problem(seed, 1)]
TWO = [seed for seed in (0, 1, 2, 3, 5, 6, 8, 10, 11) if problem(seed, 2)]
EITHER = [seed for seed in range(60) if problem(seed, 1 + seed % 2)]


def test_enough_problems_are_left() -> None:
    assert (len(ONE), len(TWO), len(EITHER)) == (30, 9, 43)


def recheck(template: Template, curves: list[Curve], found: Refined, asked: Asked) -> None:
    """Value, DPPM and times of the plan again, through ``evaluate``."""
    assert found.levels is not None
    assert set(found.levels) | set(found.seconds) == set(template.choices())
    assert not set(found.levels) & set(found.seconds)
    out = evaluate(flow_at(template, curves, found.levels, found.seconds))
    assert found.value_usd == pytest.approx(asked.value(out), rel=ROUNDING)
    assert asked.allows(out, slack=1e-9)
    assert found.dppm == pytest.approx(float(out.dppm), rel=1e-9)
    for curve in curves:
        assert curve.low_s <= found.seconds.get(curve.place, curve.low_s) <= curve.high_s
    assert found.lower_bound_usd <= found.value_usd


def against_grid(seed: int, count: int, points: int) -> None:
    found = problem(seed, count)
    assert found is not None
    template, curves = found
    base = refine(template, curves, escape_cost_usd=3000.0)
    assert base.dppm is not None
    for asked in (
        Asked(escape_cost_usd=3000.0),
        Asked(dppm_limit=0.9 * base.dppm),
        Asked({"curve_h": 100.0}, 1.3 * base.dppm, 500.0),
    ):
        options = asked.options()
        del options["prices_only"]
        found = refine(template, curves, **options)
        best = least_on(template, curves, points, asked)
        assert found.lower_bound_usd <= best * (1.0 + ROUNDING)
        if found.levels is None:
            assert best == found.lower_bound_usd == math.inf
            continue
        recheck(template, curves, found, asked)
        assert found.value_usd <= best * (1.0 + 1e-9)  # no grid is better
        assert found.gap is not None
        assert found.gap <= GAP


@pytest.mark.parametrize("seed", seeds(ONE, 8))
def test_one_curve_against_a_dense_grid(seed: int) -> None:
    against_grid(seed, 1, 1001)


@pytest.mark.parametrize("seed", seeds(TWO, 4))
def test_two_curves_against_a_dense_grid(seed: int) -> None:
    against_grid(seed, 2, 101)


@pytest.mark.parametrize("seed", seeds(EITHER, 12))
def test_ends_bound_every_time_between(seed: int) -> None:
    """The lemma itself, on whole boxes: any plan, cost with escapes, and how far ln Q moves."""
    either = problem(seed, 1 + seed % 2)
    assert either is not None
    template, curves = either
    rng = np.random.default_rng([seed, 9])
    spans = {}
    for curve in curves:
        bend = Bend(template, curve, curves)
        low = float(rng.uniform(curve.low_s, curve.high_s))
        ahead = [t for t in (*bend.kinks, curve.high_s) if t > low]  # intervals end at kinks
        spans[curve.place] = low, min(low + float(rng.uniform(1, 60)), *ahead)
    factor, change, ends, inside = 1.0, 0.0, {}, {}
    for bit, curve in enumerate(curves):
        low, high = spans[curve.place]
        bend = Bend(template, curve, curves)
        factor *= bend.factor(low, high, spans)
        change += bend.log_q_per_s(low) * (high - low)
        corners = [high if number >> bit & 1 else low for number in range(2 ** len(curves))]
        ends[curve.place] = np.array(corners)
        inside[curve.place] = rng.uniform(low, high, 200)
    assert 0.0 < factor <= 1.0
    escape = float(rng.choice([0.0, 1000.0]))
    asked = Asked(escape_cost_usd=escape)
    plans = zip(
        timed_plans(template, curves, ends), timed_plans(template, curves, inside), strict=True
    )
    for (levels, running, out), (same, _, between) in plans:
        assert levels == same
        if running:
            least = float((values(asked, out) + escape).min()) * factor
            assert float((values(asked, between) + escape).min()) >= least * (1.0 - ROUNDING)
            log_q = np.log(np.asarray(out.quality))
            moved = np.log(np.asarray(between.quality))[:, None] - log_q[None, :]
            assert float(np.abs(moved).max()) <= change + ROUNDING


def single_die(law: Law, mean: float = 0.5, **test: float) -> tuple[Template, Curve]:
    fab = Step("fab", "process", 100.0, faults={"logic": Faults(mean, law)})
    die = OpenNode("die", (), (fab, Choice("cp", {"off": None})))
    level = Step("cp", "test", 1.0, **test)
    curve = Curve("die/cp", 1.0, 400.0, level, {"logic": 0.99}, {"logic": 30.0}, 0.05)
    return Template("die", (die,)), curve


def root(rises: Callable[[float], float], low: float, high: float) -> float:
    for _ in range(200):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if rises(middle) < 0.0 else (low, middle)
    return 0.5 * (low + high)


@pytest.mark.parametrize("alpha", [0.7, 3.0, 1e6])
def test_one_die_meets_its_closed_form(alpha: float) -> None:
    """Cost (C + c₀ + rt)/S(1) + e·(S(c)/S(1) − 1): r = e·λ·(1 + λc/α)^(−α−1)·dc/dt."""
    mean, escape, usd_per_s = 0.5, 2000.0, 0.05
    template, curve = single_die(Law("negative_binomial", alpha=alpha), mean)

    def covered(t: float) -> float:
        return 0.99 * -math.expm1(-t / 30.0)

    def survive(c: float) -> float:
        return math.exp(-alpha * math.log1p(mean * c / alpha))

    def rises(t: float) -> float:
        speed = 0.99 / 30.0 * math.exp(-t / 30.0)
        falls = mean * survive(covered(t)) / (1.0 + mean * covered(t) / alpha) * speed
        return usd_per_s - escape * falls

    best = root(rises, 1.0, 400.0)
    spend = (101.0 + usd_per_s * best) / survive(1.0)
    cost = spend + escape * (survive(covered(best)) / survive(1.0) - 1.0)
    found = refine(template, [curve], escape_cost_usd=escape)
    assert found.value_usd == pytest.approx(cost, rel=1e-9)
    # Cost is flat at its least: a millionth of it is a thousandth of the time.
    assert found.seconds["die/cp"] == pytest.approx(best, rel=1e-3)
    assert cost * (1.0 - GAP) <= found.lower_bound_usd <= cost * (1.0 + ROUNDING)


def test_a_limit_alone_is_met_with_equality() -> None:
    """Q = e^(−λ(1−c)): the shortest time that keeps the limit, in closed form."""
    template, curve = single_die(Law("poisson"))
    limit = 20_000.0
    covered = 1.0 + math.log1p(-limit / 1e6) / 0.5
    best = -30.0 * math.log1p(-covered / 0.99)
    found = refine(template, [curve], dppm_limit=limit)
    assert found.seconds["die/cp"] == pytest.approx(best, rel=1e-6)
    assert found.value_usd == pytest.approx((101.0 + 0.05 * best) * math.exp(0.5), rel=1e-8)
    assert found.gap is not None
    assert found.gap <= GAP


def test_a_limit_out_of_reach_is_an_answer() -> None:
    template, curve = single_die(Law("poisson"))
    least = -1e6 * math.expm1(-0.5 * (1.0 - 0.99 * -math.expm1(-400.0 / 30.0)))
    found = refine(template, [curve], dppm_limit=0.999 * least)
    assert (found.levels, found.seconds, found.gap) == (None, {}, None)
    assert found.lower_bound_usd == math.inf
    assert found.to_dict()["value_usd"] is None
    just = refine(template, [curve], dppm_limit=1.001 * least)
    assert just.levels == {}
    assert just.seconds["die/cp"] > 300.0


def test_off_wins_where_no_time_pays() -> None:
    template, curve = single_die(Law("poisson"))
    found = refine(template, [replace(curve, usd_per_s=10.0)], escape_cost_usd=10.0)
    assert (found.levels, found.seconds) == ({"die/cp": "off"}, {})


def nested_pair(repair: float) -> tuple[Template, list[Curve]]:
    """A sort and a final test that see the same faults again; the final test mends a share."""
    fab = Step("fab", "process", 100.0, faults={"logic": Faults(0.4, Law("seeds"))})
    menu = {"off": None, "p60": Step("cp", "test", 1.0, coverage={"logic": 0.6})}
    die = OpenNode("die", (), (fab, Choice("cp", menu)))
    final = OpenNode("package", (Input("die", 2),), (Choice("ft", {"off": None}),))
    mends = {"logic": repair} if repair else {}
    late = Step("ft", "test", 1.0, repair=mends)
    curves = [
        Curve("die/cp", 1.0, 200.0, Step("cp", "test", 0.5), {"logic": 0.95}, {"logic": 20.0}, 0.1),
        Curve("package/ft", 1.0, 200.0, late, {"logic": 0.999}, {"logic": 30.0}, 0.1),
    ]
    return Template("package", (die, final)), curves


def test_kinks_of_what_is_repaired_are_cut_at() -> None:
    template, curves = nested_pair(0.5)
    assert Bend(template, curves[1], curves).kinks == pytest.approx(
        [-30.0 * math.log1p(-0.6 / 0.999)]
    )
    assert Bend(*nested_pair(0.0)[:1], curves[0], curves[:1]).kinks == ()
    independent = replace(curves[1], level=replace(curves[1].level, overlap="independent"))
    assert Bend(template, independent, curves).kinks == ()


@pytest.mark.long
def test_curves_that_move_each_others_kinks() -> None:
    """A weaker bound where their coverages may meet inside, second order where they cannot."""
    template, curves = nested_pair(0.5)
    bend = Bend(template, curves[1], curves)
    wide, late = {"die/cp": (1.0, 200.0)}, {"die/cp": (1.0, 10.0)}
    assert bend.kinks_of_mates(60.0, 61.0, wide) == {"logic": 1.0}
    assert bend.kinks_of_mates(60.0, 61.0, late) == {}
    assert bend.factor(60.0, 61.0, wide) < bend.factor(60.0, 61.0, late)
    plain, own = nested_pair(0.0)
    assert Bend(plain, own[1], own).kinks_of_mates(60.0, 61.0, wide) == {}
    for asked in (Asked(escape_cost_usd=500.0), Asked(dppm_limit=40_000.0)):
        options = asked.options()
        del options["prices_only"]
        found = refine(template, curves, **options)
        recheck(template, curves, found, asked)
        best = least_on(template, curves, 401, asked)
        assert found.lower_bound_usd <= best * (1.0 + ROUNDING)
        assert found.value_usd <= best * (1.0 + 1e-9)
        assert found.gap is not None
        assert found.gap <= GAP


def test_stopped_early_the_gap_is_the_true_one() -> None:
    template, curve = single_die(Law("poisson"))
    exact = refine(template, [curve], escape_cost_usd=2000.0)
    short = refine(template, [curve], escape_cost_usd=2000.0, most_searches=2)
    assert short.gap is not None
    assert short.gap > GAP
    assert short.lower_bound_usd <= exact.value_usd
    assert short.searches <= 3


def test_what_has_no_bound_is_refused() -> None:
    harvest = Law("harvest", blocks=8, spares=1)
    for law, mean in ((harvest, 0.5), (Law("single"), 1.0)):
        template, curve = single_die(law, mean)
        with pytest.raises(CaseError, match=r"die/cp: a curve over faults of law \w+ cannot"):
            refine(template, [curve])
    template, curve = single_die(Law("moore"))
    assert refine(template, [curve], escape_cost_usd=500.0).gap is not None
    with pytest.raises(CaseError, match="moore cannot be refined here"):
        refine(template, [replace(curve, low_s=0.0)])


def test_wrong_numbers_are_refused_together() -> None:
    template, curve = single_die(Law("poisson"))
    with pytest.raises(CaseError) as caught:
        refine(template, [curve], gap=0.0, prices={"x": -1.0})
    assert [fault.key for fault in caught.value.faults] == ["gap", "prices.x"]
    with pytest.raises(CaseError, match="must be 0 or more"):
        refine(template, [curve], dppm_limit=-1.0)
    with pytest.raises(CaseError, match="unknown insertion"):
        refine(template, [replace(curve, place="die/cq")])
    with pytest.raises(CaseError, match="two curves at one insertion"):
        refine(template, [curve, curve])
    with pytest.raises(CaseError) as caught:
        replace(curve, low_s=9.0, high_s=3.0, tau_s={"logic": -1.0}, usd_per_s=math.nan)
    assert len(caught.value.faults) == 3


def test_shipped_curve_against_a_dense_menu() -> None:
    """The engine test of the switch with optics: 801 times as levels of the exact search."""
    case = load("ask_cpo_switch")
    product = case.product("co_packaged")
    template, curves = opened(
        case, compile_template(case, product, case.library.routes[product.routes[0]])
    )
    (curve,) = curves
    assert (curve.low_s, curve.high_s) == (40.0, 120.0)
    menu = {f"{t}": curve.at(float(t)) for t in np.linspace(curve.low_s, curve.high_s, 801)}
    menu |= dict(template.choices()[curve.place].options)
    dense = best_levels(
        prepare(with_options(template, {curve.place: menu})), dppm_limit=product.dppm_limit
    )
    answer = refine_product(case, "co_packaged")
    assert answer.status == "optimal"
    best = answer.best
    assert best is not None
    assert best.refined is not None
    assert best.on_grid_usd is not None
    found = best.refined
    assert found.lower_bound_usd <= found.value_usd <= dense.value_usd * (1.0 + 1e-9)
    assert found.value_usd < best.on_grid_usd
    assert found.gap is not None
    assert found.gap <= GAP


def with_final_curve(name: str, product: str) -> tuple[Template, list[Curve], float | None]:
    """A shipped case whose final test may take any time: its file's 1 − e^(−t/39 s)."""
    case = load(name)
    shape = case.product(product)
    whole = compile_template(case, shape, case.library.routes[shape.routes[0]])
    template, curves = opened(case, whole)
    place = "package/final_test"
    levels = template.choices()[place].options
    short, longer = levels["f990"], levels["f999"]
    assert short is not None
    assert longer is not None
    usd = (float(longer.cost_usd) - float(short.cost_usd)) / 90.0  # of 180 and 270 s
    level = replace(short, cost_usd=float(short.cost_usd) - 180.0 * usd, uses={}, coverage={})
    names = [c for c in short.coverage if c in classes_of(template)]
    final = Curve(
        place, 60.0, 600.0, level, dict.fromkeys(names, 1.0), dict.fromkeys(names, 39.0), usd
    )
    return with_options(template, {place: {"off": None}}), [*curves, final], shape.dppm_limit


@pytest.mark.parametrize(
    ("name", "product"),
    [
        ("minimal", "asic"),
        pytest.param("ask_cpo_switch", "co_packaged", marks=pytest.mark.long),
    ],
)
def test_final_test_of_a_shipped_case_closes(name: str, product: str) -> None:
    """With a limit; every random plan that keeps it costs more than the bound."""
    template, curves, limit = with_final_curve(name, product)
    assert limit is not None
    found = refine(template, curves, dppm_limit=limit)
    asked = Asked(dppm_limit=limit)
    recheck(template, curves, found, asked)
    assert found.gap is not None
    assert found.gap <= GAP
    rng = np.random.default_rng(0)
    kept = 0
    for _ in range(60):
        levels = {
            place: str(rng.choice(list(choice.options)))
            for place, choice in template.choices().items()
        }
        levels = levels if rng.random() < 0.3 else dict(found.levels or levels)
        times = {c.place: rng.uniform(c.low_s, c.high_s, 200) for c in curves}
        out = evaluate(flow_at(template, curves, levels, times))
        costs = values(asked, out)
        kept += int(np.isfinite(costs).sum())
        assert float(costs.min()) >= found.lower_bound_usd * (1.0 - ROUNDING)
    assert kept > 100


def test_the_command_prints_times_and_bound() -> None:
    args = ["refine", "ask_cpo_switch", "--product", "co_packaged"]
    printed = CliRunner().invoke(main, [*args, "--json"])
    assert printed.exit_code == 0, printed.output
    answer = json.loads(printed.stdout)
    assert (answer["status"], answer["route"]) == ("optimal", "cpo")
    (route,) = answer["routes"]
    refined = route["refined"]
    (seconds,) = refined["seconds"].values()
    assert 40.0 <= seconds <= 120.0
    assert refined["lower_bound_usd"] <= refined["value_usd"] < route["on_grid_usd"]
    text = CliRunner().invoke(main, args)
    assert text.exit_code == 0, text.output
    assert f"{seconds:.2f} s" in text.stdout
    assert CliRunner().invoke(main, [*args, "--route", "cowos_s"]).exit_code == 2


def test_a_product_without_a_curve_stays_on_the_grid() -> None:
    answer = refine_product(load("minimal"), "asic")
    best = answer.best
    assert best is not None
    assert best.refined is not None
    assert best.ranges_s == {}
    assert best.refined.value_usd == pytest.approx(best.on_grid_usd, rel=ROUNDING)
    assert best.refined.gap == pytest.approx(0.0, abs=1e-10)
