"""One thread of the linear algebra, so that figures compare; before NumPy is loaded."""

from __future__ import annotations

import os

VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def hold_to_one_thread() -> None:
    """Ask the linear algebra for one thread, unless the environment says otherwise.

    The libraries read these variables once, when NumPy is loaded: call this first.
    """
    for name in VARIABLES:
        os.environ.setdefault(name, "1")
