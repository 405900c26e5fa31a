"""The first screen: what is decided, what it costs, what binds, what it rests on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from yieldopt.optimize.route_costs import PROVED
from yieldopt.plan import Recipe, Result, Status
from yieldopt.report.page.markup import Content, Markup, cut, folded, number, table, tag
from yieldopt.report.text import quantity, usd
from yieldopt.study import ProductStudy, Study
from yieldopt.study.digest import Decision, Scarce, Weighty, decisions, scarcities, weightiest

_MOST_SCARCE = 5
_MOST_BINDING = 12
_OFF = "off"


def opening(study: Study) -> Markup:
    """Return the first screen of a report."""
    result = study.result
    cards = [_card(one, result.recipes) for one in decisions(result)] if _has_plan(result) else []
    return tag(
        "section",
        tag("h2", "The decision"),
        tag("p", _status(result), class_="status"),
        tag("div", cards, class_="cards"),
        tag("div", _binds(study), _rests_on(study.products), class_="columns"),
        _recipes(result.recipes),
        id="decision",
    )


def _has_plan(result: Result) -> bool:
    return result.status in (Status.OPTIMAL, Status.FEASIBLE)


def _status(result: Result) -> Content:
    if result.status is Status.INFEASIBLE:
        return "There is no plan: the rules, limits and demand of the case cannot be kept together."
    if result.status is Status.UNKNOWN:
        return "No plan was found in the time given, and none was ruled out."
    spent = "" if result.objective_usd is None else f" {usd(result.objective_usd)} USD in all."
    if result.status is Status.OPTIMAL:
        return f"Proved: no plan costs less.{spent}"
    gap = "" if result.gap is None else f" A better plan can be better by {result.gap:.1e} at most."
    return f"The best plan found in the time given; it is not proved.{spent}{gap}"


def _card(one: Decision, recipes: Iterable[Recipe]) -> Markup:
    cost = "–" if one.cost_per_good_usd is None else usd(one.cost_per_good_usd)
    dppm = "" if one.dppm is None else f", {one.dppm:,.1f} DPPM"
    return tag(
        "article",
        tag("h3", cut(one.product)),
        tag("p", tag("strong", cost), f" USD per good package{dppm}", class_="figure"),
        tag("p", sentence(one)),
        _tests([recipe for recipe in recipes if recipe.product == one.product]),
    )


def _tests(recipes: Sequence[Recipe]) -> Markup | None:
    if not recipes:
        return None
    if len(recipes) > 1:
        return tag("p", f"{len(recipes)} test programmes: see the recipes.", class_="line")
    levels = recipes[0].levels
    done = [(place, level) for place, level in levels.items() if level != _OFF]
    words = f"Tests at {len(done)} of {len(levels)} insertions"
    return folded(words, _levels(done)) if done else tag("p", "No test.", class_="line")


def sentence(one: Decision) -> str:
    """Return what becomes of a product, in one sentence.

    Examples
    --------
    >>> from yieldopt.study.digest import RouteShare
    >>> routes = (RouteShare("cowos_l", 900.0, 0.9), RouteShare("foplp", 100.0, 0.1))
    >>> sentence(Decision("gpu", routes, 9.5, 80.0, 1200.0, 1000.0, 200.0))
    'Make gpu on cowos_l (90 %) and foplp (10 %): 1,000 of the 1,200 good packages wanted, 200 not.'
    >>> sentence(Decision("gpu", (), None, None, 12.0, 0.0, 12.0))
    'Do not make gpu: 12 wanted, none served.'
    """
    name = cut(one.product)
    if not one.shares:
        unserved = f"{quantity(one.unmet)} wanted, none served"
        return f"Do not make {name}: {unserved if one.unmet else 'none is wanted'}."
    if len(one.shares) == 1:
        routes = cut(one.shares[0].route)
    else:
        routes = _listed(
            [f"{cut(s.route)} ({s.share_frac:.0%})".replace("%", " %") for s in one.shares]
        )
    head = f"Make {name} on {routes}"
    if not one.unmet:
        packages = "1 good package" if one.made == 1.0 else f"{quantity(one.made)} good packages"
        return f"{head}: {packages}, all that is wanted."
    of = f"{quantity(one.made)} of the {quantity(one.demand)} good packages wanted"
    return f"{head}: {of}, {quantity(one.unmet)} not."


def _listed(words: Sequence[str]) -> str:
    return " and ".join(part for part in (", ".join(words[:-1]), words[-1]) if part)


def _binds(study: Study) -> Markup:
    result = study.result
    items: list[Content] = [cut(line) for line in result.binding[:_MOST_BINDING]]
    if len(result.binding) > _MOST_BINDING:
        items.append(f"and more: {len(result.binding)} lines in all")
    if _has_plan(result):
        scarce = scarcities(result)
        items += [_scarce(one) for one in scarce[:_MOST_SCARCE]]
        if len(scarce) > _MOST_SCARCE:
            items.append(f"{len(scarce)} resources are scarce in all; the pictures show them")
    items += [line for product in study.products if (line := _limit(product)) is not None]
    if not items:
        items = ["Nothing is scarce."]
    return tag("div", tag("h3", "What binds"), tag("ul", [tag("li", item) for item in items]))


def _scarce(one: Scarce) -> Content:
    when = cut(one.periods[0])
    if len(one.periods) > 1:
        when = f"{len(one.periods)} periods from {when} to {cut(one.periods[-1])}"
    worth = f"{usd(one.worth_usd_per_unit)} USD in {cut(one.worth_in)}"
    return [tag("b", cut(one.resource)), f": scarce in {when}; one more unit saves up to {worth}"]


def _limit(product: ProductStudy) -> Content:
    """Return what a DPPM limit keeps from being cheaper; ``None`` where it does not bind."""
    found, limit, chosen = (
        product.frontier.frontier,
        product.frontier.dppm_limit,
        product.frontier.chosen,
    )
    if found is None or limit is None or not chosen:
        return None
    free = found.points[0]
    plan = "the cheapest plan" if free.gap <= PROVED else "a plan"
    words = f": the limit of {number(limit)} DPPM; without it, by itself, {plan} costs "
    return [
        tag("b", cut(product.product)),
        words,
        f"{usd(free.value_usd)} USD at {free.dppm:,.1f} DPPM",
    ]


def _rests_on(products: Sequence[ProductStudy]) -> Markup:
    head = tag("h3", "The assumptions that matter most")
    if not products:
        return tag("div", head, tag("p", "Not known from a result alone."))
    weighty = weightiest(product.tornado for product in products)
    late = sum(len(product.tornado.not_done) for product in products)
    words = (
        f"{late} inputs were not varied in the time given; they may matter more." if late else ""
    )
    if all(product.tornado.cost_per_good_usd is None for product in products):
        words = "Not known: no product has a plan."
    elif not weighty and not late:
        words = "None that is only assumed moves a cost."
    items = tag("ol", [tag("li", _weighty(one)) for one in weighty]) if weighty else None
    return tag("div", head, items, tag("p", words))


def _weighty(one: Weighty) -> Content:
    row, unit = one.row, one.row.input.unit
    ends = [
        f"{_cost(end.cost_per_good_usd)} at {number(end.value)} {unit}".rstrip()
        for end in (row.low, row.high)
    ]
    swing = "" if row.swing_usd is None else f", a swing of {usd(row.swing_usd)} USD"
    said = f": {cut(one.product)} {ends[0]}, {ends[1]}{swing}. "
    return [tag("b", cut(row.input.key)), said, tag("span", cut(row.input.source), class_="source")]


def _cost(cost: float | None) -> str:
    return "cannot be made" if cost is None else f"costs {usd(cost)} USD per good package"


def _recipes(recipes: Sequence[Recipe]) -> Markup | None:
    if not recipes:
        return None
    columns = ("recipe", "product", "route", "line", "USD per good package", "DPPM", "test levels")
    rows = [
        (
            r.id,
            r.product,
            r.route,
            r.line,
            usd(r.cost_per_good_usd),
            f"{r.dppm:,.1f}",
            _levels(r.levels.items()),
        )
        for r in recipes
    ]
    return folded(f"Recipes: test levels of each ({len(rows)})", table(columns, rows, "Recipes"))


def _levels(levels: Iterable[tuple[str, str]]) -> Markup:
    said = [tag("span", cut(f"{place} {level}"), class_="level") for place, level in levels]
    return tag("span", [[", ", each] if at else each for at, each in enumerate(said)])
