"""Every picture of a study, in the order of a report."""

from __future__ import annotations

from collections.abc import Iterator

from yieldopt.report.charts.budget import dppm_by_source
from yieldopt.report.charts.capacity import capacity_use
from yieldopt.report.charts.crossover import crossover_map
from yieldopt.report.charts.curves import u_curves
from yieldopt.report.charts.frontier import cost_frontier
from yieldopt.report.charts.funnel import yield_funnel
from yieldopt.report.charts.picture import Picture
from yieldopt.report.charts.plan_made import allocation
from yieldopt.report.charts.prices import shadow_prices
from yieldopt.report.charts.route_map import cheapest_routes
from yieldopt.report.charts.routes import routes_side_by_side
from yieldopt.report.charts.timeline import decisions_over_time
from yieldopt.report.charts.tornado import tornado_bars
from yieldopt.report.charts.waterfall import waterfall
from yieldopt.study import ProductStudy, Study
from yieldopt.study.planned import planned_columns


def pictures(study: Study) -> list[Picture]:
    """Return the pictures of a study: product by product, then those of the plan.

    Where only a plan is known, products are shown as it makes them.

    Examples
    --------
    >>> from yieldopt.study import study_case
    >>> pictures(study_case("minimal"))[0].title
    'Routes of asic side by side'
    """
    found: list[Picture | None] = []
    for number, product in enumerate(study.products, 1):
        found += _of_product(f"p{number}", product)
    plan = study.result
    for number, made in enumerate(plan.products if not study.products else (), 1):
        columns = planned_columns(plan, made.name)
        found.append(routes_side_by_side(f"plan-recipes-{number}", columns, "Recipes"))
        found.append(waterfall(f"plan-waterfall-{number}", columns, "recipe"))
    found.append(allocation("plan-allocation", plan))
    found.append(capacity_use("plan-capacity", plan))
    found.append(shadow_prices("plan-prices", plan))
    found.append(decisions_over_time("plan-timeline", study.timeline, plan.periods))
    return [picture for picture in found if picture is not None]


def _of_product(key: str, product: ProductStudy) -> Iterator[Picture | None]:
    yield routes_side_by_side(f"{key}-routes", product.routes)
    yield waterfall(f"{key}-waterfall", product.routes)
    if product.funnel is not None:
        yield yield_funnel(f"{key}-funnel", product.product, product.funnel)
    explained = product.explanation.explanation
    if explained is not None:
        yield u_curves(f"{key}-curves", product.product, explained)
    yield cost_frontier(f"{key}-frontier", product.frontier)
    if explained is not None:
        yield dppm_by_source(f"{key}-dppm", product.product, explained)
    yield tornado_bars(f"{key}-tornado", product.tornado)
    if product.crossover is not None:
        units = {one.key: one.unit for one in product.inputs}
        unit = units.get(product.crossover.key, "")
        yield crossover_map(f"{key}-crossover", product.crossover, unit)
    if product.route_map is not None:
        yield cheapest_routes(f"{key}-map", product.route_map)
