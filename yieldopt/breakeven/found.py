"""What a search for break-even values gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from yieldopt.plan import Recipe, Status
from yieldopt.shown import Shown


@dataclass(frozen=True)
class Crossing:
    """A value at which one route takes over from the other.

    Parameters
    ----------
    value
        Of the varied input, in its own unit.
    cost_per_good_usd
        Of each route there [USD per good package]; the same, but at a jump.
    cheaper_below, cheaper_above
        The routes that are cheaper on either side.
    is_jump
        The costs never meet: one of them jumps over the other, where a DPPM limit changes the plan
        or a body more or less fits a wafer.
    recipes
        What is done at the value, by route.
    not_below
        It lies between that and ``value``: 1e-7 of it apart, 1e-20 of the range where it nears 0,
        or more where time ended or a route cannot be taken in between.
    """

    value: float
    cost_per_good_usd: Mapping[str, float]
    cheaper_below: str
    cheaper_above: str
    is_jump: bool
    recipes: Mapping[str, Recipe]
    not_below: float


@dataclass(frozen=True)
class BreakEven(Shown):
    """All crossings in a range, and the costs at its ends.

    Parameters
    ----------
    key, product, routes
        What was asked.
    low, base, high
        Range, and the value in the case.
    costs
        By route at low, base and high [USD per good package]; ``None``: the route cannot be taken,
        or is ``stopped`` there.
    crossings
        By rising value.
    stopped
        By route at low, base and high: whether time ended before a plan was found; none was ruled
        out.
    not_known
        Values of the scan at which time ended so: around them crossings may be missing.
    gap
        How much better other levels may be than those compared, relative, at most; ``None``
        without any plan.
    status
        Optimal; feasible where time ended before the end of the scan or the proof of a plan; or
        unknown, where it ended before both routes were known at one value.
    reasons
        Of an unknown answer.
    scan
        Every value looked at, rising, with the cost of the first and the second route there [USD
        per good package]; ``None``: the route cannot be taken, or time ended.
    """

    key: str
    product: str
    routes: tuple[str, str]
    low: float
    base: float
    high: float
    costs: Mapping[str, tuple[float | None, float | None, float | None]]  # at low, base, high
    crossings: tuple[Crossing, ...]
    stopped: Mapping[str, tuple[bool, bool, bool]]
    not_known: tuple[float, ...]
    gap: float | None
    status: Status
    reasons: tuple[str, ...] = ()
    scan: tuple[tuple[float, float | None, float | None], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)
