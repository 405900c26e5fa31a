"""All studies of a case together: what a report shows, from one call and within one time limit."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from yieldopt.optimize.budget import Budget
from yieldopt.plan import Result
from yieldopt.read import load
from yieldopt.schema.case import Case
from yieldopt.shown import Shown
from yieldopt.solving import solve
from yieldopt.study.product import ProductStudy
from yieldopt.study.side_by_side import products_of
from yieldopt.study.timeline import Milestone, timeline


@dataclass(frozen=True)
class Study(Shown):
    """A case, its plan, and every product by itself.

    Parameters
    ----------
    case, title
        Of the case.
    result
        The plan.
    products
        In the order of the case; none where only a result is known.
    timeline
        What the plan decides, and from when on it has it; empty where only a result is known.
    """

    case: str
    title: str
    result: Result
    products: tuple[ProductStudy, ...]
    timeline: tuple[Milestone, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "case": self.case,
            "title": self.title,
            "result": self.result.to_dict(),
            "products": [product.to_dict() for product in self.products],
            "timeline": [asdict(one) for one in self.timeline],
        }


def study_case(
    case: Case | str | Path,
    *,
    result: Result | None = None,
    solver: str = "highs",
    time_limit_s: float | None = None,
    processes: int = 1,
) -> Study:
    """Solve a case and study each of its products by itself.

    Parameters
    ----------
    case
        A checked case, a case file, or the name of a bundled case.
    result
        Its plan, where it is known already.
    solver
        As of :func:`yieldopt.solving.solve`.
    time_limit_s
        Seconds for all of it, shared out between plan and products; then each study holds the best
        found, and says so. Left out: no limit.
    processes
        That products are studied in, this one among them. More than 1 only from a program that may
        be imported without running (``if __name__ == "__main__"``).

    Raises
    ------
    CaseError, UnknownName, SolverError
        As :func:`yieldopt.load` and :func:`yieldopt.solve`.

    Examples
    --------
    >>> found = study_case("minimal")
    >>> found.products[0].best.route, str(found.result.status)
    ('osat_2p5d', 'optimal')
    """
    budget = Budget.of(time_limit_s)
    if not isinstance(case, Case):
        case = load(case)
    with products_of(case, budget, processes) as products:
        if result is None:
            result = solve(case, solver=solver, time_limit_s=budget.part(2).limit_s)
        return Study(case.name, case.title, result, products.all(), timeline(case, result))
