"""Plans for several futures, found in another way: every recipe of every future in one MILP.

Each future has the reference's own model with variables of its own; what is decided before one
knows the future is tied by rows x_s = x_0. Nothing of the planner is used.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tests.planning.enumeration import Made, Way, ways
from tests.planning.milp import Milp
from tests.planning.model import Model, Terms
from yieldopt.schema.case import Case, ProductShape
from yieldopt.schema.planning import PerPeriod

BUILT = ("built", "booked", "started", "chosen")


@dataclass(frozen=True)
class Future:
    """A state of the world: a case, what is lost from when on, a service level."""

    probability: float
    case: Case
    lines: frozenset[str] = frozenset()
    resources: frozenset[str] = frozenset()
    since: int = 0


def lost(
    case: Case, probability: float, place: str, since: int, service: float | None = None
) -> Future:
    """The future in which a region is lost: by the sites of routes and lines, and resources."""
    given = {line.name: line for line in case.lines}
    written = {line.route for line in case.lines}
    lines = {
        name for name, line in given.items()
        if place in {s.region for s in line.sites or case.library.routes[line.route].sites}
    } | {
        name for product in case.products for name in product.routes
        if name not in written and place in {s.region for s in case.library.routes[name].sites}
    }  # fmt: skip
    gone = frozenset(r.name for r in case.resources if r.region == place)
    products = tuple(p.model_copy(update={"service_frac": service}) for p in case.products)
    bare = replace(case, products=products, shares=())
    return Future(probability, bare, frozenset(lines), gone, since)


class FutureModel(Model):
    """The reference's model of a case, without what is lost; keeps programmes by name."""

    def __init__(self, future: Future, largest: float) -> None:
        self.future = future
        self.chosen: dict[tuple[str, str, object], int] = {}
        case, periods = future.case, range(len(future.case.periods))
        resources = tuple(
            r.model_copy(update={"capacity": PerPeriod(values=tuple(
                0.0 if r.name in future.resources and t >= future.since else n
                for t, n in enumerate(r.capacity.over(len(periods)))))})
            for r in case.resources
        )  # fmt: skip
        super().__init__(replace(case, resources=resources), largest)

    def _balance(self, product: ProductShape) -> None:
        """What waits may be left unmet after a loss."""
        super()._balance(product)
        asked = self._demand(product)
        for t in self.periods if product.late_usd_per_period is not None else ():
            if self.future.since and t >= self.future.since and (product.name, t) in self.unmet:
                self.milp.upper[self.unmet[product.name, t]] = sum(asked[: t + 1])

    def _gone(self, resource: str, t: int) -> bool:
        return resource in self.future.resources and t >= self.future.since

    def _make(self, product: ProductShape) -> None:
        super()._make(product)
        for way, t in list(self.made):
            if way.place.name in self.future.lines and t >= self.future.since:
                self.milp.upper[self.made.pop((way, t))] = 0.0

    def _expand(self, more: dict[tuple[str, int], Terms]) -> None:
        super()._expand(more)
        for key in list(more):
            if self._gone(*key):
                more[key] = {}

    def _reserve(self, taken: dict[tuple[str, int], Terms]) -> None:
        """What is lost is neither taken nor owed; the prepayment is paid."""
        case = self.case
        count = len(case.periods)
        cut = tuple(
            offer.model_copy(update={"capacity": PerPeriod(values=tuple(
                0.0 if self._gone(offer.resource, t) else n
                for t, n in enumerate(offer.capacity.over(count))))})
            for offer in case.reservations
        )  # fmt: skip
        self.case = replace(case, reservations=cut)
        super()._reserve(taken)
        self.case = case
        for offer, left in zip(case.reservations, cut, strict=True):
            missing = sum(offer.capacity.over(count)) - sum(left.capacity.over(count))
            usd, at = missing * offer.prepayment_usd_per_unit.base, self.booked[offer.name]
            self.milp.cost[at] += usd
            self.money["capital"][0][at] += usd

    def _one_programme(self, product: ProductShape) -> None:
        before = len(self.milp.whole)
        super()._one_programme(product)
        own = self.ways[product.name]
        names = [
            (place.name, way.levels)
            for place in dict.fromkeys(way.place for way in own)
            for way in own
            if way.place == place
        ]
        if product.one_programme:  # the binaries, in the order in which they were added
            for number, (line, levels) in enumerate(names):
                self.chosen[product.name, line, levels] = before + number

    def named(self) -> Iterator[tuple[str, object, int, int]]:
        """Yield kind, key, period and variable of everything that is decided."""
        for kind in ("built", "started"):
            for key, at in getattr(self, kind).items():
                yield kind, key, key[-1], at
        for kind in ("booked", "chosen"):
            for key, at in getattr(self, kind).items():
                yield kind, key, 0, at
        for kind in ("stock", "late", "unmet"):
            for key, at in getattr(self, kind).items():
                yield kind, key, key[1], at
        for (way, t), at in self.made.items():
            yield "made", (_named(way), t), t, at


