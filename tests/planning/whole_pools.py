"""All recipes of small plans as features, evaluated by the engine: what pricing looks among."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from tests.planning.enumeration import Levels, ways
from tests.planning.random_plans import random_case
from tests.random_templates import all_plans
from yieldopt import load
from yieldopt.optimize.budget import Budget
from yieldopt.optimize.candidates import make_recipe
from yieldopt.optimize.coverage import Proof
from yieldopt.planning.master import Master
from yieldopt.planning.pools import Pool
from yieldopt.planning.programme import programme_of
from yieldopt.planning.setting import Setting, setting_of
from yieldopt.planning.sheet import MONEY, PACKAGES, SHIPPED, USES, Array, Index
from yieldopt.schema.case import Case

Table = dict[Levels, Array]


@cache
def drawn(seed: int, rules: frozenset[str]) -> Case:
    """Return a random small plan in which most products keep all levels."""
    text = re.sub(r"^levels = (?!.*io_die).*$", "", random_case(seed, rules), flags=re.MULTILINE)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "case.toml"
        path.write_text(text)
        return load(path)


def fresh(case: Case) -> Setting:
    """Return the setting with the searches begun anew: nothing is remembered."""
    return setting_of(case, Budget())


@cache
def _tables(seed: int, rules: frozenset[str]) -> dict[tuple[str, str, int], Table]:
    case = drawn(seed, rules)
    numbers = {r.name: USES + i for i, r in enumerate(case.resources)}
    out: dict[tuple[str, str, int], Table] = {}
    for name, own in ways(case).items():
        for way in own:
            for t, made in enumerate(way.by_period):
                if made is not None:
                    row = np.zeros(USES + len(numbers))
                    row[PACKAGES], row[MONEY], row[SHIPPED] = 1.0, made.cost_usd, 1 / made.quality
                    for resource, amount in made.uses.items():
                        if resource in numbers:
                            row[numbers[resource]] += amount
                    out.setdefault((name, way.place.name, t), {})[way.levels] = row
    return out


def features(seed: int, rules: frozenset[str], pool: Pool) -> tuple[list[Levels], Array]:
    """Return levels and features of every recipe of a pool, (recipes, features)."""
    key = (pool.candidate.product.name, pool.line.name, pool.periods[0])
    table = _tables(seed, rules)[key]
    return list(table), np.array(list(table.values()))


def kept(levels: Collection[Levels], menus: Mapping[str, tuple[str, ...]]) -> Index:
    """Return the numbers of the levels that are on the menus."""
    return np.flatnonzero([all(dict(k)[p] in some for p, some in menus.items()) for k in levels])


def filled(setting: Setting, solver: str = "highs") -> Master:
    """Return a master with every recipe in every slot: no pricing is needed."""
    nothing = Proof("written out", 0, 0, 0, 0.0)
    for candidate in {id(p.candidate): p.candidate for p in setting.pools}.values():
        candidate.recipes.clear()
        for levels in all_plans(candidate.template):
            recipe = make_recipe(f"all/{len(candidate.recipes) + 1}", candidate, levels, nothing)
            if recipe.dppm <= (candidate.dppm_limit or np.inf):
                candidate.recipes.append(recipe)
    master = Master(setting, programme_of(setting), solver)
    for pool in setting.pools:
        pool._table = np.empty((0, 0))
        count = len(pool.recipes)
        slots = np.repeat(np.array(pool.slots, np.intp), count)
        master.add(slots, np.tile(np.arange(count), len(pool.slots)))
    return master
