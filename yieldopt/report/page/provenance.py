"""What a report rests on: assumptions with why they are made, sources with their text and links."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from yieldopt.report.page.markup import Content, Markup, cut, escaped, folded, table, tag
from yieldopt.study.assumptions import Assumption, Origins

# A web address with a path; full or, as sources have it, without its scheme.
_ADDRESS = re.compile(
    r"(https?://)?((?:[a-z0-9-]{1,63}\.){1,5}[a-z]{2,12}/[\w./?=&%~+#-]*[\w/])", re.ASCII | re.I
)
_NAME = re.compile(r"\w+")


def provenance(found: Origins) -> Markup:
    """Return the assumptions and the sources of a case."""
    anchors = {name: f"source-{at}" for at, name in enumerate(found.sources, 1)}
    count = len(found.assumptions)
    assumed = _assumptions(found.assumptions, anchors)
    sources = _sources(found.sources, anchors)
    return tag(
        "section",
        tag("h2", "What it rests on"),
        tag("p", f"{found.inputs:,} numbers of the models stand behind these products and routes. "
            f"{count:,} numbers or entries say “assumed”: no source was found for them. "
            "Replace them by your own before you trust a total."),
        folded(f"Assumptions ({count:,})", assumed, id="assumptions"),
        folded(f"Sources ({len(found.sources):,})", sources, id="sources"),
        id="origins",
    )  # fmt: skip


def _assumptions(assumptions: Iterable[Assumption], anchors: Mapping[str, str]) -> Markup:
    columns = ("key", "low", "value", "high", "unit", "why")
    rows = [
        (one.key, one.low, one.base, one.high, one.unit,
         escaped(_with_anchors(cut(one.why), anchors)))
        for one in assumptions
    ]  # fmt: skip
    return table(columns, rows, "Assumptions")


def _with_anchors(text: str, anchors: Mapping[str, str]) -> Content:
    """Return a text with the names of sources in it as links to them."""
    parts: list[Content] = []
    end = 0
    for match in _NAME.finditer(text):
        if match[0] in anchors:
            parts += [text[end : match.start()], tag("a", match[0], href=f"#{anchors[match[0]]}")]
            end = match.end()
    return [*parts, text[end:]]


def _sources(sources: Mapping[str, str], anchors: Mapping[str, str]) -> Markup:
    terms = [
        [tag("dt", cut(name), id=anchors[name]), tag("dd", linked(text))]
        for name, text in sources.items()
    ]
    return tag("dl", terms)


def linked(text: str) -> Content:
    """Return a text with the web addresses in it as links; nothing is fetched until one is taken.

    Examples
    --------
    >>> tag("p", linked("see arxiv.org/abs/2203.00001, <p. 4>"))
    '<p>see <a href="https://arxiv.org/abs/2203.00001" rel="noopener noreferrer">\
arxiv.org/abs/2203.00001</a>, &lt;p. 4&gt;</p>'
    """
    parts: list[Content] = []
    end = 0
    for match in _ADDRESS.finditer(text):
        href = (match[1] or "https://") + match[2]
        parts += [
            text[end : match.start()],
            tag("a", match[0], href=href, rel="noopener noreferrer"),
        ]
        end = match.end()
    return [*parts, text[end:]]
