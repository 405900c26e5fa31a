"""Lead times in whole periods."""

from __future__ import annotations

from dataclasses import replace

import pytest

from yieldopt import load
from yieldopt.optimize.budget import Budget
from yieldopt.planning.setting import setting_of


@pytest.mark.parametrize(
    ("weeks", "period_weeks", "periods"),
    [(26.0, 13.0, 2), (26.1, 13.0, 3), (65.0, 52.0 / 12.0, 15), (0.0, 13.0, 0)],
)
def test_a_line_is_ready_after_its_weeks(weeks: float, period_weeks: float, periods: int) -> None:
    """65 weeks are 15 months, though 65/(52/12) is 15.000000000000002."""
    case = load("minimal", {"routes.cowos_s.lead_time_weeks": weeks})
    setting = setting_of(replace(case, period_weeks=period_weeks), Budget())
    line = next(pool.line for pool in setting.pools if pool.line.route == "cowos_s")
    assert setting.qualification_periods(line) == periods
