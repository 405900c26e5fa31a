"""Workloads of the engine: one point, and a million scenarios against their bare log1p and exp.

The scenarios vary every fault mean, every scrap and every cost of the B200-class flow at its best
levels. The comparison makes as many log1p and exp calls, in blocks of the same size on the same
arrays, as the laws need when each is called as written, and does nothing else.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from yieldopt.benchmark.kernel import calls
from yieldopt.benchmark.problems import b200_case
from yieldopt.benchmark.search import b200_template, solved
from yieldopt.benchmark.work import Effort, Task, Work
from yieldopt.engine import evaluate
from yieldopt.flow import Flow
from yieldopt.physics.yields import Value, clustering
from yieldopt.screening import Term, is_zero, screens

SCENARIOS = 1_000_000


@cache
def b200_flow() -> Flow:
    """Return the B200-class flow at its best levels under its DPPM limit."""
    case = b200_case()
    template = b200_template(case)
    return template.at(solved(template, case.products[0].dppm_limit).levels or {})


def varied(flow: Flow, count: int) -> Flow:
    """Vary every fault mean (the classes of a step together), every scrap and every cost.

    Parameters
    ----------
    flow
        A flow of scalars.
    count
        Scenarios; each number becomes a (count,) array, uniform within 20 %, seed 1.
    """
    rng = np.random.default_rng(1)
    drawn: dict[str, Value] = {}
    steps = [(f"{node.name}/{step.name}", step) for node in flow.nodes for step in node.steps]
    for place, step in steps:
        drawn[f"{place}.cost_usd"] = step.cost_usd * rng.uniform(0.8, 1.2, count)
        if step.kind == "process" and step.scrap:
            drawn[f"{place}.scrap"] = step.scrap * rng.uniform(0.8, 1.2, count)
        share = rng.uniform(0.8, 1.2, count)
        drawn |= {f"{place}.mean.{c}": faults.mean * share for c, faults in step.faults.items()}
    return flow.with_values(drawn)


def calls_needed(flow: Flow) -> tuple[int, int]:
    """Return (log1p, exp) calls for each scenario, each law called as written.

    One exp for every test and one for the door; one log1p for each clustered group that a screen
    sees; for a harvested group two shifts and ln q, and where a test has decided on its blocks
    before, the two of F with one more exp (see ``physics/harvesting.py``).
    """
    seen = screens(flow)
    groups = [*seen.tests.values(), seen.door]
    needed = [_of_term(term) for terms in groups for term in terms]
    logs, exps = (sum(column) for column in zip(*needed, strict=True))
    return logs, exps + len(groups)


def _of_term(term: Term) -> tuple[int, int]:
    if all(is_zero(looked_at) for _, _, looked_at in term.parts):
        return 0, 0
    if clustering(term.law) is not None:
        return 1, 0
    if term.law.name == "harvest" and term.law.alpha is not None:
        return (5, 2) if term.met is True else (3, 1)
    return 0, 0


def _million(effort: Effort) -> Task:
    flow = b200_flow()
    batch = varied(flow, 5_000 if effort.small else SCENARIOS)
    tops = [(np.asarray(value), float(np.max(value))) for value in batch.numbers()]
    inputs = [value / top for value, top in tops if value.ndim and top > 0.0]
    return Task(lambda: evaluate(batch, details=False), calls(*calls_needed(flow), inputs))


def _two_threads(effort: Effort) -> Task:
    batch = varied(b200_flow(), 70_000 if effort.small else SCENARIOS)

    def run(threads: int) -> None:
        evaluate(batch, details=False, threads=threads)

    return Task(lambda: run(2), lambda: run(1), wall=True)


def _point(effort: Effort) -> Task:
    flow = b200_flow()
    return Task(lambda: evaluate(flow))


WORKS = (
    Work("evaluate 1e6 scenarios over bare log1p and exp", "x", 1.5, _million),
    Work("evaluate 1e6 scenarios, two threads over one", "x", 1.0 / 1.4, _two_threads),
    Work("evaluate one point", "us", 150.0, _point),
)
