"""All studies of one product by itself, its routes weighed once."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from yieldopt.breakeven import BreakEven
from yieldopt.comparison import RouteColumn, column_of
from yieldopt.explanation import ProductExplanation
from yieldopt.explanation.whole import explain_candidate
from yieldopt.optimize.budget import Budget
from yieldopt.optimize.frontier_case import ProductFrontier, frontier_of
from yieldopt.optimize.weighing import cheapest, weigh
from yieldopt.schema.case import Case, ProductShape
from yieldopt.study.crossover import crossover
from yieldopt.study.funnel import Funnel, funnel
from yieldopt.study.inputs import Input, inputs_of
from yieldopt.study.route_map import RouteMap, route_map
from yieldopt.study.tornado import Tornado, tornado_of

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
    route_map
        Which route is cheapest over two inputs; ``None`` as for the crossover.
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
    route_map: RouteMap | None
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
            "route_map": self.route_map.to_dict() if self.route_map else None,
            "inputs": [asdict(one) for one in self.inputs],
        }


def study_product(case: Case, product: ProductShape, budget: Budget) -> ProductStudy:
    """Study a product of a case by itself.

    Parameters
    ----------
    case, product
        A checked case, and one of its products.
    budget
        Time for all studies; each holds the best found in its share, and says so.

    Examples
    --------
    >>> from yieldopt import load
    >>> case = load("minimal")
    >>> study_product(case, case.products[0], Budget()).best.route
    'osat_2p5d'
    """
    candidates, verdicts = weigh(case, product, budget.part(2))
    on = {one.route: one for one in candidates}
    columns = tuple(column_of(case, product, on.get(one.route), one) for one in verdicts)
    best = cheapest(candidates)
    asked = [one for one in verdicts if best is None or one.route == best.route]
    explained = explain_candidate(product, best, asked, budget.part(2))
    front = frontier_of(product, best, asked, _POINTS, budget.part(3))
    ranges = tornado_of(case, product.name, best, asked, budget.part(4 / 3))
    crossing = crossover(case, candidates, ranges, budget.part(2))
    both = route_map(case, candidates, ranges, budget)
    if best is None:
        return ProductStudy(product.name, columns, explained, front, ranges, None, None, None, ())
    levels = best.recipes[0].levels
    return ProductStudy(
        product.name,
        columns,
        explained,
        front,
        ranges,
        funnel(best.template.at(levels)),
        crossing,
        both,
        inputs_of(case, product.name, best.route, levels),
    )


def _best(columns: tuple[RouteColumn, ...]) -> RouteColumn | None:
    known = [(c.recipe.cost_per_good_usd, n) for n, c in enumerate(columns) if c.recipe]
    return columns[min(known)[1]] if known else None
