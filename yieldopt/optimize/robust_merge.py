"""One block for all scenarios: their templates in one, its numbers as arrays over scenarios.

A walk over levels costs the same whether its numbers are floats or arrays, so scenarios that differ
in numbers alone are walked together: the scenario is one more axis of a block, ahead of those of
the trunk's choices. Where laws or classes of faults differ as well, each scenario is walked by
itself. What every scenario's own problem holds already is not walked again, and a plan is closed in
all scenarios by one flow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from yieldopt.flow import POISSON, Faults, Flow, Step
from yieldopt.optimize.grid import grid_of
from yieldopt.optimize.problem import Problem
from yieldopt.optimize.tree import Tree, is_test, menu_sizes
from yieldopt.optimize.trunk import Block, build_block, leaf_tables
from yieldopt.physics.yields import Value
from yieldopt.template import Choice, OpenNode, Template

Array = NDArray[np.float64]
Index = NDArray[np.intp]
Spread = Callable[[Sequence[Value]], Value]


def scenario_blocks(problems: Sequence[Problem], numbers: Index) -> Iterator[Block]:
    """Yield the block of every scenario at some trunk combinations.

    Parameters
    ----------
    problems
        The scenarios.
    numbers
        Trunk combinations, (T,).
    """
    known = [_held(problem, numbers) for problem in problems]
    if all(block is not None for block in known):
        yield from (block for block in known if block is not None)
        return
    together = stacked([problem.template for problem in problems], numbers)
    if together is None:
        sizes = problems[0].trunk_sizes
        picks = np.unravel_index(numbers, sizes) if sizes else ()
        for problem in problems:
            yield build_block(problem.tree, problem.tree.branches, picks)
        return
    count = len(numbers)
    for low in range(0, count * len(problems), count):
        yield _part(together.block, slice(low, low + count))


@dataclass(frozen=True)
class Together:
    """Scenarios in one: their tree, numbers that differ as arrays, and their trunk combinations
    side by side, those of one scenario after those of another.
    """

    tree: Tree
    block: Block


def stacked(templates: Sequence[Template], numbers: Index) -> Together | None:
    """Return one block of all scenarios; ``None`` where more differs than numbers.

    Parameters
    ----------
    templates
        Of S scenarios, with the same menus.
    numbers
        Trunk combinations of each, (T,).
    """
    first = Tree(templates[0])
    whole, every = _whole(templates, first, numbers)
    if whole is None:
        return None
    known = [_of_few(templates, first, node, numbers) for node in first.branches]
    return Together(whole, build_block(whole, whole.branches, every, known, ahead=1))


def _whole(
    templates: Sequence[Template], first: Tree, numbers: Index
) -> tuple[Tree | None, list[Index]]:
    """Return the tree of all scenarios, and the picks of a block: the scenario ahead of levels."""
    sizes = tuple(size for node in first.inner for size in menu_sizes(node))
    picks = np.unravel_index(numbers, sizes) if sizes else ()
    which = np.repeat(np.arange(len(templates)), len(numbers))
    every = [which, *(np.tile(pick, len(templates)) for pick in picks)]
    _, along = grid_of(every, [first.sizes(node) for node in first.branches])
    whole = _merged(templates, lambda values: np.asarray(values, float)[along[0]])
    return None if whole is None else Tree(whole), every


def _of_few(
    templates: Sequence[Template], first: Tree, leaf: OpenNode, numbers: Index
) -> tuple[Array, Array] | None:
    """Return the tables of a leaf that few scenarios change, computed once for those alike.

    ``None`` where most change it. They hold its own nodes, and what the tests above find of them.
    """
    own = [part.name for part in first.parts(leaf)]
    above = [node.name for node, _ in first.above(leaf.name)]
    different: dict[tuple[int, ...], int] = {}
    few: list[Template] = []
    which: list[int] = []
    for template in templates:
        items = {node.name: node.items for node in template.nodes}
        held = [id(item) for name in own for item in items[name]]
        held += [id(item) for name in above for item in items[name] if is_test(item)]
        at = different.setdefault(tuple(held), len(few))
        if at == len(few):
            few.append(template)
        which.append(at)
    if 2 * len(few) > len(templates):
        return None
    whole, every = _whole(few, first, numbers)
    if whole is None:
        return None
    log_e, log_q = leaf_tables(whole, whole.nodes[leaf.name], every, ahead=1)
    shape = len(few), len(numbers)
    return (
        log_e.reshape(*shape, *log_e.shape[1:])[which].reshape(-1, *log_e.shape[1:]),
        log_q.reshape(*shape, -1)[which].reshape(-1, *log_q.shape[1:]),
    )


def _held(problem: Problem, numbers: Index) -> Block | None:
    """Return some trunk combinations of a block that the problem keeps, or ``None``."""
    low, high = int(numbers.min()), int(numbers.max())
    for first, block in problem._cache.items():
        if first <= low and high < first + len(block.base):
            at = numbers - first
            if len(at) == len(block.base) and np.array_equal(at, np.arange(len(at))):
                return block
            return _part(block, at)
    return None


def _part(block: Block, part: Index | slice) -> Block:
    return Block(
        tuple(e[part] for e in block.log_e),
        tuple(q[part] for q in block.log_q),
        block.base[part],
        {name: used[part] for name, used in block.base_uses.items()},
        block.weight[part],
        block.log_q_trunk[part],
    )


def closed(templates: Sequence[Template], levels: Mapping[str, str]) -> Flow | None:
    """Return one plan in all scenarios as one flow, numbers that differ as arrays (S,); ``None``
    where more differs than numbers.

    Parameters
    ----------
    templates
        Of S scenarios.
    levels
        A level at every choice.

    Examples
    --------
    >>> dies = [OpenNode("die", (), (Step("fab", "process", cost),)) for cost in (100.0, 130.0)]
    >>> flow = closed([Template("die", (die,)) for die in dies], {})
    >>> flow.nodes[0].steps[0].cost_usd
    array([100., 130.])
    """
    whole = _merged(
        [_at(template, levels) for template in templates],
        lambda values: np.asarray(values, float),
    )
    return None if whole is None else whole.at({})


def _at(template: Template, levels: Mapping[str, str]) -> Template:
    """Return the template with fixed steps alone: ``at`` would check it for every scenario."""

    def steps(node: OpenNode) -> Iterator[Step]:
        for item in node.items:
            if isinstance(item, Step):
                yield item
            elif (step := item.options[levels[f"{node.name}/{item.name}"]]) is not None:
                yield step

    nodes = [OpenNode(node.name, node.inputs, tuple(steps(node))) for node in template.nodes]
    return Template(template.ship, tuple(nodes))


def _merged(templates: Sequence[Template], array: Spread) -> Template | None:
    """Return one template; ``array`` makes one number of those that differ."""

    def spread(values: Sequence[Value]) -> Value:
        return values[0] if all(value == values[0] for value in values) else array(values)

    nodes = []
    for own in zip(*(template.nodes for template in templates), strict=True):
        if any(
            node.inputs != own[0].inputs or len(node.items) != len(own[0].items) for node in own
        ):
            return None
        items: list[Step | Choice] = []
        for alike in zip(*(node.items for node in own), strict=True):
            item = _item(alike, spread)
            if item is None:
                return None
            items.append(item)
        nodes.append(OpenNode(own[0].name, own[0].inputs, tuple(items)))
    return Template(templates[0].ship, tuple(nodes))


def _item(alike: Sequence[Step | Choice], spread: Spread) -> Step | Choice | None:
    first = alike[0]
    if all(other is first or other == first for other in alike):
        return first
    steps = [item for item in alike if isinstance(item, Step)]
    choices = [item for item in alike if isinstance(item, Choice)]
    if len(steps) == len(alike):
        return _step(steps, spread)
    return _menu(choices, spread) if len(choices) == len(alike) else None


def _menu(choices: Sequence[Choice], spread: Spread) -> Choice | None:
    """Return one menu, levels merged one by one; ``None`` where they are not the same kinds."""
    options: dict[str, Step | None] = {}
    for level, first in choices[0].options.items():
        own = [choice.options[level] for choice in choices]
        steps = [step for step in own if step is not None]
        options[level] = _step(steps, spread) if len(steps) == len(own) else None
        if (options[level] is None) != (first is None):
            return None
    return Choice(choices[0].name, options)


def _step(steps: Sequence[Step], spread: Spread) -> Step | None:
    first = steps[0]
    kinds = {(step.name, step.kind, step.overlap) for step in steps}
    names = dict.fromkeys(name for step in steps for name in step.faults)
    faults = {}
    for name in names:
        held = [step.faults[name] for step in steps if name in step.faults]
        if any((one.law, one.cluster) != (held[0].law, held[0].cluster) for one in held):
            return None
        none = Faults(0.0, POISSON)
        mean = spread([step.faults.get(name, none).mean for step in steps])
        faults[name] = replace(held[0], mean=mean)
    if len(kinds) > 1:
        return None

    def table(tables: Sequence[Mapping[str, Value]]) -> dict[str, Value]:
        keys = dict.fromkeys(key for one in tables for key in one)
        return {key: spread([one.get(key, 0.0) for one in tables]) for key in keys}

    return replace(
        first,
        cost_usd=spread([step.cost_usd for step in steps]),
        scrap=spread([step.scrap for step in steps]),
        overkill=spread([step.overkill for step in steps]),
        fail_cost_fraction=spread([step.fail_cost_fraction for step in steps]),
        faults=faults,
        uses=table([step.uses for step in steps]),
        coverage=table([step.coverage for step in steps]),
        repair=table([step.repair for step in steps]),
    )


def mean_template(templates: Sequence[Template], p: Array) -> Template | None:
    """Return one template of mean numbers; ``None`` where more differs than numbers.

    Parameters
    ----------
    templates, p
        Scenarios and their probabilities, (S,).
    """

    def mean(values: Sequence[Value]) -> Value:
        found = float(np.dot(p, np.asarray(values, float)))
        return float(np.clip(found, min(values), max(values)))  # rounding leaves no range

    nodes = []
    for own in zip(*(template.nodes for template in templates), strict=True):
        if any(len(node.items) != len(own[0].items) for node in own):
            return None
        rows = list(zip(*(node.items for node in own), strict=True))
        items = [_item(row, mean) for row in rows]
        found = [item for item in items if item is not None]
        if len(found) < len(items):
            return None
        nodes.append(OpenNode(own[0].name, own[0].inputs, tuple(found)))
    return Template(templates[0].ship, tuple(nodes))
