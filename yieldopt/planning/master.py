"""The master programme: decisions, and a column for each recipe in each slot that it may fill."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from yieldopt.optimize.backends import LinearProgram, LpAnswer
from yieldopt.optimize.rules import Menus
from yieldopt.planning.session import session
from yieldopt.planning.setting import Setting
from yieldopt.planning.sheet import MONEY, Array, Index, Programme

OPENING = ("qualified", "run")  # kinds of rows that say whether a line is open
_OPEN = 0.5  # a decision fixed above this is taken
_ROUNDING = 1e-9  # of all packages: by which a row that is let off may miss what it is let off


@dataclass(frozen=True)
class Node:
    """What is fixed: bounds of decisions by column, menus by product and line."""

    bounds: Mapping[int, tuple[float, float]] = field(default_factory=dict)
    menus: Mapping[tuple[int, str], Menus] = field(default_factory=dict)


class Master:
    """The programme in a session, its recipe columns, and what is open in it.

    Columns stand in this order: decisions, two artificial ones a row (which make it hold at a
    price when nothing is feasible), recipes as they come.
    """

    def __init__(self, setting: Setting, programme: Programme, solver: str) -> None:
        self.setting, self.programme = setting, programme
        self.session = session(programme.row_lower, programme.row_upper, solver)
        self.slot = np.empty(0, np.intp)  # of each recipe column
        self.recipe = np.empty(0, np.intp)  # its number in the pool of the slot
        self.filled: set[tuple[int, int]] = set()
        self.features = np.empty((0, programme.features))
        self.nonzeros: list[tuple[Index, Index, Array]] = []  # of recipes: rows, columns, values
        self.node = Node()
        self.phase_one = False
        self.opened = np.zeros(2 * len(programme.row_lower), bool)  # artificial columns in use
        order = np.argsort(programme.entry_slot, kind="stable")
        self._row = programme.entry_row[order]
        self._feature = programme.entry_feature[order]
        self._factor = programme.entry_factor[order]
        counts = np.arange(len(setting.slot_pool) + 1)
        self._start = np.searchsorted(programme.entry_slot[order], counts)
        self.packages = max(1.0, sum(float(p.demand.sum()) for p in setting.products))
        self.broken = _weights(programme, self.packages)
        self._begin()

    @property
    def decisions(self) -> int:
        """Number of columns that are decisions."""
        return len(self.programme.columns)

    @property
    def first_recipe(self) -> int:
        """Number of the first recipe column."""
        return self.decisions + 2 * len(self.programme.row_lower)

    def _begin(self) -> None:
        held, rows = self.programme, np.arange(len(self.programme.row_lower))
        self.session.add(held.cost, held.rows_of, held.columns_of, held.values)
        ones = np.ones(len(rows))
        both = np.concatenate([rows, rows])
        zero = np.zeros(2 * len(rows))
        self.session.add(zero, both, np.arange(2 * len(rows)), np.concatenate([ones, -ones]))
        self._bound_all()

    def _bound_all(self) -> None:
        """Set every bound: of decisions by the node, of artificial columns by the phase."""
        self.session.bound(np.arange(self.decisions), *self.bounds(self.node))
        self._open(self.opened)
        top = np.where(self._allowed(self.slot, self.recipe), np.inf, 0.0)
        every = self.first_recipe + np.arange(len(self.slot))
        self.session.bound(every, np.zeros(len(self.slot)), top)

    def bounds(self, node: Node) -> tuple[Array, Array]:
        """Return the bounds of the decisions at a node."""
        lower = np.array([c.lower for c in self.programme.columns], float)
        upper = np.array([c.upper for c in self.programme.columns], float)
        for at, (low, high) in node.bounds.items():
            lower[at], upper[at] = low, high
        return lower, upper

    def _open(self, opened: NDArray[np.bool_], most: Array | float = np.inf) -> None:
        self.opened, count = opened, len(opened)
        top = np.where(opened, most, 0.0)
        self.session.bound(self.decisions + np.arange(count), np.zeros(count), top)

    def _allowed(self, slots: Index, recipes: Index) -> NDArray[np.bool_]:
        out = np.ones(len(slots), bool)
        if self.node.menus:
            own = self.setting.slot_pool[slots]
            for number, pool in enumerate(self.setting.pools):
                menus = self.menus(number)
                if menus is not None:
                    mine = np.flatnonzero(own == number)
                    out[mine] = pool.allowed(menus)[recipes[mine]]
        return out

    def menus(self, pool: int) -> Menus | None:
        """Return the menus to which the recipes of a pool are held at the node."""
        held = self.setting.pools[pool]
        return self.node.menus.get((held.product, held.line.name))

    def go_to(self, node: Node) -> None:
        """Fix what a node fixes."""
        self.node = node
        self._bound_all()

    def set_phase(self, one: bool) -> None:
        """Count by how much rows are broken, and nothing else; or the money.

        What is short of demand is counted alone where that is enough to keep every other row:
        then the least is in packages. Else whatever is broken of any row.
        """
        self.phase_one = one
        held = self.programme
        penalties = np.concatenate([self.broken, self.broken]) * (1.0 if one else 0.0)
        weight = 0.0 if one else 1.0
        recipes = weight * self._money(np.arange(len(self.slot)))
        self.session.price(np.concatenate([weight * held.cost, penalties, recipes]))
        short = np.array([kind == "demand" for kind in held.row_kinds], bool)
        self._open(np.concatenate([short, np.zeros(len(short), bool)]) & one)
        if one and self.session.solve() is None:
            self._open(np.ones(2 * len(short), bool))

    def let_off(self, x: Array) -> None:
        """Count the money, and let each row off what a solution breaks of it: rounding."""
        self.set_phase(False)
        missed = x[self.decisions : self.first_recipe]
        self._open(missed > 0.0, missed + _ROUNDING * self.packages)

    def let_go(self) -> None:
        """Drop the limits that only say that an open line is open: they are no scarcity.

        No plan makes more than they allow, but where one makes as much they would share the worth
        of what is scarce (:attr:`yieldopt.planning.setting.Product.servable`).
        """
        held, opened = self.programme, self.opened.copy()
        lower, count = self.bounds(self.node)[0], len(self.programme.row_kinds)
        open_ = held.rows_of[lower[held.columns_of] > _OPEN]
        for row in np.unique(open_):
            opened[count + row] |= held.row_kinds[row] in OPENING
        self._open(opened)

    def _money(self, columns: Index) -> Array:
        out: Array = self.features[columns, MONEY] * self.programme.weight[self.slot[columns]]
        return out

    def add(self, slots: Index, recipes: Index) -> int:
        """Add columns of recipes in slots, those that are new; return how many."""
        pairs = dict.fromkeys(zip(slots.tolist(), recipes.tolist(), strict=True))
        fresh = [pair for pair in pairs if pair not in self.filled]
        if not fresh:
            return 0
        self.filled.update(fresh)
        first, new = len(self.slot), np.array(fresh, np.intp)
        self.slot = np.concatenate([self.slot, new[:, 0]])
        self.recipe = np.concatenate([self.recipe, new[:, 1]])
        pools = self.setting.slot_pool
        features = np.array([self.setting.pools[int(pools[s])].features[r] for s, r in fresh])
        self.features = np.vstack([self.features, features])
        columns = np.arange(first, len(self.slot))
        count = self._start[new[:, 0] + 1] - self._start[new[:, 0]]
        owner = np.repeat(np.arange(len(new)), count)
        within = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
        entry = self._start[new[owner, 0]] + within
        values = self._factor[entry] * features[owner, self._feature[entry]]
        rows, owner, values = _summed(self._row[entry], owner, values)
        cost = np.zeros(len(new)) if self.phase_one else self._money(columns)
        self.session.add(cost, rows, owner, values)
        self.nonzeros.append((rows, first + owner, values))
        return len(fresh)

    def solve(self) -> LpAnswer | None:
        """Return the optimum over the columns that are there, ``None`` if nothing is feasible."""
        return self.session.solve()

    def fill(self, x: Array) -> Array:
        """Return the packages of each recipe column in a solution."""
        return x[self.first_recipe :]

    def whole_programme(self, first_only: bool = False) -> LinearProgram:
        """Return the programme over the columns that are there, with names and whole numbers.

        ``first_only``: over the recipe of each pool that is best by itself, and at no node.
        """
        held, count = self.programme, len(self.slot)
        shift = self.decisions
        parts = [(held.rows_of, held.columns_of, held.values)]
        parts += [(rows, shift + columns, values) for rows, columns, values in self.nonzeros]
        rows, columns, values = (np.concatenate(part) for part in zip(*parts, strict=True))
        open_ = self._alone() if first_only else self._allowed(self.slot, self.recipe)
        lower, upper = self.bounds(Node() if first_only else self.node)
        most = np.where(open_, np.inf, 0.0)
        lower, upper = np.append(lower, np.zeros(count)), np.append(upper, most)
        whole = np.array([c.integral for c in held.columns] + [False] * count, bool)
        names = tuple(c.name for c in held.columns) + tuple(self._names())
        cost = np.concatenate([held.cost, self._money(np.arange(count))])
        low, high = held.row_lower, held.row_upper
        return LinearProgram(
            cost, rows, columns, values, low, high, held.row_names, names, lower, upper, whole
        )

    def _alone(self) -> NDArray[np.bool_]:
        """Return which columns are of the first recipe of a pool, its best by itself.

        Of a line with one programme the first recipe of its first pool, in all periods.
        """
        out: NDArray[np.bool_] = self.recipe == 0
        levels: dict[tuple[int, str], Mapping[str, str]] = {}
        pools = self.setting.slot_pool[self.slot]
        for number, pool in enumerate(self.setting.pools):
            if self.setting.products[pool.product].shape.one_programme and pool.recipes:
                first = levels.setdefault((pool.product, pool.line.name), pool.recipes[0].levels)
                mine = np.flatnonzero(pools == number)
                menus: Menus = {place: (level,) for place, level in first.items()}
                out[mine] = pool.allowed(menus)[self.recipe[mine]]
        return out

    def _names(self) -> Iterator[str]:
        for slot, recipe in zip(self.slot, self.recipe, strict=True):
            pool = self.setting.pools[int(self.setting.slot_pool[slot])]
            period = self.setting.case.periods[int(self.setting.slot_period[slot])]
            yield f"{pool.name(int(recipe))} {period}"


def _weights(programme: Programme, packages: float) -> Array:
    """Return what a unit by which each row is broken counts, (rows,).

    A package in rows of packages. Money against its budget, as all packages are to a package: so
    one tolerance tells rounding in both.
    """
    out = np.ones(len(programme.row_kinds))
    for row in np.flatnonzero([kind == "budget" for kind in programme.row_kinds]):
        each = np.abs(programme.values[programme.rows_of == row]).max(initial=0.0)
        scale = max(abs(float(programme.row_upper[row])), 1e-6 * float(each), 1.0)
        out[row] = packages / scale
    return out


def _summed(rows: Index, columns: Index, values: Array) -> tuple[Index, Index, Array]:
    """Return nonzeros with one entry for each row of a column: features may share a row."""
    width = int(rows.max(initial=0)) + 1
    places, inverse = np.unique(columns * width + rows, return_inverse=True)
    total = np.bincount(inverse, values, len(places))
    there = total != 0.0
    return places[there] % width, places[there] // width, total[there]
