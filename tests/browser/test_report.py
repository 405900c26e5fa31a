"""The report in a real browser, from its file and without a network."""

from __future__ import annotations

import json
import re
from io import BytesIO
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, Locator, Page
from pypdf import PdfReader

from tests.browser.conftest import SHORT, Opened, opened
from tests.report.hostile import hostile_case
from tests.test_cli import case, run, saved
from yieldopt import load, solve

LIGHT, DARK = "rgb(255, 255, 255)", "rgb(20, 23, 27)"
SERIOUS = {"serious", "critical"}


def colours(shot: bytes) -> int:
    """How many colours a picture has."""
    image = Image.open(BytesIO(shot)).convert("RGB")
    return len(image.getcolors(maxcolors=image.width * image.height) or [])


def charts(page: Page) -> list[Locator]:
    return page.locator(".chart").all()


def background(page: Page) -> str:
    found: str = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return found


def serious(page: Page) -> list[str]:
    """The findings of axe-core that are serious or worse, each with where it is."""
    found = Axe().run(page).response["violations"]
    return [
        f"{each['id']}: {node['target']} {node['failureSummary'][:200]}"
        for each in found
        if each["impact"] in SERIOUS
        for node in each["nodes"][:3]
    ]


def test_every_chart_is_drawn_and_nothing_goes_wrong(report: Opened) -> None:
    page = report.page
    places = charts(page)
    assert len(places) == int(page.locator("html").get_attribute("data-drawn") or 0) > 0
    for place in places:
        svg = place.locator("svg.marks")
        assert svg.count() == 1
        box = svg.bounding_box()
        assert box is not None
        assert box["width"] > 150
        assert box["height"] > 40
        marks = svg.locator("[class*='role-mark'] path, [class*='role-mark'] text")
        assert marks.count() > 0
        assert colours(place.screenshot()) > 8
    assert report.wrong == []
    assert report.requests == [report.path.as_uri()]


def test_demand_that_is_not_met_is_drawn_without_complaint(
    browser: Browser, reports: dict[str, Path]
) -> None:
    found = opened(browser, reports[SHORT])
    assert found.page.locator(".chart svg.marks").count() == len(charts(found.page)) > 30
    allocation = found.page.locator("#plan-allocation")
    assert "demand not met" in allocation.inner_text()
    assert (found.wrong, found.requests) == ([], [found.path.as_uri()])
    found.context.close()


def test_no_chart_is_wider_than_its_frame(report: Opened) -> None:
    for place in charts(report.page):
        frame, svg = place.bounding_box(), place.locator("svg.marks").bounding_box()
        assert frame is not None
        assert svg is not None
        assert svg["x"] >= frame["x"] - 1
        assert svg["x"] + svg["width"] <= frame["x"] + frame["width"] + 1


def test_the_first_screen_holds_the_decision(report: Opened) -> None:
    for card in report.page.locator("article").all():
        box = card.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= 900.0
    for heading in ("What binds", "The assumptions that matter most"):
        box = report.page.get_by_role("heading", name=heading).bounding_box()
        assert box is not None
        assert box["y"] < 900.0


def test_a_bar_says_its_numbers_when_pointed_at(report: Opened) -> None:
    page = report.page
    tip = page.locator("#vg-tooltip-element")
    bars = page.locator("[id$=waterfall] [class*='mark-rect'] path").all()
    widest = max(bars, key=lambda bar: (bar.bounding_box() or {"width": 0.0})["width"])
    widest.scroll_into_view_if_needed()
    widest.hover()
    page.wait_for_selector("#vg-tooltip-element.visible")
    assert re.search(r"USD per good\s*[\d,.]+", tip.inner_text())
    assert tip.evaluate("e => getComputedStyle(e).backgroundColor") == background(page)
    page.mouse.move(1, 1)


def test_the_switch_changes_the_theme_and_the_charts_follow(report: Opened) -> None:
    page = report.page
    label = charts(page)[0].locator("text").first

    def ink() -> str:
        found: str = label.evaluate("e => getComputedStyle(e).fill")
        return found

    assert background(page) == LIGHT
    before = ink()
    shots = [place.screenshot() for place in charts(page)]
    page.locator("#theme").click()
    assert background(page) == DARK
    assert ink() != before
    assert all(a != b.screenshot() for a, b in zip(shots, charts(page), strict=True))
    page.locator("#theme").click()
    assert (background(page), ink()) == (LIGHT, before)


@pytest.mark.parametrize(
    ("name", "scheme"), [("minimal", "light"), ("minimal", "dark"), (SHORT, "dark")]
)
def test_axe_finds_nothing_serious(
    name: str, scheme: str, browser: Browser, reports: dict[str, Path]
) -> None:
    found = opened(browser, reports[name], color_scheme=scheme, bypass_csp=True)
    assert background(found.page) == (LIGHT if scheme == "light" else DARK)
    if name != SHORT:
        assert serious(found.page) == []
    found.page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    assert serious(found.page) == []
    found.context.close()


