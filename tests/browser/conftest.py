"""Debian's Chromium through Playwright; only `make test-browser` looks into this folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.test_cli import run

_NAMES = ("chromium", "chromium-browser", "google-chrome")
CASES = ("minimal", "accelerators_2026")  # one product; several over eight periods
SHORT = "ask_shortage_2026"  # several, with demand that is not met


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)
    if path is None:
        pytest.exit("no Chromium: install the package chromium, or set CHROMIUM", returncode=1)
    # As root, as in a container, Chromium starts without its sandbox only.
    sandboxed = os.geteuid() != 0
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=path, chromium_sandbox=sandboxed)


@dataclass
class Opened:
    """A report in a browser without a network, and what went wrong in it."""

    page: Page
    context: BrowserContext
    path: Path
    wrong: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


def opened(browser: Browser, path: Path, **options: object) -> Opened:
    """Open a report from its file, offline, until all its charts are drawn."""
    context = browser.new_context(**({"viewport": {"width": 1200, "height": 900}} | options))
    context.set_offline(True)
    page = context.new_page()
    page.set_default_timeout(120_000)
    found = Opened(page, context, path)
    page.on("console", lambda message: found.wrong.append(message.text))
    page.on("pageerror", lambda error: found.wrong.append(str(error)))
    page.on("request", lambda request: found.requests.append(request.url))
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-drawn]")
    return found


@pytest.fixture(scope="session")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("reports")
    found = {}
    for name in (*CASES, SHORT):
        found[name] = folder / f"{name}.html"
        run("report", name, "-o", found[name], "--time-limit", 120)
    return found


@pytest.fixture(scope="module", params=CASES)
def report(
    request: pytest.FixtureRequest, browser: Browser, reports: dict[str, Path]
) -> Iterator[Opened]:
    found = opened(browser, reports[request.param])
    yield found
    found.context.close()
