"""What the tests of several modules share: refusals, simulated means, published numbers."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from yieldopt.errors import CaseError

FILE = Path(__file__).parents[1] / "golden" / "published_checks.csv"
with FILE.open(encoding="utf-8", newline="") as _stream:
    ROWS = {row["check_id"]: row for row in csv.DictReader(_stream)}


def refused(function: Callable[..., object], *args: Any, **kwargs: Any) -> list[str]:
    """Keys of the faults, in order, of a call that must be refused."""
    with pytest.raises(CaseError) as caught:
        function(*args, **kwargs)
    return [fault.key for fault in caught.value.faults]


def agree(value: float, hits: np.ndarray[Any, Any]) -> None:
    """The mean of the simulated units is within four standard errors."""
    error = float(np.std(hits)) / math.sqrt(len(hits))
    assert error > 0.0
    assert abs(float(np.mean(hits)) - value) < 4 * error


def published(name: str, value: float) -> None:
    """The value meets a row of published_checks within its stated tolerance."""
    row = ROWS[name]
    assert abs(value - float(row["expected"])) <= float(row["tolerance"]) + 1e-12
