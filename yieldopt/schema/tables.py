"""The shape of a table that a case names: numbers that stand in a file of their own."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from yieldopt.schema.base import Count, Shape, Text, refused

# What a table gives: the list of the case, the key there, and the name of the column.
GIVES = {
    "demand": ("products", "demand", "packages"),
    "capacity": ("resources", "capacity", "capacity"),
    "price": ("products", "price_usd", "price_usd"),
    "shortage": ("products", "shortage_cost_usd", "shortage_cost_usd"),
}


class TableShape(Shape):
    """A CSV, Parquet or Excel file with the demand, capacity or prices of a case.

    Long, a row is one number: ``product, period, packages[, unit]``. Wide, a row is a product or
    resource with a column for every period. A file may call its columns otherwise (``columns``).
    """

    file: Text  # seen from the case; .csv, .parquet, .xlsx or .xlsm
    what: Literal["demand", "capacity", "price", "shortage"]  # what its numbers are
    sheet: Text | None = None  # of a workbook; absent: its only one
    layout: Literal["long", "wide"] = "long"  # long: a row a number; wide: a column a period
    header_row: Count = 1  # as a spreadsheet program counts; what stands above is not read
    columns: dict[Text, Text] = Field(default_factory=dict)  # our name: the file's
    ignore: tuple[Text, ...] = ()  # columns that are not read; any other must have a meaning
    unit: Text | None = None  # of all numbers; or a column "unit"
    separator: Literal[",", ";", "\t"] = ","  # of a CSV file

    @model_validator(mode="after")
    def _go_together(self) -> TableShape:
        if self.layout == "wide" and not self.periodic:
            raise refused("wide goes with demand and capacity: a price has no period", "layout")
        if self.sheet is not None and not self.workbook:
            raise refused("goes with a workbook (.xlsx, .xlsm)", "sheet")
        if "separator" in self.model_fields_set and self.ending != "csv":
            raise refused("goes with a CSV file", "separator")
        if "header_row" in self.model_fields_set and self.ending == "parquet":
            raise refused("a Parquet file has its names in the schema", "header_row")
        if self.unit is not None and "unit" in self.columns:
            raise refused("stands in a column already", "unit")
        return self

    @property
    def ending(self) -> str:
        """The kind of file, by its name."""
        return self.file.rpartition(".")[2].lower()

    @property
    def workbook(self) -> bool:
        """Whether it is an Excel file."""
        return self.ending in ("xlsx", "xlsm")

    @property
    def periodic(self) -> bool:
        """Whether there is a number for every period."""
        return self.what in ("demand", "capacity")

    @property
    def entry(self) -> str:
        """Whose numbers they are: our name of that column."""
        return GIVES[self.what][0].removesuffix("s")

    @property
    def value(self) -> str:
        """Our name of the column of numbers in the long layout."""
        return GIVES[self.what][2]
