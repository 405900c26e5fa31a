"""``yieldopt charts``: a file for each picture, whole or not at all."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import vl_convert

from tests.report.hostile import hostile_case
from tests.test_cli import ROOT, case, run, saved, scarce
from yieldopt.report.charts import pictures
from yieldopt.report.charts.picture import VEGA_LITE
from yieldopt.study import study_case


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("charts") / "out"
    run("charts", "minimal", "--out", place)
    return place


def test_there_is_a_titled_file_for_each_picture(folder: Path) -> None:
    drawn = pictures(study_case("minimal"))
    assert sorted(path.name for path in folder.iterdir()) == sorted(f"{p.key}.svg" for p in drawn)
    for picture in drawn:
        root = ET.parse(folder / f"{picture.key}.svg").getroot()
        words = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
        assert picture.title in words


def test_the_dark_ground_is_dark_and_its_words_are_light(tmp_path: Path, folder: Path) -> None:
    run("charts", "minimal", "--out", tmp_path / "dark", "--theme", "dark")
    for path in folder.iterdir():
        light, dark = path.read_text(), (tmp_path / "dark" / path.name).read_text()
        assert 'fill="#ffffff"' in light.lower()[:1500]
        assert 'fill="#14171b"' in dark.lower()[:1500]
        fills = re.findall(r'<text[^>]* fill="(#\w+)"', dark)
        assert {fill for fill in fills if fill != "#000"} <= {"#eceff2", "black", "white"}, (
            path.name
        )
        assert "#16191d" not in dark


@pytest.mark.long
def test_png_of_any_names_is_written_under_plain_ones(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    path = hostile_case(tmp_path / "in")
    shown = run("charts", path, "--out", tmp_path / "out", "--kind", "png").stdout
    files = sorted((tmp_path / "out").iterdir())
    assert len(files) == 13 == len(shown.splitlines())
    for file in files:
        assert re.fullmatch(r"[a-z0-9-]+\.png", file.name)
        assert file.read_bytes()[:4] == b"\x89PNG"
    assert max(map(len, shown.splitlines())) < 400


def test_a_result_is_drawn_as_far_as_it_goes(tmp_path: Path) -> None:
    held = saved(tmp_path, run("solve", scarce(tmp_path), "--json").stdout, "result.json")
    shown = run("charts", held, "--out", tmp_path / "out").stdout
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == [
        "plan-allocation.svg", "plan-capacity.svg", "plan-prices.svg", "plan-recipes-1.svg",
        "plan-waterfall-1.svg",
    ]  # fmt: skip
    *_, last = shown.splitlines()
    assert last.startswith("note: a result alone does not hold: each route by itself at its best")
    assert "U-curves" in last
    wrong = saved(tmp_path, "{}", "wrong.json")
    assert "status: is missing" in run("charts", wrong, "--out", tmp_path / "no", code=2).stderr
    assert not (tmp_path / "no").exists()


def test_pictures_of_another_run_are_named_and_left(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    for name in ("p1-funnel.png", "p7-curves.svg", "plan-recipes-3.svg", "notes.svg", "p1-x.txt"):
        (out / name).write_text("old")
    (out / "p1-funnel.svg").write_text("old")
    shown = run("charts", "minimal", "--out", out).stdout
    note = (
        "note: of another run, left as they are: p1-funnel.png, p7-curves.svg, plan-recipes-3.svg"
    )
    assert shown.splitlines()[-1] == note
    assert (out / "p7-curves.svg").read_text() == (out / "notes.svg").read_text() == "old"
    assert (out / "p1-funnel.svg").read_text().startswith("<svg")


def test_a_folder_of_inputs_is_refused_before_anything_is_solved(tmp_path: Path) -> None:
    path = case(tmp_path)
    result = run("charts", path, "--out", path.parent, code=2)
    assert "holds inputs" in result.stderr
    assert list(path.parent.glob("*.svg")) == []
    assert "holds inputs" in run("charts", "minimal", "--out", ROOT / "models", code=2).stderr


def test_what_cannot_be_made_has_the_exit_code_of_solve(tmp_path: Path) -> None:
    poor = case(tmp_path, "dppm_limit = 1000.0", "dppm_limit = 0.001")
    result = run("charts", poor, "--out", tmp_path / "out", code=3)
    assert "plan-" not in result.stdout
    run("charts", "minimal", "--out", tmp_path / "none", "--time-limit", "1e-6", code=4)


def test_a_picture_shows_itself_in_a_notebook() -> None:
    (first, *_) = pictures(study_case("minimal"))
    forms = first._repr_mimebundle_()
    assert set(forms) == {"text/plain", "image/svg+xml", VEGA_LITE}
    assert forms["text/plain"].startswith(first.title)
    # Without a network: no form loads a script.
    assert "<script" not in forms["image/svg+xml"]
    drawn = vl_convert.vegalite_to_svg(forms[VEGA_LITE], vl_version="5.20", allowed_base_urls=[])
    assert drawn.count("<path") == forms["image/svg+xml"].count("<path")
