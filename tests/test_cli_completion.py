"""Shell completion: commands, bundled cases, and what stands in the case on the line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from yieldopt.cli import HOMES, main
from yieldopt.data import bundled_cases, data_folder


def offered(*words: str) -> list[str]:
    """What is offered for the last of the words."""
    complete = ShellComplete(main, {}, "yieldopt", "_YIELDOPT_COMPLETE")
    return [item.value for item in complete.get_completions(list(words[:-1]), words[-1])]


def kinds(*words: str) -> set[str]:
    complete = ShellComplete(main, {}, "yieldopt", "_YIELDOPT_COMPLETE")
    return {item.type for item in complete.get_completions(list(words[:-1]), words[-1])}


def test_commands() -> None:
    assert offered("") == sorted(name for names in HOMES.values() for name in names)
    assert offered("sc") == ["schema"]


@pytest.mark.parametrize(
    "command", ["solve", "check", "compare", "explain", "frontier", "starts", "why", "diff"]
)
def test_bundled_cases_and_case_files_here(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert offered(command, "") == list(bundled_cases())
    (tmp_path / "minimal_mine.toml").write_text("")
    (tmp_path / "other.txt").write_text("")
    assert offered(command, "min") == ["minimal", "minimal_mine.toml"]


def test_result_files_where_a_command_takes_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("result.json", "result.toml", "case.schema.json", "result.csv"):
        (tmp_path / name).write_text("")
    assert offered("diff", "res") == ["result.json", "result.toml"]
    assert offered("diff", "result.json", "case.") == ["case."]  # a file, or nothing
    assert offered("solve", "res") == ["result.toml"]


def test_elsewhere_the_shell_offers_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert kinds("solve", "folder/mi") == {"file"}
    assert kinds("solve", "nothing_like_it") == {"file"}
    assert offered("diff", "minimal", "accel") == ["accelerators_2026"]


@pytest.mark.parametrize(
    "words",
    [
        ("explain", "minimal", "--route", ""),
        ("tornado", "minimal", "--route", ""),
        ("flow", "minimal", "--product", "asic", "--route", ""),
        ("breakeven", "minimal", "--between", ""),
        ("breakeven", "minimal", "--between", "cowos_s", ""),
    ],
)
def test_routes_of_the_case(words: tuple[str, ...]) -> None:
    assert offered(*words) == ["cowos_s", "osat_2p5d"]
    assert offered(*words[:-1], "os") == ["osat_2p5d"]


def test_products_of_the_case_or_none() -> None:
    assert offered("explain", "accelerators_2026", "--product", "b") == ["b200_class", "b300_class"]
    assert offered("breakeven", "minimal", "--product", "") == ["asic"]
    assert offered("explain", "--product", "") == []


@pytest.mark.parametrize("text", [None, "", "products = 3", "not toml", 'products = ["a"]',
                                  '[[products]]\nname = 3\nroutes = [1, {}]\n'])  # fmt: skip
def test_without_a_readable_case_all_routes(text: str | None, tmp_path: Path) -> None:
    path = tmp_path / "case.toml"
    if text is not None:
        path.write_text(text)
    library = sorted(p.stem for p in (data_folder("models") / "routes").glob("*.toml"))
    assert offered("explain", str(path), "--route", "") == library
    assert offered("explain", "--route", "cowos") == ["cowos_l", "cowos_r", "cowos_s"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shells_are_served(shell: str) -> None:
    words = {
        "COMP_WORDS": "yieldopt solve minim",
        "COMP_CWORD": "minim" if shell == "fish" else "2",
    }
    env = os.environ | words | {"_YIELDOPT_COMPLETE": f"{shell}_complete"}
    code = (
        "import sys; sys.argv = ['yieldopt']; from yieldopt.cli import main\n"
        "try: main(prog_name='yieldopt')\n"
        "finally: assert not {'pydantic', 'numpy', 'polars'} & set(sys.modules)"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    assert "minimal" in done.stdout
    source = {**os.environ, "_YIELDOPT_COMPLETE": f"{shell}_source"}
    command = [sys.executable, "-c", "from yieldopt.cli import main; main(prog_name='yieldopt')"]
    script = subprocess.run(command, env=source, capture_output=True, text=True, check=False)
    assert f"_YIELDOPT_COMPLETE={shell}_complete" in script.stdout


def test_names_that_a_terminal_would_obey_are_not_offered(tmp_path: Path) -> None:
    text = 'name = "c"\n[[products]]\nname = "\\u001b[2J"\n[[products]]\nname = "a\\nb"\n'
    text += '[[products]]\nname = "plain"\n'
    path = tmp_path / "c.toml"
    path.write_text(text)
    assert offered("explain", str(path), "--product", "") == ["plain"]


def test_solvers() -> None:
    assert offered("solve", "minimal", "--solver", "") == ["highs", "ortools", "pulp"]
    assert offered("report", "minimal", "--solver", "or") == ["ortools"]
    assert offered("solve", "minimal", "--solver", "pulp:") == []  # PuLP alone knows them
