r"""Limits that say whether a line is open, made as tight as what is scarce allows.

A decision that opens a line lets through U packages, Σ_r x_rt ≤ U_t·open. Whole, any large U will
do; in the linear programme a part of the decision lets through that part of U, so the bound is the
better the smaller U is. No plan makes more than the demand it could serve, nor more than

    min_k (capacity_kt + lumps + offers) / min_r uses_rk
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from yieldopt.planning.master import OPENING
from yieldopt.planning.pools import Pool
from yieldopt.planning.setting import Setting
from yieldopt.planning.sheet import USES, Array, Programme

_ROUNDING = 1e-9  # of U


def tightened(setting: Setting, programme: Programme) -> Programme:
    """Return a programme of the same plans with a linear programme that is nearer to them.

    Parameters
    ----------
    setting, programme
        What there is to decide, and its programme. Limits of capacity may not be moved in what is
        returned: the rows of lines count on them.
    """
    values, capacity = programme.values.copy(), _capacity(setting)
    pools = {(p.product, p.line.name, t): p for p in setting.pools for t in p.periods}
    for row in np.flatnonzero([kind in OPENING for kind in programme.row_kinds]):
        product, line, t = programme.row_keys[row]
        own = programme.rows_of == row
        if own.any():
            most = -float(values[own].min())
            least = _most(pools[product, line, t], capacity[:, t], most)
            values[own] = -min(most, least * (1.0 + _ROUNDING))
    there = values != 0.0
    rows, columns = programme.rows_of[there], programme.columns_of[there]
    return replace(programme, rows_of=rows, columns_of=columns, values=values[there])


def _most(pool: Pool, capacity: Array, served: float) -> float:
    """Return the most packages that capacity allows, where that is less than are served."""
    known = pool.features[:, USES:].min(axis=0, initial=np.inf)
    short = np.zeros(pool.width, bool)
    short[USES:] = known * served > capacity
    uses = pool.least(short)[USES:]
    asked = short[USES:] & (uses > 0.0)
    return float((capacity[asked] / uses[asked]).min(initial=np.inf))


def _capacity(setting: Setting) -> Array:
    """Return all that there may be of each resource, (resources, periods)."""
    case, periods = setting.case, setting.periods
    out = np.array([r.capacity.over(periods) for r in case.resources], float).reshape(-1, periods)
    for lump in case.expansions:
        at = setting.resource_number[lump.resource]
        out[at, lump.lead_time_periods :] += lump.most * lump.amount_per_period
        out[at] += lump.amount_per_period * np.array(lump.standing(periods))
    for offer in case.reservations:
        out[setting.resource_number[offer.resource]] += offer.capacity.over(periods)
    return out
