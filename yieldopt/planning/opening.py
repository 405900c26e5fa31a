"""How a line that a decision keeps closed would best be opened, and in which periods."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field

import numpy as np

from yieldopt.optimize.budget import Budget
from yieldopt.planning.held import Held, closed_by
from yieldopt.planning.master import Node

_CLOSING = ("qualified", "run")  # rows that keep a line closed
_TAKEN = 0.5


@dataclass(frozen=True)
class Opened:
    """A way in which a line is open.

    Parameters
    ----------
    periods
        Of those asked for, the ones that it opens; without a way, those that some way could.
    fixed
        Decisions by column, and what they are then.
    node
        All that is held then.
    words, usd
        What is decided, and how much dearer the whole plan is; ``None``: no way was found.
    """

    periods: tuple[int, ...] = ()
    fixed: Mapping[int, float] = field(default_factory=dict)
    node: Node = field(default_factory=Node)
    words: str | None = None
    usd: float | None = None


def opening(held: Held, number: int, line: str, periods: Sequence[int], budget: Budget) -> Opened:
    """Open a line by one start and one run, each in turn; return the way that costs least.

    A way that opens no more than another with the same run gains no more, but for what it costs
    itself and budgets; so it is left out where that cannot make it the best.

    Parameters
    ----------
    held
        The plan with its whole decisions held.
    number, line
        A product, and a line that is closed to it in all of the periods.
    periods
        In which it makes nothing there.
    budget
        When it is spent no further way is tried.
    """
    columns, bounds = held.programme.columns, held.node.bounds
    menus = {key: levels for key, levels in held.node.menus.items() if key != (number, line)}
    runs = _columns(held, "run", number, line)
    gates = _gates(held, number, line, periods)
    ways = [(way, _opens(held, gates, way)) for way in _ways(held, number, line)]
    budgeted = any(held.programme.row_kinds[row] == "budget" for row in _rows(held, ways))
    tried: list[tuple[Set[int], tuple[int, ...], float]] = []  # run, periods, and dearer but for it
    least = np.inf
    best = Opened(tuple(t for t in periods if any(t in opens for _, opens in ways)))
    for way, opens in ways:
        if budget.is_spent:
            break
        # A start that is moved, where it is not what keeps the line closed, opens nothing more.
        plain = {at: value for at, value in way.items() if value > _TAKEN and at in runs}
        if not opens or (len(way) > len(plain) + 1 and _opens(held, gates, plain) == opens):
            continue
        run, cost = plain.keys(), _cost(held, way)
        if any(
            run == other and set(opens) <= set(opened) and cost + more >= least
            for other, opened, more in tried
        ):
            continue
        node = Node({**bounds, **{at: (value, value) for at, value in way.items()}}, menus)
        there = held.at(node=node)
        dearer = there.value - held.base.value
        if there.relaxed is None:
            dearer = np.inf
        if not budgeted:
            tried.append((run, opens, dearer - cost))
        if dearer < least:
            least = dearer
            words = ", ".join(columns[at].name for at, value in way.items() if value > _TAKEN)
            best = Opened(opens, way, node, words, dearer)
    return best


def _cost(held: Held, way: Mapping[int, float]) -> float:
    return sum(float(held.programme.cost[at]) * value for at, value in way.items())


def _rows(held: Held, ways: Sequence[tuple[Mapping[int, float], tuple[int, ...]]]) -> set[int]:
    """Return the rows in which decisions of some ways are."""
    columns = list({at for way, _ in ways for at in way})
    return set(held.programme.rows_of[np.isin(held.programme.columns_of, columns)].tolist())


def _ways(held: Held, number: int, line: str) -> Iterator[dict[int, float]]:
    """Yield decisions: a start or none, or an earlier one than the one held; a run or none."""
    bounds = held.node.bounds
    starts, runs = (_columns(held, kind, number, line) for kind in ("qualification", "run"))
    entered = {at: 0.0 for at in starts if bounds[at][0] > _TAKEN}
    first: list[dict[int, float]] = [{}] if entered or not starts else []
    first += [{at: 1.0, **entered} for at in starts if at not in entered]
    closed = [at for at in runs if bounds[at][0] < _TAKEN]
    for start in first:
        for run in closed or (None,):
            way = start if run is None else {**start, run: 1.0}
            if way:
                yield way


def _gates(
    held: Held, number: int, line: str, periods: Sequence[int]
) -> dict[int, list[frozenset[int]]]:
    """Return for each period what opens a line: of each set of decisions one must be taken."""
    programme, gates = held.programme, dict[int, list[frozenset[int]]]()
    rows = [programme.row_indices(kind) for kind in _CLOSING]
    for t in periods:
        own = (table.get((number, line, t)) for table in rows)
        gates[t] = [
            frozenset(programme.columns_of[programme.rows_of == row].tolist())
            for row in own
            if row is not None
        ]
    return gates


def _opens(
    held: Held, gates: Mapping[int, list[frozenset[int]]], way: Mapping[int, float]
) -> tuple[int, ...]:
    """Return in which periods nothing keeps a line closed with decisions other than those held."""
    bounds = held.node.bounds

    def is_taken(at: int) -> bool:
        return way.get(at, bounds[at][0]) > _TAKEN

    return tuple(t for t, sets in gates.items() if all(any(map(is_taken, own)) for own in sets))


def _columns(held: Held, kind: str, number: int, line: str) -> list[int]:
    return [at for key, at in held.programme.indices(kind).items() if key[:2] == (number, line)]


def closed_words(held: Held, number: int, line: str, period: int) -> str:
    """Return in words which decision keeps a line closed in a period."""
    if closed_by(held, number, line, period) == "run":
        return "no run of a least lot"
    row = held.programme.row_indices("qualified")[number, line, period]
    if not np.any(held.programme.rows_of == row):
        return "no start is early enough to be ready"
    starts = _columns(held, "qualification", number, line)
    entered = any(held.node.bounds[at][0] > _TAKEN for at in starts)
    return "entered, but not ready yet" if entered else "not entered"
