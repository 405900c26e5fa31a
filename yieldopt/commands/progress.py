"""How far a solve is, on the error stream; and Ctrl-C, which ends it with the best plan found."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, current_thread, main_thread
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from yieldopt.planning.generation import Round


class Shown(Protocol):
    """Shows a round, and of what it is where a command plans more than once."""

    def __call__(self, done: Round, what: str = "") -> None:
        """Show a round."""


@contextmanager
def shown_progress(as_json: bool) -> Iterator[Shown | None]:
    """Yield what shows each round on a terminal; nothing for scripts and where there is none."""
    if as_json or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.markup import escape

    from yieldopt.errors import plain

    console = Console(stderr=True)
    with console.status("weighing routes") as status:
        yield lambda done, what="": status.update(escape(plain(round_text(done, what))))


def round_text(done: Round, what: str = "") -> str:
    """Return a round in a line: round, columns, bound, value, gap.

    Examples
    --------
    >>> from yieldopt.planning.generation import Round
    >>> round_text(Round(3, 40, 9.9e8, 1.0e9))
    'round 3: 40 columns, bound 990,000,000 USD, value 1,000,000,000 USD, gap 1.0e-02'
    >>> round_text(Round(0, 12, 0.0, 25.0, is_short=True))
    'round 0: 12 columns, short by 25 so far'
    >>> round_text(Round(0, 12, 0.0, 25.0, is_short=True), "if Taiwan is lost")
    'if Taiwan is lost: round 0: 12 columns, short by 25 so far'
    """
    head = f"{what}: " if what else ""
    head += f"round {done.round}: {done.columns} columns"
    if done.is_short:
        return f"{head}, short by {done.value_usd:,.4g} so far"
    bound = "none yet" if done.bound_usd == float("-inf") else f"{done.bound_usd:,.0f} USD"
    gap = f", gap {done.gap:.1e}" if done.gap < float("inf") else ""
    return f"{head}, bound {bound}, value {done.value_usd:,.0f} USD{gap}"


@contextmanager
def stopped_by_ctrl_c() -> Iterator[Event]:
    """Yield an event that the first Ctrl-C sets; the second ends the programme as ever."""
    stop = Event()
    if current_thread() is not main_thread():
        yield stop
        return

    def first(number: int, frame: Any) -> None:
        stop.set()
        signal.signal(signal.SIGINT, before)
        sys.stderr.write("stopping: the best plan so far follows; Ctrl-C again to quit\n")

    before = signal.signal(signal.SIGINT, first)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)
