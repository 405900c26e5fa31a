r"""Recipes averaged over scenarios: what the mean-value plan is made of where models differ.

The mean-value problem has the expected coefficients of the programme (Birge & Louveaux 1997,
ch. 4). At its levels a recipe has then Σ_s q_s·cost_s, Σ_s q_s·use_s and Σ_s q_s/Q_s, each per good
package, with q_s the probabilities of the scenarios in which the line can make the product. The
least of it at any prices is an exact search for one plan over scenarios
(:mod:`yieldopt.optimize.robust`), whose levels every one of those scenarios must allow.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from yieldopt.errors import CaseError
from yieldopt.optimize.candidates import Candidate, make_recipe
from yieldopt.optimize.coverage import Found, Proof
from yieldopt.optimize.owed import with_prices_as_costs
from yieldopt.optimize.product_rules import narrowed
from yieldopt.optimize.robust import Goal, robust_levels
from yieldopt.optimize.robust_stack import check_alike
from yieldopt.optimize.ruled import Ruled
from yieldopt.optimize.rules import Menus, cut
from yieldopt.plan import Recipe
from yieldopt.planning.futures import Future, demand_of
from yieldopt.planning.pools import Pool
from yieldopt.planning.setting import Setting
from yieldopt.schema.case import Case

if TYPE_CHECKING:
    from yieldopt.optimize.candidates import _Asked

_SEARCH_S = 120.0  # for one search
Own = tuple[tuple[float, Candidate], ...]  # of each scenario, with its share
Here = list[tuple[float, Pool]]  # pools of the scenarios that have one, with their probabilities


@dataclass
class Average(Candidate):
    """A product on a route at the mean of its costs and uses over scenarios."""

    own: Own = ()
    _narrow: dict[tuple[tuple[str, ...], ...], list[Ruled]] = field(default_factory=dict)

    def inside(self, menus: Menus) -> list[Ruled]:
        """Return the template of each scenario on cut menus; what is prepared of it is kept."""
        key = tuple(menus.values())
        if key not in self._narrow:
            self._narrow[key] = [narrowed(one.ruled, menus) for _, one in self.own]
        return self._narrow[key]

    def _search(self, ask: _Asked, ruled: Ruled, known_usd: float) -> Found:
        prices, inside = dict(ask.prices), self.inside(ruled.menus)
        reasons = next((one.reasons for one in inside if one.reasons), ())
        if reasons:
            return Found(None, math.inf, Proof("rules", 0, 0, 0, math.inf), reasons)
        if ask.prices_only or any(price < 0.0 for price in prices.values()):
            costs = [with_prices_as_costs(one, prices, prices_only=ask.prices_only)
                     for one in inside]  # fmt: skip
            inside, prices = [one for one in costs if one is not None], {}
            if len(inside) < len(costs):  # no bound is known where a step costs less than nothing
                return Found(None, math.inf, Proof("none", 0, 0, 0, -math.inf))
        limits = {k: most for one in inside for k, most in one.rules.resource_limits.items()}
        goal = Goal(
            dppm_limit=ask.dppm_limit,
            escape_cost_usd=ask.escape_usd,
            prices=prices,
            use_limits=limits,
        )
        shares = [share for share, _ in self.own]
        until = min(self.budget.until, time.perf_counter() + _SEARCH_S)
        parts = zip(*(one.parts() for one in inside), strict=True)
        found = [robust_levels(part, shares, goal, until=until) for part in parts]
        best = min(found, key=lambda one: one.value_usd)
        lower = min(one.proof.lower_bound_usd for one in found)
        return Found(best.levels, best.value_usd, replace(best.proof, lower_bound_usd=lower))

    def _keep(self, levels: Mapping[str, str], proof: Proof) -> None:
        if all(recipe.levels != levels for recipe in self.recipes):
            name = f"{self.product.name}/{self.route}/{len(self.recipes) + 1}"
            each = [(share, make_recipe(name, one, levels, proof)) for share, one in self.own]
            self.recipes.append(_mean_recipe(each))


def _mean_recipe(each: Sequence[tuple[float, Recipe]]) -> Recipe:
    """Return a recipe at the mean cost, uses and packages shipped for a good one."""
    first = each[0][1]

    def mean(parts: Sequence[Mapping[str, float]]) -> dict[str, float]:
        names = dict.fromkeys(name for part in parts for name in part)
        shares = [share for share, _ in each]
        return {
            name: math.fsum(q * part.get(name, 0.0) for q, part in zip(shares, parts, strict=True))
            for name in names
        }

    return replace(
        first,
        cost_per_good_usd=math.fsum(q * own.cost_per_good_usd for q, own in each),
        dppm=max(own.dppm for _, own in each),  # limits hold in every scenario
        quality=1.0 / math.fsum(q / own.quality for q, own in each),
        waterfall_usd=mean([own.waterfall_usd for _, own in each]),
        uses_per_good=mean([own.uses_per_good for _, own in each]),
    )


def mean_setting(
    setting: Setting, case: Case, futures: Sequence[Future]
) -> tuple[Setting, tuple[str, ...]]:
    """Return the setting of the mean-value problem, and where models could not be averaged.

    Parameters
    ----------
    setting
        Of the case itself.
    case
        The case with the mean demand and capacity.
    futures
        Of the scenarios.

    Returns
    -------
    Setting, tuple of str
        Lines of products on which scenarios differ in more than numbers: those have the models of
        the case itself, or of the likeliest scenario where the case cannot make them.
    """
    held: dict[tuple[int, ...], Candidate | None] = {}
    apart: dict[str, None] = {}
    pools: list[Pool] = []
    where: list[tuple[int, int, int]] = []  # product, pool and period of each slot
    for own, periods in (run for found in _by_line(futures) for run in _runs(found)):
        like = own[0][1]
        key = (like.product, *(id(pool.candidate) for _, pool in own))
        if key not in held:
            held[key] = _averaged(own)
        candidate = held[key]
        if candidate is None:
            apart[f"{like.candidate.product.name} on {like.line.name}"] = None
            candidate = _plain(setting, like, periods) or max(own, key=_likely)[1].candidate
        if candidate.recipes:
            where += [(like.product, len(pools), t) for t in periods]
            pools.append(_pool(own, candidate, len(where) - len(periods), periods))
    table = np.array(where, np.intp).reshape(-1, 3)
    made = set(table[:, 0].tolist())
    products = tuple(
        replace(
            own,
            shape=case.products[number],
            demand=demand_of(own, case.products[number], case),
            may_fall_short=own.may_fall_short or number not in made,
        )
        for number, own in enumerate(setting.products)
    )
    own_ = Setting(
        case, products, tuple(pools), setting.discount, table[:, 0], table[:, 1], table[:, 2]
    )
    return own_, tuple(apart)


def _by_line(futures: Sequence[Future]) -> list[dict[int, Here]]:
    """Return the pools by period, for each product on each of its lines."""
    out: dict[tuple[int, str], dict[int, Here]] = {}
    for future in futures:
        for pool in future.setting.pools:
            table = out.setdefault((pool.product, pool.line.name), {})
            for t in pool.periods:
                table.setdefault(t, []).append((future.probability, pool))
    return [out[key] for key in sorted(out, key=lambda key: key[0])]


def _runs(found: Mapping[int, Here]) -> list[tuple[Here, list[int]]]:
    """Return the periods in which the scenarios have the same candidates, together."""
    runs: dict[tuple[int, ...], tuple[Here, list[int]]] = {}
    for t, own in sorted(found.items()):
        key = tuple(id(pool.candidate) for _, pool in own)
        runs.setdefault(key, (own, []))[1].append(t)
    return list(runs.values())


def _plain(setting: Setting, like: Pool, periods: Sequence[int]) -> Candidate | None:
    """Return the candidate of the case itself where scenarios have a pool."""
    for pool in setting.pools:
        if (pool.product, pool.line.name) == (like.product, like.line.name) and (
            periods[0] in pool.periods
        ):
            return pool.candidate
    return None


def _pool(own: Here, candidate: Candidate, first: int, periods: Sequence[int]) -> Pool:
    like = own[0][1]
    return Pool(
        like.product,
        like.line,
        candidate,
        tuple(range(first, first + len(periods))),
        tuple(periods),
        {name: at for _, pool in own for name, at in pool.feature_of.items()},
        like.width,
        like.counted,
        like.owed,
    )


def _likely(one: tuple[float, Pool]) -> float:
    return one[0]


def _averaged(own: Here) -> Candidate | None:
    """Return the mean of candidates; ``None`` where they differ in more than numbers."""
    total = math.fsum(q for q, _ in own)
    shares: dict[int, tuple[float, Candidate]] = {}
    for q, pool in own:
        before = shares.get(id(pool.candidate), (0.0, pool.candidate))[0]
        shares[id(pool.candidate)] = (before + q / total, pool.candidate)
    each = tuple(shares.values())
    first = each[0][1]
    if len(each) == 1:
        return first
    menus = first.ruled.menus
    for _, other in each[1:]:
        if other.ruled.menus.keys() != menus.keys():
            return None
        menus = cut(menus, other.ruled.menus)
    ruled = narrowed(first.ruled, menus)
    one_off = math.fsum(q * one.one_off_usd for q, one in each)
    mean = Average(
        first.product, first.route, first.template, ruled, one_off, first.budget, own=each
    )
    if ruled.reasons:
        return mean
    try:
        check_alike([one.problem(menus) for one in mean.inside(menus)])
    except CaseError:
        return None
    if mean.product.dppm_pooled:  # a recipe that keeps the limit by itself, where there is one
        mean.price({}, dppm_limit=mean.product.dppm_limit)
    if not mean.recipes:
        mean.price({})
    return mean
