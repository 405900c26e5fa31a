"""Pictures as files, for slides and documents."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Literal

from yieldopt.report.charts.picture import Picture
from yieldopt.report.charts.style import Theme
from yieldopt.report.files import Fill

Kind = Literal["svg", "png"]
_OWN = re.compile(r"(p[0-9]+|plan)-[a-z]+(-[0-9]+)?\.(svg|png)")  # keys as the gallery gives them


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


def left_before(folder: Path, written: Iterable[Path]) -> list[str]:
    """Return the names of pictures in a folder that an earlier run left there.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as held:
    ...     for name in ("p1-funnel.svg", "p9-funnel.svg", "plan-recipes-2.png", "p1-mine.txt"):
    ...         (Path(held) / name).touch()
    ...     left_before(Path(held), [Path(held) / "p1-funnel.svg"])
    ['p9-funnel.svg', 'plan-recipes-2.png']
    """
    new = {path.name for path in written}
    here = folder.iterdir() if folder.is_dir() else ()
    return sorted(path.name for path in here if _OWN.fullmatch(path.name) and path.name not in new)


def _draw(picture: Picture, kind: Kind, theme: Theme, path: Path) -> None:
    if kind == "svg":
        path.write_text(picture.svg(theme=theme), encoding="utf-8")
    else:
        path.write_bytes(picture.png(theme=theme))
