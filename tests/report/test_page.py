"""The page: whole, without a network, true to the results, safe with any text."""

from __future__ import annotations

import base64
import hashlib
import json
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.report.pages import Parsed, parsed
from tests.test_cli import case, run, scarce
from yieldopt import load
from yieldopt.data import data_folder
from yieldopt.report.charts import pictures
from yieldopt.report.charts.style import counted, dollars, number
from yieldopt.report.page.document import page
from yieldopt.report.page.figures import ROWS
from yieldopt.report.text import usd
from yieldopt.study import Study, study_case
from yieldopt.study.assumptions import origins
from yieldopt.study.digest import decisions, scarcities, weightiest
from yieldopt.study.result_file import read_result

HOSTILE = [
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\"'><svg onload=alert(1)>",
    "<!-- <script> ]]> &lt; &amp; {{x}} ${x}",
    "a\u202eb\x00c\td\ne\u2028f",
    "x" * 10_000,
    "javascript:alert(1) https://evil.example/<b>?q='\"",
]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return study_case(scarce(tmp_path_factory.mktemp("case")), time_limit_s=60.0)


@pytest.fixture(scope="module")
def whole(study: Study) -> Parsed:
    return parsed(page(study, origins(load("minimal"))))


@pytest.fixture(scope="module")
def plain() -> Parsed:
    return parsed(page(study_case("minimal"), origins(load("minimal"))))


def saved_result(folder: Path, data: dict[str, Any]) -> Path:
    path = folder / "result.json"
    path.write_text(json.dumps(data))
    return path


def of_result(path: Path) -> str:
    return page(Study(path.stem, "", read_result(path), ()), None)


def test_nothing_leads_away_but_links_of_sources(whole: Parsed) -> None:
    ids = {e.attributes["id"] for e in whole.elements if "id" in e.attributes}
    addresses = whole.addresses()
    assert {name for name, _ in addresses} == {"a"}
    inner = [address for _, address in addresses if address.startswith("#")]
    assert {address[1:] for address in inner} <= ids
    outer = [address for _, address in addresses if not address.startswith("#")]
    assert outer
    assert all(address.startswith("https://") for address in outer)
    assert not whole.named("link") + whole.named("iframe") + whole.named("object")
    (style,) = whole.named("style")
    assert "url(" not in style.text
    assert "@import" not in style.text


def test_the_policy_allows_these_scripts_and_no_network(whole: Parsed) -> None:
    (meta,) = [e for e in whole.named("meta") if "http-equiv" in e.attributes]
    rules = meta.attributes["content"].split(";")
    policy = {rule.split()[0]: rule.split()[1:] for rule in rules}
    assert policy["default-src"] == ["'none'"]
    assert not {"connect-src", "frame-src", "font-src", "object-src"} & set(policy)
    scripts = [e for e in whole.named("script") if "type" not in e.attributes]
    texts = [whole.unpacked("library"), *(e.text.encode() for e in scripts)]
    hashes = [base64.b64encode(hashlib.sha256(text).digest()) for text in texts]
    assert len(scripts) == 1
    assert b"vegaEmbed" in texts[0]
    assert policy["script-src"] == [f"'sha256-{each.decode()}'" for each in hashes]
    assert not [e for e in whole.elements if any(name.startswith("on") for name in e.attributes)]
    before = whole.elements[: whole.elements.index(meta)]
    assert not [e for e in before if e.name in ("script", "style")]  # it holds for all that runs


def test_every_picture_has_its_chart_line_and_table(study: Study, whole: Parsed) -> None:
    drawn = pictures(study)
    assert drawn
    assert whole.charts() == {picture.key: picture.spec() for picture in drawn}
    figures = whole.named("figure")
    assert len(figures) == len(drawn)
    for figure, picture in zip(figures, drawn, strict=True):
        assert picture.title in figure.text
        assert picture.line in figure.text
        assert f"Table ({counted(len(picture.rows), 'row')})" in figure.text
        assert whole.by_id(picture.key).attributes["role"] == "img"


def test_the_first_screen_has_the_numbers_of_the_result(study: Study, whole: Parsed) -> None:
    text = whole.by_id("decision").text
    for product in study.result.products:
        assert f"{usd(product.cost_per_good_usd or 0.0)} USD per good package" in text
    for decision in decisions(study.result):
        for share in decision.shares:
            assert f"{share.share_frac:.0%}".replace("%", " %") in text or share.share_frac == 1.0
        assert f"{decision.unmet:.6g} not" in text
    (first, *_) = scarcities(study.result)
    assert f"one more unit saves {usd(first.worth_usd_per_unit)} USD" in text
    assert f"{dollars(study.result.objective_usd or 0.0)} USD in all" in text
    weighty = weightiest(study.products, study.result)
    assert len(weighty) == 3
    assert all(one.row.input.key in text for one in weighty)


