"""Two cases compared as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from yieldopt.data import bundled_cases
from yieldopt.difference.answers import answer_changes
from yieldopt.difference.changed import Change
from yieldopt.difference.inputs import input_changes
from yieldopt.optimize.budget import Budget
from yieldopt.plan import Result
from yieldopt.schema.case import Case
from yieldopt.schema.origin import Origin
from yieldopt.shown import Shown
from yieldopt.solving import solve

_LEAST_S = 0.01  # of the second solve, where the first overran


@dataclass(frozen=True)
class Difference(Shown):
    """What differs between a case and another, or between two results.

    Parameters
    ----------
    before, after
        Names of the two; of cases of one name, their files.
    inputs
        Every key whose value differs, models and what they inherit included.
    answers
        Status, objective, each product's cost, quality, amounts, lines and levels; empty where the
        inputs are the same or nothing was solved.
    solved
        Whether the two were solved.
    """

    before: str
    after: str
    inputs: tuple[Change, ...]
    answers: tuple[Change, ...]
    solved: bool

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        return not self.inputs and not self.answers

    def to_dict(self) -> dict[str, Any]:
        """Return plain data; a value that is gone, or new, is ``None`` on the other side."""
        return {
            "before": self.before,
            "after": self.after,
            "inputs": [change.to_dict() for change in self.inputs],
            "answers": [change.to_dict() for change in self.answers],
            "solved": self.solved,
            "same": self.same,
        }


def difference(
    before: Case,
    after: Case,
    *,
    answers: bool = True,
    solver: str = "highs",
    time_limit_s: float | None = None,
) -> Difference:
    """Compare two cases, and what is best in each.

    Parameters
    ----------
    before, after
        From :func:`yieldopt.load`.
    answers
        Whether to solve both where an input differs; else inputs alone are compared.
    solver, time_limit_s
        As of :func:`yieldopt.solve`; seconds for both together. An answer that time cut short has
        its status beside it: a difference within its gap says nothing.

    Raises
    ------
    UnknownName, CaseError, SolverError
        As of :func:`yieldopt.solve`.

    Examples
    --------
    >>> from yieldopt import load
    >>> case = load("minimal")
    >>> found = difference(case, case.replace("products.asic.dppm_limit", 300.0))
    >>> [(change.key, change.before, change.after) for change in found.inputs]
    [('products.asic.dppm_limit', 1000.0, 300.0)]
    >>> [(change.before, change.after) for change in found.answers if "levels" in change.key]
    [('f995', 'f9995')]
    """
    budget = Budget.of(time_limit_s)
    inputs = tuple(input_changes(before, after))
    asked = answers and bool(inputs)
    found: tuple[Change, ...] = ()
    if asked:
        half = None if time_limit_s is None else 0.5 * time_limit_s
        first = solve(before, solver=solver, time_limit_s=half)
        left = None if time_limit_s is None else max(budget.left_s(), _LEAST_S)
        second = solve(after, solver=solver, time_limit_s=left)
        found = tuple(answer_changes(first, second))
    return Difference(*_names(before, after), inputs, found, asked)


def result_difference(names: tuple[str, str], before: Result, after: Result) -> Difference:
    """Compare two results that are known; their inputs are not.

    Parameters
    ----------
    names
        What they are called.
    before, after
        From :func:`yieldopt.solve`.

    Examples
    --------
    >>> from yieldopt import load
    >>> case = load("minimal")
    >>> strict = case.replace("products.asic.dppm_limit", 300.0)
    >>> found = result_difference(("a", "b"), solve(case), solve(strict))
    >>> found.answers[0].key, round(found.answers[0].relative, 5)
    ('objective_usd', 0.00583)
    """
    return Difference(*names, (), tuple(answer_changes(before, after)), True)


def _names(before: Case, after: Case) -> tuple[str, str]:
    if before.name == after.name and before.origin and after.origin:
        return _file(before.origin), _file(after.origin)
    return before.name, after.name


def _file(origin: Origin) -> str:
    names = {str(path): name for name, path in bundled_cases().items()}
    return names.get(origin.file, origin.file)
