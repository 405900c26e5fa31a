"""What the charts share: colours told apart by the colour-blind, sizes, names cut for show."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, Literal

# Okabe and Ito (2008), a darker grey: told apart with every common kind of colour blindness. What
# stands alone is BLUE, RED, GREEN, PINK or GREY, 3:1 against both grounds; the lighter ones are
# parts of bars, whose OUTLINE has the contrast.
ORANGE, SKY, GREEN, YELLOW, BLUE, RED, PINK, GREY = (
    "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7", "#8A8A8A",
)  # fmt: skip
PALETTE: Final = (BLUE, ORANGE, GREEN, PINK, SKY, RED, YELLOW, GREY)
LOST: Final = RED  # scrap, in every picture
OUTLINE: Final = "part"  # style of marks that are outlined as the ground wants it
_CATEGORIES: Final = {
    "die": BLUE, "memory": SKY, "interposer": GREEN, "substrate": PINK, "assembly": ORANGE,
    "test": GREY, "scrap": LOST, "escape": YELLOW, "one_off": "#6A51A3",
}  # fmt: skip
Theme = Literal["light", "dark"]
_INK: Final = {"light": "#16191d", "dark": "#eceff2"}
_GRID: Final = {"light": "#e3e6ea", "dark": "#2e343b"}
_PAPER: Final = {"light": "#ffffff", "dark": "#14171b"}
WIDTH: Final = 660  # pixels of the plot, without axes
BAND: Final = 22  # pixels of a bar and its gap
_MOST = 34  # characters of a name
_WHOLE_USD = 1e5  # money from here on is shown without cents


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


def counted(count: int, thing: str, more: str = "s") -> str:
    """Return how many there are of a thing; ``more`` makes it several.

    Examples
    --------
    >>> counted(1, "decision"), counted(3, "input"), counted(2, "search", "es")
    ('1 decision', '3 inputs', '2 searches')
    """
    return f"{count:,} {thing}" + ("" if count == 1 else more)


def category_colour(category: str) -> str:
    """Return the colour of a category of the waterfall: the same in every picture.

    Examples
    --------
    >>> category_colour("scrap") == LOST, category_colour("of a later version") == GREY
    (True, True)
    """
    return _CATEGORIES.get(category, GREY)


def number(value: float) -> str:
    """Return a number of a table: six digits at least, thousands marked from a hundred on.

    Examples
    --------
    >>> number(1234567.8), number(2208.3024), number(0.0123456789), number(-3)
    ('1,234,568', '2,208.30', '0.0123457', '-3')
    """
    size = abs(value)
    if not 100.0 <= size < 1e15:
        return f"{value:.6g}"
    return f"{value:,.0f}" if size >= 1e5 or value == round(value) else f"{value:,.2f}"


def dollars(value: float) -> str:
    """Return money to the cent, from 100,000 USD on whole.

    Examples
    --------
    >>> dollars(2208.302), dollars(193352212745.43), dollars(-0.001)
    ('2,208.30', '193,352,212,745', '0.00')
    """
    shown = f"{value:,.0f}" if abs(value) >= _WHOLE_USD else f"{value:,.2f}"
    return "0.00" if shown == "-0.00" else shown


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
        "style": {OUTLINE: {"stroke": ink, "strokeWidth": 0.7}},
        "view": {"stroke": grid},
    }


LOOKS: Final[dict[Theme, dict[str, Any]]] = {"light": _look("light"), "dark": _look("dark")}
