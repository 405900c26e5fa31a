"""The script that draws: made once, aside; kept whole or not at all; no process is left behind."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import platformdirs
import pytest

from yieldopt.report.page import library as of
from yieldopt.report.page.library import library, library_aside


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder in place of the user's cache."""
    place = tmp_path / "cache" / "yieldopt"
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda *_, **__: place)
    of.library.cache_clear()
    return place


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """Every process that is begun."""
    held: list[subprocess.Popen[bytes]] = []
    make = subprocess.Popen

    def kept(*args: object, **how: object) -> subprocess.Popen[bytes]:
        held.append(make(*args, **how))
        return held[-1]

    monkeypatch.setattr(subprocess, "Popen", kept)
    return held


def test_made_aside_it_is_the_same(begun: list[subprocess.Popen[bytes]]) -> None:
    with library_aside() as wait:
        text = wait()
    (maker,) = begun
    assert maker.returncode == 0
    assert text == library()
    assert "vegaEmbed" in text


def test_what_fails_leaves_no_process(begun: list[subprocess.Popen[bytes]]) -> None:
    with pytest.raises(KeyboardInterrupt), library_aside():
        raise KeyboardInterrupt
    (maker,) = begun
    assert maker.returncode is not None
    assert maker.stdout is not None
    assert maker.stdout.closed


@pytest.mark.parametrize("code", ["raise SystemExit(3)", "", "import none_such"])
def test_a_maker_that_fails_is_done_without(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of, "_ASIDE", code)
    monkeypatch.setattr(of, "library", lambda: "made here")
    with library_aside() as wait:
        assert wait() == "made here"


@pytest.mark.parametrize("path", ["", "/none/such", None])
def test_without_a_python_to_begin_it_is_made_here(
    path: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", path)
    monkeypatch.setattr(of, "library", lambda: "made here")
    with library_aside() as wait:
        assert wait() == "made here"


def test_what_was_made_once_is_read(
    folder: Path, begun: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with library_aside() as wait:
        text = wait()
    assert len(begun) == 1
    (kept,) = folder.iterdir()
    assert kept.name.startswith("vega-")
    with library_aside() as wait:
        assert wait() == text == library()
    assert len(begun) == 1
    monkeypatch.setattr(of, "_LAST", "window.other = vegaEmbed;")  # of another yieldopt
    assert of._read() is None


@pytest.mark.parametrize("spoil", [lambda t: t[:-9], lambda t: t + b";x()", lambda t: b"\xff" + t])
def test_what_was_spoilt_is_made_anew(folder: Path, spoil: Callable[[bytes], bytes]) -> None:
    text = library()
    (kept,) = folder.iterdir()
    whole = kept.read_bytes()
    kept.write_bytes(spoil(whole))
    of.library.cache_clear()
    assert library() == text
    assert kept.read_bytes() == whole


@pytest.mark.parametrize("kind", ["a file in its way", "a folder in its place", "no rights"])
def test_a_folder_that_takes_nothing_is_done_without(
    folder: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.parent.mkdir()
    if kind == "a file in its way":
        folder.write_text("mine")
    elif kind == "a folder in its place":
        of._place().mkdir(parents=True)
    else:

        def refused(*_: object) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "write_bytes", refused)
    assert "vegaEmbed" in library()
    assert not list(folder.parent.rglob(".part-*"))
