"""Who is guilty: the scrap of a flow by the component or step that caused it.

Every physical unit's spend is counted once, where the unit ends: shipped, or lost at the step that
stops it. What is lost there is shared over the fault groups by their parts of −ln pass, in which
independent causes add up.
"""

from __future__ import annotations

import math

from yieldopt.engine import evaluate
from yieldopt.errors import CaseError
from yieldopt.flow import Flow, Node, Step
from yieldopt.screening import Screens, log_pass, screens

OVERKILL = " (overkill)"  # after the name of a test that is guilty of rejecting good units


def scrap_ledger(flow: Flow) -> dict[str, float]:
    """Return the scrap of a flow by cause, largest first [USD per good package].

    Parameters
    ----------
    flow
        A flow of scalars.

    Returns
    -------
    dict
        By ``"node/step"`` that left the faults or scraps visibly, and
        ``"node/step (overkill)"``. The values sum to the waterfall's ``scrap``.

    Raises
    ------
    CaseError
        A flow of arrays; a flow that nothing passes.

    Notes
    -----
    With n the units that pass a step per shipped package, P its chance to pass, R what was spent
    on one physical unit before it and f·c what a failing unit is charged, n·(1/P − 1)·(R + f·c) is
    lost at the step; bad packages that ship lose R·(1 − Q)/Q at the door. The sum is the cost per
    good package less that of a line without loss: each unit's spend is counted where it ends.

    Examples
    --------
    >>> from yieldopt.flow import Faults
    >>> fab = Step("fab", "process", 100.0, faults={"logic": Faults(0.5)})
    >>> cp = Step("cp", "test", 2.0, coverage={"logic": 0.9}, overkill=0.01)
    >>> ledger = scrap_ledger(Flow("die", (Node("die", steps=(fab, cp)),)))
    >>> {cause: round(usd, 2) for cause, usd in ledger.items()}
    {'die/fab': 66.5, 'die/cp (overkill)': 1.37}
    """
    if flow.size is not None:
        raise CaseError("the ledger takes a flow of scalars")
    out = evaluate(flow)
    if out.blocked:
        raise CaseError(f"nothing can pass {out.blocked}")
    lost: dict[str, float] = {}
    spent = _lost_at_steps(flow, lost)
    quality = float(out.quality)
    lost = {cause: usd / quality for cause, usd in lost.items()}
    seen = screens(flow)
    escaped = {term.origin: -_log(seen, None, term.origin) for term in seen.door}
    _share(lost, escaped, spent * (1.0 - quality) / quality)
    return dict(sorted(lost.items(), key=lambda item: -item[1]))


def _lost_at_steps(flow: Flow, lost: dict[str, float]) -> float:
    """Book what every step loses per shipped package; return the spend on one shipped unit."""
    seen = screens(flow)
    passed = _passed(flow, seen)
    spent: dict[str, float] = {}
    for at, node in enumerate(flow.nodes):
        total = sum(item.count * spent.pop(item.node) for item in node.inputs)
        for index, step in enumerate(node.steps):
            causes = _causes(node, step, seen, (at, index))
            log_p = -sum(causes.values())
            share = float(step.fail_cost_fraction) if step.kind == "test" else 1.0
            failing = passed[at, index] * math.expm1(-log_p)
            _share(lost, causes, failing * (total + share * float(step.cost_usd)))
            total += float(step.cost_usd)
        spent[node.name] = total
    return spent[flow.ship]


def _causes(node: Node, step: Step, seen: Screens, place: tuple[int, int]) -> dict[str, float]:
    """Return −ln pass of a step by cause."""
    name = f"{node.name}/{step.name}"
    if step.kind == "process":
        return {name: -math.log1p(-float(step.scrap))} if step.scrap else {}
    origins = dict.fromkeys(term.origin for term in seen.tests[place])
    causes = {origin: -_log(seen, place, origin) for origin in origins}
    if step.overkill:
        causes[f"{name}{OVERKILL}"] = -math.log1p(-float(step.overkill))
    return causes


def _log(seen: Screens, place: tuple[int, int] | None, origin: str) -> float:
    terms = seen.door if place is None else seen.tests[place]
    own = tuple(term for term in terms if term.origin == origin)
    return float(log_pass(own, lambda value: value))


def _passed(flow: Flow, seen: Screens) -> dict[tuple[int, int], float]:
    """Return the units that pass each step per shipped package."""
    after = {flow.ship: 1.0}
    passed: dict[tuple[int, int], float] = {}
    for at in range(len(flow.nodes) - 1, -1, -1):
        node = flow.nodes[at]
        units = after.pop(node.name)
        for index in range(len(node.steps) - 1, -1, -1):
            passed[at, index] = units
            units *= math.exp(sum(_causes(node, node.steps[index], seen, (at, index)).values()))
        for item in node.inputs:
            after[item.node] = units * item.count
    return passed


def _share(lost: dict[str, float], causes: dict[str, float], usd: float) -> None:
    total = sum(causes.values())
    for cause, part in causes.items():
        if part > 0.0:
            lost[cause] = lost.get(cause, 0.0) + usd * part / total
