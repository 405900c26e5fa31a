"""``solve --out``: files written whole or not at all, and never beside the inputs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.test_cli import ROOT, case, run, scarce, strict


def test_out_writes_files(tmp_path: Path) -> None:
    out = tmp_path / "a" / "b"
    printed = run("solve", scarce(tmp_path), "--json", "--out", out).stdout
    names = {path.name for path in out.iterdir()}
    assert {"result.json", "result.txt", "recipes.csv", "allocation.csv", "routes.csv",
            "allocation.lp", "allocation.mps"} <= names  # fmt: skip
    assert not [name for name in names if name.startswith(".")]
    assert strict((out / "result.json").read_text()) == strict(printed)
    rows = (out / "allocation.csv").read_text().splitlines()
    assert len(rows) == 1 + len(strict(printed)["allocation"])


def test_a_failing_writer_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from yieldopt.optimize.backends import pulp_lp

    out = tmp_path / "out"
    out.mkdir()
    for name in ("result.json", "allocation.lp", "allocation.mps"):
        (out / name).write_text("old")

    def half(_: object, path: Path) -> None:
        path.write_text("half a pro")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pulp_lp, "write", half)
    result = run("solve", "minimal", "--json", "--out", out, code=2)
    assert "no space left" in result.stderr
    assert (out / "allocation.lp").read_text() == "old"
    assert not list(out.glob(".*"))
    monkeypatch.undo()

    def full(self: Path, text: str, *_: object, **__: object) -> int:
        with self.open("w") as handle:
            handle.write(text[:10])
        raise OSError(28, "No space left on device")

    (out / "result.json").write_text("old")
    monkeypatch.setattr(Path, "write_text", full)
    run("solve", "minimal", "--json", "--out", out, code=2)
    assert (out / "result.json").read_text() == "old"
    assert not list(out.glob(".*"))


def test_outputs_never_go_beside_inputs(tmp_path: Path) -> None:
    path = case(tmp_path)
    before = path.read_text()
    places = [path.parent, path.parent / ".", ROOT / "cases", ROOT / "models", path]
    for place in [*places, ROOT / "models" / "parts"]:
        result = run("solve", path, "--out", place, code=2)
        assert "--out" in result.stderr
    assert path.read_text() == before
    assert list(path.parent.iterdir()) == [path]
