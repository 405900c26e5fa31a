"""The answer to a case, for people."""

from __future__ import annotations

from collections.abc import Sequence

from yieldopt.plan import ProductResult, Recipe, Result, Status
from yieldopt.report.text import columns, quantity, usd

Rows = list[Sequence[str]]


def result_text(result: Result) -> str:
    """Return status, products with their recipes, allocation, unmet demand and scarce resources."""
    if result.status in (Status.INFEASIBLE, Status.UNKNOWN):
        lines = "\n".join(f"  {line}" for line in result.binding)
        infeasible = result.status is Status.INFEASIBLE
        head = "infeasible; what binds:" if infeasible else "unknown; no plan was found in time:"
        parts = [f"{head}\n{lines}", _routes(result)]
        if infeasible and all(any(v.feasible for v in p.routes) for p in result.products):
            parts.append("rules of which none can be left out: yieldopt why CASE")
        if result.recipes:
            parts += ["what was found in time, each product by itself; nothing is allocated"]
            parts += [_products(result), *map(_recipe, result.recipes)]
        return "\n\n".join(parts)
    head = (
        f"{result.status}: {usd(result.objective_usd or 0.0)} USD "
        f"({_bound(result)}), "
        f"solver {result.solver}, {result.runtime_s:.2f} s"
    )
    if result.resource_use and result.spend_per_good_usd is not None:
        head += f"\nall that is paid, per good package made: {usd(result.spend_per_good_usd)} USD"
    parts = [head, _products(result), _routes(result)]
    parts += [_recipe(recipe) for recipe in result.recipes]
    parts += [_allocation(result), _unmet(result), _waiting(result, "stock")]
    parts += [_waiting(result, "late"), _decisions(result), "\n".join(result.binding)]
    parts += [_scarce(result), _costs(result)]
    parts.append(_saving(result))
    return "\n\n".join(part for part in parts if part)


def _bound(result: Result) -> str:
    if result.bound_usd is None or result.gap is None:
        return "no bound in the time"
    return f"bound {usd(result.bound_usd)}, gap {result.gap:.1e}"


def _products(result: Result) -> str:
    rows: Rows = [("product", "demand", "made", "unmet", "USD per good", "DPPM")]
    rows += [_product(product) for product in result.products]
    return columns(rows, right=(1, 2, 3, 4, 5))


def _product(product: ProductResult) -> Sequence[str]:
    cost = "" if product.cost_per_good_usd is None else usd(product.cost_per_good_usd)
    dppm = "" if product.dppm is None else f"{product.dppm:,.1f}"
    amounts = (f"{n:,.0f}" for n in (product.demand, product.made, product.unmet))
    return (product.name, *amounts, cost, dppm)


def _routes(result: Result) -> str:
    rows: Rows = [("product", "route", "by itself, USD per good", "why not")]
    for product in result.products:
        for verdict in product.routes:
            cost = verdict.cost_per_good_usd
            none = "not known" if verdict.stopped else "excluded"
            shown = usd(cost) if cost is not None else none
            rows.append((product.name, verdict.route, shown, "; ".join(verdict.reasons)))
    return "routes\n" + columns(rows, right=(2,))


def _recipe(recipe: Recipe) -> str:
    title = (
        f"recipe {recipe.id}: {usd(recipe.cost_per_good_usd)} USD per good package, "
        f"{recipe.dppm:,.1f} DPPM"
    )
    levels = ", ".join(f"{place} {level}" for place, level in recipe.levels.items())
    falls = ", ".join(f"{name} {usd(value)}" for name, value in recipe.waterfall_usd.items())
    proof = recipe.proof
    shown = f"{proof.combinations:,} combinations, {proof.pruned:,} pruned by the bound"
    return f"{title}\n  levels: {levels}\n  waterfall: {falls}\n  proof: {proof.method}, {shown}"


def _allocation(result: Result) -> str:
    periods = list(dict.fromkeys(str(row["period"]) for row in result.resource_use))
    periods = periods or list(dict.fromkeys(str(row["period"]) for row in result.allocation))
    table: dict[str, dict[str, str]] = {}
    for row in result.allocation:
        table.setdefault(str(row["recipe"]), {})[str(row["period"])] = f"{row['packages']:,.0f}"
    rows: Rows = [("good packages by recipe", *periods)]
    rows += [(name, *(cells.get(p, "") for p in periods)) for name, cells in table.items()]
    return "allocation\n" + columns(rows, right=range(1, len(periods) + 1))


def _unmet(result: Result) -> str:
    if not result.unmet:
        return "unmet demand: none"
    rows: Rows = [("product", "period", "unmet packages")]
    rows += [(r["product"], r["period"], f"{r['packages']:,.0f}") for r in result.unmet]
    return "unmet demand\n" + columns(rows, right=(2,))


def _waiting(result: Result, kind: str) -> str:
    found = getattr(result, kind)
    if not found:
        return ""
    head = {"stock": "in stock at the end of", "late": "late at the end of"}[kind]
    rows: Rows = [("product", head, "packages")]
    rows += [(r["product"], r["period"], f"{r['packages']:,.0f}") for r in found]
    return columns(rows, right=(2,))


def _decisions(result: Result) -> str:
    if not result.decisions:
        return ""
    rows: Rows = [("decision", "what", "product", "period", "amount", "capital, USD")]
    for row in result.decisions:
        amount = f"{row['amount']:.0%}" if row["kind"] == "booking" else quantity(row["amount"])
        what = row["kind"], row["name"], row["product"] or "", row["period"]
        rows.append((*what, amount, usd(row["cost_usd"])))
    return columns(rows, right=(4, 5))


def _costs(result: Result) -> str:
    """What the objective is made of, where it is more than packages."""
    by_kind: dict[str, float] = {}
    for row in result.costs:
        by_kind[row["kind"]] = by_kind.get(row["kind"], 0.0) + row["discounted_usd"]
    if len(by_kind) < 2:
        return ""
    rows: Rows = [("made of", "USD, discounted")]
    rows += [(kind, usd(amount)) for kind, amount in by_kind.items()]
    return columns(rows, right=(1,))


def _saving(result: Result) -> str:
    saving, found = result.coverage_saving_usd, result.objective_usd
    if saving is None or found is None or not result.resource_use:
        return ""
    alone = result.stand_alone_coverage_usd or 0.0
    share = f" ({saving / abs(alone):.2%})" if alone else ""
    return (
        f"coverage chosen by scarcity saves {usd(saving)} USD{share} against each line's own best"
    )


def _scarce(result: Result) -> str:
    used = {(r["resource"], r["period"]): r for r in result.resource_use}
    rows: Rows = [("scarce resource", "period", "capacity", "one more unit saves, USD")]
    for price in result.shadow_prices:
        if price["usd_per_unit"] > 1e-9:
            row = used[price["resource"], price["period"]]
            shown = (quantity(row["capacity"]), usd(price["usd_per_unit"]))
            rows.append((price["resource"], price["period"], *shown))
    if len(rows) == 1:
        return "no resource is scarce" if result.resource_use and not result.binding else ""
    return columns(rows, right=(2, 3))
