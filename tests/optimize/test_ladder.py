"""The ladder of μ ends where all plans hold the limit and nothing gets better; bounds stay true."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.optimize.test_terms import ROWS, random_terms
from yieldopt.optimize import bound
from yieldopt.optimize.terms import ROUNDING, Terms, values


def best(terms: Terms, least: float) -> np.ndarray:
    """Return the least J of the plans that hold the limit, (T,); inf where none does."""
    out = np.full(ROWS, np.inf)
    for plan in itertools.product(*(range(k.shape[1]) for k in terms.k)):
        value, log_q = values(terms, np.tile(np.array(plan, dtype=np.intp), (ROWS, 1)))
        out = np.where((log_q >= least) & (value < out), value, out)
    return out


@pytest.mark.parametrize("seed", range(60))
@pytest.mark.parametrize("share", [None, 0.2, 0.9])
def test_ladder(seed: int, share: float | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounds are true with the ladder cut short; it takes few rungs where no limit binds."""
    monkeypatch.setattr(bound, "_PLANS_A_RUNG", 0)  # climb, however few plans there are
    terms = replace(random_terms(np.random.default_rng(seed)), uses=())
    low = terms.log_q_trunk + sum(q.min(axis=1) for q in terms.log_q)
    high = terms.log_q_trunk + sum(q.max(axis=1) for q in terms.log_q)
    least = float(low.min()) - 1e-9
    if share is not None:
        least = float((low + share * (high - low)).min())
    rungs = []
    take = bound._Search.take

    def counted(search: bound._Search, *args: Any) -> float:
        rungs.append(search)
        return take(search, *args)

    monkeypatch.setattr(bound._Search, "take", counted)
    found = bound.bounds(terms, least)
    true = best(terms, least)
    assert (found.lower <= true * (1.0 + ROUNDING)).all()
    assert (found.value >= true * (1.0 - ROUNDING)).all()
    assert share is not None or len(rungs) <= 3


@pytest.mark.parametrize("seed", range(20))
def test_a_rung_above_zero_is_tried(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many combinations are bounded at μ = 0 twice; that alone never ends the ladder."""
    monkeypatch.setattr(bound, "_PLANS_A_RUNG", 0)
    monkeypatch.setattr(bound, "_MANY", 0)
    terms = replace(random_terms(np.random.default_rng(seed)), uses=())
    low = terms.log_q_trunk + sum(q.min(axis=1) for q in terms.log_q)
    slopes = []
    take = bound._Search.take

    def seen(search: bound._Search, prices: Any, slope: np.ndarray, moving: bool = True) -> float:
        slopes.append(slope)
        return take(search, prices, slope, moving)

    monkeypatch.setattr(bound._Search, "take", seen)
    found = bound.bounds(terms, float(low.min()) - 1e-9)
    closed = (found.lower >= found.value.min()).all()
    assert closed or any((slope > 0.0).any() for slope in slopes)
