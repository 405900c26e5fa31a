"""The script that draws: made aside it is the one made here, and no process is left behind."""

from __future__ import annotations

import subprocess
import sys

import pytest

from yieldopt.report.page import library as of
from yieldopt.report.page.library import library, library_aside


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
