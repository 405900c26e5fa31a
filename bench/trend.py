"""The trend picture: one small chart a row, its ratio from run to run, as plain SVG."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from html import escape

from bench.store import Record, ratios

WIDTH, HEIGHT, GAP = 300, 120, 16
ACROSS = 3
BAND = 0.15  # shaded: within this of the median of all runs but the last
_INK, _PALE, _LINE, _SHADE, _BAD = "#1f2933", "#7b8794", "#2563eb", "#e8f0fe", "#d64545"


def picture(runs: Sequence[Record]) -> str:
    """Return the SVG of every row that some run has, oldest run left."""
    names = list(dict.fromkeys(name for run in runs for name in ratios(run)))
    down = -(-len(names) // ACROSS)
    wide = ACROSS * (WIDTH + GAP) + GAP
    high = 56 + down * (HEIGHT + GAP)
    last = runs[-1] if runs else {"date": "", "commit": ""}
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide}" height="{high}" '
        f'viewBox="0 0 {wide} {high}" font-family="sans-serif" role="img">',
        "<title>Benchmarks: ratio to the comparison, run by run</title>",
        f'<rect width="{wide}" height="{high}" fill="#ffffff"/>',
        _text(GAP, 24, "Ratio to the comparison, run by run (lower is faster)", 15, _INK),
        _text(
            GAP,
            42,
            f"{len(runs)} runs, the last {str(last['date'])[:10]} at {str(last['commit'])[:7]}; "
            f"shaded: within {BAND:.0%} of the median before",
            11,
            _PALE,
        ),
    ]
    for at, name in enumerate(names):
        x = GAP + at % ACROSS * (WIDTH + GAP)
        y = 56 + at // ACROSS * (HEIGHT + GAP)
        series = [(number, ratios(run).get(name)) for number, run in enumerate(runs)]
        found = [(number, ratio) for number, ratio in series if ratio is not None]
        parts += _chart(x, y, name, found, len(runs))
    return "\n".join([*parts, "</svg>", ""])


def _chart(x: int, y: int, name: str, series: list[tuple[int, float]], runs: int) -> list[str]:
    values = [ratio for _, ratio in series]
    middle = statistics.median(values[:-1] or values)
    top = max(*values, middle * (1 + 2 * BAND))
    bottom = min(*values, middle * (1 - 2 * BAND))
    left, right, upper, lower = x + 8, x + WIDTH - 62, y + 30, y + HEIGHT - 10

    def at(number: int, ratio: float) -> tuple[float, float]:
        along = number / (runs - 1) if runs > 1 else 0.5
        up = (ratio - bottom) / (top - bottom)
        return round(left + along * (right - left), 1), round(lower - up * (lower - upper), 1)

    high, low = at(0, middle * (1 + BAND))[1], at(0, middle * (1 - BAND))[1]
    points = [at(*item) for item in series]
    colour = _BAD if values[-1] > middle * (1 + BAND) else _LINE
    dots = [f'<circle cx="{cx}" cy="{cy}" r="2.5" fill="{_LINE}"/>' for cx, cy in points[:-1]]
    dots.append(f'<circle cx="{points[-1][0]}" cy="{points[-1][1]}" r="4" fill="{colour}"/>')
    path = " ".join(f"{cx},{cy}" for cx, cy in points)
    label = name if len(name) <= 48 else name[:47] + "…"
    return [
        f'<g><title>{escape(name)}</title><rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" '
        'rx="4" fill="#f8fafc" stroke="#e4e7eb"/>',
        _text(x + 8, y + 18, label, 11, _INK),
        f'<rect x="{left}" y="{high}" width="{right - left}" height="{round(low - high, 1)}" '
        f'fill="{_SHADE}"/>',
        f'<polyline points="{path}" fill="none" stroke="{_LINE}" stroke-width="1.5"/>',
        *dots,
        _text(right + 10, points[-1][1] + 4, f"{values[-1]:.3g}", 12, colour),
        "</g>",
    ]


def _text(x: float, y: float, words: str, size: int, colour: str) -> str:
    return f'<text x="{x}" y="{y}" font-size="{size}" fill="{colour}">{escape(words)}</text>'
