r"""Yield laws: the chance that a part of the fault universe is empty, in log form.

A component carries faults of a class at mean λ. A test of coverage c looks at the fraction c of the
fault mass, so a law Y(λ) answers every screening question through S(κ) = Y(κλ) (``single`` and
``harvest`` excepted, see there). The engine needs ln S(κ+δ) − ln S(κ) only; with ``a`` = Σλκ and
``d`` = Σλδ (the sum runs over the classes that share one mixing variable) that is one function
``gain(law, a, d, first)`` without the subtraction, which would lose seven digits.

Adding a law is one function and one line of :data:`LAWS`. A law is written once for a number and an
array: with the functions of :mod:`yieldopt.physics.elementary`, which know both.

References
----------
.. [1] C. H. Stapper, "Modeling of integrated circuit defect sensitivities", IBM J. Res. Dev. 27(6),
   1983 (negative binomial).
.. [2] B. T. Murphy, "Cost-size optima of monolithic integrated circuits", Proc. IEEE 52, 1964.
.. [3] T. W. Williams, N. C. Brown, "Defect level as a function of fault coverage", IEEE Trans.
   Comput. C-30(12), 1981 (the Poisson case of screening).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from yieldopt.errors import CaseError, Fault, UnknownName, near_miss
from yieldopt.physics.elementary import log1p, sqrt
from yieldopt.physics.harvesting import harvest
from yieldopt.physics.mean_exponential import gain_of_mean_exponential

Value = float | NDArray[np.float64]
_POISSON_ALPHA = 1e18  # a larger α gives the same doubles, and overflows in the end


@dataclass(frozen=True, slots=True)
class Law:
    """A yield law with its parameters, checked on construction.

    Parameters
    ----------
    name
        A key of :data:`LAWS`.
    alpha
        Clustering parameter of ``negative_binomial`` and ``harvest`` (``None`` there: Poisson) [-].
    layers
        Number n of critical layers of ``bose_einstein``; the mean is the total over them.
    blocks, spares
        Number M of equal blocks of ``harvest`` and number m of them that may be switched off.

    Raises
    ------
    UnknownName
        No such law.
    CaseError
        A parameter is missing, out of range, or not one of this law's.

    Examples
    --------
    >>> law = Law("negative_binomial", alpha=3.0)
    >>> round(math.exp(gain(law, 0.0, 0.6)), 4)
    0.5787
    """

    name: str = "poisson"
    alpha: float | None = None
    layers: int | None = None
    blocks: int | None = None
    spares: int | None = None

    def __post_init__(self) -> None:
        if self.name not in LAWS:
            raise UnknownName(
                Fault("unknown yield law", "law", self.name, near_miss(self.name, LAWS))
            )
        faults = list(self._parameter_faults())
        if faults:
            raise CaseError(faults)

    def _parameter_faults(self) -> list[Fault]:
        wanted = LAWS[self.name].parameters
        optional = LAWS[self.name].optional
        found = []
        for key in ("alpha", "layers", "blocks", "spares"):
            value = getattr(self, key)
            if value is None and key in wanted:
                found.append(Fault(f"law {self.name!r} needs {key!r}", key))
            elif value is not None and key not in wanted + optional:
                found.append(Fault(f"law {self.name!r} takes no {key!r}", key, value))
            elif value is not None:
                found += _parameter_fault(key, value)
        if not found and self.blocks is not None and (self.spares or 0) > self.blocks:
            found.append(Fault("more spares than blocks", "spares", self.spares))
        return found

    @property
    def mean_limit(self) -> float:
        """Largest mean that the law allows (1 for ``single``)."""
        return LAWS[self.name].mean_limit


def _parameter_fault(key: str, value: object) -> list[Fault]:
    plain = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    number = float(value) if isinstance(value, int | float | np.number) and plain else math.nan
    if key == "alpha":
        fine = math.isfinite(number) and number > 0.0
        text, hint = "must be a finite number above 0", "leave alpha out for Poisson"
    else:
        least = 0 if key == "spares" else 1
        fine = number.is_integer() and number >= least
        text, hint = f"must be a whole number, at least {least}", ""
    return [] if fine else [Fault(text, key, value, hint)]


def negative_binomial(law: Law, a: Value, d: Value, first: Value | None) -> Value:
    """Y(λ) = (1 + λ/α)^(−α): gamma-mixed Poisson [1]_; gain −α·log1p(d/(α+a))."""
    alpha = law.alpha
    assert alpha is not None
    alpha = alpha if alpha < _POISSON_ALPHA else _POISSON_ALPHA
    return -alpha * log1p(d / (alpha + a))


def poisson(law: Law, a: Value, d: Value, first: Value | None) -> Value:
    """Y(λ) = exp(−λ): faults fall independently; gain −d."""
    return -d


def seeds(law: Law, a: Value, d: Value, first: Value | None) -> Value:
    """Y(λ) = 1/(1+λ) (Seeds 1967; Price 1970): negative binomial of α = 1."""
    return -log1p(d / (1.0 + a))


def bose_einstein(law: Law, a: Value, d: Value, first: Value | None) -> Value:
    """Y(λ) = (1 + λ/n)^(−n) over n critical layers, λ their total: negative binomial of α = n."""
    assert law.layers is not None
    return -law.layers * log1p(d / (law.layers + a))


def murphy(law: Law, a: Value, d: Value, first: Value | None) -> Value:
    """Y(λ) = ((1−e^(−λ))/λ)²: triangular density of defect densities [2]_."""
    return 2.0 * gain_of_mean_exponential(a, d)


def rectangular(law: Law, a: Value, d: Value, first: Value | None) -> Value:
    """Y(λ) = (1−e^(−2λ))/(2λ): uniform density of defect densities on [0, 2D0] [2]_."""
    return gain_of_mean_exponential(2.0 * a, 2.0 * d)


def moore(law: Law, a: Value, d: Value, first: Value | None) -> Value:
    """Y(λ) = exp(−√λ) (Moore 1970): the mixing has an infinite mean, λ is a scale, not a mean."""
    root = sqrt(a) + sqrt(a + d)
    return -d / (root + (root == 0.0))  # nothing at all: 0/1


def single(law: Law, a: Value, d: Value, first: Value | None) -> Value:
    """S(x) = 1 − xλ, λ ≤ 1: at most one fault, the linear screen; not of the form Y(xλ)."""
    left = 1.0 - a
    if not isinstance(left, np.ndarray) and not isinstance(d, np.ndarray):
        return log1p(-(min(d / left, 1.0) if left > 0.0 else float(d > 0.0)))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(left > 0.0, np.minimum(d / np.asarray(left), 1.0), np.sign(d))
        return np.log1p(-ratio)


def _harvest(law: Law, a: Value, d: Value, first: Value | None) -> Value:
    """A die of M blocks of which m may be switched off; see :mod:`yieldopt.physics.harvesting`."""
    assert law.blocks is not None
    assert law.spares is not None
    return harvest(a, d, first, alpha=law.alpha, blocks=law.blocks, spares=law.spares)


@dataclass(frozen=True, slots=True)
class LawSpec:
    """What a law needs: its gain in ln S, its parameters, and the largest mean it allows."""

    gain: Callable[[Law, Value, Value, Value | None], Value]
    parameters: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    mean_limit: float = math.inf


LAWS: dict[str, LawSpec] = {
    "poisson": LawSpec(poisson),
    "negative_binomial": LawSpec(negative_binomial, ("alpha",)),
    "seeds": LawSpec(seeds),
    "bose_einstein": LawSpec(bose_einstein, ("layers",)),
    "murphy": LawSpec(murphy),
    "rectangular": LawSpec(rectangular),
    "moore": LawSpec(moore),
    "single": LawSpec(single, mean_limit=1.0),
    "harvest": LawSpec(_harvest, ("blocks", "spares"), ("alpha",)),
}


def gain(law: Law, a: Value, d: Value, first: Value | None = None) -> Value:
    """Return ln S(κ+δ) − ln S(κ) of one fault group.

    Parameters
    ----------
    law
        The group's law.
    a
        Fault mass already looked at, Σ λκ over the classes of the group [faults], scalar or (n,).
    d
        Fault mass now looked at, Σ λδ, at least 0 [faults], scalar or (n,).
    first
        Only for ``harvest``: the mass Σ λκ₀ seen by the first test that covered the group, or
        ``None`` while no test has.

    Returns
    -------
    float or (n,) array
        Log of the chance that the mass ``d`` is empty, given that ``a`` was; at most 0. −inf when
        nothing can pass.

    Examples
    --------
    Two dies at λ = 0.8, α = 10, tested to 0.999, leave 1,480 DPPM:

    >>> law = Law("negative_binomial", alpha=10.0)
    >>> round(-1e6 * math.expm1(2 * gain(law, 0.999 * 0.8, 0.001 * 0.8)))
    1480
    """
    return LAWS[law.name].gain(law, a, d, first)


def log_yield(law: Law, mean: Value) -> Value:
    """Return ln Y(λ) of a part that nothing has screened: ``gain`` from 0 over the whole mean.

    For ``harvest`` this is a first test that sees everything.

    Examples
    --------
    >>> round(math.exp(log_yield(Law("murphy"), 1.271)), 2)
    0.32
    """
    first = 0.0 * mean if law.name != "harvest" else None
    return gain(law, 0.0 * mean, mean, first)


def clustering(law: Law) -> float | None:
    """Return α of a law of the negative-binomial family, ``None`` for any other law."""
    if law.name == "negative_binomial":
        return min(law.alpha or 0.0, _POISSON_ALPHA)
    if law.name == "bose_einstein":
        return float(law.layers or 0)
    return 1.0 if law.name == "seeds" else None