def test_every_assumption_is_listed_and_sources_are_linked(whole: Parsed) -> None:
    found = origins(load("minimal"))
    rows = [e.text for e in whole.named("tr") if "details" in e.inside]
    listed = whole.by_id("assumptions").text
    assert found.assumptions
    for one in found.assumptions:
        assert one.key in listed
    assert len([row for row in rows if "assumed" in row]) >= len(found.assumptions)
    for name in found.sources:
        assert any(e.text == name for e in whole.named("dt"))
    links = [e for e in whole.named("a") if e.attributes["href"].startswith("#source-")]
    named = {whole.by_id(e.attributes["href"][1:]).text: e.text for e in links}
    assert named
    assert all(name == word for name, word in named.items())


def _assumed_texts(data: Any) -> set[str]:
    if isinstance(data, dict):
        return set().union(*map(_assumed_texts, data.values()))
    if isinstance(data, list):
        return set().union(*map(_assumed_texts, data))
    return {data} if isinstance(data, str) and data.startswith("assumed") else set()


@pytest.mark.parametrize("name", ["minimal", "accelerators_2026"])
def test_no_assumption_of_the_files_is_left_out(name: str) -> None:
    """Against the files themselves: those of the case, and of the parts that fill its slots."""
    raw = tomllib.loads((data_folder("cases") / f"{name}.toml").read_text())
    for other in ("tables", "override"):
        raw.pop(other, None)
    wanted = _assumed_texts(raw)
    slots = [fill for p in raw["products"] for fills in p["slots"].values() for fill in fills]
    for part in {fill["part"] for fill in slots}:
        model = tomllib.loads((data_folder("models") / "parts" / f"{part}.toml").read_text())
        wanted |= _assumed_texts(model)
    for route in {route for p in raw["products"] for route in p["routes"]}:
        model = tomllib.loads((data_folder("models") / "routes" / f"{route}.toml").read_text())
        wanted |= _assumed_texts(model)
    listed = {one.why for one in origins(load(name)).assumptions}
    assert wanted
    assert wanted <= listed


@pytest.mark.parametrize(
    ("name", "lists"), [("ask_memory_ramp", "changes"), ("ask_ramp_programme", "scenarios")]
)
def test_assumptions_of_changes_and_scenarios_are_listed(name: str, lists: str) -> None:
    raw = tomllib.loads((data_folder("cases") / f"{name}.toml").read_text())[lists]
    found = [one for one in origins(load(name)).assumptions if one.key.startswith(f"{lists}.")]
    assert len(found) == len(raw) > 1
    assert {one.why for one in found} == {entry["source"] for entry in raw}
    begins = [entry.get("begins") or entry["name"] for entry in raw]
    assert all(any(begin in one.key for one in found) for begin in begins)


def test_a_result_alone_shows_what_it_holds_and_says_what_is_missing(
    study: Study, tmp_path: Path
) -> None:
    text = of_result(saved_result(tmp_path, study.result.to_dict()))
    found = parsed(text)
    decision = found.by_id("decision").text
    for product in study.result.products:
        assert usd(product.cost_per_good_usd or 0.0) in decision
    assert "Not known from a result alone" in decision
    missing = found.by_id("missing").text
    assert "assumptions and sources" in missing
    assert "yieldopt report CASE" in missing
    alone = pictures(Study("result", "", study.result, ()))
    assert found.charts() == {picture.key: picture.spec() for picture in alone}


def test_tables_of_the_plan_have_every_row_of_the_result(study: Study, whole: Parsed) -> None:
    text = whole.by_id("plan").text
    held = study.result
    verdicts = [verdict for product in held.products for verdict in product.routes]
    assert f"Routes weighed, each product by itself ({len(verdicts)} rows)" in text
    assert f"What the objective is made of ({len(held.costs)} rows)" in text
    for verdict in verdicts:
        assert verdict.route in text
    for row in held.costs:
        assert number(row["usd"]) in text


@pytest.mark.parametrize("status", ["infeasible", "unknown"])
def test_without_a_plan_the_page_says_why(status: str, study: Study, tmp_path: Path) -> None:
    data = study.result.to_dict() | {"status": status, "binding": ["cowos_s: <too> small"]}
    for name in ("allocation", "recipes", "unmet", "resource_use", "shadow_prices", "costs"):
        data[name] = []
    text = parsed(of_result(saved_result(tmp_path, data))).by_id("decision").text
    assert "cowos_s: <too> small" in text
    assert "no plan" in text.lower()
    assert "Make " not in text


