r"""How many good packages come of one start, at least, whatever the levels.

Of a fault group that joins the line of the counted node with kill mass κ, the passes still ahead
and Q telescope to S(κ∞+ω∞)/S(κ) ≥ S(1): the mass looked at or not is never above 1, and S(κ) ≤ 1.
So good packages per start are at least Π S(1)^m over all groups of the package, times what scrap
and overkill on the line leave, by each choice's worst level, over the node's count.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from yieldopt.engine import evaluate
from yieldopt.flow import Flow, Node, Step
from yieldopt.optimize.exposure import levels_of
from yieldopt.optimize.tree import Tree
from yieldopt.template import Template


def least_goods(template: Template, node: str) -> float:
    """Return a lower bound on good packages per start of a node.

    0 with harvested classes: there S depends on the first test.

    Parameters
    ----------
    template
        With levels still open.
    node
        Whose starts are counted.

    Examples
    --------
    >>> from yieldopt.flow import Faults
    >>> from yieldopt.template import Choice, OpenNode
    >>> fab = Step("fab", "process", 100.0, scrap=0.1, faults={"logic": Faults(0.5)})
    >>> sort = Choice("cp", {"off": None, "on": Step("cp", "test", 5.0, overkill=0.01)})
    >>> round(least_goods(Template("die", (OpenNode("die", (), (fab, sort)),)), "die"), 5)
    0.54042
    """
    tree = Tree(template)
    line = {node, *(above.name for above, _ in tree.above(node))}
    total = -math.log(tree.count(node))
    for one in template.nodes:
        for item in one.items:
            steps = [step for step in levels_of(item) if step is not None]
            if any(f.law.name == "harvest" for step in steps for f in step.faults.values()):
                return 0.0
            worst = min((_log_empty(step) for step in steps), default=0.0)
            if len(steps) < len(levels_of(item)):
                worst = min(worst, 0.0)
            total += tree.count(one.name) * worst
            if one.name in line:
                total += min((_log_kept(step) for step in steps), default=0.0)
    return math.exp(total)


def least_spend(template: Template, node: str, prices: Mapping[str, float]) -> float:
    """Return a lower bound on what one start of a node costs [USD], whatever the levels.

    All that goes into a start has run through every step below at least once for each part, and
    the node's own first step is charged: all of it, or of a test the share that a failing unit is.

    Parameters
    ----------
    template, node
        As for :func:`least_goods`.
    prices
        Price of resource use on top of the costs [USD per unit].

    Examples
    --------
    >>> from yieldopt.flow import Faults
    >>> from yieldopt.template import Choice, OpenNode
    >>> fab = Step("fab", "process", 100.0, scrap=0.1, faults={"logic": Faults(0.5)})
    >>> sort = Choice("cp", {"off": None, "on": Step("cp", "test", 5.0, overkill=0.01)})
    >>> least_spend(Template("die", (OpenNode("die", (), (fab, sort)),)), "die", {})
    100.0
    """
    tree = Tree(template)
    total = 0.0
    for one in template.nodes:
        if one.name == node:
            runs, items = 1.0, one.items[:1]
        elif node in {above.name for above, _ in tree.above(one.name)}:
            runs, items = tree.count(one.name) / tree.count(node), one.items
        else:
            continue
        for item in items:
            least = math.inf
            for step in levels_of(item):
                cost = 0.0
                if step is not None:
                    cost = float(step.cost_usd)
                    cost += sum(prices.get(k, 0.0) * float(n) for k, n in step.uses.items())
                    if one.name == node and step.kind == "test":
                        cost *= float(step.fail_cost_fraction)
                least = min(least, cost)
            total += runs * least
    return total


def _log_empty(step: Step) -> float:
    """Return ln S(1) of all faults that a step leaves."""
    if not step.faults:
        return 0.0
    alone = Step("step", "process", faults=step.faults)
    quality = float(evaluate(Flow("node", (Node("node", steps=(alone,)),))).quality)
    return math.log(quality) if quality > 0.0 else -math.inf


def _log_kept(step: Step) -> float:
    lost = float(step.overkill if step.kind == "test" else step.scrap)
    return math.log1p(-lost) if lost < 1.0 else -math.inf
