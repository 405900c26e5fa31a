"""Plans explained: every number against brute force over all plans through ``evaluate``.

The templates are random, with repair, damage, stop-on-fail, sub-assemblies, mixed overlap and
supplier grades; free, under a DPPM limit, and with an escape cost. Nothing here calls the search.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache

import pytest

from tests.random_templates import all_plans, random_template
from tests.seeds import seeds
from yieldopt import Faults, Flow, Input, Outcome, Step, UnknownName, evaluate
from yieldopt.explanation import Explanation, explain_template
from yieldopt.explanation.content_moves import ContentMove
from yieldopt.template import Choice, OpenNode, Template

# Ten logs and exponentials in either order of operations, and the search's own allowance of 1e-11.
RELATIVE = 3e-11
ONE_OFF = 12.5
SEEDS = range(60)
LIMITS = ("free", "dppm", "escape")


@dataclass(frozen=True)
class Brute:
    """Every plan of a template, evaluated one by one."""

    template: Template
    plans: tuple[tuple[dict[str, str], Outcome], ...]
    limit: float | None
    escape: float

    def cost(self, out: Outcome) -> float:
        quality = float(out.quality)
        if quality <= 0.0:
            return math.inf
        spend = float(out.cost_per_shipped_usd)
        return (spend + self.escape * (1.0 - quality)) / quality + ONE_OFF

    def allowed(self, out: Outcome) -> bool:
        return self.limit is None or float(out.dppm) <= self.limit

    def least(self, where: Callable[[dict[str, str]], bool]) -> float:
        """Least cost of the allowed plans that meet a condition; inf where there is none."""
        costs = (self.cost(o) for levels, o in self.plans if where(levels) and self.allowed(o))
        return min(costs, default=math.inf)


@cache
def evaluated(seed: int) -> tuple[Template, tuple[tuple[dict[str, str], Outcome], ...]]:
    template = random_template(seed, most=100)
    return template, tuple((plan, evaluate(template.at(plan))) for plan in all_plans(template))


@cache
def problem(seed: int, kind: str) -> tuple[Brute, Explanation]:
    """A random template and what explains it; the limit is met by two fifths of its plans."""
    template, plans = evaluated(seed)
    ranked = sorted(float(out.dppm) for _, out in plans)
    # A hair above a plan's own DPPM: at the limit itself rounding would decide.
    limit = ranked[2 * len(ranked) // 5] * (1.0 + 1e-9) if kind == "dppm" else None
    escape = 700.0 if kind == "escape" else 0.0
    found = explain_template(template, limit, escape or None, one_off_usd=ONE_OFF)
    assert found is not None
    return Brute(template, plans, limit, escape), found


def close(value: float | None, expected: float, scale: float) -> bool:
    """Equal to rounding of the costs of which both are differences; ``None`` stands for inf."""
    if value is None:
        return math.isinf(expected)
    return abs(value - expected) <= RELATIVE * scale


@pytest.mark.parametrize("kind", LIMITS)
@pytest.mark.parametrize("seed", seeds(SEEDS, 30))
def test_levels_and_rivals_equal_brute_force(seed: int, kind: str) -> None:
    brute, found = problem(seed, kind)
    optimum = brute.least(lambda levels: True)
    assert found.plan.cost_per_good_usd == pytest.approx(optimum, rel=RELATIVE)
    chosen = dict(found.plan.levels)
    at_optimum = next(out for levels, out in brute.plans if levels == chosen)
    assert brute.cost(at_optimum) == pytest.approx(optimum, rel=RELATIVE)
    assert [account.insertion for account in found.insertions] == list(brute.template.choices())
    for account in found.insertions:
        place, menu = account.insertion, brute.template.choices()[account.insertion].options
        assert account.level == chosen[place]
        assert [level.level for level in account.levels] == list(menu)
        anew, held = {}, {}
        for level in account.levels:
            name = level.level
            anew[name] = brute.least(lambda levels, p=place, n=name: levels[p] == n) - optimum
            out = next(o for levels, o in brute.plans if levels == chosen | {place: name})
            assert close(level.loses_usd_per_good, anew[name], optimum)
            assert close(level.held_loses_usd_per_good, brute.cost(out) - optimum, brute.cost(out))
            assert level.held_is_allowed is (brute.allowed(out) and level.held is not None)
            held[name] = brute.cost(out) - optimum if brute.allowed(out) else math.inf
            if level.best is not None:
                own = next(o for levels, o in brute.plans if levels == level.best.levels)
                assert level.best.dppm == pytest.approx(float(own.dppm), rel=1e-9)
                assert level.best.levels[place] == name
        for rival, losses in ((account.next_best, anew), (account.next_best_held, held)):
            others = {name: lost for name, lost in losses.items() if name != account.level}
            least = min(others.values(), default=math.inf)
            assert close(rival.loses_usd_per_good if rival else None, least, optimum)
            if rival:
                assert close(others[rival.level], least, optimum)
        off = [name for name, step in menu.items() if step is None]
        assert account.can_be_off is bool(off)
        saved = anew[off[0]] if off else math.inf
        assert close(account.saves_usd_per_good, saved, optimum)


def changed(flow: Flow, path: str, **numbers: object) -> Flow:
    """The flow with fields of one step replaced."""
    nodes = [
        replace(
            node,
            steps=tuple(
                replace(step, **numbers) if f"{node.name}/{step.name}" == path else step
                for step in node.steps
            ),
        )
        for node in flow.nodes
    ]
    return Flow(flow.ship, tuple(nodes))


@pytest.mark.parametrize("kind", LIMITS)
@pytest.mark.parametrize("seed", SEEDS)
def test_what_an_insertion_costs_is_the_plan_less_itself_without(seed: int, kind: str) -> None:
    """Cost is linear in unit cost: the plan less the same plan with that test for nothing."""
    brute, found = problem(seed, kind)
    flow = brute.template.at(found.plan.levels)
    whole = brute.cost(evaluate(flow))
    for account in found.insertions:
        step = brute.template.choices()[account.insertion].options[account.level]
        if step is None:
            money = (account.cost_usd_per_good, account.overkill_usd_per_good)
            assert (*money, account.damage_usd_per_good) == (0.0, 0.0, 0.0)
            continue
        path = account.insertion
        free = whole - brute.cost(evaluate(changed(flow, path, cost_usd=0.0)))
        assert account.cost_usd_per_good == pytest.approx(free, abs=1e-12 * whole)
        if step.kind == "process":
            assert account.overkill_usd_per_good == account.damage_usd_per_good == 0.0
            continue
        lost = whole - brute.cost(evaluate(changed(flow, path, overkill=0.0)))
        clean = whole - brute.cost(evaluate(changed(flow, path, faults={})))
        assert account.overkill_usd_per_good == pytest.approx(lost, abs=1e-12 * whole)
        assert account.damage_usd_per_good == pytest.approx(clean, abs=1e-12 * whole)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_lowest_dppm_where_a_level_is_not_allowed(seed: int) -> None:
    brute, found = problem(seed, "dppm")
    for account in found.insertions:
        for level in account.levels:
            if level.best is not None:
                assert level.lowest_dppm is None
                continue
            place, name = account.insertion, level.level
            own = [out for levels, out in brute.plans if levels[place] == name]
            lowest = min(float(out.dppm) for out in own)
            costs = [brute.cost(out) for out in own]
            # A dollar of cost per good counts as 1e-6 ppm, and as 1/Q² of it where Q is low.
            worst = min(float(out.quality) for out in own)
            slack = 1e-6 * (max(costs) - min(costs)) / worst**2 + 1e-11 * 1e6
            assert lowest <= level.lowest_dppm <= lowest + slack
            assert level.lowest_dppm > found.dppm_limit


def ways(move: ContentMove, template: Template) -> Iterator[tuple[str, Callable[..., bool]]]:
    menus = [template.choices()[place].options for place in (move.early, move.late)]
    for way, used in {
        "both": (True, True), "early_only": (True, False),
        "late_only": (False, True), "neither": (False, False),
    }.items():  # fmt: skip
        yield (
            way,
            lambda levels, used=used: (
                used
                == tuple(
                    menu[levels[place]] is not None
                    for menu, place in zip(menus, (move.early, move.late), strict=True)
                )
            ),
        )


@pytest.mark.parametrize("kind", LIMITS)
@pytest.mark.parametrize("seed", SEEDS)
def test_content_earlier_or_later_equals_brute_force(seed: int, kind: str) -> None:
    brute, found = problem(seed, kind)
    for move in found.content_moves:
        costs = {way: brute.least(where) for way, where in ways(move, brute.template)}
        for way, cost in costs.items():
            plan = move.plans[way]
            assert close(
                plan.cost_per_good_usd if plan else None, cost, found.plan.cost_per_good_usd
            )
        assert close(costs[move.best], min(costs.values()), found.plan.cost_per_good_usd)


def test_the_random_problems_are_not_trivial() -> None:
    found = [problem(seed, "dppm")[1] for seed in SEEDS]
    accounts = [account for one in found for account in one.insertions]
    assert (
        sum(account.can_be_off and account.saves_usd_per_good is None for account in accounts) > 9
    )
    assert sum(account.damage_usd_per_good > 0.0 for account in accounts) > 9
    assert sum(account.overkill_usd_per_good > 0.0 for account in accounts) > 30
    assert sum(len(one.content_moves) for one in found) > 40
    rivals = [(a.next_best, a.next_best_held) for a in accounts if a.next_best]
    assert sum(held is None or held != anew for anew, held in rivals) > 30


def menu(name: str, *classes: str, off: bool = True) -> Choice:
    on = Step(name, "test", 3.0, coverage=dict.fromkeys(classes, 0.9))
    return Choice(name, {"off": None, "on": on} if off else {"on": on})


def test_pairs_are_those_that_the_same_faults_come_by() -> None:
    """Faults must be there at the first; both must be optional; the way must lead to the second."""
    logic, joint = Faults(0.2), Faults(0.1)
    die = OpenNode("die", (), (
        Step("fab", "process", 50.0, faults={"logic": logic}), menu("cp", "logic", "joint"),
    ))  # fmt: skip
    memory = OpenNode("memory", (), (
        Step("buy", "process", 20.0, faults={"array": Faults(0.1)}), menu("incoming", "array"),
        menu("always", "array", off=False),
    ))  # fmt: skip
    package = OpenNode("package", (Input("die"), Input("memory", 2)), (
        menu("before", "joint"),  # nothing of that class is there yet
        Step("bond", "process", 10.0, faults={"joint": joint}),
        menu("mid", "joint", "logic"), menu("final", "joint", "array"), menu("burn_in", "early"),
    ))  # fmt: skip
    template = Template("package", (die, memory, package))
    found = explain_template(template, escape_cost_usd=500.0)
    assert found is not None
    assert [(m.early, m.late, m.fault_classes) for m in found.content_moves] == [
        ("die/cp", "package/mid", ("logic",)),
        ("memory/incoming", "package/final", ("array",)),
        ("package/mid", "package/final", ("joint",)),
    ]
    one = explain_template(template, escape_cost_usd=500.0, insertion="die/cp")
    assert one is not None
    assert one.content_moves == found.content_moves[:1]
    assert one.insertions == found.insertions[:1]


def test_a_template_without_choices_is_explained() -> None:
    fab = Step("fab", "process", 100.0, faults={"logic": Faults(0.1)})
    found = explain_template(Template("die", (OpenNode("die", (), (fab,)),)))
    assert found is not None
    assert found.insertions == found.content_moves == ()
    assert found.plan.dppm == pytest.approx(-1e6 * math.expm1(-0.1), rel=1e-12)


def test_no_plan_is_an_answer_and_an_unknown_insertion_an_error() -> None:
    fab = Step("fab", "process", 100.0, faults={"logic": Faults(0.1)})
    template = Template("die", (OpenNode("die", (), (fab, menu("cp", "logic"))),))
    assert explain_template(template, 1.0) is None
    with pytest.raises(UnknownName, match=r"unknown insertion .*did you mean 'die/cp'"):
        explain_template(template, insertion="die/cq")


def test_an_insertion_may_have_a_stroke_in_its_name() -> None:
    """Its place is ``node/insertion``: what it costs and loses is found all the same."""
    fab = Step("fab", "process", 100.0, faults={"logic": Faults(0.5)})
    found = []
    for name in ("cp", "hot/cold"):
        damage = {"bump": Faults(0.01)}
        test = Step(name, "test", 5.0, coverage={"logic": 0.9}, overkill=0.02, faults=damage)
        die = OpenNode("die", (), (fab, Choice(name, {"off": None, "on": test})))
        found.append(explain_template(Template("die", (die,)), escape_cost_usd=1000.0))
    one, other = (explanation.insertions[0] for explanation in found if explanation)
    assert other.insertion == "die/hot/cold"
    assert other.overkill_usd_per_good == one.overkill_usd_per_good > 0.0
    assert other.damage_usd_per_good == one.damage_usd_per_good > 0.0
    assert other.cost_usd_per_good == one.cost_usd_per_good > 0.0
