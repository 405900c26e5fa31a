r"""What shares alone forbid: periods in which nothing of a product can be made, at any price.

With x_s good packages in each slot of a product and its share rows A x ≤ b (all b are 0, so sums of
plans that keep them keep them):

    max Σ_t z_t ,   z_t ≤ Σ_{s in t} x_s ,   z_t ≤ 1 ,   A x ≤ 0 ,   x ≥ 0

is the number of periods in which something can be made; z_t is 0 in all others.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from yieldopt.optimize.backends import LinearProgram, backend
from yieldopt.planning.master import Master

_NONE = 0.5  # z is 0 or 1


def blocked_by_shares(
    master: Master, made: NDArray[np.float64], unmet: NDArray[np.float64]
) -> list[str]:
    """Return a line for each product of which shares let nothing be made where demand is unmet.

    Each names shares of which none can be left out.

    Parameters
    ----------
    master
        The programme of the plan.
    made, unmet
        Good packages by product and period.
    """
    setting = master.setting
    lines: list[str] = []
    if not setting.case.shares:
        return lines
    for number, product in enumerate(setting.products):
        none = (unmet[number] > 0.0) & (made[number] <= 0.0)
        asked = [int(t) for t in np.flatnonzero(none)]
        shares = _shares(master, number)
        blocked = _blocked(master, number, asked, shares) if shares and asked else []
        if not blocked:
            continue
        for share in tuple(shares):
            fewer = [name for name in shares if name != share]
            if set(blocked) <= set(_blocked(master, number, asked, fewer)):
                shares = fewer
        names = ", ".join(shares)
        head = f"shares {names} together let" if len(shares) > 1 else f"share {names} lets"
        periods = ", ".join(setting.case.periods[t] for t in blocked)
        when = "" if len(blocked) == setting.periods else f" in {periods}"
        lines.append(f"{head} nothing be made of {product.shape.name}{when}")
    return lines


def _shares(master: Master, product: int) -> list[str]:
    """Return the names of the shares that a product is under."""
    rows = master.programme.row_indices("share")
    return list(dict.fromkeys(str(key[0]) for key in rows if key[1] == product))


def _blocked(
    master: Master, product: int, asked: Sequence[int], shares: Collection[str]
) -> list[int]:
    """Return in which of some periods shares let nothing be made of a product.

    A period without a line that could make it is not the shares' doing.
    """
    setting, programme = master.setting, master.programme
    slots = setting.slots(product)
    asked = [t for t in asked if len(setting.slots(product, t))]
    found = programme.row_indices("share").items()
    kept = [row for key, row in found if key[1] == product and key[0] in shares]
    row_at = {row: at for at, row in enumerate(kept)}
    column_at = {int(slot): at for at, slot in enumerate(slots)}
    mine = np.flatnonzero(np.isin(programme.entry_row, kept))
    cells: dict[tuple[int, int], float] = defaultdict(float)
    entries = zip(programme.entry_row[mine], programme.entry_slot[mine], strict=True)
    for (row, slot), factor in zip(entries, programme.entry_factor[mine], strict=True):
        cells[row_at[int(row)], column_at[int(slot)]] += float(factor)
    for at, t in enumerate(asked, len(kept)):
        cells[at, len(slots) + at - len(kept)] = -1.0
        cells |= {(at, column_at[int(slot)]): 1.0 for slot in setting.slots(product, t)}
    width, height = len(slots) + len(asked), len(kept) + len(asked)
    lp = LinearProgram(
        np.repeat([0.0, -1.0], [len(slots), len(asked)]),
        np.array([row for row, _ in cells], np.intp),
        np.array([column for _, column in cells], np.intp),
        np.array(list(cells.values()), float),
        np.append(programme.row_lower[kept], np.zeros(len(asked))),
        np.append(programme.row_upper[kept], np.full(len(asked), np.inf)),
        ("",) * height,
        ("",) * width,
        np.zeros(width),
        np.repeat([np.inf, 1.0], [len(slots), len(asked)]),
    )
    reached = backend("highs")(lp).x[len(slots) :]
    return [t for t, value in zip(asked, reached, strict=True) if value < _NONE]
