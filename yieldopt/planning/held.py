r"""A plan with its whole decisions held: what its value is when sides of rows move.

With lines entered, lumps, runs and programmes held, the value over every recipe is a convex,
piecewise linear function of the sides of the rows, and the duals are its slopes (Dantzig 1963,
ch. 12). A side moves by a fixed value of the row's artificial column, so the basis is kept from
one point to the next.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from yieldopt.planning.generation import Relaxed, relax
from yieldopt.planning.master import Master, Node
from yieldopt.planning.nearby import relax_near
from yieldopt.planning.sheet import Array, Programme

_MADE = 1e-9  # of a product's packages: less is rounding
_OPENING = ("run", "qualified")  # rows that open a line: no limit once it is open


@dataclass(frozen=True)
class Shift:
    """What moves, by one unit of the shift: sides of rows, upper bounds of columns."""

    rows: Mapping[int, float]
    uppers: Mapping[int, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Point:
    """The optimum at a shift.

    Parameters
    ----------
    value, slope
        Least cost [USD, discounted], and its change with one unit more of the shift. Where no
        plan keeps the rows, by how much they are broken.
    relaxed
        The solution and the duals; ``None`` where there is none.
    """

    value: float
    slope: float
    relaxed: Relaxed | None


def held_node(master: Master, x: Array) -> Node:
    """Return the node in which the whole decisions of a plan are held.

    A product with one programme a line keeps its levels there; on lines where it makes nothing it
    goes on making nothing, since which programme they would have is not decided.
    """
    columns = master.programme.columns
    bounds = {
        at: (float(round(x[at])),) * 2 for at, column in enumerate(columns) if column.integral
    }
    setting, made = master.setting, master.fill(x)
    single = {n for n, product in enumerate(setting.products) if product.shape.one_programme}
    most: dict[tuple[int, str], tuple[float, Mapping[str, str]]] = {}
    menus: dict[tuple[int, str], dict[str, tuple[str, ...]]] = {}
    for number, pool in enumerate(setting.pools):
        key = (pool.product, pool.line.name)
        if pool.product not in single:
            continue
        dust = _MADE * float(setting.products[pool.product].demand.sum())
        for at in np.flatnonzero(setting.slot_pool[master.slot[: len(made)]] == number):
            if made[at] > most.get(key, (dust, {}))[0]:
                most[key] = (made[at], pool.recipes[int(master.recipe[at])].levels)
        if key in most:
            menus[key] = {place: (level,) for place, level in most[key][1].items()}
        else:
            menus[key] = dict.fromkeys(pool.recipes[0].levels if pool.recipes else (), ())
    return Node(bounds, menus)


def count_broken(master: Master, weights: Array) -> None:
    """Let every row break, and count that alone: a unit of each at its weight."""
    master.phase_one = True
    master.opened = np.ones(2 * len(weights), bool)
    before, after = np.zeros(master.decisions), np.zeros(len(master.slot))
    master.session.price(np.concatenate([before, weights, weights, after]))


def broken_weights(programme: Programme) -> Array:
    """Return what a unit by which each row is broken counts, (rows,): packages, but for money."""
    return np.array([1e-4 if kind == "budget" else 1.0 for kind in programme.row_kinds])


class Held:
    """The programme of a plan at a node that holds its whole decisions, solved by HiGHS."""

    def __init__(self, master: Master, node: Node) -> None:
        self.node = self.now = node
        self.programme = _opened(master.programme, node)
        self.master = Master(master.setting, self.programme, "highs")
        self.master.add(master.slot, master.recipe)
        packages = sum(float(p.demand.sum()) for p in master.setting.products)
        self.tolerance = 1e-9 * max(1.0, packages)  # by which rows may be broken
        self.proved: Array | None = None  # prices at which no recipe is wanted, (slots, features)
        self.base = self.at()
        if self.base.relaxed is None:
            raise TypeError("there is no plan to hold")
        self.duals, self.x = self.base.relaxed.duals, self.base.relaxed.x
        self.proved = self.programme.prices(self.duals)

    def at(
        self, shift: Shift | None = None, amount: float = 0.0, node: Node | None = None
    ) -> Point:
        """Return the optimum where sides have moved by an amount, over every recipe.

        ``node``: with other decisions than those of the plan.
        """
        shift, self.now = shift or Shift({}), node or self.node
        self._go(shift, amount, broken=False)
        found = self._relaxed()
        if found is not None:
            return Point(found.value, self.slope(shift, found.duals), found)
        counted = self._go(shift, amount, broken=True)
        found = relax(self.master)
        if found is None:
            raise TypeError("artificial columns keep every row")
        missing, slope = found.value - counted, self.slope(shift, found.duals, 0.0)
        if missing <= self.tolerance:  # recipes that were found on the way may keep the rows
            self._go(shift, amount, broken=False)
            again = self._relaxed()
            if again is not None:
                return Point(again.value, self.slope(shift, again.duals), again)
        return Point(missing, slope, None)

    def _relaxed(self) -> Relaxed | None:
        """Solve over every recipe; near the plan only where some price fell."""
        if self.proved is None or self.now.menus != self.node.menus:
            return relax(self.master)
        return relax_near(self.master, self.proved)

    def known(self, shift: Shift, amount: float) -> Point | None:
        """Return the optimum at a shift over the recipes that are known, ``None`` if none is.

        Nothing is priced: the value is no less than over every recipe.
        """
        self.now = self.node
        self._go(shift, amount, broken=False)
        found = self.master.solve()
        if found is None:
            return None
        relaxed = Relaxed(found.objective, -np.inf, found.x, found.duals)
        return Point(relaxed.value, self.slope(shift, relaxed.duals), relaxed)

    def slope(self, shift: Shift, duals: Array, money: float = 1.0) -> float:
        """Return the change of the value with one unit of a shift, at duals."""
        total = sum(float(duals[row]) * by for row, by in shift.rows.items())
        held = self.programme
        for column, by in shift.uppers.items():
            own = held.columns_of == column
            worth = float(duals[held.rows_of[own]] @ held.values[own])
            total += min(0.0, money * float(held.cost[column]) - worth) * by
        return total

    def _go(self, shift: Shift, amount: float, broken: bool) -> float:
        """Move the sides; return what the moves themselves count where breaking is counted."""
        master, rows = self.master, len(self.programme.row_lower)
        master.set_phase(False)
        if broken:
            count_broken(master, broken_weights(self.programme))
        master.go_to(self.now)
        weights, counted = broken_weights(self.programme), 0.0
        for row, by in shift.rows.items():
            moved = by * amount
            low = np.array([max(-moved, 0.0), max(moved, 0.0)])
            both = np.array([row, row + rows], np.intp) + master.decisions
            master.session.bound(both, low, np.full(2, np.inf) if broken else low)
            counted += float(weights[row]) * abs(moved)
        for column, by in shift.uppers.items():
            own = self.programme.columns[column]
            most = max(own.lower, own.upper + by * amount)
            at = np.array([column], np.intp)
            master.session.bound(at, np.array([own.lower]), np.array([most]))
        return counted


def _opened(programme: Programme, node: Node) -> Programme:
    """Return the programme without limits that only say that an open line is open."""
    upper = programme.row_upper.copy()
    for row, kind in enumerate(programme.row_kinds):
        own = programme.columns_of[programme.rows_of == row] if kind in _OPENING else ()
        if any(node.bounds[int(column)][0] > 0.5 for column in own):
            upper[row] = np.inf
    return replace(programme, row_upper=upper)


def closed_by(held: Held, product: int, line: str, period: int) -> str | None:
    """Return the kind of decision that keeps a product off a line in a period, if one does."""
    for kind in ("qualified", "run"):
        row = held.programme.row_indices(kind).get((product, line, period))
        if row is not None and np.isfinite(held.programme.row_upper[row]):
            return kind
    return None


def without_opening(programme: Programme, duals: Array) -> Array:
    """Return duals without the worth of opening a line, of runs and of least lots."""
    kinds = (*_OPENING, "lot")
    return np.where([kind in kinds for kind in programme.row_kinds], 0.0, duals)
