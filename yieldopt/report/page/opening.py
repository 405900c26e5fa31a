"""The first screen: what is decided, what it costs, what binds, what it rests on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from yieldopt.optimize.route_costs import PROVED
from yieldopt.plan import Recipe, Result, Status
from yieldopt.report.charts.style import counted, dollars, number
from yieldopt.report.page.markup import Content, Markup, cut, folded, table, tag
from yieldopt.report.text import quantity, usd
from yieldopt.study import ProductStudy, Study
from yieldopt.study.digest import Decision, Scarce, Weighty, decisions, scarcities, weightiest

_MOST_SCARCE = 5
_MOST_BINDING = 12
_OFF = "off"
_NO_BOUND = 0.95  # a gap from here on says nothing
_PRICED = {"shortage": "unmet", "late": "late"}


def opening(study: Study) -> Markup:
    """Return the first screen of a report."""
    result = study.result
    cards = [_card(one, result.recipes) for one in decisions(result)] if has_plan(result) else []
    return tag(
        "section",
        tag("h2", "The decision"),
        tag("p", _status(result), class_="status"),
        tag("div", cards, class_="cards"),
        tag("div", _binds(study), _rests_on(study), class_="columns"),
        _recipes(result.recipes),
        id="decision",
    )


def has_plan(result: Result) -> bool:
    """Return whether there is a plan to show."""
    return result.status in (Status.OPTIMAL, Status.FEASIBLE)


def _status(result: Result) -> Content:
    if result.status is Status.INFEASIBLE:
        return "There is no plan: the rules, limits and demand of the case cannot be kept together."
    if result.status is Status.UNKNOWN:
        return "No plan was found in the time given, and none was ruled out."
    spent = "" if result.objective_usd is None else f" {dollars(result.objective_usd)} USD in all"
    spent += f"{_made_of(result)}." if spent else ""
    if result.status is Status.OPTIMAL:
        return f"Proved: no plan costs less.{spent}"
    gap = " How much cheaper another can be is not known."
    if result.gap is not None and result.gap < _NO_BOUND:
        gap = f" Another can be cheaper by {100.0 * result.gap:.2g} % at most."
    return f"The best plan found in the time given; it is not proved.{spent}{gap}"


def _made_of(result: Result) -> str:
    """Say what a total holds beside what is paid, as it is paid."""
    kinds = {row["kind"] for row in result.costs}
    priced = [word for kind, word in _PRICED.items() if kind in kinds]
    said = [f"with the price of {_listed(priced)} demand"] if priced else []
    said += ["less sales"] if "sales" in kinds else []
    if any(row["usd"] != row["discounted_usd"] for row in result.costs):
        said.append("discounted to the first period")
    return f" ({', '.join(said)})" if said else ""


def _card(one: Decision, recipes: Iterable[Recipe]) -> Markup:
    cost: list[Content] = [tag("strong", "not made")]
    if one.shares and one.cost_per_good_usd is not None:
        cost = [tag("strong", usd(one.cost_per_good_usd)), " USD per good package"]
    head = tag("div", tag("h3", cut(one.product)), tag("p", cost, class_="figure"), class_="head")
    tests = _tests(one, [recipe for recipe in recipes if recipe.product == one.product])
    return tag("article", head, tag("p", sentence(one)), tests)


def _tests(one: Decision, recipes: Sequence[Recipe]) -> Markup | None:
    if not recipes:
        return None
    dppm = f"{one.dppm:,.1f} DPPM; " if one.shares and one.dppm is not None else ""
    if len(recipes) > 1:
        link = tag("a", f"{len(recipes)} test programmes", href="#recipes")
        return tag("p", dppm, link, class_="line")
    levels = recipes[0].levels
    done = [(place, level) for place, level in levels.items() if level != _OFF]
    words = f"{dppm}tests at {len(done)} of {len(levels)} insertions"
    return folded(words, _levels(done)) if done else tag("p", f"{dppm}no test", class_="line")


def sentence(one: Decision) -> str:
    """Return what becomes of a product, in one sentence.

    Examples
    --------
    >>> from yieldopt.study.digest import RouteShare
    >>> routes = (RouteShare("cowos_l", 900.0, 0.9), RouteShare("foplp", 100.0, 0.1))
    >>> sentence(Decision("gpu", routes, 9.5, 80.0, 1200.0, 1000.0, 200.0))
    'Make gpu on cowos_l (90 %) and foplp (10 %): 1,000 of the 1,200 good packages asked, 200 not.'
    >>> sentence(Decision("gpu", (), None, None, 12.0, 0.0, 12.0))
    'Do not make gpu: 12 asked, none served.'
    """
    name = cut(one.product)
    if not one.shares:
        unserved = f"{quantity(one.unmet)} asked, none served"
        return f"Do not make {name}: {unserved if one.unmet else 'none is asked'}."
    head = f"Make {name} on {made_on(one)}"
    if not one.unmet:
        packages = "1 good package" if one.made == 1.0 else f"{quantity(one.made)} good packages"
        return f"{head}: {packages}, all that is asked."
    of = f"{quantity(one.made)} of the {quantity(one.demand)} good packages asked"
    return f"{head}: {of}, {quantity(one.unmet)} not."


def made_on(one: Decision) -> str:
    """Return the routes that a plan makes a product on, with the share of each of several."""
    if len(one.shares) == 1:
        return cut(one.shares[0].route)
    return _listed([f"{cut(s.route)} ({s.share_frac:.0%})".replace("%", " %") for s in one.shares])


def _listed(words: Sequence[str]) -> str:
    return " and ".join(part for part in (", ".join(words[:-1]), words[-1]) if part)


def _binds(study: Study) -> Markup:
    result = study.result
    items: list[Content] = [cut(line) for line in result.binding[:_MOST_BINDING]]
    if len(result.binding) > _MOST_BINDING:
        items.append(f"and more: {len(result.binding)} lines in all")
    if has_plan(result):
        scarce = scarcities(result)
        items += [_scarce(one) for one in scarce[:_MOST_SCARCE]]
        if len(scarce) > _MOST_SCARCE:
            items.append(f"{len(scarce)} resources are scarce in all; the pictures show them")
        if not items:
            none = (
                "No capacity is scarce." if result.resource_use else "The case limits no capacity."
            )
            items = [none]
    items += _limits(study.products, has_plan(result))
    listed = [tag("li", item) for item in items or ["Not known."]]
    return tag("div", tag("h3", "What binds"), tag("ul", listed))


def _limits(products: Sequence[ProductStudy], has_plan: bool) -> list[Content]:
    """Say of DPPM limits which bind, and of which it is not known."""
    told: list[Content] = [line for each in products if (line := _limit(each)) is not None]
    late = sum(map(_limit_is_open, products))
    if late:
        of = counted(late, "product")
        return [*told, f"Not known in the time given: whether the DPPM limit of {of} binds."]
    if not told and products and has_plan:
        return ["No DPPM limit binds."]
    return told


def _scarce(one: Scarce) -> Content:
    when, worth = cut(one.periods[0]), f"{usd(one.worth_usd_per_unit)} USD"
    said = f": scarce in {when}; one more unit saves {worth}"
    if len(one.periods) > 1:
        when = f"{len(one.periods)} periods from {when} to {cut(one.periods[-1])}"
        said = f": scarce in {when}; one more unit saves up to {worth} in {cut(one.worth_in)}"
    return [tag("b", cut(one.resource)), said]


def _limit(product: ProductStudy) -> Content:
    """Return what a DPPM limit keeps from being cheaper; ``None`` where it does not bind."""
    whole = product.frontier
    found, limit, chosen = whole.frontier, whole.dppm_limit, whole.chosen
    if found is None or limit is None or not chosen:
        return None
    free, own = found.points[0], found.points[chosen]
    words = f": the limit of {number(limit)} DPPM; on "
    said = f" by itself {usd(own.value_usd)} USD per good package with it, "
    least = " or less" if free.gap > PROVED or whole.time_ended else ""
    ends = f"{usd(free.value_usd)} USD{least} without ({free.dppm:,.0f} DPPM)"
    route = cut(whole.route or "")
    return [tag("b", cut(product.product)), words, route, said, ends]


def _limit_is_open(product: ProductStudy) -> bool:
    """Whether time ended before it was known that a DPPM limit binds, or not."""
    found = product.frontier
    if found.dppm_limit is None or found.chosen:
        return False
    return found.time_ended or found.status is Status.UNKNOWN


def _rests_on(study: Study) -> Markup:
    head = tag("h3", "The assumptions that matter most")
    if not study.products:
        return tag("div", head, tag("p", "Not known from a result alone."))
    weighty = weightiest(study.products, study.result)
    items = tag("ol", [tag("li", _weighty(one)) for one in weighty]) if weighty else None
    return tag("div", head, items, tag("p", _not_known(study.products, bool(weighty))))


def _not_known(products: Sequence[ProductStudy], has_some: bool) -> str:
    """Say what was not looked at, or that there is nothing to say."""
    late = sum(len(product.tornado.not_done) for product in products)
    without = [p for p in products if p.tornado.cost_per_good_usd is None]
    stopped = [p for p in without if p.tornado.status is Status.UNKNOWN]
    if len(without) == len(products):
        return "Not known: no product has a plan."
    missing = [counted(late, "input")] if late else []
    missing += [f"all inputs of {counted(len(stopped), 'product')}"] if stopped else []
    if missing:
        return f"Not varied in the time given: {' and '.join(missing)}; they may matter more."
    return "" if has_some else "None that is only assumed moves a cost."


def _weighty(one: Weighty) -> Content:
    row, unit = one.row, one.row.input.unit
    ends = [
        f"{_cost(end.cost_per_good_usd)} at {number(end.value)} {unit}".rstrip()
        for end in (row.low, row.high)
    ]
    if row.swing_usd is not None:
        more = f": {usd(row.swing_usd)} USD from end to end"
    elif one.next_usd_per_good is not None:
        more = f"; next is {cut(one.next_route or '')}, {usd(one.next_usd_per_good)} USD"
    else:
        more = "; no other route is left"
    plan = "" if one.is_planned else " (not where the plan makes it)"
    said = f": {cut(one.product)} on {cut(one.route)}{plan} {ends[0]}, {ends[1]}{more}. "
    return [tag("b", cut(row.input.key)), said, tag("span", cut(row.input.source), class_="source")]


def _cost(cost: float | None) -> str:
    return "cannot be made" if cost is None else f"costs {usd(cost)} USD"


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
    words = f"Recipes: test levels of each ({len(rows)})"
    return folded(words, table(columns, rows, "Recipes"), id="recipes")


def _levels(levels: Iterable[tuple[str, str]]) -> Markup:
    said = [tag("span", cut(f"{place} {level}"), class_="level") for place, level in levels]
    return tag("span", [[", ", each] if at else each for at, each in enumerate(said)])
