"""Random search problems: random flows whose tests are opened into menus of levels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tests.random_flows import random_flow
from yieldopt.flow import Faults, Flow, Step
from yieldopt.physics.yields import Law
from yieldopt.read import read_flow
from yieldopt.template import Choice, OpenNode, Template


def random_template(seed: int, most: int = 600) -> Template:
    """Return a template of at most ``most`` plans, with repair, damage and stop-on-fail.

    Every test of a random flow gets "off", itself, and up to two variants of other coverage, cost,
    overkill, repair, damage, charge on failing and, at times, another kind of overlap; some process
    steps come in two grades.
    """
    rng = np.random.default_rng([seed, 77])
    flow = read_flow(random_flow(seed))
    classes = sorted({c for n in flow.nodes for s in n.steps for c in s.faults})
    plans = 1
    nodes = []
    for node in flow.nodes:
        items: list[Step | Choice] = []
        for step in _with_a_test(node.steps, classes, rng):
            graded = step.kind == "process" and rng.random() < 0.2
            size = 2 if graded else int(rng.integers(2, 5))
            if (step.kind == "process" and not graded) or plans * size > most:
                items.append(step)
                continue
            plans *= size
            if graded:
                items.append(Choice(step.name, {"a": step, "b": _grade(step, rng)}))
                continue
            options: dict[str, Step | None] = {"base": step, "off": None}
            for number in range(size - 2):
                options[f"v{number}"] = _variant(step, classes, rng)
            items.append(Choice(step.name, options))
        nodes.append(OpenNode(node.name, node.inputs, tuple(items)))
    return Template(flow.ship, tuple(nodes))


def all_plans(template: Template) -> list[dict[str, str]]:
    """Return the levels of every plan."""
    plans: list[dict[str, str]] = [{}]
    for place, choice in template.choices().items():
        plans = [plan | {place: level} for plan in plans for level in choice.options]
    return plans


def _with_a_test(
    steps: tuple[Step, ...], classes: list[str], rng: np.random.Generator
) -> tuple[Step, ...]:
    if any(step.kind == "test" for step in steps) or rng.random() < 0.3:
        return steps
    coverage = {name: float(rng.uniform(0.3, 0.99)) for name in classes}
    return (*steps, Step("added", "test", float(rng.uniform(1, 20)), coverage=coverage))


def _grade(step: Step, rng: np.random.Generator) -> Step:
    """The same process or purchase in another quality."""
    faults = {n: replace(f, mean=f.mean * float(rng.uniform(0, 1))) for n, f in step.faults.items()}
    cost, scrap = float(rng.uniform(0, 400)), float(rng.uniform(0, 0.1))
    return replace(step, cost_usd=cost, scrap=scrap, faults=faults)


def _variant(step: Step, classes: list[str], rng: np.random.Generator) -> Step:
    coverage = {name: float(rng.uniform(0.2, 0.999)) for name in classes if rng.random() < 0.8}
    repair = {name: float(rng.uniform(0, 1)) for name in coverage if rng.random() < 0.4}
    faults = {}
    if rng.random() < 0.5:
        law = Law("negative_binomial", alpha=float(rng.uniform(0.5, 4)))
        faults["bump"] = Faults(float(rng.uniform(0, 0.05)), law)
    return replace(
        step,
        cost_usd=float(rng.uniform(0, 40)),
        coverage=coverage,
        repair=repair,
        overkill=float(rng.uniform(0, 0.03)),
        fail_cost_fraction=float(rng.uniform(0, 1)),
        overlap=("nested", "independent", float(rng.uniform(0, 1)))[int(rng.integers(3))],
        faults=faults,
        uses={"tester_h": float(rng.uniform(0, 0.1))},
    )


def joins(flow: Flow) -> int:
    """Return the number of nodes that join something."""
    return sum(bool(node.inputs) for node in flow.nodes)
