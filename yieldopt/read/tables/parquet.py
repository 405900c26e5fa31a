"""Parquet files, by polars."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from yieldopt.errors import CaseError, Fault
from yieldopt.read.tables.source import Cells, Source

if TYPE_CHECKING:
    import polars as pl


class Parquet(Source):
    """A Parquet file; its rows count from 1, since it has no header row."""

    def __init__(self, file: str, frame: pl.DataFrame) -> None:
        super().__init__(file, [name or None for name in frame.columns], frame.height, 1)
        self.frame, self.kinds = frame, frame.dtypes

    def texts(self, at: int) -> list[str | None]:
        """Return the cells of a column as names; whole numbers as they are written."""
        import polars as pl

        cells: list[str | None] = self.frame.to_series(at).cast(pl.String).to_list()
        return [cell or None for cell in cells]

    def numbers(self, columns: Sequence[int]) -> dict[int, Cells]:
        """Return the cells of columns as numbers, by column."""
        import polars as pl

        return {at: self.frame.to_series(at).cast(pl.Float64).to_list() for at in columns}

    def misfit(self, at: int, numeric: bool) -> str:
        """Return the column's type where it is not one of numbers, or of names."""
        import polars as pl

        kind = self.kinds[at]
        names = (pl.String, pl.Categorical, pl.Enum)
        fits = kind.is_numeric() if numeric else kind.is_integer() or kind in names
        return "" if fits or kind == pl.Null else str(kind)


def read_parquet(path: Path) -> Parquet:
    """Read a Parquet file; ``CaseError`` if it is none."""
    import polars as pl

    try:
        return Parquet(str(path), pl.read_parquet(path))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        text = str(error).splitlines()[0]
        raise CaseError(Fault(f"not a Parquet file: {text}", file=str(path))) from None
