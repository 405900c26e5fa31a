"""What the charts share: colours told apart by the colour-blind, sizes, names cut for show."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, Literal

# Okabe and Ito (2008): told apart with every common kind of colour blindness, on white and black.
ORANGE, SKY, GREEN, YELLOW, BLUE, RED, PINK, GREY = (
    "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7", "#999999",
)  # fmt: skip
PALETTE: Final = (BLUE, ORANGE, GREEN, PINK, SKY, RED, YELLOW, GREY)
Theme = Literal["light", "dark"]
_INK: Final = {"light": "#16191d", "dark": "#eceff2"}
_GRID: Final = {"light": "#e3e6ea", "dark": "#2e343b"}
_PAPER: Final = {"light": "#ffffff", "dark": "#14171b"}
WIDTH: Final = 560  # pixels of the plot, without axes
BAND: Final = 22  # pixels of a bar and its gap
_MOST = 34  # characters of a name


def shown(text: str, most: int = _MOST) -> str:
    """Return a name fit to show: one line, no control or half characters, the middle cut out.

    Examples
    --------
    >>> shown("gpu/wafer_sort"), shown("a\\nb" + "c" * 100, 9)
    ('gpu/wafer_sort', 'a bc…cccc')
    """
    plain = "".join(char if char.isprintable() else " " for char in text)
    if len(plain) <= most:
        return plain
    tail = (most - 1) // 2
    return f"{plain[: most - 1 - tail]}…{plain[len(plain) - tail :]}"


def labels(names: Iterable[str], most: int = _MOST) -> dict[str, str]:
    """Return a name to show for each of several: no two alike, in their order.

    Examples
    --------
    >>> list(labels(["aaabbbccc", "aaaXbbccc"], 5).values())
    ['aa…cc', 'aa…cc (2)']
    """
    out: dict[str, str] = {}
    taken: set[str] = set()
    for name in dict.fromkeys(names):
        label, count = shown(name, most), 1
        while label in taken:
            count += 1
            label = f"{shown(name, most)} ({count})"
        taken.add(label)
        out[name] = label
    return out


def counted(count: int, thing: str) -> str:
    """Return how many there are of a thing.

    Examples
    --------
    >>> counted(1, "decision"), counted(3, "input")
    ('1 decision', '3 inputs')
    """
    return f"{count} {thing}" + ("" if count == 1 else "s")


def _look(theme: Theme) -> dict[str, Any]:
    """Return Vega-Lite's configuration of a ground: the marks have their own colours."""
    ink, grid = _INK[theme], _GRID[theme]
    words = {"labelColor": ink, "titleColor": ink}
    return {
        "background": _PAPER[theme],
        "axis": words | {"gridColor": grid, "domainColor": ink, "tickColor": ink},
        "legend": words,
        "header": words,
        "title": {"color": ink},
        "text": {"color": ink},
        "rule": {"color": ink},
        "view": {"stroke": grid},
    }


LOOKS: Final[dict[Theme, dict[str, Any]]] = {"light": _look("light"), "dark": _look("dark")}
