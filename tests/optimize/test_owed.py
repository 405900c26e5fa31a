"""Prices below 0 as costs of the steps, against every plan computed by the engine at the prices.

1e-9: the search and the engine add the same terms in another order.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.random_templates import all_plans, random_template
from tests.seeds import seeds
from yieldopt import evaluate, load
from yieldopt.optimize import candidates
from yieldopt.optimize.owed import with_prices_as_costs
from yieldopt.optimize.product_rules import narrowed
from yieldopt.optimize.ruled import Ruled, apply_rules, best_under
from yieldopt.optimize.rules import Rules
from yieldopt.solving import solve_whole
from yieldopt.template import Template

SAME = 1e-9


def priced_plans(template: Template, prices: dict[str, float], money: float) -> list[float]:
    """J of every plan at the prices, from the engine's uses."""
    out = []
    for levels in all_plans(template):
        made = evaluate(template.at(levels))
        used = sum(price * float(made.uses.get(k, 0.0)) for k, price in prices.items())
        out.append(money * float(made.cost_per_good_usd) + used / float(made.quality))
    return out


def owed_prices(template: Template, rng: np.random.Generator) -> dict[str, float]:
    """A share of what a step costs off each resource that it uses, and a price on some others."""
    rates: dict[str, float] = {}
    for step in template.steps():
        for name, used in step.uses.items():
            if float(used) > 0.0:
                rate = float(np.min(step.cost_usd)) / float(used)
                rates[name] = min(rates.get(name, np.inf), rate)
    return {k: rate * float(rng.choice([-0.9, -0.4, 0.5])) for k, rate in sorted(rates.items())}


@pytest.mark.parametrize("seed", seeds(range(60), 20))
def test_the_best_plan_at_prices_below_0_is_that_of_all_plans(seed: int) -> None:
    template = random_template(seed)
    rng = np.random.default_rng([seed, 3])
    names = sorted({name for step in template.steps() for name in step.uses})
    prices = owed_prices(template, rng)
    ruled = apply_rules(template, Rules())
    inside = with_prices_as_costs(ruled, prices)
    if len(names) > 1 and inside is None:  # one step uses two: half of it each
        prices = {k: price / len(names) for k, price in prices.items()}
        inside = with_prices_as_costs(ruled, prices)
    assert inside is not None
    best = min(priced_plans(template, prices, 1.0))
    assert best_under(inside).value_usd == pytest.approx(best, rel=SAME)


def test_prices_are_below_0_in_these_problems() -> None:
    below = 0
    for seed in range(60):
        prices = owed_prices(random_template(seed), np.random.default_rng([seed, 3]))
        below += any(price < 0.0 for price in prices.values())
    assert below >= 20


def test_a_step_that_would_earn_is_refused_and_menus_stay_cut() -> None:
    seed = next(s for s in range(60) if owed_prices(random_template(s), np.random.default_rng(0)))
    template = random_template(seed)
    ruled = apply_rules(template, Rules())
    prices = {name: -1e12 for step in template.steps() for name in step.uses}
    assert with_prices_as_costs(ruled, prices) is None
    assert with_prices_as_costs(ruled, dict.fromkeys(prices, -1e3), prices_only=True) is None
    place, choice = next(iter(template.choices().items()))
    level = next(iter(choice.options))
    small = dict.fromkeys(prices, -1e-9)
    inside = with_prices_as_costs(narrowed(ruled, {place: (level,)}), small)
    assert isinstance(inside, Ruled)
    found = best_under(inside)
    assert found.levels is not None and found.levels[place] == level


def test_a_plan_with_take_or_pay_is_the_same_either_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Searched with prices as costs (as products too large to enumerate are), or all computed."""
    case = load(Path("cases") / "ask_overcapacity.toml")
    seen: list[bool] = []

    def watched(ruled: Ruled, prices: dict[str, float], *, prices_only: bool) -> Ruled | None:
        out = with_prices_as_costs(ruled, prices, prices_only=prices_only)
        seen.append(out is not None)
        return out

    before = solve_whole(case).result.objective_usd
    monkeypatch.setattr(candidates, "with_prices_as_costs", watched)
    monkeypatch.setattr(candidates, "ENUMERATED", 0)
    after = solve_whole(case).result.objective_usd
    assert any(seen)
    assert after == pytest.approx(before, rel=SAME)
