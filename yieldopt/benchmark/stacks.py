"""Workloads beyond enumeration: stacks of ten dies, 20 insertions of 8 levels, three fault classes.

Each seed draws means, costs, coverages and overkill anew. The proof covers every one of 8²⁰ plans;
the largest stack in the published test-flow literature has ten dies, and a heuristic plan.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np

from yieldopt.benchmark.work import FULL, Effort, Task, Work
from yieldopt.flow import Faults, Input, Step
from yieldopt.optimize.coverage import Found
from yieldopt.optimize.problem import Problem, prepare
from yieldopt.optimize.search import search
from yieldopt.physics.yields import Law
from yieldopt.template import Choice, OpenNode, Template

SEEDS = range(12)
_QUICK_SEEDS = range(3)
_LIMITED_SEEDS = range(6)
_LIMITED_QUICK = (2,)  # the quickest: a user does not wait
_DPPM_LIMIT = (
    50_000.0  # about half of what the cheapest plans ship; every one of the stacks can keep it
)
_ESCAPE_USD = 2000.0
_LEVELS = 8
Span = tuple[float, float]
_SORT: Mapping[str, Span] = {"logic": (0.9, 0.995), "tsv": (0.5, 0.95)}
_BONDED: Mapping[str, Span] = {"logic": (0.6, 0.97), "tsv": (0.8, 0.99), "joint": (0.8, 0.99)}
_FINAL: Mapping[str, Span] = {
    "logic": (0.98, 0.9995),
    "tsv": (0.98, 0.999),
    "joint": (0.98, 0.9995),
}


def ten_dies(seed: int, dies: int = 10) -> Template:
    """Return a stack of unlike dies: each sorted, each bond tested, a final test at the end."""
    rng = np.random.default_rng(seed)
    nodes: list[OpenNode] = []
    for number in range(1, dies + 1):
        nodes.append(_die(f"die{number}", rng))
        if number == 1:
            continue
        bond = Step(
            "bond",
            "process",
            float(rng.uniform(2, 8)),
            scrap=float(rng.uniform(0, 0.01)),
            faults={
                "joint": Faults(float(rng.uniform(0.005, 0.04)), _clustered(2.0)),
                "tsv": Faults(float(rng.uniform(0.0, 0.01))),
            },
        )
        items: list[Step | Choice] = [bond, _menu("mid_bond", rng, (1, 5), _BONDED, fails=0.7)]
        if number == dies:
            overlap = "independent" if seed % 2 else "nested"
            items.append(_menu("final", rng, (12, 12), _FINAL, overlap=overlap))
        below = "die1" if number == 2 else f"stack{number - 1}"
        inputs = (Input(below), Input(f"die{number}"))
        nodes.append(OpenNode(f"stack{number}", inputs, tuple(items)))
    return Template(nodes[-1].name, tuple(nodes))


def _die(name: str, rng: np.random.Generator) -> OpenNode:
    fab = Step(
        "fab",
        "process",
        float(rng.uniform(15, 60)),
        scrap=float(rng.uniform(0, 0.02)),
        faults={
            "logic": Faults(float(rng.uniform(0.03, 0.3)), _clustered(float(rng.uniform(1.5, 4)))),
            "tsv": Faults(float(rng.uniform(0.005, 0.05))),
        },
        category="die",
    )
    return OpenNode(name, (), (fab, _menu("sort", rng, (1, 4), _SORT, damage=2e-4, fails=0.6)))


def _clustered(alpha: float) -> Law:
    return Law("negative_binomial", alpha)


def _menu(
    name: str,
    rng: np.random.Generator,
    cost_usd: Span,
    classes: Mapping[str, Span],
    *,
    overlap: str = "nested",
    damage: float = 0.0,
    fails: float = 1.0,
) -> Choice:
    """Return "off" and seven levels whose coverage saturates at a top drawn for each class."""
    whole = float(rng.uniform(*cost_usd))
    tops = {c: (float(rng.uniform(*span)), float(rng.uniform(2, 5))) for c, span in classes.items()}
    options: dict[str, Step | None] = {"off": None}
    for level in range(1, _LEVELS):
        share = level / (_LEVELS - 1)
        coverage = {c: top * np.expm1(-k * share) / np.expm1(-k) for c, (top, k) in tops.items()}
        options[f"l{level}"] = Step(
            name,
            "test",
            whole * share,
            overlap=overlap,
            coverage={c: float(covered) for c, covered in coverage.items()},
            overkill=2e-3 * share,
            faults={"joint": Faults(damage * share)} if damage else {},
            fail_cost_fraction=fails,
        )
    return Choice(name, options)


def _proved(effort: Effort) -> Task:
    seeds = SEEDS if effort == FULL else _QUICK_SEEDS
    return _of(effort, seeds, partial(search, escape_cost_usd=_ESCAPE_USD))


def _limited(effort: Effort) -> Task:
    seeds = _LIMITED_SEEDS if effort == FULL else _LIMITED_QUICK
    return _of(effort, seeds, partial(search, dppm_limit=_DPPM_LIMIT))


def _of(effort: Effort, seeds: Sequence[int], solve: Callable[[Problem], Found]) -> Task:
    """Prove the best plan of each stack."""
    templates = {seed: ten_dies(seed, 4 if effort.small else 10) for seed in seeds}

    def run() -> None:
        for seed, template in templates.items():
            found = solve(prepare(template))
            if found.levels is None or found.gap > 0.0:
                raise RuntimeError(f"seed {seed} is not proved: it measures nothing")

    return Task(run, count=len(templates))


_NAME = "10-die stack, 20 x 8 levels, proved optimal, mean of {} seeds"
_LIMITED_NAME = "10-die stack, DPPM limit that binds, proved optimal, mean of {} seeds"
WORKS = (
    Work(
        _NAME.format(len(SEEDS)),
        "s",
        30.0,
        _proved,
        quick_name=_NAME.format(len(_QUICK_SEEDS)),
    ),
    Work(
        _LIMITED_NAME.format(len(_LIMITED_SEEDS)),
        "s",
        30.0,
        _limited,
        quick_name=_LIMITED_NAME.format(len(_LIMITED_QUICK)),
    ),
)
