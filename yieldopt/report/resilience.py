"""A plan against losses and for scenarios, for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from yieldopt.planning.losses import Losses, Premium
from yieldopt.planning.prepared import InFuture, Prepared, Row
from yieldopt.planning.resilience import Resilience
from yieldopt.planning.scenarios import Scenarios, Worth
from yieldopt.report.text import columns, quantity, usd

_PROVED = 1e-9  # a relative gap that is rounding
_FEW = 6  # amounts of packages that are shown of those that differ
_MADE = {
    "packages": "{product} made on {name}",
    "stock": "{product} in stock",
    "late": "{product} owed late",
    "unmet": "{product} unmet",
}


def resilience_text(found: Resilience) -> str:
    """Return what losses cost, what preparing costs, and what knowing the scenario is worth."""
    parts = [f"{found.case}: {found.status}; all money USD, discounted"]
    parts += list(_losses(found.losses)) if found.losses is not None else []
    parts += list(_scenarios(found.scenarios)) if found.scenarios is not None else []
    return "\n\n".join(parts)


def _losses(found: Losses) -> Iterator[str]:
    base, ready = found.base, found.prepared
    yield f"the loss of any one place from {found.begins} on"
    gone = [("place", "lines that stand there", "resources")]
    gone += [
        (
            place["name"],
            ", ".join(place["lines"]) or "none",
            ", ".join(place["resources"]) or "none",
        )
        for place in found.places
    ]
    yield columns(gone)
    if base.objective_usd is None:
        yield f"there is no plan even where nothing is lost: {base.status}"
        return
    yield f"base plan, which knows of no loss: {_value(base.objective_usd, base.bound_usd)}"
    head = ["cost if", "probability", "unprepared", "the loss", "prepared", "known from the start"]
    rows = [head]
    for at, one in enumerate(base.futures):
        known = found.known[at - 1] if 0 < at <= len(found.known) else None
        likely = f"{one.probability:g}" if base.futures[0].probability < 1.0 else ""
        loss = "" if not at or one.cost_usd is None else _more(one.cost_usd, base.objective_usd)
        rows.append(
            [
                one.name,
                likely,
                _cost(one),
                loss,
                _cost(_at(ready, at)),
                "" if known is None else _cost(known),
            ]
        )
    yield columns(rows, right=range(1, 6))
    yield _unmet("packages unmet if", ("unprepared", "prepared"), base, ready)
    chosen = "least expected cost" if base.futures[0].probability < 1.0 else "least cost at worst"
    if ready is not None:
        name = f"prepared plan ({chosen})"
        yield _prepared(name, ready, found.premium)
    if found.surviving is not None and found.service_frac is not None:
        yield _surviving(found, found.surviving, found.service_frac)
    yield (
        "under a loss limits on shares and products' own service levels do not hold; what stands "
        "at the lost place is still paid for, and nothing is owed for what was booked there"
    )


def _at(plan: Prepared | None, number: int) -> InFuture | None:
    return plan.futures[number] if plan is not None and plan.futures else None


def _cost(one: InFuture | None) -> str:
    if one is None:
        return "none"
    return one.status if one.cost_usd is None else _value(one.cost_usd, one.bound_usd)


def _value(value: float, bound: float | None) -> str:
    """Return money, and where it is not proved by how much it may be too high."""
    if bound is None or value - bound <= _PROVED * max(1.0, abs(value)):
        return usd(value)
    return f"{usd(value)} (at least {usd(bound)})"


def _unmet(head: str, names: tuple[str, str], one: Prepared, other: Prepared | None) -> str:
    """Return a row for each future and product of which some demand is unmet in a plan."""
    rows: list[Sequence[str]] = [(head, "product", *names)]
    for at, future in enumerate(one.futures):
        both = (future, _at(other, at))
        found = [part.unmet for part in both if part is not None]
        for product in dict.fromkeys(name for unmet in found for name in unmet):
            rows.append((future.name, product, *(_amount(part, product) for part in both)))
    return columns(rows, right=(2, 3)) if len(rows) > 1 else "all demand is served"


def _amount(one: InFuture | None, product: str) -> str:
    known = one is not None and one.cost_usd is not None
    return quantity(one.unmet.get(product, 0.0)) if one is not None and known else "?"


def _packages(one: InFuture | None) -> str:
    if one is None or one.cost_usd is None:
        return "?"
    parts = [f"{quantity(amount)} {name}" for name, amount in one.unmet.items()]
    return ", ".join(parts) or "none"


def _prepared(name: str, plan: Prepared, premium: Premium | None) -> str:
    if plan.objective_usd is None:
        return f"{name}: {plan.status}"
    lines = [f"{name}: {_value(plan.objective_usd, plan.bound_usd)}"]
    if premium is not None:
        extra = 0.0 if abs(premium.frac) <= _PROVED else premium.usd
        share = f"{premium.frac if extra else 0.0:.2%} of the base plan"
        line = f"  premium where nothing is lost: {_money(extra)} ({share})"
        if premium.least_usd is not None and usd(premium.least_usd) != _money(extra):
            line += f", at least {usd(premium.least_usd)}"
        lines.append(line)
        lines += [f"  {line}" for line in _differs(premium.differs, "base plan")]
    if plan.stock:
        stock = ", ".join(f"{quantity(amount)} {name}" for name, amount in plan.stock.items())
        lines.append(f"  in stock before the loss: {stock}")
    return "\n".join(lines)


def _differs(rows: Sequence[Row], other: str) -> Iterator[str]:
    if all(row["kind"] in _MADE for row in rows):
        yield f"it orders, enters and books what the {other} does"
    left: list[Row] = []
    for row in rows:
        if row["kind"] in _MADE:
            left.append(row)
            continue
        of = f" for {row['product']}" if row["product"] is not None else ""
        amounts = f"{row['amount']:.4g} in place of {row['base_amount']:.4g}"
        yield f"{row['kind']} {row['name']}{of} in {row['period']}: {amounts}"
    for row in left[:_FEW]:
        amounts = f"{quantity(row['amount'])} in place of {quantity(row['base_amount'])}"
        yield f"{_MADE[row['kind']].format(**row)} in {row['period']}: {amounts}"
    if len(left) > _FEW:
        most = max(abs(row["amount"] - row["base_amount"]) for row in left[_FEW:])
        yield f"{len(left) - _FEW} more amounts differ, by {quantity(most)} packages at most"


def _surviving(found: Losses, plan: Prepared, service: float) -> str:
    some = 0 < len(found.unsurvivable) < len(found.places)
    any_ = "any other loss" if some else "any loss"
    name = f"least cost of serving {service:.1%} of each product's demand under {any_}"
    text = _prepared(name, plan, found.surviving_premium)
    for one in plan.futures[1:]:
        text += f"\n  if {one.name} is lost: {_cost(one)}, unmet {_packages(one)}"
    if found.unsurvivable:
        text += (
            f"\n  no plan does, also if it is known before, if lost: {_list(found.unsurvivable)}"
        )
    return text


def _list(names: Sequence[str]) -> str:
    return ", ".join(names)


def _scenarios(found: Scenarios) -> Iterator[str]:
    plan, mean = found.plan, found.mean_value
    yield "one plan for the scenarios: orders, starts and bookings before one knows which"
    if plan.objective_usd is None:
        yield f"no plan keeps the rules in every scenario: {plan.status}"
        return
    head = ["scenario", "probability", "this plan", "mean-value plan", "known before"]
    rows = [head]
    for at, one in enumerate(plan.futures):
        cells = [_cost(one), _cost(_at(mean, at)), _cost(found.known[at])]
        rows.append([one.name, f"{one.probability:g}", *cells])
    measured = (found.measured, found.mean_value_measured, found.known_measured)
    rows.append(["expected", "", *(_known(each.expected_usd) for each in measured)])
    tail = 1.0 - found.cvar
    label = f"mean of the dearest {tail:.3g}" if tail > 0.0 else "the dearest"
    rows.append([label, "", *(_known(each.cvar_usd) for each in measured)])
    yield columns(rows, right=range(1, 5))
    yield _unmet("packages unmet in", ("this plan", "mean-value plan"), plan, mean)
    goal = "expected cost"
    if found.weight:
        goal = f"{1.0 - found.weight:.3g} of expected cost and {found.weight:.3g} of {label}"
    lines = [f"least {goal}: {_value(plan.objective_usd, plan.bound_usd)}"]
    lines.append(f"value of the stochastic solution: {_worth(found.stochastic, mean)}")
    lines.append(f"value of perfect information: {_worth(found.information, None)}")
    lines += _differs(found.differs, "mean-value plan")
    text = (
        "the mean-value plan has demand, capacity and each recipe's costs and uses at their means"
    )
    if found.not_averaged:
        where = _list(found.not_averaged)
        text += f", but the case's own models where scenarios differ in more: {where}"
    if mean.status == "feasible":
        text += "; it is not proved to be the best there"
    yield "\n".join([*lines, text])


def _known(value: float | None) -> str:
    return "none" if value is None else usd(value)


def _worth(worth: Worth, mean: Prepared | None) -> str:
    if worth.usd is None:
        broken = [one.name for one in mean.futures if one.cost_usd is None] if mean else []
        if broken:
            return f"none: the mean-value plan's decisions leave no plan in {_list(broken)}"
        return "not known"
    low, high = worth.low_usd, worth.high_usd
    if low is None or high is None or high - low <= _PROVED * max(1.0, abs(high)):
        return _money(worth.usd)
    ends = (usd(low), usd(max(0.0, high)))
    return _money(worth.usd) if ends[0] == ends[1] else f"at least {ends[0]}, at most {ends[1]}"


def _more(value: float, base: float) -> str:
    """Return by how much a cost is above another; what is rounding of both is none."""
    more = value - base
    return _money(0.0 if abs(more) <= _PROVED * abs(base) else more)


def _money(value: float) -> str:
    return usd(round(value, 2) + 0.0)  # no minus before a rounded zero
