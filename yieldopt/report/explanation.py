"""A plan explained, for people: accounts of insertions, U-curves, the DPPM budget."""

from __future__ import annotations

from collections.abc import Sequence

from yieldopt.explanation import Explanation, ProductExplanation
from yieldopt.explanation.accounts import InsertionAccount, LevelAccount, Rival
from yieldopt.explanation.best_plans import Plan
from yieldopt.plan import binding
from yieldopt.report.text import columns, usd

Rows = list[Sequence[str]]
_BAR = 30  # characters of the dearest level
_CLASSES = 4  # named of a pair; the JSON has all
_SOURCES = 12  # as many sources of escapes as a table shows; the JSON has all


def explanation_text(found: ProductExplanation) -> str:
    """Return the account of every insertion, pairs of them, and the DPPM budget."""
    plan = found.explanation
    if plan is None:
        return _infeasible(found)
    parts = [_head(found, plan), _costs(plan), _rivals(plan), _moves(plan), _budget(plan)]
    return "\n\n".join(part for part in parts if part)


def curve_text(found: ProductExplanation) -> str:
    """Return the U-curve of every insertion accounted for."""
    plan = found.explanation
    if plan is None:
        return _infeasible(found)
    curves = [_curve(account) for account in plan.insertions]
    parts = [_head(found, plan), *curves, _moves(plan)]
    return "\n\n".join(part for part in parts if part)


def _infeasible(found: ProductExplanation) -> str:
    lines = [f"  {line}" for line in binding(found.routes)]
    return "\n".join([f"infeasible: {found.product} can be made on none of these routes", *lines])


def _head(found: ProductExplanation, plan: Explanation) -> str:
    limit = plan.dppm_limit
    under = [f"limit {limit:,.6g}"] if limit is not None else []
    under += [f"an escape costs {usd(plan.escape_cost_usd)} USD"] if plan.escape_cost_usd else []
    return (
        f"{found.product} on {found.route}, by itself: "
        f"{usd(plan.plan.cost_per_good_usd)} USD per good package, "
        f"{plan.plan.dppm:,.1f} DPPM ({', '.join(under)})"
    )


def _costs(plan: Explanation) -> str:
    rows: Rows = [("USD per good package", "level", "costs", "overkill", "damage", "saves, net")]
    for account in plan.insertions:
        lost = account.overkill_usd_per_good, account.damage_usd_per_good
        money = (account.cost_usd_per_good, *lost)
        rows.append(
            (account.insertion, account.level, *(_money(value) for value in money), _saves(account))
        )
    return columns(rows, right=(2, 3, 4, 5))


def _saves(account: InsertionAccount) -> str:
    if not account.can_be_off:
        return "always there"
    saved = account.saves_usd_per_good
    return "not allowed without" if saved is None else _money(saved)


def _rivals(plan: Explanation) -> str:
    rows: Rows = [
        ("next-best level of", "others chosen anew", "loses", "others held", "loses"),
    ]
    for account in plan.insertions:
        anew, held = _rival(account.next_best), _rival(account.next_best_held)
        rows.append((account.insertion, *anew, *held))
    return columns(rows, right=(2, 4))


def _rival(rival: Rival | None) -> tuple[str, str]:
    return (
        ("none allowed", "") if rival is None else (rival.level, _money(rival.loses_usd_per_good))
    )


def _moves(plan: Explanation) -> str:
    if not plan.content_moves:
        return ""
    rows: Rows = [("two tests of the same faults: first", "second", "both", "first only",
                   "second only", "neither", "classes")]  # fmt: skip
    for move in plan.content_moves:
        ways = (move.plans[way] for way in ("both", "early_only", "late_only", "neither"))
        classes = ", ".join(move.fault_classes[:_CLASSES])
        more = ", …" if len(move.fault_classes) > _CLASSES else ""
        rows.append((move.early, move.late, *map(_plan, ways), classes + more))
    return columns(rows, right=(2, 3, 4, 5))


def _plan(plan: Plan | None) -> str:
    return "not allowed" if plan is None else usd(plan.cost_per_good_usd)


def _budget(plan: Explanation) -> str:
    rows: Rows = [("DPPM by source", "class", "DPPM", "share")]
    for row in plan.dppm_budget[:_SOURCES]:
        rows.append((row.origin, row.fault_class, f"{row.dppm:,.2f}", f"{100 * row.share:.1f} %"))
    rest = plan.dppm_budget[_SOURCES:]
    if rest:
        dppm, share = sum(row.dppm for row in rest), sum(row.share for row in rest)
        rows.append((f"{len(rest)} others", "", f"{dppm:,.2f}", f"{100 * share:.1f} %"))
    return columns(rows, right=(2, 3))


def _curve(account: InsertionAccount) -> str:
    most = max((level.loses_usd_per_good or 0.0 for level in account.levels), default=0.0)
    rows: Rows = [(account.insertion, "USD per good", "DPPM", "loses", "others held", "loses", "")]
    for level in account.levels:
        mark = "<- chosen" if level.level == account.level else _bar(level, most)
        rows.append((level.level, *_anew(level), *_held(level), mark))
    return columns(rows, right=(1, 2, 3, 4, 5))


def _anew(level: LevelAccount) -> tuple[str, str, str]:
    if level.best is not None:
        plan = level.best
        lost = _money(level.loses_usd_per_good)
        return usd(plan.cost_per_good_usd), f"{plan.dppm:,.1f}", lost
    if level.against_rules:
        return "against the rules", "", ""
    lowest = level.lowest_dppm
    return "not allowed", "nothing passes" if lowest is None else f"lowest {lowest:,.1f}", ""


def _held(level: LevelAccount) -> tuple[str, str]:
    if level.held is None:
        return "nothing passes", ""
    if level.held_against_rules:
        return "against the rules", ""
    if not level.held_is_allowed:
        return f"{level.held.dppm:,.1f} DPPM", ""
    return usd(level.held.cost_per_good_usd), _money(level.held_loses_usd_per_good)


def _bar(level: LevelAccount, most: float) -> str:
    if level.loses_usd_per_good is None or most <= 0.0:
        return ""
    return "#" * max(1, round(_BAR * level.loses_usd_per_good / most))


def _money(value: float | None) -> str:
    """Money to the cent, without the sign of a rounding below zero."""
    return "" if value is None else usd(value).replace("-0.00", "0.00")
