"""Pictures drawn: something is seen, of any names; what is too long is cut and told apart."""

from __future__ import annotations

import re
import struct
import xml.etree.ElementTree as ET
import zlib
from typing import Any

import pytest

from tests.report.hostile import LONG, LONGER, QUOTES, SCRIPT, hostile_case
from yieldopt.report.charts import Picture, pictures
from yieldopt.report.charts.style import (
    BLUE,
    GREEN,
    GREY,
    LOOKS,
    LOST,
    PALETTE,
    PINK,
    labels,
    shown,
)
from yieldopt.study import study_case

_SVG = "{http://www.w3.org/2000/svg}"
_ELEMENTS = {"svg", "g", "path", "text", "defs", "clipPath", "rect", "line", "linearGradient",
             "stop", "style", "title", "desc"}  # fmt: skip


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> list[Picture]:
    return pictures(study_case(hostile_case(tmp_path_factory.mktemp("drawn"))))


def test_every_picture_is_drawn_with_marks_and_words(drawn: list[Picture]) -> None:
    for picture in drawn:
        root = ET.fromstring(picture.svg())
        names = {element.tag.removeprefix(_SVG) for element in root.iter()}
        assert names <= _ELEMENTS, picture.key
        words = [element.text or "" for element in root.iter(f"{_SVG}text")]
        assert len(words) > 5, picture.key
        filled = {element.get("fill") for element in root.iter(f"{_SVG}path")}
        stroked = {element.get("stroke") for element in root.iter(f"{_SVG}path")}
        own = {colour.upper() for colour in PALETTE}
        marks = {(colour or "").upper() for colour in filled | stroked}
        assert marks & own or picture.key == "plan-capacity", picture.key
        assert not [word for word in words if len(word) > 120]
        assert not re.search(r"NaN|undefined|Infinity", " ".join(words))


def test_nothing_in_a_drawing_runs_or_is_fetched(drawn: list[Picture]) -> None:
    for picture in drawn:
        for element in ET.fromstring(picture.svg()).iter():
            for name, value in element.attrib.items():
                assert not name.lower().startswith("on"), picture.key
                assert "href" not in name.lower()
                assert not re.match(r"\s*(javascript|data|https?):", value, re.I)


def test_a_png_is_not_of_one_colour(drawn: list[Picture]) -> None:
    (picture,) = [one for one in drawn if one.key == "p1-waterfall"]
    small, large = picture.png(1.0), picture.png(2.0)
    assert size(large)[0] == pytest.approx(2 * size(small)[0], abs=2)
    assert len(set(pixels(small))) > 20


def size(png: bytes) -> tuple[int, int]:
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def pixels(png: bytes) -> bytes:
    at, data = 8, b""
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        if png[at + 4 : at + 8] == b"IDAT":
            data += png[at + 8 : at + 8 + length]
        at += 12 + length
    return zlib.decompress(data)


def test_titles_and_lines_are_short_and_plain(drawn: list[Picture]) -> None:
    for picture in drawn:
        for text in (picture.title, picture.line, *picture.columns):
            assert text.isprintable()
            assert len(text) < 400
        assert re.fullmatch(r"[a-z0-9-]+", picture.key)
    assert len({picture.key for picture in drawn}) == len(drawn)


def test_names_too_long_are_cut_and_told_apart(drawn: list[Picture]) -> None:
    cut = list(labels([LONG, LONGER, SCRIPT, QUOTES]).values())
    assert len(set(cut)) == 4
    assert all(len(name) <= 40 and name.isprintable() for name in cut)
    (picture,) = [one for one in drawn if one.key == "p1-routes"]
    (rows,) = picture.spec()["datasets"].values()
    assert len({row["route"] for row in rows}) == 3
    assert {row[0] for row in picture.rows} == {SCRIPT, LONG, LONGER}  # the table has whole names


@pytest.mark.parametrize("text", ["\ud800 half", "tab\there", "line\u2028break", "\x00", ""])
def test_half_and_control_characters_are_not_shown(text: str) -> None:
    assert shown(text).isprintable()
    shown(text).encode("utf-8")


def luminance(colour: str) -> float:
    """Return the relative luminance of WCAG 2."""
    parts = [int(colour[at : at + 2], 16) / 255.0 for at in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_what_stands_alone_and_what_outlines_is_seen_on_both_grounds(look: dict[str, Any]) -> None:
    """3:1 at least, as WCAG asks of graphics."""
    alone = (BLUE, GREEN, GREY, LOST, PINK, look["style"]["part"]["stroke"])
    assert min(contrast(colour, look["background"]) for colour in alone) >= 3.0


def test_marks_of_a_colour_too_light_are_outlined(drawn: list[Picture]) -> None:
    light = {colour for colour in PALETTE if contrast(colour, "#ffffff") < 3.0}
    assert light
    for picture in drawn:
        for path in ET.fromstring(picture.svg()).iter(f"{_SVG}path"):
            if (path.get("fill") or "").upper() in light:
                assert (path.get("stroke") or "").lower() == "#16191d", picture.key