_MARK = """document.querySelectorAll("figure").forEach((figure, at) => {
  figure.querySelector("h4").textContent = `begin${at}begin`;
  figure.querySelector("summary").textContent = `end${at}end`;
})"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_prints_light_and_cuts_no_chart(
    scheme: str, browser: Browser, reports: dict[str, Path]
) -> None:
    """What stands above a chart and what stands below it are on the same sheet of the PDF."""
    found = opened(browser, reports["accelerators_2026"], color_scheme=scheme)
    page = found.page
    page.evaluate(_MARK)
    pdf = page.pdf(format="A4", print_background=True)
    sheets = [sheet.extract_text() for sheet in PdfReader(BytesIO(pdf)).pages]
    count = len(charts(page))
    assert len(sheets) > 1
    for at in range(count):
        (begun,) = (n for n, sheet in enumerate(sheets) if f"begin{at}begin" in sheet)
        (ended,) = (n for n, sheet in enumerate(sheets) if f"end{at}end" in sheet)
        assert begun == ended
    # Nor is one wider than the paper within its margins.
    page.emulate_media(media="print")
    assert background(page) == LIGHT
    page.set_viewport_size({"width": 688, "height": 900})
    for place in charts(page):
        svg = place.locator("svg.marks").bounding_box()
        assert svg is not None
        assert svg["x"] >= 0.0
        assert svg["x"] + svg["width"] <= 688.0
    found.context.close()


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_a_chart_is_saved_for_slides(kind: str, report: Opened, tmp_path: Path) -> None:
    with report.page.expect_download() as waited:
        report.page.locator(f"[data-save={kind}]").first.click()
    path = tmp_path / waited.value.suggested_filename
    waited.value.save_as(path)
    assert path.suffix == f".{kind}"
    if kind == "png":
        assert colours(path.read_bytes()) > 8
    else:
        text = path.read_text("utf-8")
        assert text.startswith("<svg")
        assert "var(" not in text
    assert report.wrong == []


def test_a_link_to_a_source_opens_it(report: Opened) -> None:
    page = report.page
    page.locator("#assumptions > summary").click()
    link = page.locator("#assumptions a[href^='#source-']").first
    name = link.inner_text()
    link.click()
    target = page.locator("dt", has_text=re.compile(f"^{re.escape(name)}$"))
    target.wait_for(state="visible")
    page.go_back()


def test_keys_reach_what_can_be_pressed(report: Opened) -> None:
    page = report.page
    page.locator("#theme").focus()
    page.keyboard.press("Enter")
    assert background(page) == DARK
    page.keyboard.press("Enter")
    assert background(page) == LIGHT


def test_hostile_names_do_nothing(browser: Browser, tmp_path: Path) -> None:
    bad = (
        "</script><img src=x onerror=\"document.title='run'\"><script>document.title='run'</script>"
    )
    result = json.loads(json.dumps(solve(load("minimal")).to_dict()))
    text = json.dumps(result).replace("osat_2p5d", json.dumps(bad)[1:-1])
    path = saved(tmp_path, text.replace('"asic"', json.dumps(bad)), "result.json")
    run("report", path, "-o", tmp_path / "page.html")
    found = opened(browser, tmp_path / "page.html")
    found.page.wait_for_timeout(200)
    assert found.page.title() != "run"
    assert found.page.locator("img").count() == 0
    assert bad in found.page.locator("article").first.inner_text()
    assert (found.wrong, found.requests) == ([], [found.path.as_uri()])
    found.context.close()


def test_hostile_names_of_a_case_are_drawn_as_text(browser: Browser, tmp_path: Path) -> None:
    """Names of markup, quotes and 10,000 characters in every place of a case, in all pictures."""
    run("report", hostile_case(tmp_path), "-o", tmp_path / "page.html")
    found = opened(browser, tmp_path / "page.html")
    page = found.page
    assert len(charts(page)) == int(page.locator("html").get_attribute("data-drawn") or 0) > 9
    for place in charts(page):
        assert place.locator("svg.marks").count() == 1
    assert page.locator("img").count() == 0
    assert (found.wrong, found.requests) == ([], [found.path.as_uri()])
    assert page.evaluate("document.documentElement.scrollWidth") <= 1200
    found.context.close()


def test_a_case_without_a_plan_says_so_and_draws_what_there_is(
    browser: Browser, tmp_path: Path
) -> None:
    none = case(tmp_path, "dppm_limit = 1000.0", "dppm_limit = 0.001")
    run("report", none, "-o", tmp_path / "page.html", code=3)
    found = opened(browser, tmp_path / "page.html", bypass_csp=True)
    page = found.page
    assert "There is no plan" in page.locator("#decision").inner_text()
    assert page.locator("article").count() == 0
    assert charts(page) == []
    assert "None: there is no plan to show." in page.locator("#pictures").inner_text()
    assert found.wrong == []
    assert serious(page) == []
    found.context.close()


def test_on_a_narrow_screen_charts_are_drawn_anew_and_can_be_read(
    browser: Browser, reports: dict[str, Path]
) -> None:
    """Panels stand below each other; letters keep their size."""
    found = opened(browser, reports["minimal"], viewport={"width": 390, "height": 800})
    for place in charts(found.page):
        frame, svg = place.bounding_box(), place.locator("svg.marks").bounding_box()
        assert frame is not None
        assert svg is not None
        assert svg["width"] <= frame["width"] + 1
        drawn = float(place.locator("svg.marks").get_attribute("width") or 0.0)
        assert svg["width"] >= 0.8 * drawn  # 12 px letters are 10 px high at least
    assert found.wrong == []
    found.context.close()


def test_a_narrow_screen_needs_no_sideways_scrolling(
    browser: Browser, reports: dict[str, Path]
) -> None:
    found = opened(browser, reports["minimal"])
    found.page.set_viewport_size({"width": 390, "height": 800})
    width = found.page.evaluate("document.documentElement.scrollWidth")
    assert width <= 390
    found.context.close()
