"""Pictures as files, for slides and documents."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Literal

from yieldopt.report.charts.picture import Picture
from yieldopt.report.charts.style import Theme
from yieldopt.report.files import Fill

Kind = Literal["svg", "png"]


def picture_fills(pictures: Iterable[Picture], kind: Kind, theme: Theme) -> dict[str, Fill]:
    """Return what writes each picture, by the name of its file.

    Parameters
    ----------
    pictures
        Of a study.
    kind, theme
        What they are drawn as, and on which ground.
    """
    return {f"{one.key}.{kind}": partial(_draw, one, kind, theme) for one in pictures}


def _draw(picture: Picture, kind: Kind, theme: Theme, path: Path) -> None:
    if kind == "svg":
        path.write_text(picture.svg(theme=theme), encoding="utf-8")
    else:
        path.write_bytes(picture.png(theme=theme))