def test_what_time_did_not_reach_is_not_called_known() -> None:
    found = parsed(page(study_case("minimal", time_limit_s=1e-6), None))
    text = found.by_id("decision").text
    assert "No plan was found in the time given" in text
    assert "Not known: no product has a plan" in text
    assert "None: there is no plan to show" in found.by_id("pictures").text


def renamed(data: Any, names: dict[str, str]) -> Any:
    """Replace names everywhere, also as keys and within other text."""
    if isinstance(data, dict):
        return {renamed(key, names): renamed(value, names) for key, value in data.items()}
    if isinstance(data, list):
        return [renamed(value, names) for value in data]
    if isinstance(data, str):
        for old, new in names.items():
            data = data.replace(old, new)
    return data


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_of_a_result_stays_text(text: str, study: Study, tmp_path: Path) -> None:
    """A page with hostile names has the elements of the page with plain ones, and no others."""
    held = json.loads(json.dumps(study.result.to_dict() | {"binding": ["something binds"]}))
    before = of_result(saved_result(tmp_path, held))
    names = {"osat_2p5d": f"r{text}", "cowos_s": f"s{text}", "something": text}
    values = renamed({k: v for k, v in held.items() if k not in ("status", "solver")}, names)
    hostile = held | values
    for place in ("products", "recipes", "allocation", "unmet"):
        key = "name" if place == "products" else "product"
        hostile[place] = [row | {key: f"p{text}"} for row in hostile[place]]
    after = of_result(saved_result(tmp_path, hostile))
    assert parsed(after).skeleton() == parsed(before).skeleton()
    assert "\x00" not in after
    assert "\u202e" not in after
    assert len(after) < len(before) + 400_000
    after.encode("utf-8")


@pytest.mark.parametrize(
    "text",  # of a result all of them are tried, in every run
    [
        pytest.param(text, marks=[pytest.mark.long] if at else [])
        for at, text in enumerate(t for t in HOSTILE if "\x00" not in t)
    ],
)
def test_hostile_text_of_a_case_stays_text(text: str, plain: Parsed, tmp_path: Path) -> None:
    quoted = json.dumps(text)  # a TOML string is written as JSON writes it
    path = case(
        tmp_path, 'name = "asic"', f"name = {quoted}\nsource = {json.dumps(f'assumed: {text}')}"
    )
    hostile = path.read_text()
    (old,) = [line for line in hostile.splitlines() if line.startswith("title = ")][:1]
    path.write_text(hostile.replace(old, f"title = {quoted}", 1))
    found = parsed(page(study_case(path, time_limit_s=20.0), origins(load(path))))
    assert {e.name for e in found.elements} == {e.name for e in plain.elements}
    count = {name: len(found.named(name)) for name in ("script", "img", "svg", "iframe", "figure")}
    assert count == {name: len(plain.named(name)) for name in count}
    assert {e.attributes.get("href", "")[:11] for e in found.named("a")} & {"javascript:"} == set()


def test_half_characters_are_shown_as_such_or_refused(study: Study, tmp_path: Path) -> None:
    half = replace(study.result, binding=("half \ud800 a pair",))
    text = page(Study("a\udfff", "b\ud800", half, ()), None)
    assert "half   a pair" in text
    assert text.encode("utf-8")
    assert "half   a pair" in of_result(saved_result(tmp_path, half.to_dict()))
    data = json.loads(json.dumps(half.to_dict()))
    data["products"][0]["name"] = "half \ud800 a pair"
    path = saved_result(tmp_path, data)
    assert "products[0].name" in run("report", path, "-o", tmp_path / "p.html", code=2).stderr


def test_the_page_is_small_enough_and_closes_all_it_opens(study: Study) -> None:
    text = page(study, origins(load("minimal")))
    assert text.startswith("<!doctype html>\n<html ")
    assert len(text.encode()) < 2_000_000


def test_a_page_that_would_be_too_large_has_shorter_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """As of many products; the charts stay whole, and each table says what it lacks."""
    study = study_case("minimal")
    whole = parsed(page(study, None))
    monkeypatch.setattr("yieldopt.report.page.document._ROOM", 1)
    short = parsed(page(study, None))
    assert short.charts() == whole.charts()
    rows = max(len(picture.rows) for picture in pictures(study))
    assert rows > ROWS[-1]
    assert len(short.named("tr")) < len(whole.named("tr"))
    told = [one.text for one in short.named("summary") if "shown are the first" in one.text]
    assert any(f"({rows} rows); shown are the first {ROWS[-1]}: `explain`" in one for one in told)
    assert not any("shown are the first" in one.text for one in whole.named("summary"))
