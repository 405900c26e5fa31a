"""A page taken apart by the standard parser, for the tests of the report."""

from __future__ import annotations

import base64
import gzip
import json
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

_EMPTY = {"meta", "br"}
# Elements that end where one of these begins, or what they stand in ends (HTML, 13.1.2.4).
_ENDED_BY = {"td": {"td", "tr"}, "tr": {"tr"}}
_ADDRESSES = {"src", "href", "srcset", "action", "data", "poster", "background", "formaction"}


@dataclass
class Element:
    """An element, its attributes and the text directly in it."""

    name: str
    attributes: dict[str, str]
    inside: tuple[str, ...]  # names of what it stands in
    text: str = ""


@dataclass
class Parsed(HTMLParser):
    """Every element of a page in order."""

    elements: list[Element] = field(default_factory=list)
    _open: list[Element] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._end_those(tag)
        inside = tuple(element.name for element in self._open)
        assert len({name for name, _ in attrs}) == len(attrs), f"<{tag}> has an attribute twice"
        element = Element(tag, {name: value or "" for name, value in attrs}, inside)
        self.elements.append(element)
        if tag not in _EMPTY:
            self._open.append(element)

    def _end_those(self, tag: str) -> None:
        while self._open and tag in _ENDED_BY.get(self._open[-1].name, ()):
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open[-1].name in _ENDED_BY and self._open[-1].name != tag:
            self._open.pop()
        assert self._open, f"</{tag}> ends nothing"
        assert self._open.pop().name == tag

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data[:60]}")

    def named(self, name: str) -> list[Element]:
        return [element for element in self.elements if element.name == name]

    def by_id(self, key: str) -> Element:
        (found,) = [e for e in self.elements if e.attributes.get("id") == key]
        return found

    def skeleton(self) -> list[tuple[str, tuple[str, ...], tuple[str, ...]]]:
        """Elements with their places and the names of their attributes: all but the words."""
        return [(e.name, e.inside, tuple(e.attributes)) for e in self.elements]

    def addresses(self) -> list[tuple[str, str]]:
        """Where the elements lead: (element, address)."""
        return [
            (element.name, value)
            for element in self.elements
            for name, value in element.attributes.items()
            if name in _ADDRESSES
        ]

    def charts(self) -> dict[str, Any]:
        """Specifications by key."""
        return {one["key"]: one["spec"] for one in json.loads(self.unpacked("charts"))}

    def unpacked(self, key: str) -> bytes:
        """What a script that does not run holds."""
        return gzip.decompress(base64.b64decode(self.by_id(key).text))


def parsed(text: str) -> Parsed:
    """Parse a page; every element that is opened is closed."""
    found = Parsed()
    found.feed(text)
    found.close()
    assert not found._open
    return found
