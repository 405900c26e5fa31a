"""How results show themselves in a notebook, and give their tables.

What draws and tabulates stands in the report, above all results. It is therefore found by its name,
when it is first asked for: no result imports it.
"""

from __future__ import annotations

from collections.abc import Collection
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

_NOTEBOOK = "yieldopt.report.notebook"


class Shown:
    """A result that a notebook shows as tables, with a table for each kind of row in it."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        return str(_notebook("html", self))

    def _repr_mimebundle_(
        self, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> dict[str, Any]:
        """Return it with its pictures, by MIME type: what a notebook asks for first."""
        forms: dict[str, Any] = _notebook("bundle", self)
        return {
            form: shown
            for form, shown in forms.items()
            if (include is None or form in include) and form not in (exclude or ())
        }

    def to_polars(self) -> dict[str, pl.DataFrame]:
        """Return its tables by name: text, booleans and doubles; units stand in the columns' names.

        Examples
        --------
        >>> from yieldopt import load, solve
        >>> solve(load("minimal")).to_polars()["products"]["demand"].to_list()
        [1.0]
        """
        frames: dict[str, pl.DataFrame] = _notebook("polars_frames", self)
        return frames

    def to_pandas(self) -> dict[str, pd.DataFrame]:
        """Return the same tables as pandas frames; a number that is not there is NaN.

        Examples
        --------
        >>> from yieldopt import load, solve
        >>> list(solve(load("minimal")).to_pandas()["products"]["demand"])
        [1.0]
        """
        frames: dict[str, pd.DataFrame] = _notebook("pandas_frames", self)
        return frames


def _notebook(function: str, found: Shown) -> Any:
    return getattr(import_module(_NOTEBOOK), function)(found)
