"""Case + product + route → flow: the only place where units are converted.

Lengths in mm, areas in mm², D0 from per cm² to per mm², seconds to hours, DPPM and yields to fault
means. What a carrier (wafer or panel) carries is counted exactly.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from yieldopt.compile_insertions import insertion_choice, latent_faults
from yieldopt.errors import CaseError, Fault, UnknownName, near_miss
from yieldopt.flow import Faults, Flow, Input, Step
from yieldopt.physics.yields import Law
from yieldopt.read.case import route_slots
from yieldopt.read.crosscheck import bodies_per_carrier
from yieldopt.schema.case import Case, Library, ProductShape, SlotFill
from yieldopt.schema.models import (
    HarvestShape,
    PartShape,
    ProcessShape,
    RouteShape,
    RouteStepShape,
)
from yieldopt.template import Choice, OpenNode, Template

PER_CM2_IN_PER_MM2 = 0.01


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
        Nodes in the order of the route; each part of a slot is a leaf named after it.

    Raises
    ------
    CaseError
        A body fits no carrier of its process (``optimize.route.exclusions`` says so beforehand).
    """
    builder = _Builder(case, product, route)
    for step in route.steps:
        builder.add(step)
    return builder.template().limited(builder.own_menus())


def compile_flow(
    case: Case, product: ProductShape, route: RouteShape, levels: Mapping[str, str]
) -> Flow:
    """Compile one flow at base values and given levels; those not given are off."""
    return compile_template(case, product, route).at(levels)


class _Builder:
    """Nodes under construction."""

    def __init__(self, case: Case, product: ProductShape, route: RouteShape) -> None:
        self.case, self.product, self.route = case, product, route
        self.library: Library = case.library
        self.inputs: dict[str, tuple[Input, ...]] = {}
        self.items: dict[str, list[Step | Choice]] = {}
        self.last = ""

    def template(self) -> Template:
        nodes = (OpenNode(n, self.inputs[n], tuple(self.items[n])) for n in self.items)
        return Template(self.last, tuple(nodes))

    def own_menus(self) -> dict[str, tuple[str, ...]]:
        """Menus that the product narrows, as far as this route has the insertion."""
        places = {
            f"{node}/{item.name}"
            for node, items in self.items.items()
            for item in items
            if isinstance(item, Choice)
        }
        return {place: names for place, names in self.product.levels.items() if place in places}

    def add(self, step: RouteStepShape) -> None:
        if step.make is not None:
            self._leaf(step.make, self.library.parts[step.part or ""])
        elif step.join is not None:
            joined = tuple(item for source in step.inputs for item in self._joined(source))
            self.inputs[step.join], self.items[step.join] = joined, []
            self.last = step.join
        elif step.point is not None:
            self._attach(self.last, step.point, leaf=None)
        else:
            self._work(step)

    def _joined(self, source: str) -> list[Input]:
        if not source.startswith("@"):
            return [Input(source)]
        fills = self.product.slots[source[1:]]
        for fill in fills:
            self._leaf(fill.part, self.library.parts[fill.part])
        return [Input(fill.part, fill.count) for fill in fills]

    def _leaf(self, node: str, part: PartShape) -> None:
        self.inputs[node] = ()
        self.items[node] = [self._origin(part)]
        self.last = node
        if part.point:
            self._attach(node, part.point, leaf=part)

    def _attach(self, node: str, point: str, leaf: PartShape | None) -> None:
        classes = self._classes(node)
        scaled = leaf is None or leaf.category == "die"  # a product's own test time
        factor = self.product.test_time_factor.base if scaled else 1.0
        for insertion in self.case.insertions:
            if point in insertion.points:
                origin = self.items[node][0] if leaf else None
                faults = origin.faults if isinstance(origin, Step) else {}
                choice = insertion_choice(insertion, classes, factor, faults)
                self.items[node].append(choice)
                classes = self._classes(node)  # damage of this one is seen by the next

    def _classes(self, node: str) -> set[str]:
        """Fault classes that a unit of the node may carry here."""
        found: set[str] = set()
        todo = [node]
        while todo:
            name = todo.pop()
            todo += [item.node for item in self.inputs[name]]
            for item in self.items[name]:
                steps = item.options.values() if isinstance(item, Choice) else (item,)
                found.update(c for step in steps if step is not None for c in step.faults)
        return found

    def _size(self, size: str | None, part: PartShape | None = None) -> tuple[float, float]:
        if part is not None and part.width_mm is not None and part.height_mm is not None:
            return part.width_mm, part.height_mm
        return self.product.substrate_mm if size == "substrate" else self.product.interposer_mm

    def _origin(self, part: PartShape) -> Step:
        """The step that a part begins with: fabrication on its process, or its purchase."""
        if part.process is None:
            return self._bought(part)
        made = self._on_process(
            self.library.processes[part.process], self._size(part.size, part), part.harvest
        )
        scrap = made.scrap
        return Step(
            "fab", "process", made.cost, scrap, made.faults, made.uses, category=part.category
        )

    def _bought(self, part: PartShape) -> Step:
        if part.price_usd is not None:
            cost = part.price_usd.base
        else:
            assert part.price_usd_per_mm2 is not None
            cost = part.price_usd_per_mm2.base * math.prod(self._size(part.size, part))
        faults = {}
        if part.fault_class and part.incoming_dppm is not None:
            faults[part.fault_class] = Faults(-math.log1p(-part.incoming_dppm.base / 1e6))
        uses = {part.resource: 1.0} if part.resource else {}
        return Step("buy", "process", cost, 0.0, faults, uses, category=part.category)

    def _on_process(
        self, process: ProcessShape, size: tuple[float, float], harvest: HarvestShape | None = None
    ) -> _Made:
        bodies = bodies_per_carrier(process, *size)
        critical_mm2 = process.critical_area_frac.base * size[0] * size[1]
        mean = process.d0_per_cm2.base * PER_CM2_IN_PER_MM2 * critical_mm2
        return _Made(
            process.cost_usd.base / bodies,
            process.line_scrap.base,
            class_faults(process, mean, harvest) if mean > 0 else {},
            {process.resource: 1.0 / bodies},
        )

    def _work(self, step: RouteStepShape) -> None:
        assert step.work is not None
        units = self._units(step)
        cost, uses = step.cost_usd.base * units, {k: v.base * units for k, v in step.uses.items()}
        faults = {name: latent_faults(latent, units) for name, latent in step.faults.items()}
        scrap = -math.expm1(units * math.log1p(-step.scrap.base)) if step.scrap.base < 1 else 1.0
        if step.process is not None:
            made = self._on_process(self.library.processes[step.process], self._size(step.area))
            cost += made.cost
            uses = {k: uses.get(k, 0.0) + made.uses.get(k, 0.0) for k in {**uses, **made.uses}}
            faults = made.faults | faults
            scrap = 1.0 - (1.0 - scrap) * (1.0 - made.scrap)
        done = Step(step.work, "process", cost, scrap, faults, uses, category=step.category)
        if step.per == "site":
            self._paid_for_every_site(done)
            done = replace(done, cost_usd=0.0, uses={})
        if step.per != "site" or done.faults or done.scrap:
            self.items[self.last].append(done)

    def _paid_for_every_site(self, step: Step) -> None:
        """Bad sites of a carrier are worked too: book the cost ahead of the carrier's screen."""
        items = self.items[self.route.carrier]
        before = next((i for i, item in enumerate(items) if isinstance(item, Choice)), len(items))
        paid = replace(step, name=f"{step.name}_per_site", scrap=0.0, faults={})
        items.insert(before, paid)

    def _units(self, step: RouteStepShape) -> float:
        if step.per == "part":
            fills: list[SlotFill] = [f for slot in step.of for f in self.product.slots[slot[1:]]]
            return float(sum(fill.count for fill in fills))
        return math.prod(self._size(step.area)) if step.per == "mm2" else 1.0


