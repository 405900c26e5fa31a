"""Near a plan recipes are priced only where a price fell: the same optimum as priced everywhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.planning.random_plans import random_case
from tests.planning.test_why import EXACT, read
from tests.seeds import seeds
from yieldopt.optimize.budget import Budget
from yieldopt.planning.branching import Branching
from yieldopt.planning.held import Held, Shift, held_node
from yieldopt.planning.master import Master
from yieldopt.planning.programme import programme_of
from yieldopt.planning.setting import setting_of
from yieldopt.schema.case import Case


def held_plan(case: Case) -> Held:
    """Return the plan of a case, held, with the recipes that its own search found."""
    setting = setting_of(case, Budget())
    master = Master(setting, programme_of(setting), "highs")
    found = Branching(master, "highs", Budget(), 0.0, None).run().found
    assert found is not None
    return Held(master, held_node(master, found.x))


@pytest.mark.parametrize("seed", seeds(range(4), 2))
def test_the_optimum_is_that_of_pricing_everywhere(seed: int, tmp_path: Path) -> None:
    case = read(random_case(seed, {"lines", "stock", "discount"}), tmp_path)
    near, rng = held_plan(case), np.random.default_rng([seed, 41])
    capacity = near.programme.row_indices("capacity")
    demand = near.programme.row_indices("demand")
    fell = 0
    for row in [*rng.choice(list(capacity.values()), 4), *rng.choice(list(demand.values()), 2)]:
        side = float(near.programme.row_upper[row])
        far = float(rng.uniform(-0.9, 1.5)) * side
        shift = Shift({int(row): 1.0})
        plain = held_plan(case)
        plain.proved = None
        here, there = near.at(shift, far), plain.at(shift, far)
        assert (here.relaxed is None) == (there.relaxed is None)
        assert here.value == pytest.approx(there.value, rel=EXACT)
        if here.relaxed is not None and near.proved is not None:
            fell += int((near.programme.prices(here.relaxed.duals) < near.proved).any())
            known = near.known(shift, far)
            assert known is not None
            assert known.value == pytest.approx(here.value, rel=EXACT)
    assert fell
