"""A problem with fewer levels on its menus: its tables are those of the whole, what is left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from yieldopt.optimize.problem import Leaf, Problem, prepare
from yieldopt.optimize.trunk import Block

Index = NDArray[np.intp]


def narrowed_problem(whole: Problem, menus: Mapping[str, Sequence[str]]) -> Problem | None:
    """Return a problem with some menus cut, without computing its tables anew.

    Parameters
    ----------
    whole
        A problem that has been searched.
    menus
        Levels left, by ``"node/insertion"``; menus not given stay whole.

    Returns
    -------
    Problem or None
        ``None`` where the tables of the whole are not at hand as one block, or a menu keeps a level
        that the whole lacks.

    Examples
    --------
    >>> from yieldopt import Faults, Step
    >>> from yieldopt.optimize.coverage import best_levels
    >>> from yieldopt.template import Choice, OpenNode, Template
    >>> fab = Step("fab", "process", 100.0, faults={"logic": Faults(0.5)})
    >>> full = Step("cp", "test", 9.0, coverage={"logic": 0.99})
    >>> die = OpenNode("die", (), (fab, Choice("cp", {"off": None, "full": full})))
    >>> whole = prepare(Template("die", (die,)))
    >>> cheap = best_levels(whole)
    >>> best_levels(narrowed_problem(whole, {"die/cp": ["full"]})).levels
    {'die/cp': 'full'}
    """
    block = whole.only_block
    if block is None:
        return None
    left = {}
    for place, choice in whole.template.choices().items():
        names = list(choice.options)
        kept = [name for name in names if name in set(menus.get(place, names))]
        if not kept or len(kept) < len(set(menus.get(place, names))):
            return None
        left[place] = np.array([names.index(name) for name in kept], dtype=np.intp)
    cut = prepare(whole.template.limited({place: tuple(menus[place]) for place in menus}))
    if not cut.tree.is_laid_out_as(whole.tree):  # a sub-assembly has become one menu
        return None
    rows = _numbers([left[place] for place in whole.trunk_places], whole.trunk_sizes)
    entries = [_numbers([left[p] for p in leaf.places], leaf.sizes) for leaf in whole.leaves]
    sizes = [cut.tree.sizes(node) for node in cut.tree.branches]
    held = (
        _of_leaf(leaf, kept, size)
        for leaf, kept, size in zip(whole.leaves, entries, sizes, strict=True)
    )
    return replace(cut, held_leaves=tuple(held), _cache={0: _of_block(block, rows, entries)})


def _numbers(left: Sequence[Index], sizes: Sequence[int]) -> Index:
    """Return the numbers of the combinations of levels left, in order."""
    if not sizes:
        return np.zeros(1, dtype=np.intp)
    return np.ravel_multi_index(np.ix_(*left), tuple(sizes)).reshape(-1).astype(np.intp)


def _of_leaf(leaf: Leaf, kept: Index, sizes: tuple[int, ...]) -> Leaf:
    uses = {name: used[kept] for name, used in leaf.uses.items()}
    return replace(leaf, sizes=sizes, cost=leaf.cost[kept], uses=uses)


def _of_block(block: Block, rows: Index, entries: Sequence[Index]) -> Block:
    tables = [(e[np.ix_(rows, m)], q[np.ix_(rows, m)])
              for e, q, m in zip(block.log_e, block.log_q, entries, strict=True)]  # fmt: skip
    return Block(
        tuple(log_e for log_e, _ in tables),
        tuple(log_q for _, log_q in tables),
        block.base[rows],
        {name: used[rows] for name, used in block.base_uses.items()},
        block.weight[rows],
        block.log_q_trunk[rows],
    )
