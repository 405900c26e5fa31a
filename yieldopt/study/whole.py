"""All studies of a case together: what a report shows, from one call and within one time limit."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from yieldopt.breakeven import BreakEven
from yieldopt.comparison import RouteColumn, column_of
from yieldopt.explanation import ProductExplanation
from yieldopt.explanation.whole import explain_candidate
from yieldopt.optimize.budget import Budget
from yieldopt.optimize.frontier_case import ProductFrontier, frontier_of
from yieldopt.optimize.weighing import cheapest, weigh
from yieldopt.plan import Result
from yieldopt.read import load
from yieldopt.schema.case import Case, ProductShape
from yieldopt.shown import Shown
from yieldopt.solving import solve
from yieldopt.study.crossover import crossover
from yieldopt.study.funnel import Funnel, funnel
from yieldopt.study.inputs import Input, inputs_of
from yieldopt.study.timeline import Milestone, timeline
from yieldopt.study.tornado import Tornado, tornado_of

_LEAST_S = 1e-9  # a limit for what begins when time has ended: it says so itself
_POINTS = 200  # of a frontier


@dataclass(frozen=True)
class ProductStudy:
    """A product by itself, capacity aside.

    Parameters
    ----------
    product
        Its name.
    routes
        Every route that it allows, at its best levels there.
    explanation
        Its best plan accounted for: U-curves, DPPM budget.
    frontier
        Cost per good package against DPPM on the best route.
    tornado
        Each input with a range alone, on the best route.
    funnel
        The best plan's flow step by step; ``None`` without a plan.
    crossover
        Where the second-best route takes over; ``None`` where there is none, or no time was left.
    inputs
        Every number that the best plan is computed from, with its source.
    """

    product: str
    routes: tuple[RouteColumn, ...]
    explanation: ProductExplanation
    frontier: ProductFrontier
    tornado: Tornado
    funnel: Funnel | None
    crossover: BreakEven | None
    inputs: tuple[Input, ...]

    @property
    def best(self) -> RouteColumn | None:
        """The route of least cost per good package by itself; ``None`` without any."""
        return _best(self.routes)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "product": self.product,
            "routes": [column.to_dict() for column in self.routes],
            "explanation": self.explanation.to_dict(),
            "frontier": self.frontier.to_dict(),
            "tornado": self.tornado.to_dict(),
            "funnel": self.funnel.to_dict() if self.funnel else None,
            "crossover": self.crossover.to_dict() if self.crossover else None,
            "inputs": [asdict(one) for one in self.inputs],
        }


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
    path: str | Path,
    *,
    result: Result | None = None,
    solver: str = "highs",
    time_limit_s: float | None = None,
) -> Study:
    """Solve a case and study each of its products by itself.

    Parameters
    ----------
    path
        A case file, or the name of a bundled case.
    result
        Its plan, where it is known already.
    solver
        As of :func:`yieldopt.solving.solve`.
    time_limit_s
        Seconds for all of it, shared out between plan and products; then each study holds the best
        found, and says so. Left out: no limit.

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
    case = load(path)
    if result is None:
        result = solve(case, solver=solver, time_limit_s=_share(budget, 2))
    count = len(case.products)
    products = tuple(
        study_product(case, product, Budget.of(_share(budget, count - at)))
        for at, product in enumerate(case.products)
    )
    return Study(case.name, case.title, result, products, timeline(case, result))


def study_product(case: Case, product: ProductShape, budget: Budget) -> ProductStudy:
    """Study a product of a case by itself, its routes weighed once for all studies."""
    candidates, verdicts = weigh(case, product, Budget.of(_share(budget, 2)))
    on = {one.route: one for one in candidates}
    columns = tuple(column_of(case, product, on.get(one.route), one) for one in verdicts)
    best = cheapest(candidates)
    asked = [one for one in verdicts if best is None or one.route == best.route]
    explained = explain_candidate(product, best, asked, Budget.of(_share(budget, 2)))
    front = frontier_of(product, best, asked, _POINTS, Budget.of(_share(budget, 3)))
    ranges = tornado_of(case, product.name, best, asked, Budget.of(_share(budget, 4 / 3)))
    crossing = crossover(case, candidates, ranges, budget)
    if best is None:
        return ProductStudy(product.name, columns, explained, front, ranges, None, None, ())
    levels = best.recipes[0].levels
    return ProductStudy(
        product.name,
        columns,
        explained,
        front,
        ranges,
        funnel(best.template.at(levels)),
        crossing,
        inputs_of(case, product.name, best.route, levels),
    )


def _best(columns: tuple[RouteColumn, ...]) -> RouteColumn | None:
    known = [(c.recipe.cost_per_good_usd, n) for n, c in enumerate(columns) if c.recipe]
    return columns[min(known)[1]] if known else None


def _share(budget: Budget, parts: float = 1.0) -> float | None:
    """Return a part of the seconds left; ``None`` without a limit."""
    return None if budget.limit_s is None else max(_LEAST_S, budget.left_s() / parts)
