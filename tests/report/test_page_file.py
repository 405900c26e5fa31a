"""``report`` and ``solve --report``: the file is refused early, and written whole or not at all."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import NoReturn

import pytest

from tests.report.pages import parsed
from tests.test_cli import case, run, saved, scarce, strict
from yieldopt import CaseError, load, solve
from yieldopt.report.charts.style import dollars
from yieldopt.report.page.file import check_page, write_page
from yieldopt.report.text import usd
from yieldopt.study.result_file import read_result

ROOT = Path(__file__).parents[2]


def refused(*args: object) -> str:
    return run(*args, code=2).stderr


def test_report_of_a_case_and_of_its_result(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    assert run("report", "minimal", "-o", page).stdout == f"optimal; written: {page}\n"
    text = parsed(page.read_text("utf-8")).by_id("decision").text
    result = solve(load("minimal"))
    cost = usd(result.products[0].cost_per_good_usd or 0.0)
    assert f"{cost} USD per good package" in text
    held = saved(tmp_path, run("solve", "minimal", "--json").stdout, "result.json")
    run("report", held, "-o", page)
    found = parsed(page.read_text("utf-8"))
    assert f"{cost} USD per good package" in found.by_id("decision").text
    assert found.by_id("missing")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["page.html", "result.json"]


def test_solve_writes_the_page_of_its_own_plan(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    printed = strict(run("solve", scarce(tmp_path), "--json", "--report", page).stdout)
    found = parsed(page.read_text("utf-8"))
    assert dollars(printed["objective_usd"]) in found.by_id("decision").text
    assert found.by_id("origins")


@pytest.mark.parametrize(("limit", "code", "word"), [("0.001", 3, "infeasible")])
def test_without_a_plan_there_is_a_page_and_the_exit_code(
    limit: str, code: int, word: str, tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    none = case(tmp_path, "dppm_limit = 1000.0", f"dppm_limit = {limit}")
    assert run("report", none, "-o", page, code=code).stdout.startswith(word)
    assert "no plan" in parsed(page.read_text("utf-8")).by_id("decision").text


def test_a_file_that_cannot_be_is_refused_before_anything_is_solved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object, **__: object) -> NoReturn:
        raise AssertionError("solved all the same")

    for name in ("yieldopt.study.study_case", "yieldopt.solving.solve_whole"):
        monkeypatch.setattr(name, never)
    (tmp_path / "folder.html").mkdir()
    (tmp_path / "file").write_text("old")
    wrong = {
        tmp_path / "folder.html": "is a folder, not a file",
        tmp_path / "none" / "page.html": "there is no folder",
        tmp_path / "file" / "page.html": "there is no folder",
        tmp_path / "case.toml": "must end in .html",
        tmp_path / ("x" * 300 + ".html"): "cannot be written: file name too long",
    }
    for file, words in wrong.items():
        assert words in refused("report", "minimal", "-o", file)
        assert words in refused("solve", "minimal", "--report", file)
    assert "-o: " in refused("report", "minimal", "-o", tmp_path / "folder.html")
    assert "--report: " in refused("solve", "minimal", "--report", tmp_path / "folder.html")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder.html"]


def test_a_write_protected_file_is_refused_and_left_as_it_was(tmp_path: Path) -> None:
    """Although its folder may be written, which is all that putting another there needs."""
    page = tmp_path / "page.html"
    page.write_text("old")
    page.chmod(0o444)
    words = "is there already and write-protected (got"
    assert f"-o: {words}" in refused("report", "minimal", "-o", page)
    assert "; allow it to be written, or choose" in refused("solve", "minimal", "--report", page)
    with pytest.raises(CaseError, match="write-protected"):
        write_page("new", page, "-o")
    assert page.read_text() == "old"
    assert list(tmp_path.iterdir()) == [page]
    page.chmod(0o644)
    check_page(page, "-o", tmp_path / "case.toml")


def test_a_full_or_read_only_folder_is_refused_and_left_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "page.html"
    page.write_text("old")

    def full(self: Path, data: bytes) -> NoReturn:
        with self.open("wb") as handle:
            handle.write(data[:10])
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(CaseError, match="-o: cannot be written: no space left on device"):
        check_page(page, "-o", tmp_path / "case.toml")
    with pytest.raises(CaseError, match="no space left"):
        write_page("new", page, "-o")
    monkeypatch.undo()

    def closed(*_: object, **__: object) -> NoReturn:
        raise OSError(30, os.strerror(30))

    monkeypatch.setattr("tempfile.mkdtemp", closed)
    with pytest.raises(CaseError, match="read-only file system"):
        check_page(page, "-o", tmp_path / "case.toml")
    monkeypatch.undo()
    assert page.read_text() == "old"
    assert list(tmp_path.iterdir()) == [page]
    check_page(page, "-o", tmp_path / "case.toml")
    assert page.read_text() == "old"
    write_page("new", page, "-o")
    assert page.read_text() == "new"
    assert list(tmp_path.iterdir()) == [page]


def test_a_result_is_read_back_as_it_was(tmp_path: Path) -> None:
    result = solve(load(scarce(tmp_path)))
    path = saved(tmp_path, result.to_dict(), "result.json")
    assert read_result(path) == result
    data = strict(run("solve", scarce(tmp_path), "--json").stdout)
    again = read_result(saved(tmp_path, data, "printed.json")).to_dict()
    assert json.loads(json.dumps(again)) == data  # with its starts


def test_another_json_is_refused_with_every_fault(tmp_path: Path) -> None:
    good = solve(load(scarce(tmp_path))).to_dict()

    def faults(change: dict[str, object]) -> str:
        path = saved(tmp_path, json.loads(json.dumps(good | change)), "wrong.json")
        return refused("report", path, "-o", tmp_path / "page.html")

    assert "wrong.json:1: gapp: unknown key; did you mean 'gap'?" in faults({"gapp": 1.0})
    assert "objective_usd: must be a number" in faults({"objective_usd": "1"})
    row = dict(good["allocation"][0])
    unknown = faults({"allocation": [row | {"product": "asik"}, row | {"period": "z"}]})
    assert "allocation[0].product: unknown product (got 'asik'); did you mean 'asic'?" in unknown
    assert "allocation[1].period: unknown period (got 'z')" in unknown
    assert "unknown resource" not in unknown
    price = {"resource": "x", "period": "a", "usd_per_unit": 1.0}
    assert "a price of what resource_use does not list" in faults({"shadow_prices": [price]})
    for odd in (10**400, 1e308, -1e308):
        held = saved(tmp_path, json.loads(json.dumps(good)) | {"objective_usd": odd}, "odd.json")
        code = 2 if odd == 10**400 else 0
        run("report", held, "-o", tmp_path / "odd.html", code=code)
    (tmp_path / "odd.html").unlink()
    other = saved(tmp_path, run("compare", "minimal", "--json").stdout, "other.json")
    assert "the top level must be an object" in refused("report", other)
    assert not list(tmp_path.glob("*.html"))
    empty = saved(tmp_path, "", "empty.json")
    assert "the file is empty" in refused("report", empty, "-o", tmp_path / "page.html")
    assert "cannot be read" in refused("report", tmp_path / "no.json", "-o", tmp_path / "p.html")


def test_the_case_itself_is_never_written_over(tmp_path: Path) -> None:
    """Whatever it is called, and by whatever way it is named."""
    text = (ROOT / "cases" / "minimal.toml").read_text().replace('"minimal"', '"m"', 1)
    own = saved(tmp_path, text.partition("\n")[2], "m.html")
    (tmp_path / "link.html").symlink_to(own)
    before = own.read_text()
    for target in (own, tmp_path / "link.html"):
        assert "is what the report is of" in refused("report", own, "-o", target)
        assert "is what the report is of" in refused("solve", own, "--report", target)
    assert own.read_text() == before
