"""Where the bad packages that ship come from: the DPPM of a flow by origin and fault class.

The twin of the scrap ledger at the door: −ln Q is a sum over fault groups, so each group's part of
it is that group's part of the DPPM.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from yieldopt.engine import evaluate
from yieldopt.errors import CaseError
from yieldopt.flow import Flow
from yieldopt.screening import Term, latent_groups, log_pass, screens


@dataclass(frozen=True, slots=True)
class EscapeSource:
    """One source of escapes.

    Parameters
    ----------
    origin
        ``"node/step"`` that left the faults (of a test: its damage).
    fault_class
        Their class.
    unseen_per_shipped
        Mean number of its faults that no test has looked at, m·λ·ω [faults per shipped package].
    dppm
        Its part of the bad packages per million shipped.
    share
        The same as a fraction of the plan's DPPM.
    """

    origin: str
    fault_class: str
    unseen_per_shipped: float
    dppm: float
    share: float


def dppm_budget(flow: Flow) -> tuple[EscapeSource, ...]:
    """Return the DPPM of a flow by source, largest first.

    Parameters
    ----------
    flow
        A flow of scalars.

    Returns
    -------
    tuple of EscapeSource
        The ``dppm`` sum to the plan's DPPM, to rounding. Sources without escapes are left out.

    Raises
    ------
    CaseError
        A flow of arrays; a flow that nothing passes.

    Notes
    -----
    Q = Π_g [S_g(κ+ω)/S_g(κ)]^m over the fault groups, so −ln Q = Σ_g q_g. A group's part of the
    DPPM is 10⁶·(1−Q)·q_g/Σq. Classes of one cluster share their group's part by their unseen mass
    λ·ω, which is how many of its faults ship on average.

    Examples
    --------
    >>> from yieldopt.flow import Faults, Node, Step
    >>> fab = Step("fab", "process", 100.0, faults={"logic": Faults(0.5), "io": Faults(0.1)})
    >>> cp = Step("cp", "test", 2.0, coverage={"logic": 0.99, "io": 0.9})
    >>> budget = dppm_budget(Flow("die", (Node("die", steps=(fab, cp)),)))
    >>> [(row.origin, row.fault_class, round(row.dppm)) for row in budget]
    [('die/fab', 'io', 9925), ('die/fab', 'logic', 4963)]
    """
    if flow.size is not None:
        raise CaseError("the DPPM budget takes a flow of scalars")
    blocked = evaluate(flow, details=False).blocked
    if blocked:
        raise CaseError(f"nothing can pass {blocked}")
    parts = [part for part in _parts(flow) if part[3] > 0.0]
    total = math.fsum(part[3] for part in parts)
    dppm = -1e6 * math.expm1(-total)
    rows = [
        EscapeSource(origin, name, unseen, dppm * part / total, part / total)
        for origin, name, unseen, part in parts
    ]
    return tuple(sorted(rows, key=lambda row: -row.dppm))


def _parts(flow: Flow) -> Iterator[tuple[str, str, float, float]]:
    """Yield (origin, class, unseen faults, part of −ln Q), groups in the order of the door."""
    names = {
        f"{node.name}/{step.name}": iter([tuple(g.classes) for g in latent_groups(step.faults)])
        for node in flow.nodes
        for step in node.steps
    }
    for term in screens(flow).door:
        part = -float(log_pass((term,), lambda value: value))
        classes = next(names[term.origin])  # a step's groups stay in order up to the door
        for name, mass, share in zip(classes, _masses(term), _shares(term), strict=True):
            yield term.origin, name, term.count * mass, part * share


def _masses(term: Term) -> list[float]:
    return [float(mean) * float(unseen) for mean, _, unseen in term.parts]


def _shares(term: Term) -> list[float]:
    total = sum(_masses(term))
    return [mass / total if total > 0.0 else 0.0 for mass in _masses(term)]
