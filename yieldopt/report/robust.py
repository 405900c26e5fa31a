"""One plan for all scenarios, for people."""

from __future__ import annotations

from collections.abc import Sequence

from yieldopt.optimize.robust import Goal, RobustFound
from yieldopt.optimize.robust_case import RobustAnswer, RobustRoute
from yieldopt.optimize.robust_worth import Worth
from yieldopt.report.text import columns, usd

_WORDS = {
    "expected": "expected cost per good package, starts adapting to the scenario",
    "fixed_starts": "expected spend over expected good packages, starts fixed",
    "worst": "cost per good package in the worst scenario",
}


def robust_text(answer: RobustAnswer) -> str:
    """Return routes, scenarios, levels and what the plan pays and gains; USD per good package."""
    goal = answer.goal
    parts = [f"{answer.product}: least {_measure(goal)}, USD"]
    rows: list[Sequence[str]] = [
        (one.route, usd(one.found.value_usd)) for one in answer.routes if one.found is not None
    ]
    if rows:
        parts.append(columns(rows, right=(1,)))
    out = [(one.route, "; ".join(one.reasons)) for one in answer.routes if one.reasons]
    if out:
        head = "no plan found" if answer.status == "unknown" else "excluded"
        parts.append(head + "\n" + columns(out))
    best = answer.best
    if best is not None and best.found is not None and best.worth is None:
        rows = [("level at", "robust"), *(best.found.levels or {}).items()]
        held = f"{answer.goal.dppm_limit:g} DPPM " if answer.goal.dppm_limit is not None else ""
        held = f"{held}held with probability {best.found.dppm_held:g}" if held else ""
        parts += [columns(rows), held, _proof(best.found)]
    if best is not None and best.found is not None and best.worth is not None:
        parts.append(_scenarios(answer, best, best.found, best.worth))
        levels = list((best.found.levels or {}).items())
        nominal = best.worth.nominal_levels or {}
        shown = [(place, level, nominal.get(place, "")) for place, level in levels]
        parts.append(columns([("level at", "robust", "nominal"), *shown]))
        parts += [_worth(goal, best.found, best.worth), _proof(best.found)]
    if best is not None and answer.status == "feasible":
        parts.append(
            f"time ended: this plan is within {answer.gap or 0.0:.1e} of the best on these routes"
        )
    if best is not None and best.worth is None:
        parts.append("time ended: what it pays for not knowing the scenario was not computed")
    return "\n\n".join(part for part in parts if part)


def _measure(goal: Goal) -> str:
    if goal.measure == "cvar":
        return f"mean cost per good package over the worst {100 * goal.cvar_tail:g} %"
    return _WORDS[goal.measure]


def _scenarios(answer: RobustAnswer, best: RobustRoute, found: RobustFound, of: Worth) -> str:
    """Return costs by scenario; where the limit need not hold, what holding it costs there."""
    limit = answer.goal.dppm_limit
    partly = limit is not None and of.free_usd is not None
    alone = ["best alone", "best alone"]
    if partly:
        alone = ["best alone, DPPM held", "best alone, DPPM free"]
    head = [f"scenario, on {best.route}", "probability", "this plan", *alone[: 1 + partly], "DPPM"]
    rows: list[Sequence[str]] = [[*head, ""] if partly else head]
    for at, (name, p) in enumerate(answer.scenarios.items()):
        row = [name, f"{p:g}", usd(found.values_usd[at]), _known(of.best_usd[at])]
        if of.free_usd is not None and limit is not None:
            over = "over the limit" if found.dppm[at] > limit * (1.0 + 1e-9) else ""
            rows.append([*row, _known(of.free_usd[at]), f"{found.dppm[at]:,.1f}", over])
        else:
            rows.append([*row, f"{found.dppm[at]:,.1f}"])
    return columns(rows, right=tuple(range(1, len(head))))


def _known(value: float | None) -> str:
    return "none" if value is None else usd(value)


def _worth(goal: Goal, found: RobustFound, of: Worth) -> str:
    rows: list[Sequence[str]] = [("robust plan", usd(found.value_usd), "")]
    if of.perfect_usd is not None and of.information_usd is not None:
        at_least, at_most = _partly(goal, of)
        rows.append(("levels chosen knowing the scenario", usd(of.perfect_usd), at_least))
        rows.append(("pays for not knowing", _difference(of.information_usd), at_most))
    if of.nominal_usd is not None and of.stochastic_usd is not None:
        held = of.nominal_dppm_held or 0.0
        short = goal.dppm_limit is not None and held < goal.dppm_share - 1e-12
        note = f"breaks the DPPM limit: held with probability {held:g}" if short else ""
        if of.free_usd is not None and not short:
            note = f"limit held with probability {held:g}"
        if of.nominal_uses_held is not None and of.nominal_uses_held < 1.0 - 1e-12:
            uses = f"breaks limits on use: held with probability {of.nominal_uses_held:g}"
            note = f"{note}; {uses}" if note else uses
        rows.append(("plan of the case without scenarios", usd(of.nominal_usd), note))
        rows.append(("robust plan saves", _difference(of.stochastic_usd), ""))
    if goal.dppm_limit is not None:
        text = f"{goal.dppm_limit:g} DPPM held with probability"
        rows.append((text, f"{found.dppm_held:g}", f"asked: {goal.dppm_share:g}"))
    if goal.use_limits:
        rows.append(("limits on use of resources", "held", "in every scenario"))
    return columns(rows, right=(1,))


def _partly(goal: Goal, of: Worth) -> tuple[str, str]:
    """Say of which sort the value of knowing is where the limit need not hold everywhere."""
    if of.free_usd is None:
        return "", ""
    if goal.measure == "expected":
        how = f"limit held with probability {goal.dppm_share:g}, where that costs least"
        return f"or more: {how}", "or less"
    return "or more: computed without the limit", "or less"


def _difference(value: float) -> str:
    return usd(round(value, 2) + 0.0)  # no minus before a rounded zero


def _proof(found: RobustFound) -> str:
    """Say how all plans were covered."""
    proof = found.proof
    ways = []
    if proof.method == "labels over scenarios":
        ways.append(
            "by what each scenario costs at least by itself, split where their plans differ"
        )
    elif proof.pruned:
        ways.append(
            f"{proof.pruned:,} by lower bounds on all that share the same levels on inner nodes"
        )
    if proof.enumerated:
        ways.append(f"{proof.enumerated:,} by computing a lower bound of each over all scenarios")
    again = f"; {found.examined:,} computed in every scenario" if found.examined else ""
    head = f"proof: all {proof.combinations:,} plans covered"
    if not found.complete:
        head = f"not all of {proof.combinations:,} plans covered"
        ways = ways or ["none to the end"]
    return f"{head}: {', '.join(ways)}{again}; none costs less than {usd(proof.lower_bound_usd)}"
