"""Why a plan is as it is, for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from yieldopt.planning.why import Why
from yieldopt.planning.why_prices import Marginal, Moved, Scarce
from yieldopt.planning.why_rules import Eased
from yieldopt.planning.why_unused import Unused
from yieldopt.report.text import columns, quantity, usd

_FEW = 4  # periods that are named
_SEEN = 1e-3  # packages: smaller changes are in the data alone
_OWN = "capacity: the resource's own; what is ordered or booked comes on top, as `solve` shows it"
_MOST = 6  # changes of a plan that are shown in one line


def why_text(found: Why) -> str:
    """Return what is scarce, what demand displaces, what is not used; or what conflicts."""
    parts = list(_head(found))
    if found.scarce:
        parts.append("scarce: what one more unit is worth\n" + _scarce(found.scarce))
        if found.held:
            parts.append(_OWN)
    elif found.objective_usd is not None and not found.binding:
        parts.append("no resource is scarce: one more unit of none of them saves anything")
    if found.rules:
        lines = (line for row in found.rules for line in _eased(row))
        parts.append("rules: what easing one is worth\n" + "\n".join(lines))
    if found.demand:
        lines = (line for row in found.demand for line in _marginal(row))
        parts.append("one more package of demand\n" + "\n".join(lines))
    if found.unused:
        lines = (f"  {_unused(row)}" for row in found.unused)
        parts.append("not used\n" + "\n".join(lines))
    if found.excluded:
        reasons = (f"  {r.product} on {r.line}: {why}" for r in found.excluded for why in r.reasons)
        parts.append("ruled out\n" + "\n".join(reasons))
    return "\n\n".join([*parts, *(f"note: {note}" for note in found.notes)])


def _head(found: Why) -> Iterator[str]:
    if found.objective_usd is None:
        yield f"{found.status}: there is no plan"
        if found.conflict:
            needed = "of which none can be left out" if found.is_irreducible else "some not tried"
            rules = "\n".join(f"  {rule.words}" for rule in found.conflict)
            yield f"rules that cannot be kept together, {needed}\n{rules}"
        else:
            yield "\n".join(f"  {line}" for line in found.binding)
        return
    gap = f", gap {found.gap:.2%}" if found.gap and str(found.status) != "optimal" else ""
    yield f"{found.status}: {usd(found.objective_usd)} USD{gap}"
    if found.held:
        held = "\n".join(f"  {name}" for name in found.held)
        yield f"whole decisions are held as in the plan; what is below is with these\n{held}"
    yield from found.binding


def _scarce(rows: Sequence[Scarce]) -> str:
    head = ("resource", "period", "capacity", "USD a unit", "holds from", "to", "one less costs")
    table = [head]
    for row in rows:
        less = "no plan" if row.less_usd_per_unit is None else usd(row.less_usd_per_unit)
        less = less if row.capacity > 0.0 else "none is left"
        same = row.less_usd_per_unit == row.usd_per_unit
        table.append(
            (
                row.resource,
                row.period,
                f"{quantity(row.capacity)} {row.unit if row.unit != 'unit' else ''}".rstrip(),
                usd(row.usd_per_unit),
                "?" if row.low is None else quantity(row.low),
                quantity(row.high) if row.high is not None else "?" if row.low is None else "any",
                "the same" if same else less,
            )
        )
    return columns(table, right=range(2, 7))


_STEPS = {
    ("budget", 1): "one more USD",
    ("share", 1): "one point more",
    ("share", -1): "one point less",
    ("service", -1): "one point less",
    ("quality", 1): "one more DPPM",
    ("stock", 1): "room for one package more",
    ("lot", -1): "one package less",
}


def _eased(row: Eased) -> Iterator[str]:
    step = _STEPS[row.kind, 1 if row.step > 0.0 else -1]
    worth, holds, tight = f"{step} saves {usd(row.usd_per_step)} USD", "", ""
    if not row.stays and row.step_usd is not None:
        worth = f"{step} saves {usd(row.step_usd)} USD"
        holds = f" (at the rate of {usd(row.usd_per_step)} USD to begin with)"
    elif not row.stays:
        holds = " to begin with"
    elif row.low is not None:
        to = "any" if row.high is None else _number(row, row.high)
        holds = f" (from {_number(row, row.low)} to {to})"
    if row.low is not None and row.less_usd_per_step is None:
        tight = "; no plan keeps it any tighter"
    elif row.less_usd_per_step and usd(row.less_usd_per_step) != usd(row.usd_per_step):
        tight = f"; as much tighter costs {usd(row.less_usd_per_step)} USD"
    yield f"  {row.rule} {_number(row, row.value)}: {worth}{holds}{tight}"
    yield from (f"    binds: {name}" for name in row.binds[:_MOST])
    if len(row.binds) > _MOST:
        yield f"    and {len(row.binds) - _MOST} more"


def _number(row: Eased, value: float) -> str:
    """Return a number of a rule in its own words."""
    if row.kind in ("share", "service"):
        return f"{100.0 * value:.6g}%"
    return f"{usd(value)} USD" if row.kind == "budget" else f"{quantity(value)} {row.unit}"


def _marginal(row: Marginal) -> Iterator[str]:
    name = f"{row.product} in {row.period}"
    if row.usd_per_good is None:
        yield f"  {name}: no plan serves one more than {quantity(row.demand)}"
        return
    verb = "costs" if row.usd_per_good >= 0.0 else "earns"
    holds = ""
    if row.low is not None:
        to = "twice the demand" if row.high is None else quantity(row.high)
        holds = f" (from {quantity(row.low)} to {to}; asked {quantity(row.demand)})"
    yield f"  {name} {verb} {usd(abs(row.usd_per_good))} USD{holds}"
    seen = [moved for moved in row.moved if abs(moved.packages) >= _SEEN]
    largest = sorted(seen, key=lambda moved: -abs(moved.packages))
    for moved in largest[:_MOST]:
        yield f"    {_moved(moved)}"
    if len(largest) > _MOST:
        yield f"    and {len(largest) - _MOST} smaller changes"


def _moved(moved: Moved) -> str:
    where = {
        "made": f"made on {moved.line} in {moved.period}",
        "unmet": f"unmet in {moved.period}",
        "stock": f"in stock at the end of {moved.period}",
        "late": f"late at the end of {moved.period}",
    }
    return f"{moved.packages:+.4g} {moved.product} {where[moved.kind]}"


def _unused(row: Unused) -> str:
    name = f"{row.product} on {row.line} ({_periods(row.periods)})"
    if row.closed is not None:
        out = row.cheaper_usd_per_good is None and row.opening is None
        return f"{name}: {row.closed}" if out else f"{name}: {row.closed}; {_aside(row)}"
    if row.cheaper_usd_per_good is None or row.enough_usd_per_good is None:
        return (
            f"{name}: no package of its best recipe fits there under the rules, whatever it costs"
        )
    share = row.cheaper_usd_per_good / max(row.cost_per_good_usd, 1e-300)
    saving = f"{usd(row.cheaper_usd_per_good)} USD ({share:.1%})"
    if usd(row.enough_usd_per_good) != usd(row.cheaper_usd_per_good):
        saving = f"between {saving} and {usd(row.enough_usd_per_good)} USD"
    if usd(abs(row.cheaper_usd_per_good)) == usd(0.0):
        return f"{name}: costs the same as what is used"
    return f"{name}: would have to be {saving} cheaper per good package"


def _aside(row: Unused) -> str:
    """Say what a line that is not open would give, and what opening it would take."""
    if row.opening is None or row.opening_usd is None:
        end = "no start or run of it was found to fit the other decisions"
    else:
        end = f"the plan costs {usd(abs(row.opening_usd))} USD more with: {row.opening}"
    aside = row.cheaper_usd_per_good
    if aside is None:
        return f"once open, no package of its best recipe fits there under the rules; {end}"
    gain = "costs the same as"
    if usd(abs(aside)) != usd(0.0):
        gain = f"is {usd(abs(aside))} USD {'dearer' if aside > 0.0 else 'cheaper'} than"
    return f"once open, a package there in {row.period} {gain} what it replaces; {end}"


def _periods(names: Sequence[str]) -> str:
    if len(names) <= _FEW:
        return ", ".join(names)
    return f"{names[0]} … {names[-1]}, {len(names)} periods"
