"""The programme of a case: a column for every recipe and period, a method for each rule."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable

from tests.planning.enumeration import (
    SHARE_KINDS,
    Place,
    Way,
    can_be_unmet,
    discounts,
    lead_periods,
    names_under,
    qualification_usd,
    to_qualify,
    ways,
)
from tests.planning.milp import Milp
from yieldopt.schema.case import Case, ProductShape
from yieldopt.schema.planning import ShareShape

Terms = dict[int, float]


class Model:
    """The programme of a case, a method for each rule."""

    def __init__(self, case: Case, largest: float) -> None:
        self.case, self.milp = case, Milp()
        self.periods, self.worth = range(len(case.periods)), discounts(case)
        self.ways = self._ways()
        self.largest = {
            p.name: largest * (sum(self._demand(p)) + (p.least_lot_packages or 0.0) + 1.0)
            for p in case.products
        }
        self.money: dict[str, list[Terms]] = {  # undiscounted, by kind and period
            kind: [defaultdict(float) for _ in self.periods] for kind in ("capital", "running")
        }
        self.switched: list[tuple[str, Terms]] = []  # what a binary times the largest lot allows
        self.made: dict[tuple[Way, int], int] = {}
        self.stock: dict[tuple[str, int], int] = {}
        self.late: dict[tuple[str, int], int] = {}
        self.unmet: dict[tuple[str, int], int] = {}
        self.built: dict[tuple[str, int], int] = {}
        self.booked: dict[str, int] = {}
        self.started: dict[tuple[str, str, int], int] = {}
        for product in case.products:
            self._make(product)
            self._balance(product)
            self._qualify(product)
            self._lots(product)
            self._one_programme(product)
            self._pooled(product)
        self._capacity()
        for share in case.shares:
            self._share(share)
        self._budgets()

    def _ways(self) -> dict[str, list[Way]]:
        return ways(self.case)

    # What is made, and where it goes.

    def _demand(self, product: ProductShape) -> tuple[float, ...]:
        return product.demand.over(len(self.periods))

    def _pay(self, t: int, usd: float, kind: str = "running", upper: float = math.inf,
             whole: bool = False) -> int:  # fmt: skip
        """Add a variable that costs so much in a period: discounted, and as money of a budget."""
        at = self.milp.add(self.worth[t] * usd, upper, whole)
        self.money[kind][t][at] += usd
        return at

    def _make(self, product: ProductShape) -> None:
        for way in self.ways[product.name]:
            for t, made in enumerate(way.by_period):
                if made is not None:
                    self.made[way, t] = self._pay(t, made.cost_usd)

    def _balance(self, product: ProductShape) -> None:
        name, last = product.name, self.periods[-1]
        own = self.ways[name]
        if product.holding_usd_per_period is not None:
            most = product.stock_most_packages
            for t in self.periods:
                usd = product.holding_usd_per_period.base
                limit = math.inf if most is None else most
                self.stock[name, t] = self._pay(t, usd, upper=limit)
        if product.late_usd_per_period is not None:
            for t in self.periods:
                limit = 0.0 if t == last else math.inf
                usd = product.late_usd_per_period.base
                self.late[name, t] = self._pay(t, usd, upper=limit)
        margin = self.case.objective == "margin" and product.price_usd is not None
        price = product.price_usd.base if margin else 0.0
        for t, asked in enumerate(self._demand(product)):
            self.milp.constant -= self.worth[t] * price * asked
            if can_be_unmet(self.case, product, own):
                short = product.shortage_cost_usd.base if product.shortage_cost_usd else 0.0
                self.unmet[name, t] = self._pay(t, short, upper=asked)
                self.milp.cost[self.unmet[name, t]] += self.worth[t] * price
            terms = self._sum((way, t) for way in own)
            self._carry(terms, self.stock, name, t, +1.0)
            self._carry(terms, self.late, name, t, -1.0)
            if (name, t) in self.unmet:
                terms[self.unmet[name, t]] = 1.0
            start = product.stock_start_packages if t == 0 else 0.0
            self.milp.row(terms, asked - start, asked - start)
        if product.service_frac is not None:
            most = (1.0 - product.service_frac) * sum(self._demand(product))
            self.milp.row({self.unmet[name, t]: 1.0 for t in self.periods}, high=most)

    def _carry(
        self, terms: Terms, held: dict[tuple[str, int], int], name: str, t: int, sign: float
    ) -> None:
        """What comes from the period before, less what goes to the next."""
        if (name, t) in held:
            terms[held[name, t]] = -sign
            if t > 0:
                terms[held[name, t - 1]] = sign

    def _sum(self, which: Iterable[tuple[Way, int]], factor: float = 1.0) -> Terms:
        return {self.made[key]: factor for key in which if key in self.made}

    def _on(self, own: list[Way], place: Place, t: int) -> Terms:
        return self._sum((way, t) for way in own if way.place == place)

    # Rules of a product.

    def _switch(self, product: str, terms: Terms, binaries: Iterable[int]) -> None:
        """Allow what is made only where one of the binaries is 1."""
        self.switched.append((product, terms))
        largest = self.largest[product]
        self.milp.row(terms | dict.fromkeys(binaries, -largest), high=0.0)

    def _qualify(self, product: ProductShape) -> None:
        own = self.ways[product.name]
        for place in to_qualify(product, own):
            usd, lead = qualification_usd(self.case, product, place), lead_periods(self.case, place)
            starts = [self._pay(t, usd, "capital", 1.0, whole=True) for t in self.periods]
            self.started |= {(product.name, place.name, t): at for t, at in enumerate(starts)}
            self.milp.row(dict.fromkeys(starts, 1.0), high=1.0)
            for t in self.periods:
                done = [at for s, at in enumerate(starts) if s + lead <= t]
                self._switch(product.name, self._on(own, place, t), done)

    def _lots(self, product: ProductShape) -> None:
        if product.least_lot_packages is None:
            return
        own = self.ways[product.name]
        for place in dict.fromkeys(way.place for way in own):
            for t in self.periods:
                run, terms = self.milp.add(0.0, 1.0, whole=True), self._on(own, place, t)
                self._switch(product.name, terms, [run])
                self.milp.row(terms | {run: -product.least_lot_packages}, low=0.0)

    def _one_programme(self, product: ProductShape) -> None:
        if not product.one_programme:
            return
        own = self.ways[product.name]
        for place in dict.fromkeys(way.place for way in own):
            chosen = {}
            for way in own:
                if way.place == place:
                    chosen[way.levels] = self.milp.add(0.0, 1.0, whole=True)
                    for t in self.periods:
                        if (way, t) in self.made:
                            self._switch(product.name, self._sum([(way, t)]), [chosen[way.levels]])
            self.milp.row(dict.fromkeys(chosen.values(), 1.0), high=1.0)

    def _pooled(self, product: ProductShape) -> None:
        if not product.dppm_pooled or product.dppm_limit is None:
            return
        terms = {}
        for (way, t), at in self.made.items():
            made = way.by_period[t]
            if way.product == product.name and made is not None:
                bad, shipped = 1.0 / made.quality - 1.0, 1.0 / made.quality
                terms[at] = 1e6 * bad - product.dppm_limit * shipped
        self.milp.row(terms, high=0.0)

    # Capacity.

    def _use(self, resource: str, t: int) -> Terms:
        terms = {}
        for (way, period), at in self.made.items():
            made = way.by_period[period]
            if period == t and made is not None and made.uses.get(resource, 0.0) > 0.0:
                terms[at] = made.uses[resource]
        return terms

    def _capacity(self) -> None:
        more: dict[tuple[str, int], Terms] = defaultdict(dict)
        taken: dict[tuple[str, int], Terms] = defaultdict(dict)
        self._expand(more)
        self._reserve(taken)
        for held in self.case.resources:
            for t, capacity in enumerate(held.capacity.over(len(self.periods))):
                use = self._use(held.name, t)
                extra = more[held.name, t] | taken[held.name, t]
                self.milp.row(use | {at: -amount for at, amount in extra.items()}, high=capacity)
                if taken[held.name, t]:  # what is taken is used
                    self.milp.row(use | dict.fromkeys(taken[held.name, t], -1.0), low=0.0)
                below = 0.0
                for step in held.surcharges:
                    over = self._pay(t, step.usd_per_unit - below)
                    self.milp.row(use | {over: -1.0}, high=step.above_frac * capacity)
                    below = step.usd_per_unit
                fixed = held.fixed_usd_per_period.base
                self.milp.constant += self.worth[t] * fixed
                self.money["running"][t][-1] += fixed  # of no variable

    def _expand(self, more: dict[tuple[str, int], Terms]) -> None:
        for lump in self.case.expansions:
            for t, count in enumerate(lump.committed):  # paid before; run from when they come
                at = self.milp.add(upper=count)
                self.milp.row({at: 1.0}, low=count)
                for s in self.periods[t:]:
                    more[lump.resource, s][at] = lump.amount_per_period
                    self.money["running"][s][at] += lump.running_usd_per_period.base
                    self.milp.cost[at] += self.worth[s] * lump.running_usd_per_period.base
            for t in self.periods:
                at = self._pay(t, lump.cost_usd.base, "capital", lump.most, whole=True)
                self.built[lump.name, t] = at
                for s in self.periods[t + lump.lead_time_periods :]:
                    more[lump.resource, s][at] = lump.amount_per_period
                    running = lump.running_usd_per_period.base
                    self.money["running"][s][at] += running
                    self.milp.cost[at] += self.worth[s] * running
            self.milp.row({self.built[lump.name, t]: 1.0 for t in self.periods}, high=lump.most)

    def _reserve(self, taken: dict[tuple[str, int], Terms]) -> None:
        for offer in self.case.reservations:
            amounts = offer.capacity.over(len(self.periods))
            prepaid = offer.prepayment_usd_per_unit.base * sum(amounts)
            booked = self._pay(0, prepaid, "capital", 1.0)
            self.booked[offer.name] = booked
            if offer.committed:
                self.milp.row({booked: 1.0}, low=1.0)
            for t, amount in enumerate(amounts):
                at, left = self.milp.add(), self._pay(t, offer.usd_per_unit_not_taken.base)
                taken[offer.resource, t][at] = 1.0
                self.milp.row({at: 1.0, booked: -amount}, high=0.0)
                self.milp.row(
                    {left: 1.0, at: 1.0, booked: -offer.take_or_pay_frac * amount}, low=0.0
                )

    # Shares and budgets.

    def _share(self, share: ShareShape) -> None:
        spans = [[t] for t in self.periods] if share.per == "period" else [list(self.periods)]
        kind = share.each or next(kind for kind in SHARE_KINDS if getattr(share, kind) is not None)
        for product in self.case.products:
            if share.product not in (None, product.name):
                continue
            own = self.ways[product.name]
            lines = dict.fromkeys(way.place for way in own)
            under = {line: names_under(self.case, kind, product, line) for line in lines}
            every = dict.fromkeys(name for names in under.values() for name in sorted(names))
            for span in spans:
                whole = self._sum((way, t) for way in own for t in span)
                for name in every if share.each else [getattr(share, kind)]:
                    inside = [way for way in own if name in under[way.place]]
                    self._share_rows(share, self._sum((w, t) for w in inside for t in span), whole)

    def _share_rows(self, share: ShareShape, mine: Terms, whole: Terms) -> None:
        for frac, sign in ((share.most_frac, 1.0), (share.least_frac, -1.0)):
            if frac is not None:
                terms = {at: sign * (mine.get(at, 0.0) - frac * all_) for at, all_ in whole.items()}
                self.milp.row(terms, high=0.0)

    def _budgets(self) -> None:
        for budget in self.case.budgets:
            kinds = ("capital",) if budget.of == "capital" else ("capital", "running")
            total: Terms = defaultdict(float)
            for t, period in enumerate(self.case.periods):
                for kind in kinds if budget.periods is None or period in budget.periods else ():
                    for at, usd in self.money[kind][t].items():
                        total[at] += usd * 1e-3
            fixed = total.pop(-1, 0.0)
            self.milp.row(total, high=budget.most_usd * 1e-3 - fixed)

    # The answer.

    def is_cut_off(self, found: list[float]) -> bool:
        """Whether the largest lot binds somewhere."""
        return any(
            sum(found[at] for at in terms) > 0.999 * self.largest[product]
            for product, terms in self.switched
        )
