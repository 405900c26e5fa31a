"""A feasibility checker that knows a plan only by the tables that were written.

Every recipe is evaluated anew from its levels, every rule of the case is checked on the rows, and
the objective is added up from them.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from pathlib import Path

from tests.planning.check_capacity import capacity_usd
from tests.planning.check_recipes import Batch, batches
from tests.planning.enumeration import (
    SHARE_KINDS,
    can_be_unmet,
    discounts,
    lead_periods,
    names_under,
    places,
    qualification_usd,
    usable,
)
from tests.planning.money import Ledger
from tests.planning.written import Written, read_folder
from yieldopt.optimize.route import exclusions
from yieldopt.schema.assembly import product_assembly
from yieldopt.schema.case import Case, ProductShape
from yieldopt.schema.planning import ShareShape

# An LP at feasibility 1e-9 of rows with coefficients up to 1e3, and packages below 1e-9 of a demand
# left out of the tables: well within 1e-6 of the amounts of a row.
SLACK = 1e-6


def check_folder(case: Case, folder: Path) -> list[str]:
    """Return what is wrong with a written plan, a line for each violation; empty: nothing.

    Parameters
    ----------
    case
        The case that was planned.
    folder
        Where ``--out`` wrote the tables and ``result.json``.
    """
    written = read_folder(folder)
    if written.result["objective_usd"] is None:
        return [f"no plan: {written.result['status']}"]
    return _Check(case, written).run()


class _Check:
    def __init__(self, case: Case, written: Written) -> None:
        self.case, self.written = case, written
        self.periods = range(len(case.periods))
        self.ledger = Ledger(discounts(case))
        self.wrong: list[str] = []
        self._decisions()
        self.made = batches(case, self.written, self.wrong, SLACK)

    def run(self) -> list[str]:
        """Check everything."""
        for batch in self.made:
            self.ledger.pay(batch.t, batch.packages * batch.made.cost_usd)
        for product in self.case.products:
            self._balance(product)
            self._qualified(product)
            self._lots(product)
            self._programme(product)
            self._pooled(product)
        self.wrong += capacity_usd(self.case, self.written, self.made, self.ledger, SLACK)
        for share in self.case.shares:
            self._share(share)
        self._budgets()
        self._objective()
        return self.wrong

    def _decisions(self) -> None:
        """Leave out decisions on nothing that the case has."""
        known = {
            "qualification": {place.name for place in places(self.case)},
            "expansion": {lump.name for lump in self.case.expansions},
            "booking": {offer.name for offer in self.case.reservations},
        }
        kept = []
        for row in self.written.tables["decisions"]:
            if row["name"] in known.get(row["kind"], ()) and row["period"] in self.case.periods:
                kept.append(row)
            else:
                self.wrong.append(f"a decision on nothing of the case: {row}")
        self.written = replace(self.written, tables=self.written.tables | {"decisions": kept})

    def _sum(self, product: str, t: int | None = None, line: str | None = None) -> float:
        return sum(
            batch.packages
            for batch in self.made
            if batch.product == product
            and t in (None, batch.t)
            and line in (None, batch.place.name)
        )

    def _at_most(self, what: str, amount: float, limit: float, scale: float = 0.0) -> None:
        if amount > limit + SLACK * max(abs(limit), abs(scale), 1.0):
            self.wrong.append(f"{what}: {amount:.9g} exceeds {limit:.9g}")

    # Demand.

    def _balance(self, product: ProductShape) -> None:
        name, asked = product.name, product.demand.over(len(self.periods))
        if not any(asked):
            asked = (1.0, *asked[1:])  # solved for one package
        tables = {table: self.written.amounts(table) for table in ("stock", "late", "unmet")}

        def held(table: str, t: int) -> float:
            return tables[table].get((name, self.case.periods[t]), 0.0) if t >= 0 else 0.0

        for t in self.periods:
            before = held("stock", t - 1) if t else product.stock_start_packages
            came = self._sum(name, t) + before + held("late", t) + held("unmet", t)
            went = asked[t] + held("stock", t) + held("late", t - 1)
            what = f"{name} in {self.case.periods[t]}: packages that come and go"
            self._at_most(what, abs(came - went), 0.0, sum(asked))
            for table in tables:
                self._at_most(f"{what}: {table} below 0", -held(table, t), 0.0)
            self._at_most(f"{what}: unmet", held("unmet", t), asked[t])
            self._pay_balance(product, t, {table: held(table, t) for table in tables}, asked[t])
        unmet = sum(held("unmet", t) for t in self.periods)
        if product.service_frac is not None:
            self._at_most(f"{name}: unmet", unmet, (1.0 - product.service_frac) * sum(asked))
        if not can_be_unmet(self.case, product, self._open_to(product)):
            self._at_most(f"{name}: unmet, of firm demand", unmet, 0.0, sum(asked))
        self._at_most(f"{name}: late at the end", held("late", self.periods[-1]), 0.0, sum(asked))
        for shown in self.written.result.get("products", ()):
            if shown["name"] == name:
                self._at_most(
                    f"{name}: made", abs(shown["made"] - self._sum(name)), 0.0, sum(asked)
                )
                self._at_most(f"{name}: unmet", abs(shown["unmet"] - unmet), 0.0, sum(asked))

    def _open_to(self, product: ProductShape) -> list[str]:
        """Lines whose limits the product keeps; that none of its recipes does is not looked at."""
        library, assembly = self.case.library, product_assembly(product)
        lines = usable(self.case, product)
        return [p.name for p in lines if not exclusions(library, assembly, library.routes[p.route])]

    def _pay_balance(
        self, product: ProductShape, t: int, amounts: dict[str, float], asked: float
    ) -> None:
        costs = {"stock": product.holding_usd_per_period, "late": product.late_usd_per_period}
        for table, cost in costs.items():
            if cost is None:
                self._at_most(f"{product.name}: {table}, which it has not", amounts[table], 0.0)
            else:
                self.ledger.pay(t, cost.base * amounts[table])
        if product.stock_most_packages is not None:
            most = product.stock_most_packages
            self._at_most(f"{product.name}: stock", amounts["stock"], most)
        short = product.shortage_cost_usd.base if product.shortage_cost_usd else 0.0
        self.ledger.pay(t, short * amounts["unmet"])
        if self.case.objective == "margin" and product.price_usd is not None:
            self.ledger.earn(t, product.price_usd.base * (asked - amounts["unmet"]))

    # Rules of a product.

    def _qualified(self, product: ProductShape) -> None:
        lines = {place.name: place for place in places(self.case)}
        starts: dict[str, list[int]] = defaultdict(list)
        for row in self.written.tables["decisions"]:
            if row["kind"] != "qualification" or row["product"] != product.name:
                continue
            t = self.case.periods.index(row["period"])
            starts[row["name"]].append(t)
            usd = qualification_usd(self.case, product, lines[row["name"]])
            self._at_most(f"cost of {row}", abs(float(row["cost_usd"]) - usd), 0.0, usd)
            self._at_most(f"one qualification: {row}", abs(float(row["amount"]) - 1.0), 0.0)
            self.ledger.pay(t, usd, "capital")
        if product.qualified is None:
            if starts:
                self.wrong.append(
                    f"{product.name}: qualified everywhere, but starts {dict(starts)}"
                )
            return
        for line, when in starts.items():
            if line in product.qualified or len(when) > 1:
                self.wrong.append(f"{product.name}: {line} is qualified already, or twice")
        for batch in self._of(product):
            name = batch.place.name
            lead = lead_periods(self.case, batch.place)
            if name not in product.qualified and not any(s + lead <= batch.t for s in starts[name]):
                self.wrong.append(f"{product.name}: {name} is not qualified in period {batch.t}")

    def _of(self, product: ProductShape) -> list[Batch]:
        return [batch for batch in self.made if batch.product == product.name]

    def _lots(self, product: ProductShape) -> None:
        least = product.least_lot_packages
        for line, t in {(b.place.name, b.t) for b in self._of(product)} if least else ():
            lot = self._sum(product.name, t, line)
            if lot < least * (1.0 - SLACK):
                self.wrong.append(f"{product.name}: a lot of {lot:.9g} on {line}, period {t}")

    def _programme(self, product: ProductShape) -> None:
        if product.one_programme:
            seen: dict[str, set[object]] = defaultdict(set)
            for batch in self._of(product):
                seen[batch.place.name].add(batch.levels)
            for line, levels in seen.items():
                if len(levels) > 1:
                    self.wrong.append(f"{product.name}: {len(levels)} programmes on {line}")

    def _pooled(self, product: ProductShape) -> None:
        if product.dppm_pooled and product.dppm_limit is not None and self._of(product):
            shipped = sum(b.packages / b.made.quality for b in self._of(product))
            bad = sum(b.packages * (1.0 / b.made.quality - 1.0) for b in self._of(product))
            what = f"{product.name}: DPPM of all that is shipped"
            self._at_most(what, 1e6 * bad / shipped, product.dppm_limit)

    # Shares and money.

    def _share(self, share: ShareShape) -> None:
        kind = share.each or next(k for k in SHARE_KINDS if getattr(share, k) is not None)
        spans = [[t] for t in self.periods] if share.per == "period" else [list(self.periods)]
        for product in self.case.products:
            if share.product not in (None, product.name):
                continue
            for span in spans:
                under: dict[str, float] = defaultdict(float)
                for batch in self._of(product):
                    for name in names_under(self.case, kind, product, batch.place):
                        under[name] += batch.packages * (batch.t in span)
                whole = sum(self._sum(product.name, t) for t in span)
                for name in under if share.each else [getattr(share, kind)]:
                    what = f"share {share.name} of {name}, {product.name}, periods {span}"
                    if share.most_frac is not None:
                        self._at_most(what, under[name], share.most_frac * whole, whole)
                    if share.least_frac is not None:
                        self._at_most(what, share.least_frac * whole, under[name], whole)

    def _budgets(self) -> None:
        for budget in self.case.budgets:
            chosen = [
                t for t, period in enumerate(self.case.periods)
                if budget.periods is None or period in budget.periods
            ]  # fmt: skip
            spent = self.ledger.spent(chosen, only_capital=budget.of == "capital")
            self._at_most(f"budget {budget.name}", spent, budget.most_usd)

    def _objective(self) -> None:
        shown, found = self.written.result["objective_usd"], self.ledger.present_usd
        self._at_most("objective, off by", abs(shown - found), 0.0, self.ledger.gross_usd)
