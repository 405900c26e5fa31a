"""Vega, Vega-Lite and Vega-Embed as one script: made once, and kept in the user's cache folder.

To make it takes a second of a processor. The first time it is made in a process of its own while
others work; after that it is read. What is kept says of which release it is and what it must hash
to: another release makes another, and what was spoilt is made anew.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path

import platformdirs

# Charts are Vega's own, drawn by an interpreter: no text is ever run as a program.
_LAST = "window.vegaEmbed = vegaEmbed;"
_ASIDE = (
    "import sys, vl_convert\n"
    "sys.stdout.buffer.write(vl_convert.javascript_bundle(sys.argv[1]).encode())"
)


@cache
def library() -> str:
    """Return the script."""
    kept = _read()
    if kept is not None:
        return kept
    import vl_convert  # large, and not needed where the script is kept

    text = str(vl_convert.javascript_bundle(_LAST))
    _keep(text)
    return text


@contextmanager
def library_aside() -> Iterator[Callable[[], str]]:
    """Read the script, or begin to make it in another process; what is yielded returns it.

    The maker holds Python's lock, so that a thread would not help. Where there is no other process
    to be had, or it fails, the script is made here.
    """
    kept = _read()
    if kept is not None:
        text = kept
        yield lambda: text
        return
    maker = _begun()
    try:
        yield lambda: _made(maker)
    finally:
        if maker is not None:
            maker.kill()
            with maker:  # its pipe is closed, its end is waited for
                pass


def _begun() -> subprocess.Popen[bytes] | None:
    # -P: no module of the folder that we are in.
    command = [sys.executable or "", "-P", "-c", _ASIDE, _LAST]
    none = subprocess.DEVNULL
    try:
        return subprocess.Popen(command, stdin=none, stdout=subprocess.PIPE, stderr=none)
    except (OSError, ValueError):
        return None


def _made(maker: subprocess.Popen[bytes] | None) -> str:
    if maker is not None:
        data = maker.communicate()[0]
        if maker.returncode == 0 and data:
            text = data.decode()
            _keep(text)
            return text
    return library()


def _place() -> Path:
    """Return where the script of this release is kept."""
    release = version("vl-convert-python")
    return platformdirs.user_cache_path("yieldopt", appauthor=False) / f"vega-{release}.js"


def _head(text: str) -> str:
    """Return the first line of what is kept: the end of the script counts, and all of its text."""
    return f"// {hashlib.sha256((_LAST + text).encode()).hexdigest()}"


def _read() -> str | None:
    """Return the script that is kept; ``None`` where there is none, or not the whole of it."""
    with suppress(OSError, UnicodeDecodeError):
        head, _, text = _place().read_bytes().decode().partition("\n")
        if head == _head(text):
            return text
    return None


def _keep(text: str) -> None:
    """Keep the script, whole or not at all; a folder that takes none is done without."""
    with suppress(OSError):
        place = _place()
        place.parent.mkdir(parents=True, exist_ok=True)
        part = place.with_name(f".part-{os.getpid()}.js")
        try:
            part.write_bytes(f"{_head(text)}\n{text}".encode())
            os.replace(part, place)
        finally:
            part.unlink(missing_ok=True)
