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
        parts.append("excluded\n" + columns(out))
    best = answer.best
    if best is not None and best.found is not None and best.worth is not None:
        parts.append(_scenarios(answer, best, best.found, best.worth))
        levels = list((best.found.levels or {}).items())
        nominal = best.worth.nominal_levels or {}
        shown = [(place, level, nominal.get(place, "")) for place, level in levels]
        parts.append(columns([("level at", "robust", "nominal"), *shown]))
        parts += [_worth(goal, best.found, best.worth), _proof(best.found)]
    return "\n\n".join(parts)


def _measure(goal: Goal) -> str:
    if goal.measure == "cvar":
        return f"mean cost per good package over the worst {100 * goal.cvar_tail:g} %"
    return _WORDS[goal.measure]


def _scenarios(answer: RobustAnswer, best: RobustRoute, found: RobustFound, of: Worth) -> str:
    head = (f"scenario, on {best.route}", "probability", "this plan", "best alone", "DPPM")
    rows: list[Sequence[str]] = [head]
    for at, (name, p) in enumerate(answer.scenarios.items()):
        alone = of.best_usd[at]
        known = "none" if alone is None else usd(alone)
        rows.append((name, f"{p:g}", usd(found.values_usd[at]), known, f"{found.dppm[at]:,.1f}"))
    return columns(rows, right=(1, 2, 3, 4))


def _worth(goal: Goal, found: RobustFound, of: Worth) -> str:
    rows: list[Sequence[str]] = [("robust plan", usd(found.value_usd), "")]
    if of.perfect_usd is not None and of.information_usd is not None:
        rows.append(("levels chosen knowing the scenario", usd(of.perfect_usd), ""))
        rows.append(("pays for not knowing", _difference(of.information_usd), ""))
    if of.nominal_usd is not None and of.stochastic_usd is not None:
        held = of.nominal_dppm_held or 0.0
        short = goal.dppm_limit is not None and held < goal.dppm_share - 1e-12
        note = f"breaks the DPPM limit: held with probability {held:g}" if short else ""
        rows.append(("plan of the case without scenarios", usd(of.nominal_usd), note))
        rows.append(("robust plan saves", _difference(of.stochastic_usd), ""))
    if goal.dppm_limit is not None:
        text = f"{goal.dppm_limit:g} DPPM held with probability"
        rows.append((text, f"{found.dppm_held:g}", f"asked: {goal.dppm_share:g}"))
    return columns(rows, right=(1,))


def _difference(value: float) -> str:
    return usd(round(value, 2) + 0.0)  # no minus before a rounded zero


def _proof(found: RobustFound) -> str:
    proof = found.proof
    return (
        f"proof: {proof.combinations:,} plans, {proof.enumerated:,} enumerated, "
        f"{proof.pruned:,} pruned, {found.examined:,} computed by scenario; "
        f"none below {usd(proof.lower_bound_usd)}"
    )
