"""What is said of a flow that lets nothing through, or nothing good: costs inf, quality 0."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from yieldopt.errors import CaseError
from yieldopt.flow import Flow, Outcome
from yieldopt.physics.elementary import choose
from yieldopt.physics.yields import Value
from yieldopt.walk import Walk

_HOPELESS = 1e100  # the step of least pass among several that together let nothing through


def mended(walk: Walk, out: Outcome) -> Outcome:
    """Return an outcome as it is if good packages come out in every element, else mended.

    In the elements where none does, costs are inf and the quality is 0; the step that nothing
    passes is named.

    Raises
    ------
    CaseError
        Where units do pass and only their cost is beyond a double.
    """
    if _fine(out):
        return out
    blocked = _blocked(walk, out)
    fine = np.isfinite(out.cost_per_good_usd) & (out.quality > 0.0)

    def infinite(table: Mapping[str, Value]) -> dict[str, Value]:
        return {name: choose(np.isnan(value), np.inf, value) for name, value in table.items()}

    return Outcome(
        choose(fine, out.cost_per_shipped_usd, np.inf),
        choose(fine, out.cost_per_good_usd, np.inf),
        choose(fine, out.quality, 0.0),
        choose(fine, out.dppm, 1e6),
        infinite(out.visits),
        infinite(out.uses),
        infinite(out.waterfall_usd),
        blocked,
    )


def _fine(out: Outcome) -> bool:
    """Whether every element has good packages and a finite number of runs behind each."""
    per_good, quality, visits = out.cost_per_good_usd, out.quality, out.visits.values()
    if not isinstance(per_good, np.ndarray):  # then nothing else varies that counts here
        return bool(quality > 0.0) and math.isfinite(per_good) and all(map(math.isfinite, visits))
    # A quality of 0 makes the cost inf or NaN, and so the sum.
    good = math.isfinite(per_good.sum()) or bool(np.isfinite(per_good).all())
    return good and all(bool(np.isfinite(runs).all()) for runs in visits)


def _blocked(walk: Walk, out: Outcome) -> str:
    """Name the step that nothing passes; where only all steps together let nothing through,
    the one that lets the least.
    """
    flow, least = walk.flow, walk.largest_inverses()
    worst = max(least, key=lambda place: least[place], default=None)
    endless = [place for place, inverse in least.items() if not np.isfinite(inverse)]
    if not endless and not np.all(np.asarray(out.quality) > 0):
        return _door_name(flow)
    if worst is None or least[worst] == 1.0 or (not endless and least[worst] < _HOPELESS):
        raise CaseError("a cost is too large for a double: check the costs of the flow")
    at, index = endless[0] if endless else worst
    return walk.names[at][index]


def _door_name(flow: Flow) -> str:
    steps = next(node.steps for node in flow.nodes if node.name == flow.ship)
    return f"{flow.ship}/{steps[-1].name}" if steps else f"{flow.ship}/(shipping)"