@dataclass(frozen=True, slots=True)
class _Made:
    """What a body costs on a process, per body."""

    cost: float
    scrap: float
    faults: dict[str, Faults]
    uses: dict[str, float]


def class_faults(
    process: ProcessShape, mean: float, harvest: HarvestShape | None
) -> dict[str, Faults]:
    """Split the faults of a body by class so that the whole body keeps its yield.

    The classes share one mixing variable (a cluster). A harvested class has a law of its own, so
    there every class takes its share of alpha instead: Π(1+sλ/sα)^(−sα) = (1+λ/α)^(−α).
    """
    law = process.yield_law()
    shares = {name: share.base for name, share in process.shares.items() if share.base > 0}
    if harvest is None:
        cluster = process.name if len(shares) > 1 else None
        return {name: Faults(mean * s, law, cluster) for name, s in shares.items()}
    out = {}
    for name, share in shares.items():
        alpha = None if law.alpha is None else law.alpha * share
        own = Law("poisson") if alpha is None else Law("negative_binomial", alpha)
        if name == harvest.fault_class:
            own = Law("harvest", alpha, None, harvest.blocks, harvest.spares)
        out[name] = Faults(mean * share, own)
    return out


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
    shape = case.library.routes[route]
    for slot in route_slots(shape):
        if slot not in wanted.slots:
            faults.append(
                Fault(f"slot @{slot} of route {route!r} is not filled", f"{product}.slots")
            )
    if faults:
        raise CaseError(faults)
    chosen = dict(text.split("=", 1) for text in levels)
    return compile_flow(case, wanted, shape, chosen)
