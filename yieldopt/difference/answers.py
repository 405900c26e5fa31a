"""Two answers compared: status, objective, and what becomes of each product."""

from __future__ import annotations

from collections.abc import Iterator

from yieldopt.difference.changed import Change, Leaves, compared
from yieldopt.plan import Recipe, Result

_SAME = 1e-9  # relative: what the order of a sum may do to a number
_OF_PRODUCT = ("cost_per_good_usd", "dppm", "demand", "made", "unmet")


def answer_changes(before: Result, after: Result) -> Iterator[Change]:
    """Yield what differs between two answers.

    Parameters
    ----------
    before, after
        From :func:`yieldopt.solve`. Numbers within 1e-9 of each other are the same; how long it
        took is left out. Test levels are compared insertion by insertion where a product has one
        recipe on a line in both, else recipe by recipe.
    """
    yield from compared(_whole(before), _whole(after), _SAME)
    old, new = _by_line(before), _by_line(after)
    for product in dict.fromkeys([p.name for p in (*before.products, *after.products)]):
        yield from compared(_product(before, product), _product(after, product), _SAME)
        for line in old.get(product, {}):
            if line in new.get(product, {}):
                pair = old[product][line], new[product][line]
                yield from _recipes(*pair, (product, line))


def _whole(result: Result) -> Leaves:
    found: Leaves = {("status",): str(result.status), ("binding",): list(result.binding)}
    told = {"objective_usd": result.objective_usd, "gap": result.gap or None}
    return found | {(key,): value for key, value in told.items() if value is not None}


def _product(result: Result, name: str) -> Leaves:
    """Cost, quality, amounts and good packages by line of a product."""
    out: Leaves = {}
    for product in result.products:
        if product.name == name:
            values = {key: getattr(product, key) for key in _OF_PRODUCT}
            out |= {("products", name, k): v for k, v in values.items() if v is not None}
    for row in result.allocation:
        if row["product"] == name:
            place = ("products", name, "made", row.get("line") or row["route"])
            out[place] = out.get(place, 0.0) + row["packages"]
    return out


def _by_line(result: Result) -> dict[str, dict[str, list[Recipe]]]:
    out: dict[str, dict[str, list[Recipe]]] = {}
    for recipe in result.recipes:
        lines = out.setdefault(recipe.product, {})
        lines.setdefault(recipe.line or recipe.route, []).append(recipe)
    return out


def _recipes(before: list[Recipe], after: list[Recipe], place: tuple[str, str]) -> Iterator[Change]:
    if len(before) == len(after) == 1:
        yield from compared(_recipe(before[0], place), _recipe(after[0], place), _SAME)
        return
    # The numbers of recipes say nothing from one solve to the next: their levels do.
    old: Leaves = {("recipes", *place, _levels(r)): r.cost_per_good_usd for r in before}
    new: Leaves = {("recipes", *place, _levels(r)): r.cost_per_good_usd for r in after}
    yield from compared(old, new, _SAME)


def _recipe(recipe: Recipe, place: tuple[str, str]) -> Leaves:
    where = ("recipes", *place)
    out: Leaves = {(*where, "cost_per_good_usd"): recipe.cost_per_good_usd}
    return out | {(*where, "levels", key): level for key, level in recipe.levels.items()}


def _levels(recipe: Recipe) -> str:
    used = [f"{place} {level}" for place, level in recipe.levels.items() if level != "off"]
    return ", ".join(used) or "no tests"
