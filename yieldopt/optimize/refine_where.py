"""Where in a case file a rule stands that free times cannot keep."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from yieldopt.data import bundled_cases
from yieldopt.errors import Fault
from yieldopt.read.documents import open_document
from yieldopt.schema.case import Case


def in_file(case: Case | str | Path, faults: Sequence[Fault]) -> list[Fault]:
    """Return faults with file and line where they speak of a product of a case file.

    Parameters
    ----------
    case
        As it was asked for; a case that was read before has no file any more, and its faults stay
        as they are.
    faults
        Those at a key of the case begin with ``products[``.
    """
    keyed = [fault for fault in faults if fault.key.startswith("products[")]
    if isinstance(case, Case) or not keyed:
        return list(faults)
    path = Path(case)
    if not path.exists():
        path = bundled_cases().get(str(case), path)
    placed = open_document(path, "toml").locate(keyed)
    return [*placed, *(fault for fault in faults if fault not in keyed)]
