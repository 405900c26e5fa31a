"""Test content earlier or later: two insertions that see the same faults, each in use or not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from yieldopt.explanation.best_plans import BestPlans, Plan
from yieldopt.flow import Step
from yieldopt.optimize.product_rules import carried
from yieldopt.template import Choice, OpenNode, Template

_USED = {
    "both": (True, True),
    "early_only": (True, False),
    "late_only": (False, True),
    "neither": (False, False),
}


@dataclass(frozen=True)
class ContentMove:
    """Two insertions that the same faults come by, in the four ways to use them.

    Parameters
    ----------
    early, late
        ``"node/insertion"``; what passes the first comes to the second.
    fault_classes
        Classes that both can see of the faults that are there at the first.
    plans
        The best plan with ``both`` in use, ``early_only``, ``late_only`` and ``neither``; the level
        of one in use and those of all other insertions are chosen anew. ``None``: none is allowed.
    best
        The way that costs least.
    """

    early: str
    late: str
    fault_classes: tuple[str, ...]
    plans: Mapping[str, Plan | None]
    best: str


def content_moves(plans: BestPlans, insertion: str | None = None) -> tuple[ContentMove, ...]:
    """Return every pair of insertions that see the same faults and may both be left out.

    Parameters
    ----------
    plans
        Best plans of a template of which some plan is allowed.
    insertion
        Only pairs with this one.

    Examples
    --------
    >>> from yieldopt.explanation.best_plans import Objective
    >>> from yieldopt.flow import Faults
    >>> from yieldopt.optimize.ruled import apply_rules
    >>> from yieldopt.optimize.rules import Rules
    >>> fab = Step("fab", "process", 100.0, faults={"logic": Faults(0.5)})
    >>> cp = Choice("cp", {"off": None, "full": Step("cp", "test", 2.0, coverage={"logic": 0.99})})
    >>> ft = Choice("ft", {"off": None, "full": Step("ft", "test", 3.0, coverage={"logic": 0.99})})
    >>> die = OpenNode("die", (), (fab, cp, Step("pack", "process", 50.0), ft))
    >>> ruled = apply_rules(Template("die", (die,)), Rules())
    >>> plans = BestPlans(ruled, Objective(dppm_limit=6000.0))
    >>> [(move.early, move.late, move.best) for move in content_moves(plans)]
    [('die/cp', 'die/ft', 'early_only')]
    """
    choices = plans.template.choices()
    found = []
    for early, late, classes in _pairs(plans.template):
        if insertion in (None, early, late):
            ways = {
                way: plans.best(
                    {p: _levels(choices[p], u) for p, u in zip((early, late), used, strict=True)}
                )
                for way, used in _USED.items()
            }
            costs = {way: plan.cost_per_good_usd for way, plan in ways.items() if plan is not None}
            best = min(costs, key=lambda way: costs[way], default=None)
            if best is None:  # time ended before a plan of any way was met
                continue
            found.append(ContentMove(early, late, classes, ways, best))
    return tuple(found)


def _levels(choice: Choice, used: bool) -> tuple[str, ...]:
    return tuple(name for name, step in choice.options.items() if (step is not None) == used)


def _pairs(template: Template) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    parent = {item.node: node for node in template.nodes for item in node.inputs}
    for node in template.nodes:
        for at, item in enumerate(node.items):
            there = carried(template, node, at) & _seen(item)
            for place, other in _ahead(node, at + 1, parent) if there else ():
                classes = there & _seen(other)
                if classes:
                    yield f"{node.name}/{item.name}", place, tuple(sorted(classes))


def _ahead(
    node: OpenNode, at: int, parent: Mapping[str, OpenNode]
) -> Iterator[tuple[str, Step | Choice]]:
    """Yield every item from a position of a node to the door."""
    yield from ((f"{node.name}/{item.name}", item) for item in node.items[at:])
    if node.name in parent:
        yield from _ahead(parent[node.name], 0, parent)


def _seen(item: Step | Choice) -> set[str]:
    """Classes that an insertion can see; none where it cannot be both used and left out."""
    if isinstance(item, Step) or not _levels(item, False):
        return set()
    steps = [step for step in item.options.values() if step is not None]
    return {name for step in steps for name, share in step.coverage.items() if share > 0.0}
