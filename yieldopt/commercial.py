"""Commercial terms: quotes, turnkey and consigned builds, one-off costs, shipping.

References
----------
.. [1] Source ``brief2026``: gross margins (foundry 50-55 %, OSAT 15-25 % of the price); leaving a
   foundry's closed flow takes a new tape-out, IP worth more than 100 M$ written off, and a year.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from yieldopt.errors import CaseError, Fault
from yieldopt.physics.arguments import check
from yieldopt.physics.yields import Value


def quote_usd(cost_usd: Value, gross_margin_frac: Value) -> Value:
    """Return cost/(1 − margin): the margin is a share of the price [1]_, no mark-up on the cost.

    Parameters
    ----------
    cost_usd, gross_margin_frac
        The seller's cost, at least 0 [USD]; its margin, at least 0 and below 1 [of the price].

    Raises
    ------
    CaseError
        Arguments out of range, all named.

    Examples
    --------
    >>> quote_usd(quote_usd(6000.0, 0.5), 0.2)
    15000.0
    """
    check(("cost_usd", cost_usd, "[0, inf)"), ("gross_margin_frac", gross_margin_frac, "[0, 1)"))
    return cost_usd / (1.0 - gross_margin_frac)


@dataclass(frozen=True, slots=True, eq=False)
class Build:
    """One start of a package and how it may end; numbers or (n,) arrays, checked (CaseError).

    A start is good when the provider's process does not break it and none of its stacks is bad.
    The process and the stacks are independent; a bad stack shows only on an unbroken start.

    Parameters
    ----------
    parts_usd_per_start, processing_usd_per_start
        Value of the parts that go in; the provider's own cost of its work; at least 0 [USD].
    process_yield_frac
        Share of starts that the process does not break, above 0 and at most 1 [-].
    stacks, bad_stack_frac
        Memory stacks in a start, one whole number [count]; chance of each to be bad, at least 0
        and below 1 [-].
    bad_stack_credit_usd
        Paid back for a stack shown to be bad, at least 0; all stacks at most the parts [USD].
    """

    parts_usd_per_start: Value
    processing_usd_per_start: Value
    process_yield_frac: Value
    stacks: int = 0
    bad_stack_frac: Value = 0.0
    bad_stack_credit_usd: Value = 0.0

    def __post_init__(self) -> None:
        check(
            ("parts_usd_per_start", self.parts_usd_per_start, "[0, inf)"),
            ("processing_usd_per_start", self.processing_usd_per_start, "[0, inf)"),
            ("process_yield_frac", self.process_yield_frac, "(0, 1]"),
            ("stacks", self.stacks, 0),
            ("bad_stack_frac", self.bad_stack_frac, "[0, 1)"),
            ("bad_stack_credit_usd", self.bad_stack_credit_usd, "[0, inf)"),
        )
        if np.any(np.asarray(self.stacks * self.bad_stack_credit_usd) > self.parts_usd_per_start):
            fault = "all stacks together exceed the parts"
            raise CaseError(Fault(fault, "bad_stack_credit_usd", self.bad_stack_credit_usd))

    @property
    def good_frac(self) -> Value:
        """Share of starts that end as a good package [-]."""
        good: Value = np.exp(-self._log_starts())
        return good

    def _log_starts(self) -> Value:
        """Log of the starts that a good package takes."""
        stacks: Value = self.stacks * np.log1p(-self.bad_stack_frac)
        return -np.log(self.process_yield_frac) - stacks

    def _stack_credit_usd(self) -> Value:
        """Mean credit for bad stacks, per start."""
        shown = self.process_yield_frac * (self.stacks * self.bad_stack_frac)
        return shown * self.bad_stack_credit_usd


@dataclass(frozen=True, slots=True, eq=False)
class Price:
    """What the buyer pays for a good package; every amount is USD per good package."""

    parts_usd: Value  # in the good package
    scrapped_parts_usd: Value  # lost with the starts that failed
    processing_usd: Value  # the provider's own cost of all starts
    margin_usd: Value  # the provider's gross margin, before it pays the liability
    liability_credit_usd: Value  # deducted: the provider pays for parts that its process broke
    stack_credit_usd: Value  # deducted: the supplier of the stacks pays for bad ones

    @property
    def total_usd(self) -> Value:
        """Cost of a good package to the buyer [USD]."""
        spent = self.parts_usd + self.scrapped_parts_usd + self.processing_usd + self.margin_usd
        return spent - self.liability_credit_usd - self.stack_credit_usd


def _price(build: Build, margin_usd: Value, liability_usd_per_start: Value) -> Price:
    """Amounts per good package, from a margin per good package and a liability per start."""
    good, parts = build.good_frac, build.parts_usd_per_start
    return Price(
        parts_usd=parts,
        scrapped_parts_usd=parts * np.expm1(build._log_starts()),
        processing_usd=build.processing_usd_per_start / good,
        margin_usd=margin_usd,
        liability_credit_usd=liability_usd_per_start / good,
        stack_credit_usd=build._stack_credit_usd() / good,
    )


def turnkey(build: Build, *, processing_margin_frac: Value, parts_margin_frac: Value) -> Price:
    """Return the price of a good package when the provider buys the parts and pays for the scrap.

    Parameters
    ----------
    build, processing_margin_frac, parts_margin_frac
        The start; margins on the work and on the parts, at least 0 and below 1 [of the price].

    Raises
    ------
    CaseError
        Arguments out of range, all named.

    Notes
    -----
    With parts V, work c, process yield y_p, n stacks bad with chance q, credit C, y = y_p (1−q)ⁿ,
    the total is (V − y_p n q C)/(y (1 − m_parts)) + c/(y (1 − m_work)): the margin on the parts
    is taken on their cost less the credit, which the provider collects.

    Examples
    --------
    >>> build = Build(4000.0, 500.0, process_yield_frac=0.8)
    >>> price = turnkey(build, processing_margin_frac=0.2, parts_margin_frac=0.05)
    >>> round(float(price.margin_usd), 2), round(float(price.total_usd), 2)
    (419.41, 6044.41)
    """
    check(
        ("processing_margin_frac", processing_margin_frac, "[0, 1)"),
        ("parts_margin_frac", parts_margin_frac, "[0, 1)"),
    )
    parts_usd = (build.parts_usd_per_start - build._stack_credit_usd()) / build.good_frac
    work_usd = build.processing_usd_per_start / build.good_frac
    on_parts = parts_usd * parts_margin_frac / (1.0 - parts_margin_frac)
    on_work = work_usd * processing_margin_frac / (1.0 - processing_margin_frac)
    return _price(build, on_parts + on_work, 0.0)


def consigned(
    build: Build, *, processing_margin_frac: Value, liability_frac: Value, liability_cap_usd: Value
) -> Price:
    """Return the cost of a good package when the buyer brings the parts and owns their scrap.

    The provider is paid for good packages only, and pays for broken parts out of its margin.

    Parameters
    ----------
    build, processing_margin_frac
        As in :func:`turnkey`.
    liability_frac
        Share of the parts' value paid back for a start that the process broke, from 0 to 1 [-].
    liability_cap_usd
        Most that is paid back for one start, at least 0 [USD].

    Raises
    ------
    CaseError
        Arguments out of range, all named.

    Notes
    -----
    In the letters of :func:`turnkey`, with liability share s up to K, the total is
    (V − (1−y_p) min(sV, K) − y_p n q C)/y + c/(y (1 − m_work)).

    Examples
    --------
    >>> build = Build(4000.0, 500.0, process_yield_frac=0.8)
    >>> price = consigned(build, processing_margin_frac=0.2, liability_frac=0.5,
    ...     liability_cap_usd=1000.0)
    >>> round(float(price.liability_credit_usd), 2), round(float(price.total_usd), 2)
    (250.0, 5531.25)
    """
    check(
        ("processing_margin_frac", processing_margin_frac, "[0, 1)"),
        ("liability_frac", liability_frac, "[0, 1]"),
        ("liability_cap_usd", liability_cap_usd, "[0, inf)"),
    )
    work_usd = build.processing_usd_per_start / build.good_frac
    margin_usd = work_usd * processing_margin_frac / (1.0 - processing_margin_frac)
    paid_usd = np.minimum(liability_frac * build.parts_usd_per_start, liability_cap_usd)
    return _price(build, margin_usd, (1.0 - build.process_yield_frac) * paid_usd)


def one_off_per_good_usd(one_off_usd: Value, volume: Value) -> Value:
    """Return a one-off cost (masks, qualification, port) over the good packages that carry it.

    Parameters
    ----------
    one_off_usd, volume
        Cost, at least 0 [USD]; good packages over the life of the product, above 0 [packages].

    Raises
    ------
    CaseError
        Arguments out of range, all named.

    Examples
    --------
    >>> one_off_per_good_usd(81e6, 1e6)
    81.0
    """
    check(("one_off_usd", one_off_usd, "[0, inf)"), ("volume", volume, "(0, inf)"))
    return one_off_usd / volume


def port_usd(
    *, new_work_usd: Value, written_off_usd: Value, delay_months: Value, lost_usd_per_month: Value
) -> Value:
    """Return the one-off cost of taking a product to another provider: the sum of what it takes.

    Parameters
    ----------
    new_work_usd, written_off_usd
        Tape-out, masks, qualification; IP that is of no use elsewhere; at least 0 [USD].
    delay_months, lost_usd_per_month
        Delay [months] and the margin lost in each of them [USD], at least 0.

    Raises
    ------
    CaseError
        Arguments out of range, all named.

    Examples
    --------
    Out of a foundry's closed flow [1]_ (all but the IP and the year assumed):

    >>> port_usd(new_work_usd=50e6, written_off_usd=100e6, delay_months=12.0,
    ...     lost_usd_per_month=5e6)
    210000000.0
    """
    check(
        ("new_work_usd", new_work_usd, "[0, inf)"),
        ("written_off_usd", written_off_usd, "[0, inf)"),
        ("delay_months", delay_months, "[0, inf)"),
        ("lost_usd_per_month", lost_usd_per_month, "[0, inf)"),
    )
    return new_work_usd + written_off_usd + delay_months * lost_usd_per_month


def shipping_usd_per_good(lot_usd: Value, units_per_lot: Value, units_per_good: Value) -> float:
    """Return what shipping costs a good package, Σ lot/units · units per good over its trips.

    Parameters
    ----------
    lot_usd, units_per_lot
        Cost of a lot on each trip, at least 0 [USD]; units in it, above 0 [units].
    units_per_good
        Units on each trip for a good package at the end: parts in it over the share of them that
        end in one, as the engine's visits give it, at least 0 [units].

    Raises
    ------
    CaseError
        Arguments out of range, all named.

    Examples
    --------
    Interposers to the bonder (1.25 each), packages to the test house (1.1 each):

    >>> shipping_usd_per_good(np.array([800.0, 500.0]), np.array([400.0, 250.0]),
    ...     np.array([1.25, 1.1]))
    4.7
    """
    check(
        ("lot_usd", lot_usd, "[0, inf)"),
        ("units_per_lot", units_per_lot, "(0, inf)"),
        ("units_per_good", units_per_good, "[0, inf)"),
    )
    return float(np.sum(lot_usd / np.asarray(units_per_lot) * units_per_good))