class MeanModel(Model):
    """The mean-value problem: every coefficient of the programme at its mean over scenarios.

    A way to make a product has the means over the scenarios that can make it on that line at all;
    it is allowed where all of these allow it.
    """

    def __init__(self, futures: Sequence[Future], case: Case, largest: float) -> None:
        self.futures, count = futures, len(case.periods)

        def mean(kind: str, at: int, key: str) -> PerPeriod:
            rows = [getattr(getattr(f.case, kind)[at], key).over(count) for f in futures]
            return PerPeriod(values=tuple(
                sum(f.probability * row[t] for f, row in zip(futures, rows, strict=True))
                for t in range(count)))  # fmt: skip

        changed = {
            kind: tuple(shape.model_copy(update={key: mean(kind, at, key)})
                        for at, shape in enumerate(getattr(case, kind)))
            for kind, key in (("products", "demand"), ("resources", "capacity"))
        }  # fmt: skip
        super().__init__(replace(case, **changed), largest)

    def _ways(self) -> dict[str, list[Way]]:
        tables = [(future.probability, ways(future.case)) for future in self.futures]
        return {p.name: list(self._mean_ways(p.name, tables)) for p in self.case.products}

    def _mean_ways(
        self, product: str, tables: Sequence[tuple[float, Mapping[str, Sequence[Way]]]]
    ) -> Iterator[Way]:
        own = [(p, {(w.place, w.levels): w for w in table[product]}) for p, table in tables]
        for place, levels in dict.fromkeys(key for _, table in own for key in table):
            row = []
            for t in self.periods:
                able = [
                    (p, table) for p, table in own
                    if any(k[0] == place and w.by_period[t] is not None for k, w in table.items())
                ]  # fmt: skip
                made = [(p, table.get((place, levels))) for p, table in able]
                each = [(p, None if way is None else way.by_period[t]) for p, way in made]
                row.append(_mean_made([(p, m) for p, m in each if m is not None], len(each)))
            yield Way(product, place, levels, tuple(row))


def _mean_made(each: Sequence[tuple[float, Made]], asked: int) -> Made | None:
    if not each or len(each) < asked:
        return None
    total = sum(p for p, _ in each)
    shares = [(p / total, made) for p, made in each]
    names = {name for _, made in shares for name in made.uses}
    return Made(
        sum(q * made.cost_usd for q, made in shares),
        1.0 / sum(q / made.quality for q, made in shares),
        {name: sum(q * made.uses.get(name, 0.0) for q, made in shares) for name in names},
    )


def mean_value(futures: Sequence[Future], case: Case) -> float | None:
    """The least cost of the mean-value problem."""
    largest = 4.0
    while True:
        model = MeanModel(futures, case, largest)
        found = model.milp.solve()
        if found is None:
            return None
        if not model.is_cut_off(found[1]):
            return found[0]
        largest *= 10.0


def _named(way: Way) -> tuple[str, str, object]:
    return way.product, way.place.name, way.levels


@dataclass
class Joined:
    """The programme of all futures."""

    futures: Sequence[Future]
    built: int  # orders, starts, bookings before this period are tied; programmes always
    made: int  # all else before this period
    weight: float = 0.0
    cvar: float = 0.0
    fixed: Mapping[tuple[str, object], float] = field(default_factory=dict)

    def solve(self) -> float | None:
        """Return the least objective, ``None`` if nothing is feasible."""
        largest = 4.0
        while True:
            models = [FutureModel(future, largest) for future in self.futures]
            milp, starts = self._milp(models)
            found = milp.solve()
            if found is None:
                return None
            spans = zip(models, starts, strict=True)
            if not any(m.is_cut_off(found[1][s : s + len(m.milp.cost)]) for m, s in spans):
                return found[0]
            largest *= 10.0

    def _milp(self, models: Iterable[FutureModel]) -> tuple[Milp, list[int]]:
        whole, starts, first, named = Milp(), [], {}, []
        costs: list[tuple[Terms, float]] = []
        for model, future in zip(models, self.futures, strict=True):
            start, own = len(whole.cost), model.milp
            starts.append(start)
            share = (1.0 - self.weight) * future.probability
            whole.cost += [share * cost for cost in own.cost]
            whole.upper += own.upper
            whole.whole += own.whole
            whole.constant += share * own.constant
            for terms, low, high in own.rows:
                whole.row({start + at: value for at, value in terms.items()}, low, high)
            costs.append(({start + at: c for at, c in enumerate(own.cost) if c}, own.constant))
            for kind, key, t, at in model.named():
                until = self.built if kind in BUILT else self.made
                if kind != "chosen" and t >= until:
                    continue
                tied = first.setdefault((kind, key), start + at)
                if tied != start + at:
                    whole.row({tied: 1.0, start + at: -1.0}, 0.0, 0.0)
                elif (kind, key) in self.fixed:
                    amount = self.fixed[kind, key]
                    whole.row({tied: 1.0}, amount, amount)
            named.append({(kind, key): at for kind, key, _, at in model.named() if kind in BUILT})
        self._pay_everywhere(whole, named, costs, first)
        if self.weight:
            self._risk(whole, costs)
        return whole, starts

    def _pay_everywhere(
        self,
        whole: Milp,
        named: Sequence[Mapping[tuple[str, object], int]],
        costs: Sequence[tuple[Terms, float]],
        first: Mapping[tuple[str, object], int],
    ) -> None:
        """What is decided once is paid also in a future that has no use for it."""
        for name, at in first.items():
            usd = max(terms.get(at, 0.0) for terms, _ in costs)
            for own, (terms, _), future in zip(named, costs, self.futures, strict=True):
                if name[0] in BUILT and name not in own:
                    whole.cost[at] += (1.0 - self.weight) * future.probability * usd
                    terms[at] = usd

    def _risk(self, whole: Milp, costs: Sequence[tuple[Terms, float]]) -> None:
        """Costs in thousands, as the objective is to the solver."""
        up, down = whole.add(1e3 * self.weight), whole.add(-1e3 * self.weight)
        for (terms, constant), future in zip(costs, self.futures, strict=True):
            row = {at: 1e-3 * cost for at, cost in terms.items()} | {up: -1.0, down: 1.0}
            if self.cvar < 1.0:
                z = whole.add(1e3 * self.weight * future.probability / (1.0 - self.cvar))
                row[z] = -1.0
            whole.row(row, high=-1e-3 * constant)
