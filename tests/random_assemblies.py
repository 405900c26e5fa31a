"""Random search problems of several branches, each with tests of its own, near ties among levels.

Wider than ``random_templates``: two to four dies with one or two tests each, joined by twos and
threes, some several times, with tests at every join; made to try what labels drop and absorb.
"""

from __future__ import annotations

import math

import numpy as np

from yieldopt.flow import Faults, Input, Step
from yieldopt.physics.yields import Law
from yieldopt.template import Choice, OpenNode, Template

DIE, ALL = ("a", "b"), ("a", "b", "j")


def random_assembly(seed: int, *, hard: bool, most: int = 8_000) -> Template:
    """Return a template of 1,000 to ``most`` plans; hard: with repair, damage and many units."""
    rng = np.random.default_rng([seed, hard, 99])
    while True:
        template = _assembly(rng, hard)
        plans = math.prod(len(choice.options) for choice in template.choices().values())
        if 1_000 <= plans <= most:
            return template


def _assembly(rng: np.random.Generator, hard: bool) -> Template:
    levels = int(rng.integers(3, 5))
    nodes = [_die(f"d{number}", rng, levels, hard) for number in range(int(rng.integers(2, 5)))]
    parts = [node.name for node in nodes]
    while len(parts) > 1:
        taken = min(len(parts), int(rng.integers(2, 4)))
        counts = rng.choice([1, 1, 2, 4] if hard else [1, 1, 1, 2], size=taken)
        inputs = tuple(Input(part, int(n)) for part, n in zip(parts[:taken], counts, strict=True))
        faults = {"j": Faults(float(rng.uniform(0.002, 0.04)), _law(rng))}
        scrap = float(rng.choice([0.0, 0.01]))
        items: list[Step | Choice] = [
            Step("bond", "process", float(rng.uniform(1, 8)), scrap, faults)
        ]
        last = len(parts) == taken
        if last or rng.random() < 0.8:
            items.append(_test("mid", rng, levels, ALL, hard))
        if last and rng.random() < 0.6:
            items.append(_test("final", rng, levels, ALL, hard))
        nodes.append(OpenNode(f"s{len(nodes)}", inputs, tuple(items)))
        parts = [*parts[taken:], nodes[-1].name]
    return Template(parts[0], tuple(nodes))


def _die(name: str, rng: np.random.Generator, levels: int, hard: bool) -> OpenNode:
    cluster = "k" if rng.random() < 0.3 else None
    law = _law(rng)
    faults = {c: Faults(float(rng.uniform(0.01, 0.25)), law, cluster) for c in DIE}
    fab = Step("fab", "process", float(rng.uniform(5, 60)), float(rng.choice([0, 0.02])), faults)
    tests = [_test(f"t{k}", rng, levels, DIE, hard) for k in range(int(rng.integers(1, 3)))]
    return OpenNode(name, (), (fab, *tests))


def _law(rng: np.random.Generator) -> Law:
    clustered = rng.random() < 0.6
    return Law("negative_binomial", float(rng.uniform(0.5, 4))) if clustered else Law("poisson")


def _test(
    name: str, rng: np.random.Generator, levels: int, classes: tuple[str, ...], hard: bool
) -> Choice:
    overlap = ("nested", "nested", "independent", float(rng.uniform(0.1, 0.9)))[rng.integers(4)]
    tops = {c: (float(rng.uniform(0.8, 0.999)), float(rng.uniform(1, 5))) for c in classes}
    cost = float(rng.uniform(0.5, 6))
    options: dict[str, Step | None] = {"off": None} if rng.random() < 0.85 else {}
    for level in range(1, levels):
        share = level / (levels - 1)
        coverage = {c: float(t * np.expm1(-k * share) / np.expm1(-k)) for c, (t, k) in tops.items()}
        repaired = [c for c in classes if hard and rng.random() < 0.25]
        damaged = hard and rng.random() < 0.2
        options[f"l{level}"] = Step(
            name,
            "test",
            cost * share * float(rng.uniform(0.9, 1.1)),
            overlap=overlap,
            coverage=coverage,
            repair={c: float(rng.uniform(0, 1)) for c in repaired},
            overkill=float(rng.choice([0.0, 2e-3 * share])),
            fail_cost_fraction=float(rng.choice([1.0, 0.6, 0.0])),
            faults={"a": Faults(float(rng.uniform(0, 5e-3)))} if damaged else {},
            uses={"tester_h": 0.01 * share * cost},
        )
    return Choice(name, options)
