"""A file that is written whole or not at all, and never over another."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from yieldopt.errors import CaseError, Fault

_TAKEN = "give a name that is not taken, in a folder that is there"


@contextmanager
def fresh_file(file: Path, ending: str, option: str) -> Iterator[Path]:
    """Give a file to write beside one that is to be; it takes that name at the end.

    Parameters
    ----------
    file
        What is to be. Its folder must be there, the file itself must not: it may be somebody's
        input, and nothing is written over.
    ending
        That its name must have (``".toml"``).
    option
        That named it, for messages.

    Raises
    ------
    CaseError
        Before anything is done where that can be seen; or the system refuses. No part is left.
    """
    if file.suffix.lower() != ending:
        raise _refused(f"must end in {ending}", file, option, "")
    part = file.with_name(f".part-{os.getpid()}{ending}")
    made = False
    try:
        _not_there(file, option)
        if not file.parent.is_dir():
            raise _refused(f"there is no folder {file.parent}", file, option)
        with part.open("xb"):
            made = True
        yield part
        _not_there(file, option)
        os.replace(part, file)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise _refused(f"cannot be written: {reason}", file, option, "") from None
    finally:
        if made:
            part.unlink(missing_ok=True)


def _not_there(file: Path, option: str) -> None:
    if os.path.lexists(file):
        raise _refused("is there already; nothing was written", file, option)


def _refused(text: str, file: Path, option: str, hint: str = _TAKEN) -> CaseError:
    return CaseError(Fault(text, option, str(file), hint))
