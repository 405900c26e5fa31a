"""The rules of a product on one of its routes, as far as the route has what they speak of.

A rule of a case names places on any route of its product. On one route, places that it lacks are
left out: of identical parts those that are there stay tied, and content that could stand at none
of its places is no content of this route.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from yieldopt.flow import Step
from yieldopt.optimize.pricing import resources
from yieldopt.optimize.ruled import Ruled, apply_rules
from yieldopt.optimize.rules import Menus, Move, Rules, cut
from yieldopt.schema.case import ProductShape
from yieldopt.schema.rules import MoveShape
from yieldopt.template import Choice, OpenNode, Template


def product_ruled(product: ProductShape, template: Template) -> Ruled:
    """Apply a product's rules to its template on a route.

    Parameters
    ----------
    product
        A checked product: every place, level, class and resource that it names is known.
    template
        The product compiled on a route, its menus narrowed by ``levels`` already.

    Returns
    -------
    Ruled
        ``reasons`` says why no plan keeps the rules on levels, if none does.

    Examples
    --------
    >>> from yieldopt import load
    >>> from yieldopt.compile import compile_template
    >>> changes = {"products.asic.forbidden_levels": {"package/final_test": ["off"]}}
    >>> case = load("minimal", changes)
    >>> template = compile_template(case, case.products[0], case.library.routes["osat_2p5d"])
    >>> ruled = product_ruled(case.products[0], template)
    >>> "off" in ruled.template.choices()["package/final_test"].options
    True
    >>> "off" in ruled.menus["package/final_test"]
    False
    """
    choices = template.choices()
    forbidden = {p: list(k) for p, k in product.forbidden_levels.items() if p in choices}
    moves, reasons = [], []
    for at, asked in enumerate(product.moves):
        move, why = _move(asked, choices, forbidden)
        moves += [move] if move is not None else []
        reasons += [f"moves[{at}]: {why}"] if why else []
    tied = [[p for p in places if p in choices] for places in product.same_level]
    used = resources(template)
    rules = Rules(
        forbidden={p: [k for k in ks if k in choices[p].options] for p, ks in forbidden.items()},
        least_coverage=_contracts(product, template),
        same_level=[places for places in tied if len(places) > 1],
        moves=moves,
        resource_limits={k: v for k, v in product.use_limits_per_good.items() if k in used},
    )
    ruled = apply_rules(template, rules)
    return replace(ruled, reasons=(*reasons, *ruled.reasons))


def narrowed(ruled: Ruled, menus: Mapping[str, Sequence[str]]) -> Ruled:
    """Return a template under the same rules with some menus cut further.

    Parameters
    ----------
    ruled
        Template and rules.
    menus
        Levels left, by ``"node/insertion"``; the other menus stay as they are.
    """
    if ruled.reasons or not menus:
        return ruled
    left: Menus = cut(ruled.menus, {place: tuple(levels) for place, levels in menus.items()})
    empty = tuple(f"{place}: no level is left" for place, levels in left.items() if not levels)
    joints, reasons = ruled.rules.joints(left) if not empty else ((), empty)
    return replace(ruled, menus=left, joints=joints, reasons=reasons, wider=ruled, _problems={})


def _move(
    move: MoveShape, choices: Mapping[str, Choice], forbidden: dict[str, list[str]]
) -> tuple[Move | None, str]:
    """Return a move on the places of a route, or why none of its plans can keep it.

    A place whose menu lacks the resting level is always in use. Where one place alone is left, the
    move forbids levels there.
    """
    there = [place for place in move.places if place in choices]
    free = [place for place in there if move.resting in choices[place].options]
    always = len(there) - len(free)
    least, most = max(0, move.least - always), min(move.most - always, len(free))
    if not there:
        return None, ""
    if most < 0:
        return None, f"more than {move.most} of {', '.join(there)} cannot be at {move.resting}"
    if least > len(free):
        return None, f"{move.least} must be in use, and this route has only {', '.join(there)}"
    if len(free) > 1:
        return Move(tuple(free), least, most, move.resting), ""
    for place in free:
        out = [level for level in choices[place].options if level != move.resting]
        against = [move.resting] if least else [] if most else out
        forbidden[place] = [*forbidden.get(place, ()), *against]
    return None, ""


def _contracts(product: ProductShape, template: Template) -> dict[str, dict[str, float]]:
    """Return least coverages of what a unit may carry: a class that it cannot have needs none."""
    classes = {
        f"{node.name}/{item.name}": carried(template, node, at)
        for node in template.nodes
        for at, item in enumerate(node.items)
    }
    return {
        place: {name: least for name, least in table.items() if name in classes[place]}
        for place, table in product.least_coverage.items()
        if place in classes
    }


def carried(template: Template, node: OpenNode, before: int) -> set[str]:
    """Return fault classes that a unit may carry at a position of its node."""
    found = {name for item in node.items[:before] for name in _left_by(item)}
    for source in node.inputs:
        below = next(other for other in template.nodes if other.name == source.node)
        found |= carried(template, below, len(below.items))
    return found


def _left_by(item: Step | Choice) -> Iterator[str]:
    for step in item.options.values() if isinstance(item, Choice) else (item,):
        yield from step.faults if step is not None else ()
