"""What the commands share: exit codes, arguments and options, and how an answer is printed."""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

import click

from yieldopt.commands.completion import CasePath, products, solvers

F = TypeVar("F", bound=Callable[..., Any])
FAILED, INFEASIBLE, UNKNOWN = 1, 3, 4

CASE = click.argument("case", type=CasePath(path_type=Path))
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts.")
PRODUCT = click.option(
    "--product", required=True, shell_complete=products, help="A product of the case."
)
SOLVER = click.option(
    "--solver",
    default="highs",
    show_default=True,
    shell_complete=solvers,
    help="highs, ortools, pulp, or pulp:NAME for a solver that PuLP finds.",
)
GAP = click.option(
    "--gap",
    type=click.FloatRange(min=0.0, max=1.0, max_open=True),
    default=0.0,
    show_default=True,
    help="Relative gap at which the search over whole decisions may stop.",
)
OUT = click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Write the answer as JSON, text, a workbook and tables (Parquet, CSV) here.",
)


def time_limit(default_s: float | None = None) -> Callable[[F], F]:
    """Return the option of a command whose searches can be stopped."""
    return click.option(
        "--time-limit",
        "time_limit_s",
        type=click.FloatRange(min=0.0, min_open=True),
        metavar="SECONDS",
        default=default_s,
        show_default=default_s is not None,
        help="For the whole command; then the best found so far, with its true gap.",
    )


def needs(option: str, given: object, there: bool, home: str) -> None:
    """Refuse an option that was given without what it belongs to: it would do nothing."""
    from yieldopt.errors import CaseError, Fault

    if given is not None and not there:
        raise CaseError(Fault(f"does nothing without {home}", option, given, f"leave out {option}"))


@contextmanager
def as_options(names: Mapping[str, str]) -> Iterator[None]:
    """Name faults of arguments by the options that they came from."""
    from yieldopt.errors import CaseError

    try:
        yield
    except CaseError as error:
        faults = [replace(fault, key=names.get(fault.key, fault.key)) for fault in error.faults]
        raise type(error)(faults) from None


class Answer(Protocol):
    """What a command prints: plain data for scripts."""

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        ...


A = TypeVar("A", bound=Answer)


def say(text: str, *, as_json: bool = False) -> None:
    """Print a text: lines, and no sign in them that a terminal would take for a command.

    Signs that do not print, or that the encoding of the output lacks, are escaped; so JSON says the
    same as before.

    Raises
    ------
    CaseError
        The output takes no more, a full disc say; a reader that went away ends the command quietly.
    """
    from yieldopt.errors import CaseError, Fault

    try:
        click.echo(_printable(text, sys.stdout.encoding or "utf-8", as_json))
    except OSError as error:
        if error.errno == errno.EPIPE:
            raise
        # What is still held back would fail again when the process ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        reason = (error.strerror or str(error)).lower()
        raise CaseError(Fault(f"the answer cannot be printed: {reason}")) from None


def _printable(text: str, encoding: str, as_json: bool) -> str:
    from yieldopt.errors import plain

    shown = text if as_json else plain(text, "\n")
    known = shown.encode(encoding, "ignore").decode(encoding)
    if known == shown and shown.replace("\n", "").isprintable():
        return shown
    if not as_json:
        return shown.encode(encoding, "backslashreplace").decode(encoding)
    fine = {sign for sign in known if sign.isprintable() or sign == "\n"}
    return "".join(sign if sign in fine else json.dumps(sign)[1:-1] for sign in shown)


def show(
    found: A,
    text: Callable[[A], str],
    as_json: bool,
    *,
    status: str = "optimal",
    write: Callable[[], object] | None = None,
) -> None:
    """Print an answer as JSON or for people; exit with ``INFEASIBLE`` where there is no plan,
    ``UNKNOWN`` where none was found in time.

    ``write`` is called once it is printed, and also where it cannot be: a full disc takes one of
    the two at most.
    """
    from yieldopt.report.text import to_json

    try:
        say(to_json(found.to_dict()) if as_json else text(found), as_json=as_json)
    finally:
        if write is not None:
            write()
    codes = {"infeasible": INFEASIBLE, "unknown": UNKNOWN}
    if status in codes:
        sys.exit(codes[status])
