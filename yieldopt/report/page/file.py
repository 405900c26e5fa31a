"""The file of a report: refused before anything is solved, written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from yieldopt.errors import CaseError, Fault
from yieldopt.report.protected import is_protected

_ENDS = (".html", ".htm")
_ROOM = 2_000_000  # bytes that the largest report may take


def check_page(file: Path, option: str, source: Path) -> None:
    """Refuse a file that cannot be written, before the work for it is done.

    As many bytes as a report may take are written beside it and removed: nothing else tells what a
    full disc, a quota or a folder without rights will allow.

    Parameters
    ----------
    file
        Where the report shall go; its folder must be there. A name that ends otherwise than in
        ``.html`` is refused, so that no case, model or table is ever written over.
    option
        That named the file, for the message.
    source
        What the report is of: it is not written over, whatever it is called.

    Raises
    ------
    CaseError
        With a hint.
    """
    if file.suffix.lower() not in _ENDS:
        raise _refused("must end in .html", file, option)
    _written(bytes(_ROOM), file, option, keep=False)
    if file.exists() and source.exists() and file.samefile(source):
        raise _refused("is what the report is of", file, option)


def write_page(text: str, file: Path, option: str) -> None:
    """Write a page whole or not at all: one that was there before stays until then.

    Raises
    ------
    CaseError
        The system refuses it.
    """
    _written(text.encode("utf-8"), file, option, keep=True)


def _written(data: bytes, file: Path, option: str, *, keep: bool) -> None:
    try:
        if file.is_dir():
            raise _refused("is a folder, not a file", file, option)
        if not file.parent.is_dir():
            raise _refused(f"there is no folder {file.parent}", file, option)
        if is_protected(file):
            hint = "allow it to be written, or choose another file"
            raise _refused("is there already and write-protected", file, option, hint)
        with tempfile.TemporaryDirectory(dir=file.parent, prefix=".part-") as scratch:
            part = Path(scratch) / file.name
            part.write_bytes(data)
            if keep:
                os.replace(part, file)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise _refused(f"cannot be written: {reason}", file, option) from None


def _refused(text: str, file: Path, option: str, hint: str = "choose another file") -> CaseError:
    return CaseError(Fault(text, option, str(file), hint))
