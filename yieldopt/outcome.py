"""What a flow gives when it is evaluated."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from yieldopt.physics.yields import Value
from yieldopt.shown import Shown


@dataclass(frozen=True, slots=True)
class Outcome(Shown):
    """What a flow gives; every number is a float or an (n,) array.

    Parameters
    ----------
    cost_per_shipped_usd, cost_per_good_usd
        Spend per shipped package and per truly good one [USD]; inf when nothing can pass.
    quality
        Q, the fraction of shipped packages that are good.
    dppm
        10⁶·(1−Q), bad packages per million shipped.
    visits
        Charged runs of each ``"node/step"`` per shipped package.
    uses
        Resource use per shipped package, by resource.
    waterfall_usd
        Cost per good package by category, and ``scrap``; sums to ``cost_per_good_usd``.
    blocked
        The ``"node/step"`` that nothing passes (in any element of the batch), else ``None``.

    Examples
    --------
    >>> from yieldopt import Faults, Flow, Node, Step, evaluate
    >>> fab = Step("fab", "process", 100.0, faults={"logic": Faults(0.5)})
    >>> sort = Step("sort", "test", 5.0, coverage={"logic": 0.95})
    >>> outcome = evaluate(Flow("die", (Node("die", steps=(fab, sort)),)))
    >>> round(outcome.cost_per_good_usd, 2), round(outcome.dppm)  # USD per good die, ppm
    (173.12, 24690)
    >>> round(outcome.visits["die/fab"], 3)  # dies made for one shipped
    1.608
    """

    cost_per_shipped_usd: Value
    cost_per_good_usd: Value
    quality: Value
    dppm: Value
    visits: Mapping[str, Value]
    uses: Mapping[str, Value]
    waterfall_usd: Mapping[str, Value]
    blocked: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain numbers and lists; ``None`` where nothing can pass.

        Examples
        --------
        >>> from yieldopt import Flow, Node, Step, evaluate
        >>> die = Node("die", steps=(Step("fab", "process", 100.0, scrap=0.2),))
        >>> evaluate(Flow("die", (die,))).to_dict()["cost_per_good_usd"]
        125.0
        """
        return {
            "cost_per_shipped_usd": _plain(self.cost_per_shipped_usd),
            "cost_per_good_usd": _plain(self.cost_per_good_usd),
            "quality": _plain(self.quality),
            "dppm": _plain(self.dppm),
            "waterfall_usd": _plain_map(self.waterfall_usd),
            "visits": _plain_map(self.visits),
            "uses": _plain_map(self.uses),
        } | ({"blocked": self.blocked} if self.blocked else {})


def _plain(value: Value) -> Any:
    if np.ndim(value) == 0:
        return float(value) if math.isfinite(value) else None
    held: list[float] = np.asarray(value).tolist()
    return held if np.all(np.isfinite(value)) else [x if math.isfinite(x) else None for x in held]


def _plain_map(table: Mapping[str, Value]) -> dict[str, Any]:
    return {name: _plain(value) for name, value in table.items()}
