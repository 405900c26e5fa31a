"""Whether a file may be written over: what somebody has protected is not replaced in silence."""

from __future__ import annotations

import os
from pathlib import Path

_WRITE = 0o222  # the permissions to write: of the owner, the group, others


def is_protected(file: Path) -> bool:
    """Whether a file is there and may not be written.

    To put another into its place needs rights to the folder alone, so that no write would fail.
    A file that nobody may write is protected from the system's administrator too.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as held:
    ...     file = Path(held) / "page.html"
    ...     before, _ = is_protected(file), file.touch(mode=0o444)
    ...     before, is_protected(file)
    (False, True)
    """
    return file.exists() and not (file.stat().st_mode & _WRITE and os.access(file, os.W_OK))
