r"""Limits on the use of resources per good package, in every scenario.

The use U_s of a resource in scenario s is a sum of J_s's form with other numbers before Π E. A plan
that keeps U_s ≤ u everywhere keeps it in any one scenario, and costs no less than with a price π:

    Σ w_s·J_s ≥ Σ w_s·(J_s + π·U_s) − π·u     for weights of sum 1.

With starts fixed J_s + π·U_s is set against q + π·u in Dinkelbach's difference, which then bounds
the same from below. So every price gives a bound of the kind that there is without limits.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from yieldopt.optimize.robust_stack import Stacked, Used

Array = NDArray[np.float64]
_TINY = 1e-12  # units: what is not used at all has some price
_PRICES = (0.1, 0.3, 1.0, 3.0, 10.0)  # as multiples of J over what may be used


def impossible(block: Stacked) -> NDArray[np.bool_]:
    """Return the trunk combinations whose plans all use too much in some scenario, (T,).

    Every factor takes its least value by itself: no plan uses less.
    """
    out = np.zeros(len(block.base), bool)
    if not block.uses:
        return out
    log_e = sum((e.min(axis=1) for e in block.log_e), np.zeros_like(block.base))
    pulled = np.exp(log_e)
    for use in block.uses:
        least = use.base.copy()
        for gap, load in zip(block.gap, use.load, strict=True):
            least[:, :, gap] += load.min(axis=1)
        out |= ((least * pulled).sum(axis=2) > use.allowed * (1.0 + 1e-12)).any(axis=1)
    return out


def at_prices(block: Stacked, prices: Array) -> tuple[Stacked, float]:
    """Return the scenarios with J + Σ π·U in the place of J, and Σ π·u."""
    base, load = block.base, block.load
    for price, use in zip(prices, block.uses, strict=True):
        base = base + price * use.base
        load = tuple(k + price * more for k, more in zip(load, use.load, strict=True))
    allowed = sum(price * use.allowed for price, use in zip(prices, block.uses, strict=True))
    return replace(block, base=base, load=load), float(allowed)


def price_ladder(block: Stacked) -> Iterator[Array]:
    """Yield prices of the resources to try, (R,): of each alone, and of all together."""
    usual = [
        float(np.median(_first_plans(replace(block, base=use.base, load=use.load))))
        for use in block.uses
    ]
    value = float(np.median(_first_plans(block))) if usual else 0.0
    most = [max(use.allowed, used, _TINY) for use, used in zip(block.uses, usual, strict=True)]
    unit = value / np.array(most)
    alone = [row for row in np.eye(len(unit)) if len(unit) > 1]
    for share in _PRICES if len(unit) else ():
        for some in (*alone, np.ones(len(unit))):
            yield share * unit * some


def scarcest(block: Stacked, use: Used) -> Stacked:
    """Return one scenario alone, U in the place of J: where the first plans use most."""
    s = int(np.argmax(_first_plans(replace(block, base=use.base, load=use.load)).max(axis=0)))
    one = slice(s, s + 1)
    return Stacked(
        tuple(e[:, :, one] for e in block.log_e),
        tuple(k[:, :, one] for k in use.load),
        block.gap,
        use.base[:, one],
        tuple(q[:, :, one] for q in block.log_q),
        block.log_q_trunk[:, one],
        (),
        np.zeros((len(use.base), 1)),
    )


def _first_plans(block: Stacked) -> Array:
    """Return J of the first plan of each trunk combination by scenario, (T, S)."""
    return block.scores(np.zeros((len(block.base), len(block.log_e)), dtype=np.intp)).value
