"""Yield laws: closed forms in 60 digits, harvest by integration, additivity, limits, refusals.

The references share nothing with the package: `decimal` evaluates Y(λ) of each law as the
literature writes it, and a trapezoid over ln W integrates the harvest formula as the design states
it. Relative 1e-13 is some 450 roundings; 1e-12 where a law goes through ten or more operations.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yieldopt.errors import CaseError, UnknownName
from yieldopt.physics.yields import LAWS, Law, clustering, gain, log_yield

D = Decimal
REFERENCES: dict[Law, Callable[[Decimal], Decimal]] = {
    Law(): lambda x: (-x).exp(),
    Law("negative_binomial", alpha=0.083): lambda x: (1 + x / D(0.083)) ** -D(0.083),
    Law("negative_binomial", alpha=3.0): lambda x: (1 + x / 3) ** -3,
    Law("negative_binomial", alpha=1e6): lambda x: (1 + x / D(1e6)) ** -D(1e6),
    Law("seeds"): lambda x: 1 / (1 + x),
    Law("bose_einstein", layers=7): lambda x: (1 + x / 7) ** -7,
    Law("murphy"): lambda x: ((1 - (-x).exp()) / x) ** 2 if x else D(1),
    Law("rectangular"): lambda x: (1 - (-2 * x).exp()) / (2 * x) if x else D(1),
    Law("moore"): lambda x: (-x.sqrt()).exp(),
    Law("single"): lambda x: 1 - x,
}
PLAIN = list(REFERENCES)
HARVESTS = [
    Law("harvest", alpha=a, blocks=m, spares=s)
    for a in (None, 0.4, 2.0, 30.0)
    for m, s in ((4, 1), (24, 3), (144, 12))
]
EVERY = PLAIN + HARVESTS


def name(law: Law) -> str:
    found = [law.name, law.alpha, law.layers, law.blocks, law.spares]
    return "-".join(str(value) for value in found if value is not None)


def exact_gain(law: Law, a: float, d: float) -> float:
    """ln Y(a+d) − ln Y(a) by subtraction in 60 digits."""
    with localcontext() as context:
        context.prec = 60
        y = REFERENCES[law]
        return float(y(D(a) + D(d)).ln() - y(D(a)).ln())


def harvest_by_integration(law: Law, t: float, s: float) -> tuple[float, float]:
    """S and its loss F of a harvested die: seen t first, s = λ(1−m/M)(κ−κ₀) screened later.

    E_W over gamma(α, 1/α) as a trapezoid in z = ln W: its error falls exponentially, since the
    integrand vanishes at both ends; the ends are where the density is below e^(−45). S and F are
    sums of positive terms, so each has its own relative accuracy.
    """
    assert law.blocks is not None and law.spares is not None
    z = np.linspace(-1.0 - 45.0 / law.alpha, 5.0, 8_001) if law.alpha else np.zeros(1)
    w = np.exp(z)
    weight = np.ones(1)
    if law.alpha:
        shape = law.alpha
        log_weight = shape * (math.log(shape) + z - w) - math.lgamma(shape)
        weight = np.exp(log_weight) * (z[1] - z[0])
    p = -np.expm1(-w * t / law.blocks)
    held, lost = np.zeros_like(w), np.zeros_like(w)
    for k in range(law.blocks + 1):
        chance = math.comb(law.blocks, k) * p**k * np.exp(-w * t * (law.blocks - k) / law.blocks)
        (held if k <= law.spares else lost)[:] += chance
    later = weight * np.exp(-w * s)
    return float(np.sum(later * held)), float(np.sum(later * lost))


@pytest.mark.parametrize("law", PLAIN, ids=name)
@pytest.mark.parametrize("a", [0.0, 1e-9, 0.01, 0.3, 0.49, 0.5, 0.6])
@pytest.mark.parametrize("d", [1e-12, 1e-6, 1e-3, 0.1, 0.25, 0.4])
def test_gain_is_the_closed_form_to_full_precision(law: Law, a: float, d: float) -> None:
    assert gain(law, a, d) == pytest.approx(exact_gain(law, a, d), rel=1e-13)


@pytest.mark.parametrize("law", [law for law in PLAIN if law.mean_limit > 1], ids=name)
@pytest.mark.parametrize("a", [0.0, 0.2, 0.7, 4.0, 40.0])
@pytest.mark.parametrize("d", [1e-9, 0.6, 2.0, 30.0, 300.0])
def test_gain_holds_far_from_zero(law: Law, a: float, d: float) -> None:
    assert gain(law, a, d) == pytest.approx(exact_gain(law, a, d), rel=1e-13)


@pytest.mark.parametrize("law", PLAIN, ids=name)
def test_log_yield_is_the_gain_over_the_whole_mean(law: Law) -> None:
    for mean in (0.0, 1e-10, 0.05, 0.5, 0.99):
        assert log_yield(law, mean) == pytest.approx(exact_gain(law, 0.0, mean), rel=1e-13)


@pytest.mark.parametrize("law", HARVESTS, ids=name)
@pytest.mark.parametrize("t", [0.05, 0.8, 3.0, 12.0])
def test_harvest_at_its_first_test(law: Law, t: float) -> None:
    survive, failing = harvest_by_integration(law, t, 0.0)
    value = gain(law, 0.0, t)
    # 8,001 terms of the integral, and 1 − F of the package: 2e-15 over the smallest S here, 1e-3.
    assert value == pytest.approx(math.log(survive), rel=1e-12, abs=5e-12)
    # The loss is a sum of positive terms on both sides: relative 1e-9 even where it is 1e-13.
    assert -math.expm1(value) == pytest.approx(failing, rel=1e-9, abs=1e-16)
    assert log_yield(law, t) == value


@pytest.mark.parametrize("law", HARVESTS, ids=name)
@pytest.mark.parametrize(("first", "a", "d"), [
    (0.0, 0.0, 0.7), (0.8, 0.8, 0.2), (3.0, 3.5, 0.01), (12.0, 12.0, 4.0), (0.3, 1.0, 2.0),
])  # fmt: skip
def test_harvest_at_later_tests(law: Law, first: float, a: float, d: float) -> None:
    assert law.blocks is not None and law.spares is not None
    alive = 1.0 - law.spares / law.blocks
    before, _ = harvest_by_integration(law, first, alive * (a - first))
    after, _ = harvest_by_integration(law, first, alive * (a + d - first))
    # The reference subtracts two logarithms, each with the integral's rounding of some 1e-13.
    expected = math.log(after) - math.log(before)
    assert gain(law, a, d, first) == pytest.approx(expected, rel=1e-9, abs=2e-12)


def harvest_by_counting(t: float, alpha: float, blocks: int, spares: int) -> float:
    """S at the first test: negative-binomial counts, each fault on a block of its own draw."""
    occupied = np.zeros(blocks + 1)
    occupied[0] = 1.0
    steps = np.arange(blocks + 1) / blocks
    alive, log_pmf = 0.0, -alpha * math.log1p(t / alpha)
    for n in range(20_000):
        alive += math.exp(log_pmf) * occupied[: spares + 1].sum()
        occupied = occupied * steps + np.concatenate([[0.0], (occupied * (1.0 - steps))[:-1]])
        log_pmf += math.log((alpha + n) / (n + 1) * t / (alpha + t))
    return alive


@pytest.mark.parametrize(
    ("t", "alpha", "blocks", "spares"),
    [
        (24.08, 0.156, 76, 64),
        (3.0, 0.1, 40, 39),
        (500.0, 1000.0, 32, 1),
        (60.0, 0.5, 100, 80),
        (150.0, 50.0, 1000, 130),
    ],
)
def test_harvest_of_many_spares_and_heavy_clusters(
    t: float, alpha: float, blocks: int, spares: int
) -> None:
    """Few faults hit few blocks: the sum may not stop where the count begins to fall."""
    law = Law("harvest", alpha=alpha, blocks=blocks, spares=spares)
    alive = harvest_by_counting(t, alpha, blocks, spares)
    assert gain(law, 0.0, t) == pytest.approx(math.log(alive), rel=1e-9)


@pytest.mark.parametrize("alpha", [None, 0.7, 5.0])
def test_harvest_without_spares_is_its_base_law(alpha: float | None) -> None:
    base = Law() if alpha is None else Law("negative_binomial", alpha=alpha)
    law = Law("harvest", alpha=alpha, blocks=9, spares=0)
    assert gain(law, 0.0, 0.8) == gain(base, 0.0, 0.8)
    assert gain(law, 0.5, 0.3, 0.2) == gain(base, 0.5, 0.3)


@pytest.mark.parametrize("alpha", [None, 0.7])
def test_harvest_of_every_block_loses_nothing(alpha: float | None) -> None:
    law = Law("harvest", alpha=alpha, blocks=9, spares=9)
    assert gain(law, 0.0, 7.0) == 0.0
    assert gain(law, 2.0, 7.0, 1.0) == 0.0


def test_harvest_of_one_poisson_block_by_hand() -> None:
    law = Law("harvest", blocks=2, spares=1)  # fails when both blocks hold a fault
    p = 1.0 - math.exp(-0.6)
    assert gain(law, 0.0, 1.2) == pytest.approx(math.log1p(-p * p), rel=1e-13)
    assert gain(law, 1.2, 0.4, 1.2) == pytest.approx(-0.2, rel=1e-13)  # half the die stays


def additive(law: Law, first: float | None, a: float, d1: float, d2: float) -> None:
    whole = gain(law, a, d1 + d2, first)
    parts = gain(law, a, d1, first) + gain(law, a + d1, d2, first)
    # a + d1 is rounded once, which moves a slope of at most ~1e3 (α/λ) by 1e-16 each.
    assert parts == pytest.approx(whole, rel=1e-11, abs=1e-13)


parts = st.floats(0.0, 0.33)


@pytest.mark.parametrize("law", PLAIN, ids=name)
@settings(derandomize=True, max_examples=60, deadline=None)
@given(a=parts, d1=parts, d2=parts)
def test_additivity(law: Law, a: float, d1: float, d2: float) -> None:
    if law.name == "moore":
        a += 1e-6  # √ is infinitely steep at 0: there rounding of the mass itself is seen
    additive(law, None, a, d1, d2)


@pytest.mark.parametrize("law", HARVESTS, ids=name)
@settings(derandomize=True, max_examples=20, deadline=None)
@given(first=st.floats(0.0, 5.0), beyond=st.floats(0.0, 2.0), d1=parts, d2=parts)
def test_additivity_of_harvest_after_its_first_test(
    law: Law, first: float, beyond: float, d1: float, d2: float
) -> None:
    additive(law, first, first + beyond, d1, d2)


@pytest.mark.parametrize("law", EVERY, ids=name)
def test_a_tiny_step_is_the_slope(law: Law) -> None:
    """gain(a, d)/d at d = 1e-12·a equals that at 1e-9·a: no digit is lost to a subtraction."""
    first = 0.4 if law.name == "harvest" else None
    slope = gain(law, 0.5, 1e-9, first) / 1e-9
    # The curvature moves the slope by 1e-9 of itself at most times a few; 1e-12 is the limit there.
    assert gain(law, 0.5, 1e-12, first) / 1e-12 == pytest.approx(slope, rel=1e-8)
    if law.name != "harvest":
        assert gain(law, 0.5, 1e-12) == pytest.approx(exact_gain(law, 0.5, 1e-12), rel=1e-12)


@pytest.mark.parametrize("law", EVERY, ids=name)
def test_arrays_equal_scalars_without_a_warning(law: Law) -> None:
    a, d = (table.ravel() for table in np.meshgrid([0.0, 0.1, 0.4, 0.5], [0.0, 1e-8, 0.2, 0.5]))
    firsts = [None] if law.name != "harvest" else [None, 0.0, 0.1]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for first in firsts:
            start = a if first is None else np.maximum(a, first)
            each = [gain(law, float(x), float(y), first) for x, y in zip(start, d, strict=True)]
            # NumPy's vector loops may round exp and log differently in the last place; harvest
            # cuts its series at 1e-18 by the largest mass of the batch.
            np.testing.assert_allclose(gain(law, start, d, first), each, rtol=1e-14, atol=1e-17)
            assert all(np.ndim(value) == 0 for value in each)
            assert gain(law, 0.3, 0.0, first) == 0.0


@pytest.mark.parametrize("law", EVERY, ids=name)
def test_gain_is_never_positive_and_falls_with_the_mass(law: Law) -> None:
    first = 0.0 if law.name == "harvest" else None
    falls = gain(law, np.zeros(51), np.linspace(0.0, 1.0, 51), first)
    assert falls[0] == 0.0
    assert np.all(np.diff(falls) < 0.0)


def test_negative_binomial_goes_smoothly_to_poisson() -> None:
    a, d = np.array([0.0, 0.3, 2.0]), np.array([0.7, 1e-6, 3.0])
    for alpha in (1e6, 1e9, 1e12, 1e300):
        value = gain(Law("negative_binomial", alpha=alpha), a, d)
        # −α log1p(d/(α+a)) = −d·(1 − (a + d/2)/α + …)
        np.testing.assert_allclose(value, -d, rtol=4.0 / alpha + 1e-15)


def test_family_of_the_negative_binomial() -> None:
    a, d = np.array([0.0, 0.3, 2.0]), np.array([0.7, 1e-6, 3.0])
    one, four = (Law("negative_binomial", alpha=alpha) for alpha in (1.0, 4.0))
    np.testing.assert_array_equal(gain(Law("seeds"), a, d), gain(one, a, d))
    np.testing.assert_array_equal(gain(Law("bose_einstein", layers=4), a, d), gain(four, a, d))
    assert [clustering(law) for law in (one, four, Law("seeds"), Law())] == [1.0, 4.0, 1.0, None]
    assert clustering(Law("bose_einstein", layers=4)) == 4.0


def test_single_at_mean_one_is_minus_infinity_without_a_warning() -> None:
    law = Law("single")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert gain(law, 0.0, 1.0) == -math.inf
        assert gain(law, 0.4, 0.6) == -math.inf
        assert gain(law, 1.0, 0.0) == 0.0
        np.testing.assert_array_equal(
            gain(law, np.array([0.0, 0.0]), np.array([1.0, 0.0])), [-math.inf, 0.0]
        )


@pytest.mark.parametrize(("parameters", "keys"), [
    ({"name": "negative_binomial"}, ["alpha"]),
    ({"name": "negative_binomial", "alpha": 0.0}, ["alpha"]),
    ({"name": "negative_binomial", "alpha": math.nan}, ["alpha"]),
    ({"name": "negative_binomial", "alpha": math.inf}, ["alpha"]),
    ({"name": "bose_einstein"}, ["layers"]),
    ({"name": "bose_einstein", "layers": 0}, ["layers"]),
    ({"name": "bose_einstein", "layers": 2.5}, ["layers"]),
    ({"name": "murphy", "alpha": 2.0, "layers": 3}, ["alpha", "layers"]),
    ({"name": "harvest"}, ["blocks", "spares"]),
    ({"name": "harvest", "alpha": -1.0, "blocks": 0, "spares": -1}, ["alpha", "blocks", "spares"]),
    ({"name": "harvest", "blocks": 12.5, "spares": 3}, ["blocks"]),
    ({"name": "harvest", "blocks": 2, "spares": 3}, ["spares"]),
])  # fmt: skip
def test_bad_parameters_are_all_named(parameters: dict[str, object], keys: list[str]) -> None:
    with pytest.raises(CaseError) as error:
        Law(**parameters)
    assert [fault.key for fault in error.value.faults] == keys


def test_unknown_law_offers_the_nearest() -> None:
    with pytest.raises(UnknownName, match="did you mean 'murphy'"):
        Law("murphey")
    assert set(LAWS) == {law.name for law in EVERY}


def test_only_single_limits_its_mean() -> None:
    assert {law.name: law.mean_limit for law in EVERY if law.mean_limit < math.inf} == {
        "single": 1.0
    }


@pytest.mark.parametrize("alpha", [1e6, 1e12, 1e30, 1e300])
def test_harvest_goes_to_its_poisson_base_at_large_alpha(alpha: float) -> None:
    one, base = (Law("harvest", alpha=a, blocks=10, spares=1) for a in (alpha, None))
    for first, more in ((0.5, 0.0), (0.4, 0.1)):
        found = gain(one, 0.0, first) + (gain(one, first, more, first) if more else 0.0)
        wanted = gain(base, 0.0, first) + (gain(base, first, more, first) if more else 0.0)
        assert found == pytest.approx(wanted, rel=20.0 / alpha + 1e-12)  # moments differ by O(1/α)
