"""Vega, Vega-Lite and Vega-Embed as one script, made in a process of its own while others work."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

import vl_convert

# Charts are Vega's own, drawn by an interpreter: no text is ever run as a program.
_LAST = "window.vegaEmbed = vegaEmbed;"
_ASIDE = (
    "import sys, vl_convert\n"
    "sys.stdout.buffer.write(vl_convert.javascript_bundle(sys.argv[1]).encode())"
)


@cache
def library() -> str:
    """Return the script; it takes more than a second."""
    return str(vl_convert.javascript_bundle(_LAST))


@contextmanager
def library_aside() -> Iterator[Callable[[], str]]:
    """Begin to make the script in another process; what is yielded waits for it and returns it.

    The maker holds Python's lock, so that a thread would not help. Where there is no other process
    to be had, or it fails, the script is made here.
    """
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
        text = maker.communicate()[0]
        if maker.returncode == 0 and text:
            return text.decode()
    return library()
