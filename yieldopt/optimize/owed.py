r"""Prices below 0 (use that is owed, take or pay) in a search whose bounds need costs of 0 or more.

A step is charged its cost and its uses by the same runs, so prices π of resources are costs:

    c' = money·c + Σ_k π_k·u_k

for each step, and J at prices is J of the steps at c'. As long as no c' is below 0 every bound
holds. One is below 0 only where a unit not taken is dearer than the step that takes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from yieldopt.flow import Step
from yieldopt.optimize.ruled import Ruled
from yieldopt.template import Choice, OpenNode, Template

ENUMERATED = 10_000_000  # plans up to which computing each of them is quicker than new tables
_ROUNDING_USD = 1e-6  # of a run: prices are duals, which the solver gives to 1e-7


def with_prices_as_costs(
    ruled: Ruled, prices: Mapping[str, float], *, prices_only: bool = False
) -> Ruled | None:
    """Return a template under rules with prices added to the costs of its steps.

    Parameters
    ----------
    ruled
        The template under its rules.
    prices
        Of resources, of any sign [USD per unit].
    prices_only
        Count no cost, only the prices.

    Returns
    -------
    Ruled or None
        ``None`` where a step would cost less than nothing.

    Examples
    --------
    >>> from yieldopt import Step
    >>> from yieldopt.optimize.ruled import apply_rules
    >>> from yieldopt.optimize.rules import Rules
    >>> from yieldopt.template import OpenNode, Template
    >>> step = Step("mount", "process", 9.0, uses={"bonder_h": 0.1})
    >>> ruled = apply_rules(Template("die", (OpenNode("die", (), (step,)),)), Rules())
    >>> with_prices_as_costs(ruled, {"bonder_h": -20.0}).template.nodes[0].items[0].cost_usd
    7.0
    >>> with_prices_as_costs(ruled, {"bonder_h": -100.0}) is None
    True
    """
    money = 0.0 if prices_only else 1.0
    nodes = []
    for node in ruled.template.nodes:
        items: list[Step | Choice] = []
        for item in node.items:
            if isinstance(item, Choice):
                options = {k: s and _priced(s, prices, money) for k, s in item.options.items()}
                items.append(Choice(item.name, options))
            else:
                items.append(_priced(item, prices, money))
        nodes.append(OpenNode(node.name, node.inputs, tuple(items)))
    template = Template(ruled.template.ship, tuple(nodes))
    if any(np.min(step.cost_usd) < 0.0 for step in template.steps()):
        return None
    return replace(ruled, template=template, wider=None, _problems={})


def _priced(step: Step, prices: Mapping[str, float], money: float) -> Step:
    cost = money * step.cost_usd + sum(prices.get(k, 0.0) * used for k, used in step.uses.items())
    rounding = (cost < 0.0) & (cost >= -_ROUNDING_USD)
    return replace(step, cost_usd=float(cost) if not rounding else 0.0)
