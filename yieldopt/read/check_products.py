"""What a product says of time, stock, price and place: keys that contradict or do nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from yieldopt.errors import Fault
from yieldopt.read.keys import join_key
from yieldopt.schema.case import CaseShape, Library, ProductShape
from yieldopt.schema.lines import lines_among
from yieldopt.schema.planning import LineShape


def product_faults(product: ProductShape, periods: int, objective: str) -> Iterator[Fault]:
    """Yield what is wrong with the planning keys of a well-formed product by themselves.

    Parameters
    ----------
    product
        The product; keys are given from it on.
    periods
        How many there are.
    objective
        Of the case.
    """
    start, most = product.stock_start_packages, product.stock_most_packages
    if most is not None and start > most:
        yield Fault("exceeds stock_most_packages", "stock_start_packages", start)
    elif most == 0.0:
        hint = "leave holding_usd_per_period out if there is no stock"
        yield Fault("must be above 0", "stock_most_packages", most, hint)
    if periods == 1:
        hint = "with one period there is none to carry to"
        if product.holding_usd_per_period is not None and start == 0.0:
            yield Fault("does nothing", "holding_usd_per_period", hint=hint)
        if product.late_usd_per_period is not None:
            yield Fault("does nothing", "late_usd_per_period", hint=hint)
    if product.service_frac == 0.0:
        hint = "leave it out; shortage_cost_usd says what unmet demand costs"
        yield Fault("must be above 0", "service_frac", 0.0, hint)
    if objective == "margin" and product.price_usd is None and any(product.demand.over(periods)):
        text = "is missing: the margin of every product with demand counts"
        yield Fault(text, "price_usd", hint="or objective = 'cost'")


def place_faults(
    product: ProductShape, lines: Sequence[LineShape], library: Library
) -> Iterator[Fault]:
    """Yield what is wrong with where a well-formed product may be made.

    Parameters
    ----------
    product
        The product; keys are given from it on.
    lines
        All lines of the case, well-formed.
    library
        Models by name.
    """
    own = {line.name: line for line in lines_among(product.routes, lines, library.routes)}
    barred = set(product.barred_regions)
    if own and all(line.regions & barred for line in own.values()):
        hint = f"its lines are {', '.join(own)}"
        yield Fault("leaves the product no line", "barred_regions", hint=hint)
        return
    known = {line.name for line in lines_among(library.routes, lines, library.routes)}
    for at, name in enumerate(product.qualified or ()):
        key = join_key(("qualified", at))
        if name in known and name not in own:
            hint = "its routes have the lines " + ", ".join(own)
            yield Fault("the line is of none of the product's routes", key, name, hint)
        elif name in own and own[name].regions & barred:
            regions = ", ".join(sorted(own[name].regions & barred))
            hint = f"it lies in {regions}"
            yield Fault("the line is barred to the product", key, name, hint)


def horizon_faults(shape: CaseShape) -> Iterator[Fault]:
    """Yield what is wrong with how a well-formed case counts time."""
    if shape.discount_frac_per_year > 0.0 and len(shape.periods) == 1:
        hint = "with one period all is paid at the same time"
        value = shape.discount_frac_per_year
        yield Fault("does nothing", "discount_frac_per_year", value, hint)
