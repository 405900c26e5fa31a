"""The whole page: head, parts, scripts, and the policy that keeps it from any network."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Sequence
from functools import cache
from importlib import resources

from yieldopt._version import __version__
from yieldopt.report.charts import Picture, pictures
from yieldopt.report.charts.style import shown
from yieldopt.report.page.figures import ROWS, chart_data, figures
from yieldopt.report.page.library import library as chart_library
from yieldopt.report.page.markup import Markup, packed, tag
from yieldopt.report.page.opening import opening
from yieldopt.report.page.plan import plan_tables
from yieldopt.report.page.provenance import provenance
from yieldopt.study import Study
from yieldopt.study.assumptions import Origins
from yieldopt.study.planned import MISSING

_ROOM = (
    1_350_000  # bytes of a page of 2 MB for charts and their tables; the rest is 0.65 MB at most
)


def page(study: Study, origins: Origins | None, library: Callable[[], str] = chart_library) -> str:
    """Return a study as one HTML page that needs nothing else.

    Parameters
    ----------
    study
        What is shown; of a result alone it has no products, and the page says what is missing.
    origins
        Assumptions and sources; ``None`` where they are not known.
    library
        Gives the script that draws charts; asked last.

    Examples
    --------
    >>> from yieldopt import load
    >>> from yieldopt.study import study_case
    >>> from yieldopt.study.assumptions import origins
    >>> text = page(study_case("minimal"), origins(load("minimal")))
    >>> text.startswith("<!doctype html>"), len(text) < 2_000_000
    (True, True)
    """
    drawn = pictures(study)
    data = packed(json.dumps(chart_data(drawn), allow_nan=False, separators=(",", ":")), "charts")
    body = [
        _header(study, origins is not None),
        tag(
            "main",
            opening(study),
            None if study.products and origins else _missing(study, origins),
            _within(_ROOM - len(data), drawn, study),
            plan_tables(study.result),
            provenance(origins) if origins else None,
        ),
        tag("footer", tag("p", f"yieldopt {__version__}. Costs are per good package: money spent "
            "over packages shipped that are good. The page holds its data; it fetches nothing.")),
    ]  # fmt: skip
    script = _asset("report.js")
    text = library()
    scripts = [packed(text, "library"), tag("script", Markup(script))]
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_policy([text, script])),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"{_title(study)} – yieldopt"),
        tag("style", Markup(_asset("report.css"))),
    )
    whole = tag("html", head, tag("body", *body, data, *scripts), lang="en")
    return f"<!doctype html>\n{whole}\n"


def _within(room: int, drawn: Sequence[Picture], study: Study) -> Markup:
    """Return all figures, their tables with as many rows as there is room for [bytes]."""
    found = figures(drawn, study)
    for most_rows in ROWS[1:]:
        if len(found.encode()) > room:
            found = figures(drawn, study, most_rows)
    return found


def _title(study: Study) -> str:
    return shown(study.title or study.case, 120)


def _header(study: Study, has_origins: bool) -> Markup:
    case = tag("p", shown(study.case, 120), class_="case") if study.title else None
    links = [("#decision", "Decision"), ("#pictures", "Pictures"), ("#plan", "Plan")]
    links.append(("#origins", "Assumptions") if has_origins else ("#missing", "What is missing"))
    return tag(
        "header",
        tag("div", tag("h1", _title(study)), case),
        tag(
            "nav",
            [tag("a", word, href=href) for href, word in links],
            tag("button", "Dark or light", type="button", id="theme"),
            aria_label="Page",
        ),
    )


def _missing(study: Study, origins: Origins | None) -> Markup:
    gone = [*(() if study.products else MISSING)]
    gone += ["assumptions and sources"] if origins is None else []
    return tag(
        "section",
        tag("h2", "What is missing"),
        tag("p", "This page was made from a result, without its case. Not in it: "
            f"{', '.join(gone)}. `yieldopt report CASE -o report.html` shows them."),
        id="missing",
    )  # fmt: skip


def _policy(scripts: Sequence[str]) -> str:
    """Return the content policy: only these scripts run, nothing is fetched or sent anywhere.

    The library is unpacked in the browser and then put in as a script: its hash counts as well.
    """
    hashes = (hashlib.sha256(text.encode()).digest() for text in scripts)
    allowed = " ".join(f"'sha256-{base64.b64encode(each).decode()}'" for each in hashes)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )


@cache
def _asset(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
