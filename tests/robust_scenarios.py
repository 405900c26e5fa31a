"""Scenarios of random templates, and brute force over every plan through ``evaluate``."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from tests.random_templates import all_plans, random_template
from yieldopt import evaluate
from yieldopt.flow import Faults, Step
from yieldopt.optimize.robust import Goal
from yieldopt.template import Choice, OpenNode, Template


def scaled(template: Template, rng: np.random.Generator) -> Template:
    """Return the template in another scenario: the same names, other numbers."""
    spread = float(rng.uniform(0.1, 0.8))

    def factor() -> float:
        return float(math.exp(spread * rng.normal()))

    def faults(held: Mapping[str, Faults], all_of: float) -> dict[str, Faults]:
        return {
            name: replace(one, mean=min(one.mean * all_of, 0.95 if one.law.name == "single" else 5))
            for name, one in held.items()
        }

    def step(held: Step) -> Step:
        return replace(
            held,
            cost_usd=held.cost_usd * factor(),
            scrap=min(held.scrap * factor(), 0.5),
            overkill=min(held.overkill * factor(), 0.5),
            coverage={n: 1.0 - (1.0 - c) * min(factor(), 1.0) for n, c in held.coverage.items()},
            faults=faults(held.faults, factor()),
        )

    nodes = []
    for node in template.nodes:
        items: list[Step | Choice] = [
            step(item)
            if isinstance(item, Step)
            else Choice(item.name, {k: v and step(v) for k, v in item.options.items()})
            for item in node.items
        ]
        nodes.append(OpenNode(node.name, node.inputs, tuple(items)))
    return Template(template.ship, tuple(nodes))


def scenarios(seed: int, most: int = 30) -> tuple[list[Template], list[float]]:
    rng = np.random.default_rng([seed, 5])
    template = random_template(seed, most)
    count = int(rng.integers(2, 5))
    p = rng.dirichlet(np.full(count, 3.0))
    return [template, *(scaled(template, rng) for _ in range(count - 1))], [float(x) for x in p]


class Brute:
    """Every plan in every scenario through the engine, and measures written out plainly."""

    def __init__(self, templates: Sequence[Template], p: Sequence[float], start: str) -> None:
        self.plans = all_plans(templates[0])
        self.p = np.array(p)
        shape = len(self.plans), len(templates)
        self.spend, self.tester, self.starts = (np.empty(shape) for _ in range(3))
        self.quality, self.dppm = np.empty(shape), np.empty(shape)
        marked = [counting(template, start) for template in templates]
        for at, plan in enumerate(self.plans):
            for s, template in enumerate(marked):
                out = evaluate(template.at(plan))
                self.spend[at, s] = out.cost_per_shipped_usd
                self.tester[at, s] = out.uses.get("tester_h", 0.0)
                self.quality[at, s], self.dppm[at, s] = out.quality, out.dppm
                self.starts[at, s] = out.uses["starts"]

    def values(self, goal: Goal) -> np.ndarray:
        """The measure of every plan; inf where the DPPM limit is not held often enough."""
        price = (goal.prices or {}).get("tester_h", 0.0)
        escape = goal.escape_cost_usd or 0.0
        spend = self.spend + price * self.tester + escape * (1.0 - self.quality)
        per_good = spend / self.quality
        if goal.measure == "expected":
            out = per_good @ self.p
        elif goal.measure == "worst":
            out = per_good.max(axis=1)
        elif goal.measure == "fixed_starts":
            out = ((spend / self.starts) @ self.p) / ((self.quality / self.starts) @ self.p)
        else:
            out = np.array([self.tail_mean(row, goal.cvar_tail) for row in per_good])
        if goal.dppm_limit is not None:
            held = (self.dppm <= goal.dppm_limit) @ self.p
            out = np.where(held >= goal.dppm_share - 1e-12, out, np.inf)
        return out

    def tail_mean(self, costs: np.ndarray, tail: float) -> float:
        """Rockafellar and Uryasev: min over v of v + E[(cost − v)+]/tail, v one of the costs."""
        return min(v + float(np.maximum(costs - v, 0.0) @ self.p) / tail for v in costs)


def counting(template: Template, node: str) -> Template:
    mark = Step("mark", "process", uses={"starts": 1.0})
    nodes = [replace(n, items=(mark, *n.items)) if n.name == node else n for n in template.nodes]
    return Template(template.ship, tuple(nodes))


def shifted(template: Template, factors: np.ndarray) -> Template:
    """Scale means and costs of fixed steps, a factor for each node: (nodes,) or (nodes, S)."""
    nodes = []
    for node, factor in zip(template.nodes, factors, strict=True):
        items = [
            item
            if isinstance(item, Choice)
            else replace(
                item,
                cost_usd=item.cost_usd * factor**0.5,
                faults={k: replace(f, mean=f.mean * factor) for k, f in item.faults.items()},
            )
            for item in node.items
        ]
        nodes.append(OpenNode(node.name, node.inputs, tuple(items)))
    return Template(template.ship, tuple(nodes))
