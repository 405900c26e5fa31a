"""Seeds of random problems: the first few in every run, the rest marked as long."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pytest


def seeds(every: Iterable[int], few: int) -> list[Any]:
    """Return parameters: all of ``every``, those after the first ``few`` spread ones marked long.

    The short ones are taken evenly over the whole, so that what varies with the seed varies there.
    """
    numbers: Sequence[int] = list(every)
    step = max(1, len(numbers) // few)
    return [
        number if at % step == 0 else pytest.param(number, marks=pytest.mark.long)
        for at, number in enumerate(numbers)
    ]
