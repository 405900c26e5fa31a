"""Seeds of random problems: some in every run, the rest marked as long."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pytest

MANY = 20  # of so many the short ones are of both parities


def seeds(every: Iterable[int], few: int) -> list[Any]:
    """Return parameters: all of ``every``, but about ``few`` of them marked long.

    The short ones are taken evenly over the whole, so that what varies with the seed varies there.
    An even step would meet even seeds alone, or odd ones, and tests choose kinds by that: of many
    every second one is the next.
    """
    numbers: Sequence[int] = list(every)
    step = max(1, len(numbers) // few)
    both = len(numbers) >= MANY and step % 2 == 0
    return [
        number
        if at % step == (at // step % 2 if both else 0)
        else pytest.param(number, marks=pytest.mark.long)
        for at, number in enumerate(numbers)
    ]
