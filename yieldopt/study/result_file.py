"""A result read back from the file that ``yieldopt solve --json`` made."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from yieldopt.errors import CaseError, Fault, near_miss
from yieldopt.optimize.coverage import Proof
from yieldopt.plan import ProductResult, Recipe, Result, RouteVerdict, Status
from yieldopt.read.documents import open_document
from yieldopt.read.shapes import check
from yieldopt.schema.base import Shape
from yieldopt.schema.result_file import ProductResultShape, RecipeShape, ResultShape

_ROWS = ("allocation", "unmet", "resource_use", "shadow_prices", "stock", "late", "decisions",
         "costs", "starts")  # fmt: skip
_PLAIN = ("objective_usd", "bound_usd", "gap", "solver", "runtime_s", "stand_alone_coverage_usd",
          "spend_usd", "binding", "periods")  # fmt: skip


def read_result(path: str | Path) -> Result:
    """Read a result file.

    Parameters
    ----------
    path
        JSON as ``yieldopt solve --json`` prints it, or ``result.json`` of ``--out``.

    Raises
    ------
    CaseError
        Every fault of the file at once, with its line.

    Examples
    --------
    >>> import json, tempfile
    >>> from yieldopt import load, solve
    >>> result = solve(load("minimal"))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "result.json"
    ...     _ = path.write_text(json.dumps(result.to_dict()))
    ...     read_result(path).to_dict() == result.to_dict()
    True
    """
    document = open_document(path, "json")
    shape, faults = check(ResultShape, document.data)
    if shape is not None:
        faults += _unknown_names(shape)
    if shape is None or faults:
        raise CaseError(document.locate(faults))
    plain = {name: getattr(shape, name) for name in _PLAIN}
    rows: dict[str, Any] = {name: tuple(map(_row, getattr(shape, name))) for name in _ROWS}
    products = tuple(map(_product, shape.products))
    recipes = tuple(map(_recipe, shape.recipes))
    status = Status(shape.status)
    return Result(status=status, products=products, recipes=recipes, **plain, **rows)


def _row(shape: Shape) -> dict[str, Any]:
    return shape.model_dump(exclude_unset=True)


def _recipe(shape: RecipeShape) -> Recipe:
    data = shape.model_dump()
    proof = data.pop("proof")
    counts = {name: int(proof[name]) for name in ("combinations", "enumerated", "pruned")}
    return Recipe(**data, proof=Proof(**(proof | counts)))


def _product(shape: ProductResultShape) -> ProductResult:
    routes = tuple(RouteVerdict(**verdict.model_dump()) for verdict in shape.routes)
    alone = shape.standalone
    named = alone and next((one for one in routes if one.route == alone.route), None)
    data = shape.model_dump(exclude={"routes", "standalone"})
    return ProductResult(**data, standalone=named or None, routes=routes)


def _unknown_names(shape: ResultShape) -> list[Fault]:
    """Return a fault for every row that names what the file does not hold."""
    known: dict[str, Iterable[str]] = {
        "product": {product.name for product in shape.products},
        "recipe": {recipe.id for recipe in shape.recipes},
    }
    if shape.periods:
        known["period"] = set(shape.periods)
    faults = []
    for name in ("recipes", *_ROWS):
        for at, row in enumerate(getattr(shape, name)):
            for field, names in known.items():
                value = getattr(row, field, None)
                if value is not None and value not in names and name != "starts":
                    hint = near_miss(value, names)
                    faults.append(Fault(f"unknown {field}", f"{name}[{at}].{field}", value, hint))
    used = {(row.resource, row.period) for row in shape.resource_use}
    for at, price in enumerate(shape.shadow_prices):
        if (price.resource, price.period) not in used:
            text = "a price of what resource_use does not list"
            faults.append(Fault(text, f"shadow_prices[{at}].resource", price.resource))
    for at, product in enumerate(shape.products):
        alone = product.standalone
        if alone is not None and alone.route not in {verdict.route for verdict in product.routes}:
            faults.append(
                Fault("not among its routes", f"products[{at}].standalone.route", alone.route)
            )
    return faults
