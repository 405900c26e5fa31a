"""The nodes of a flow: a product on its route, and every assembled part on its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from yieldopt.compile.insertions import insertion_choice
from yieldopt.compile.parts import origin
from yieldopt.compile.work import work_step
from yieldopt.errors import CaseError, Fault, UnknownName, near_miss
from yieldopt.flow import Flow, Input, Step
from yieldopt.same import Same
from yieldopt.schema.assembly import (
    Assembly,
    node_name,
    part_assembly,
    product_assembly,
    slots_of,
    steps_of,
)
from yieldopt.schema.case import Case, Library, ProductShape
from yieldopt.schema.part import PartShape
from yieldopt.schema.route import RouteShape, RouteStepShape
from yieldopt.template import Choice, OpenNode, Template


def compile_template(case: Case, product: ProductShape, route: RouteShape) -> Template:
    """Compile a product on a route at base values, every insertion still open.

    Parameters
    ----------
    case
        The checked case.
    product, route
        One of its products, and one of the library's routes.

    Returns
    -------
    Template
        Nodes in the order of the route; each part of a slot is a node named after it, and what an
        assembled part consists of stands before it.

    Raises
    ------
    CaseError
        A body fits no carrier of its process, or the product lacks its sides
        (``optimize.route.exclusions`` says so beforehand).
    """
    builder = _Builder(case, product)
    return builder.template(builder.assemble(_of_product(Same(product)), route))


def compile_flow(
    case: Case, product: ProductShape, route: RouteShape, levels: Mapping[str, str]
) -> Flow:
    """Compile one flow at base values and given levels; those not given are off."""
    return compile_template(case, product, route).at(levels)


class _Builder:
    """Nodes under construction."""

    def __init__(self, case: Case, product: ProductShape) -> None:
        self.case, self.product = case, product
        self.library: Library = case.library
        self.inputs: dict[str, tuple[Input, ...]] = {}
        self.items: dict[str, list[Step | Choice]] = {}
        self.screen: dict[str, int] = {}  # where the first point of a node stands
        self.classes: dict[str, frozenset[str]] = {}  # of faults that a unit may carry so far
        self.has_die: dict[str, bool] = {}
        self.has_chip: dict[str, bool] = {}

    def template(self, ship: str) -> Template:
        nodes = (OpenNode(n, self.inputs[n], tuple(self.items[n])) for n in self.items)
        template = Template(ship, tuple(nodes))
        return template.limited(self._own_menus()) if self.product.levels else template

    def _own_menus(self) -> dict[str, tuple[str, ...]]:
        """Menus that the product narrows, as far as this route has the insertion."""
        places = {
            f"{node}/{item.name}"
            for node, items in self.items.items()
            for item in items
            if isinstance(item, Choice)
        }
        return {place: names for place, names in self.product.levels.items() if place in places}

    def assemble(self, assembly: Assembly, route: RouteShape) -> str:
        """Add every node of an assembly on a route; return the name of its last."""
        branch = _Branch(self, assembly, route)
        for step in branch.steps:
            branch.add(step)
        return branch.last

    def leaf(self, assembly: Assembly, node: str, part: PartShape, *, blind: bool = False) -> None:
        """Add a part: a leaf with its insertions, or all that an assembled one consists of."""
        if part.route is not None:
            self.assemble(_of_part(Same(part)), self.library.routes[part.route])
        else:
            self.inputs[node], self.items[node] = (), []
            self.classes[node] = frozenset()
            self.put(node, origin(self.library, assembly, part))
            self.has_die[node] = part.category == "die"
            self.has_chip[node] = part.category in ("die", "memory")
        if part.point:
            self.attach(node, part.point, is_leaf=part.route is None, blind=blind)

    def join(self, node: str, joined: tuple[Input, ...]) -> None:
        """Begin a node that joins others."""
        self.inputs[node], self.items[node] = joined, []
        self.classes[node] = frozenset().union(*(self.classes[item.node] for item in joined))
        self.has_die[node] = any(self.has_die[item.node] for item in joined)
        self.has_chip[node] = any(self.has_chip[item.node] for item in joined)

    def attach(
        self, node: str, point: str, *, is_leaf: bool, blind: bool = False, own: bool = False
    ) -> None:
        """Attach every insertion that the point takes; dies, what holds them, and the product's
        ``own`` nodes take its test time.
        """
        self.screen.setdefault(node, len(self.items[node]))
        factor = self.product.test_time_factor.base if own or self.has_die[node] else 1.0
        first = self.items[node][0] if is_leaf else None
        faults = first.faults if isinstance(first, Step) else {}
        for insertion in self.case.insertions:
            if point in insertion.points:
                classes = self.classes[node]  # with the damage of the insertions before
                choice = insertion_choice(insertion, classes, factor, faults, blind=blind)
                if len(choice.options) > 1 or not blind:
                    self.put(node, choice)

    def put(self, node: str, item: Step | Choice) -> None:
        """Append to a node what is done next."""
        self.items[node].append(item)
        steps = item.options.values() if isinstance(item, Choice) else (item,)
        left = {name for step in steps if step is not None for name in step.faults}
        if not left <= self.classes[node]:
            self.classes[node] |= left


@lru_cache(maxsize=512)  # one object for a product: its steps are remembered by it
def _of_product(shared: Same[ProductShape]) -> Assembly:
    return product_assembly(shared.held)


@lru_cache(maxsize=512)
def _of_part(shared: Same[PartShape]) -> Assembly:
    return part_assembly(shared.held)


class _Branch:
    """One assembly on its route: the product, or an assembled part inside it."""

    def __init__(self, builder: _Builder, assembly: Assembly, route: RouteShape) -> None:
        self.builder, self.assembly, self.route = builder, assembly, route
        self.steps = steps_of(route, assembly.until)
        self.last = ""

    def node(self, name: str) -> str:
        return node_name(self.assembly, self.steps, name)

    def add(self, step: RouteStepShape) -> None:
        builder = self.builder
        if step.make is not None:
            self.last = self.node(step.make)
            builder.leaf(self.assembly, self.last, builder.library.parts[step.part or ""])
        elif step.join is not None:
            self.last = self.node(step.join)
            joined = tuple(item for source in step.inputs for item in self._joined(source, step))
            builder.join(self.last, joined)
        elif step.point is not None:
            own = self.assembly.category is None and builder.has_chip[self.last]
            builder.attach(self.last, step.point, is_leaf=False, own=own)
        else:
            self._work(step)

    def _joined(self, source: str, step: RouteStepShape) -> list[Input]:
        if not source.startswith("@"):
            return [Input(self.node(source))]
        fills = self.assembly.slots[source[1:]]
        for fill in fills:
            part = self.builder.library.parts[fill.part]
            self.builder.leaf(self.assembly, fill.part, part, blind=source in step.blind)
        return [Input(fill.part, fill.count) for fill in fills]

    def _work(self, step: RouteStepShape) -> None:
        done = work_step(self.builder.library, self.assembly, step)
        if step.per == "site":
            self._paid_for_every_site(done)
            done = replace(done, cost_usd=0.0, uses={})
        if step.per != "site" or done.faults or done.scrap:
            self.builder.put(self.last, done)

    def _paid_for_every_site(self, step: Step) -> None:
        """Bad sites of a carrier are worked too: book the cost ahead of the carrier's screen."""
        carrier = self.node(self.route.carrier or "")
        items = self.builder.items[carrier]
        before = self.builder.screen.get(carrier, len(items))
        items.insert(before, replace(step, name=f"{step.name}_per_site", scrap=0.0, faults={}))
        if carrier in self.builder.screen:
            self.builder.screen[carrier] += 1


def compile_named(case: Case, product: str, route: str, levels: Sequence[str] = ()) -> Flow:
    """Compile by names; levels as ``"node/insertion=level"``.

    Raises
    ------
    CaseError
        Unknown product, route, insertion or level; a body that fits no carrier. (Limits are not
        looked at: a flow may be of interest where the route is excluded.)
    """
    wanted = case.product(product)
    if route not in case.library.routes:
        hint = near_miss(route, case.library.routes)
        raise UnknownName(Fault("unknown route", value=route, hint=hint))
    faults = [
        Fault("must be NODE/INSERTION=LEVEL", "--level", text) for text in levels if "=" not in text
    ]
    places = [text.split("=", 1)[0] for text in levels]
    faults += [
        Fault(f"{place} is given two levels", "--level")
        for place in dict.fromkeys(places)
        if places.count(place) > 1
    ]
    shape = case.library.routes[route]
    for slot in slots_of(shape.steps):
        if slot not in wanted.slots:
            faults.append(
                Fault(f"slot @{slot} of route {route!r} is not filled", f"{product}.slots")
            )
    if faults:
        raise CaseError(faults)
    chosen = dict(text.split("=", 1) for text in levels)
    return compile_flow(case, wanted, shape, chosen)
