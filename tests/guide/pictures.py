"""Draws the README's picture, light and dark: what `yieldopt charts h100_class` draws first.

`make docs` draws it; a test says when its words or numbers are no longer those of the case.
"""

from __future__ import annotations

from pathlib import Path

from yieldopt import load
from yieldopt.comparison import compare
from yieldopt.report.charts.style import Theme
from yieldopt.report.charts.waterfall import waterfall

FOLDER = Path(__file__).parents[2] / "docs"
THEMES: tuple[Theme, ...] = ("light", "dark")


def pictures() -> dict[str, str]:
    """Return the pictures as SVG by the name of their file."""
    drawn = waterfall("waterfall", compare(load("h100_class")))
    assert drawn is not None
    return {f"waterfall-{theme}.svg": drawn.svg(theme=theme) + "\n" for theme in THEMES}


def write() -> None:
    for name, text in pictures().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
