"""How many cells the values of a sheet span: what a reader of workbooks holds of it, empty or not.

One value far from the table would ask for more memory than there is, and the process would end. The
cells' own names count, not what the sheet tells of its size; a format alone is no value.
"""

from __future__ import annotations

import re

from yieldopt.read.tables.marks import place_of

_ROWS = 1_048_576  # of a sheet, at most
_HOLDS = rb"[^<>/]*>(?!</)"  # the rest of the tag of a cell that holds anything
_LETTERS, _NUMBER = rb"([A-Z]{1,3})", rb"(\d{1,7})"


def span_over(xml: bytes, most: int) -> tuple[int, list[str]]:
    """Return how many cells the range of all values of a sheet has, if more than some.

    Parameters
    ----------
    xml
        The text of the sheet.
    most
        So many are not told.

    Returns
    -------
    tuple
        The count of cells, and the names of those farthest out; 0 and none for at most ``most``.
        Rows count from the first of the sheet, columns from the first with a value.

    Examples
    --------
    >>> span_over(b'<row r="9"><c r="B9"><v>1</v></c><c r="D9"><v>2</v></c></row>', 20)
    (27, ['D9'])
    >>> span_over(b'<row r="9"><c r="B9"><v>1</v></c><c r="D9" s="1"/></row>', 20)
    (0, [])
    """
    root = re.search(rb"<([\w.-]+:)?worksheet[\s>]", xml)
    cell = b"<" + (root[1] or b"" if root else b"") + rb"c(?=[\s>])"
    # A name may be absent, so that one pass finds both: millions of cells take their time.
    name = rb"(?:[^<>]*?\sr=[\"']" + _LETTERS + rb"\d{1,7}[\"'])?"
    columns = set(re.findall(cell + name + _HOLDS, xml))
    places = sorted((place_of(column), column) for column in columns if column)
    if b"" in columns:
        return _nameless_span(xml, cell, places[-1][0] + 1 if places else 0, most)
    width = places[-1][0] - places[0][0] + 1 if places else 0
    if width * _ROWS <= most:
        return 0, []
    bottom = max(map(int, set(_found(xml, cell, rb"[A-Z]{1,3}", _NUMBER))))
    if width * bottom <= most:
        return 0, []
    last = places[-1][1]
    lowest = max(_found(xml, cell, _LETTERS, b"%d" % bottom), key=place_of)
    row = max(map(int, _found(xml, cell, last, _NUMBER)))
    return width * bottom, sorted({f"{lowest.decode()}{bottom}", f"{last.decode()}{row}"})


def _found(xml: bytes, cell: bytes, column: bytes, row: bytes) -> list[bytes]:
    """Return the group of the patterns in the name of every cell that holds anything."""
    return re.findall(cell + rb"[^<>]*?\sr=[\"']" + column + row + rb"[\"']" + _HOLDS, xml)


def _nameless_span(xml: bytes, cell: bytes, named: int, most: int) -> tuple[int, list[str]]:
    """Count where cells without a name follow those before them, of which some have a column."""
    width, bottom, number = 0, 0, 0
    for row in re.split(cell[: cell.index(b"c(")] + rb"row(?=[\s>])", xml)[1:]:
        own = re.match(rb"[^<>]*?\sr=[\"'](\d{1,7})[\"']", row)
        number = int(own[1]) if own else number + 1
        if re.search(cell + _HOLDS, row):
            bottom = max(bottom, number)
            width = max(width, len(re.findall(cell, row)))
    count = (width + named) * bottom
    return (count, [f"row {bottom}"]) if count > most else (0, [])
