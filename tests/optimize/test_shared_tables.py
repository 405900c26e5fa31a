"""Problems that take tables from another: each number is that of the problem computed alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.random_templates import random_template
from tests.seeds import seeds
from yieldopt.flow import Step
from yieldopt.optimize.coverage import best_levels
from yieldopt.optimize.narrowing import narrowed_problem
from yieldopt.optimize.problem import Problem, prepare
from yieldopt.optimize.ruled import apply_rules, best_under
from yieldopt.optimize.rules import Rules
from yieldopt.template import Choice, OpenNode, Template

# Sums may run in another order where a menu is shorter: a few roundings.
CLOSE = 1e-12
Change = Callable[[Step], Step]
CHANGES: dict[str, Change] = {
    "cost": lambda step: replace(step, cost_usd=1.5 * step.cost_usd + 1.0),
    "faults": lambda step: replace(
        step, faults={k: replace(f, mean=0.7 * f.mean) for k, f in step.faults.items()}
    ),
    "coverage": lambda step: replace(step, coverage={k: 0.8 * c for k, c in step.coverage.items()}),
    "scrap": lambda step: (
        replace(step, scrap=0.5 * step.scrap + 0.01) if step.kind == "process" else step
    ),
    "charge": lambda step: replace(step, fail_cost_fraction=0.5) if step.kind == "test" else step,
}


def changed(template: Template, at: int, change: Change) -> Template:
    """Return the template with one of its steps, the at-th, changed at every level of it."""
    count = 0
    nodes = []
    for node in template.nodes:
        items: list[Step | Choice] = []
        for item in node.items:
            if count == at:
                if isinstance(item, Choice):
                    options = {k: step and change(step) for k, step in item.options.items()}
                    item = Choice(item.name, options)
                else:
                    item = change(item)
            items.append(item)
            count += 1
        nodes.append(OpenNode(node.name, node.inputs, tuple(items)))
    return Template(template.ship, tuple(nodes))


def items_of(template: Template) -> int:
    return sum(len(node.items) for node in template.nodes)


def assert_same(one: Problem, other: Problem, rel: float = CLOSE) -> None:
    """Every table of two problems."""
    for mine, own in zip(one.leaves, other.leaves, strict=True):
        assert (mine.name, mine.places, mine.sizes, mine.gap) == (
            own.name, own.places, own.sizes, own.gap)  # fmt: skip
        np.testing.assert_allclose(mine.cost, own.cost, rtol=rel)
        assert_same_uses(mine.uses, own.uses, rel)
    for (low, mine_), (low_, own_) in zip(one.blocks(), other.blocks(), strict=True):
        assert low == low_
        for name in ("log_e", "log_q"):
            for a, b in zip(getattr(mine_, name), getattr(own_, name), strict=True):
                np.testing.assert_allclose(a, b, rtol=rel, atol=rel)
        for name in ("base", "weight", "log_q_trunk"):
            np.testing.assert_allclose(
                getattr(mine_, name), getattr(own_, name), rtol=rel, atol=rel
            )
        assert_same_uses(mine_.base_uses, own_.base_uses, rel)


def assert_same_uses(one: Mapping[str, Any], other: Mapping[str, Any], rel: float) -> None:
    """Uses of resources; one that no level left uses is not there, or is used 0 times."""
    for name in {**one, **other}:
        np.testing.assert_allclose(one.get(name, 0.0), other.get(name, 0.0), rtol=rel, atol=rel)


@pytest.mark.parametrize("seed", seeds(range(40), 12))
def test_a_problem_beside_another_is_itself(seed: int) -> None:
    """Every step in turn changed in every way; what is shared is shared by identity."""
    template = random_template(seed)
    kin = prepare(template)
    best_levels(kin)
    shared = 0
    for at in range(items_of(template)):
        for change in CHANGES.values():
            other = changed(template, at, change)
            beside = prepare(other, kin)
            assert_same(beside, prepare(other), rel=0.0)
            own, held = beside.block(0), kin.block(0)
            shared += sum(a is b for a, b in zip(own.log_e, held.log_e, strict=True))
    assert shared > 0 or not kin.leaves


@pytest.mark.parametrize("seed", [3, 5, 8])
def test_levels_in_another_order_are_other_tables(seed: int) -> None:
    """Menus that hold the same levels are equal, in whatever order: tables go by it."""
    template = random_template(seed)
    kin = prepare(template)
    best_levels(kin)
    nodes = [OpenNode(node.name, node.inputs, tuple(map(reordered, node.items)))
             for node in template.nodes]  # fmt: skip
    other = Template(template.ship, tuple(nodes))
    assert other == template
    assert_same(prepare(other, kin), prepare(other))


def reordered(item: Step | Choice) -> Step | Choice:
    if not isinstance(item, Choice):
        return item
    return Choice(item.name, dict(reversed(item.options.items())))


@pytest.mark.parametrize("seed", seeds(range(60), 20))
def test_a_cut_problem_is_that_of_the_cut_template(seed: int) -> None:
    template = random_template(seed)
    whole = prepare(template)
    best_levels(whole)
    rng = np.random.default_rng(seed)
    for _ in range(6):
        menus = {}
        for place, choice in template.choices().items():
            names = list(choice.options)
            some = rng.permutation(len(names))[: int(rng.integers(1, len(names) + 1))]
            menus[place] = tuple(names[i] for i in sorted(some))
        found = narrowed_problem(whole, menus)
        alone = prepare(template.limited(menus))
        if found is None:  # a sub-assembly of few levels has become one menu
            assert not alone.tree.is_laid_out_as(whole.tree)
            continue
        assert_same(found, alone)
        assert best_levels(found).levels == best_levels(alone).levels


def test_what_cannot_be_cut_out_is_said() -> None:
    template = random_template(3)
    place, choice = next(iter(template.choices().items()))
    whole = prepare(template)
    assert narrowed_problem(whole, {place: list(choice.options)[:1]}) is None  # never searched
    best_levels(whole)
    assert narrowed_problem(whole, {place: ["no such level"]}) is None
    assert narrowed_problem(whole, {place: []}) is None


def test_rules_are_searched_with_the_tables_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """After one search no table is built again for fewer levels."""
    template = random_template(5)
    ruled = apply_rules(template, Rules())
    best_under(ruled)
    place, choice = max(template.choices().items(), key=lambda pair: len(pair[1].options))
    alone = best_levels(prepare(template.limited({place: tuple(choice.options)[-1:]})))

    def refuse(*_: object) -> None:
        raise AssertionError("built again")

    monkeypatch.setattr("yieldopt.optimize.problem.build_block", refuse)
    cut = replace(ruled, menus={**ruled.menus, place: tuple(choice.options)[-1:]},
                  wider=ruled, _problems={})  # fmt: skip
    found = best_under(cut)
    assert found.levels == alone.levels
    assert found.value_usd == pytest.approx(alone.value_usd, rel=CLOSE)


def test_a_template_of_other_costs_takes_nothing_of_the_whole() -> None:
    """As prices that become costs do to a template under cut menus (take or pay)."""
    template = random_template(5)
    ruled = apply_rules(template, Rules())
    best_under(ruled)
    place, choice = max(template.choices().items(), key=lambda pair: len(pair[1].options))
    dear = changed(template, 0, CHANGES["cost"])
    cut = replace(ruled, template=dear, menus={**ruled.menus, place: tuple(choice.options)[-1:]},
                  wider=ruled, _problems={})  # fmt: skip
    alone = best_levels(prepare(dear.limited({place: tuple(choice.options)[-1:]})))
    assert best_under(cut).value_usd == pytest.approx(alone.value_usd, rel=CLOSE)
    assert alone.value_usd != pytest.approx(best_under(ruled).value_usd, rel=1e-6)
