"""A plan explained, for people: accounts of insertions, U-curves, the DPPM budget."""

from __future__ import annotations

from collections.abc import Sequence

from yieldopt.explanation import Explanation, ProductExplanation
from yieldopt.explanation.accounts import InsertionAccount, LevelAccount, Rival
from yieldopt.optimize.why_not import Reason
from yieldopt.plan import Status, binding
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
    parts.append(_unproved(found, plan))
    return "\n\n".join(part for part in parts if part)


def curve_text(found: ProductExplanation) -> str:
    """Return the U-curve of every insertion accounted for."""
    plan = found.explanation
    if plan is None:
        return _infeasible(found)
    curves = [_curve(account) for account in plan.insertions]
    parts = [_head(found, plan), *curves, _moves(plan), _unproved(found, plan)]
    return "\n\n".join(part for part in parts if part)


def _infeasible(found: ProductExplanation) -> str:
    lines = [f"  {line}" for line in binding(found.routes)]
    if found.status is Status.UNKNOWN:
        return "\n".join([f"unknown: no plan of {found.product} was found in time", *lines])
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


def _unproved(found: ProductExplanation, plan: Explanation) -> str:
    """Say what time left open."""
    lines = [f"{one.route}: {text}" for one in found.routes if one.stopped for text in one.reasons]
    if plan.searches_unproved:
        best = (
            f"is within {plan.gap:.1e} of the route's best"
            if plan.gap > 0.0
            else "is the route's best"
        )
        lines.append(
            f"time ended: the plan {best}; {plan.searches_unproved} other searches are not proved, "
            "so what it saves and others lose may be otherwise"
        )
    return "\n".join(lines)


def _costs(plan: Explanation) -> str:
    rows: Rows = [("USD per good package", "level", "costs", "overkill", "damage", "saves, net")]
    for account in plan.insertions:
        lost = account.overkill_usd_per_good, account.damage_usd_per_good
        money = (account.cost_usd_per_good, *lost)
        rows.append(
            (
                account.insertion,
                account.level,
                *(_money(value) for value in money),
                _saves(plan, account),
            )
        )
    return columns(rows, right=(2, 3, 4, 5))


def _saves(plan: Explanation, account: InsertionAccount) -> str:
    if not account.can_be_off:
        return "always there"
    saved = account.saves_usd_per_good
    if saved is None:
        return "not known" if plan.searches_unproved else "not allowed without"
    return _money(saved)


def _rivals(plan: Explanation) -> str:
    rows: Rows = [
        ("next-best level of", "others chosen anew", "loses", "others held", "loses"),
    ]
    for account in plan.insertions:
        anew = _rival(account.next_best, "none found" if plan.searches_unproved else "none allowed")
        held = _rival(account.next_best_held, "none allowed")
        rows.append((account.insertion, *anew, *held))
    return columns(rows, right=(2, 4))


def _rival(rival: Rival | None, none: str) -> tuple[str, str]:
    return (none, "") if rival is None else (rival.level, _money(rival.loses_usd_per_good))


def _moves(plan: Explanation) -> str:
    if not plan.content_moves:
        return ""
    rows: Rows = [("two tests of the same faults: first", "second", "both", "first only",
                   "second only", "neither", "classes")]  # fmt: skip
    for move in plan.content_moves:
        ways = (move.plans[way] for way in ("both", "early_only", "late_only", "neither"))
        classes = ", ".join(move.fault_classes[:_CLASSES])
        more = ", …" if len(move.fault_classes) > _CLASSES else ""
        none = "not known" if plan.searches_unproved else "not allowed"
        costs = [none if way is None else usd(way.cost_per_good_usd) for way in ways]
        rows.append((move.early, move.late, *costs, classes + more))
    return columns(rows, right=(2, 3, 4, 5))


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
        if level.best is None and not level.against_rules:
            mark = "; ".join(text for text in map(_forbids, level.why_not) if text)
        rows.append((level.level, *_anew(level), *_held(level), mark))
    return columns(rows, right=(1, 2, 3, 4, 5))


def _anew(level: LevelAccount) -> tuple[str, str, str]:
    if level.best is not None:
        plan = level.best
        lost = _money(level.loses_usd_per_good)
        return usd(plan.cost_per_good_usd), f"{plan.dppm:,.1f}", lost
    if level.against_rules:
        return "against the rules", "", ""
    if any(reason.kind == "time" for reason in level.why_not):
        return "not known", "", ""
    lowest = [one.least for one in level.why_not if one.kind == "dppm_limit" and one.least]
    return "not allowed", f"lowest {lowest[0]:,.1f}" if lowest else "", ""


def _forbids(reason: Reason) -> str:
    """Say at the end of a row what forbids a level; the JSON has whole sentences."""
    if reason.kind == "dppm_limit" and reason.least:
        return ""  # stands in its column
    if reason.kind == "use_limit":
        return f"uses {reason.least:.4g} {reason.name} per good or more, limit {reason.limit:g}"
    words = {"blocked": "nothing passes", "use_limits": "limits on use, together"}
    return words.get(reason.kind, reason.text)


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
