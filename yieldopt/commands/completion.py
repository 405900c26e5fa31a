"""What a shell offers while one types: bundled cases, and what stands in the case that is named.

A case is looked into as TOML, not checked: what has faults offers what can be read of it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from yieldopt.data import bundled_cases, data_folder


class CasePath(click.Path):
    """A case file, or the name of a bundled case; or a result file, where a command takes one."""

    def __init__(self, *, results: bool = False, path_type: type[Path] = Path) -> None:
        super().__init__(path_type=path_type)
        self.results = results

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Offer bundled names and case files that are here; elsewhere all files."""
        endings = {".toml", ".json"} if self.results else {".toml"}
        names = (path.name for path in Path().iterdir() if path.suffix in endings)
        here = (name for name in names if not name.endswith(".schema.json"))
        found = [] if "/" in incomplete else _begin(incomplete, [*bundled_cases(), *sorted(here)])
        return found or [CompletionItem(incomplete, type="file")]


def products(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the products of the case that is named before."""
    return _begin(incomplete, _texts(product.get("name") for product in _products(ctx)))


def routes(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the routes of the case that is named before; where there is none, those of the
    library.
    """
    own = _texts(name for p in _products(ctx) for name in _listed(p.get("routes")))
    library = (path.stem for path in sorted((data_folder("models") / "routes").glob("*.toml")))
    return _begin(incomplete, own or list(library))


def solvers(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the solvers; after ``pulp:`` PuLP alone knows what it finds."""
    from yieldopt.optimize.backends import BACKENDS

    return _begin(incomplete, BACKENDS)


def _begin(incomplete: str, names: Iterable[str]) -> list[CompletionItem]:
    """Offer names; not those with signs that a terminal would not print but obey."""
    shown = (name for name in dict.fromkeys(names) if name.isprintable())
    return [CompletionItem(name) for name in shown if name.startswith(incomplete)]


def _texts(names: Iterable[Any]) -> list[str]:
    return [name for name in names if isinstance(name, str)]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _products(ctx: click.Context) -> list[dict[str, Any]]:
    """Return the products of the case on the command line as written, none of a bad one."""
    # An option that has no value yet stops click: what stands before it is left over.
    case = ctx.params.get("case") or next(iter(ctx.args), None)
    if case is None:
        return []
    path = bundled_cases().get(str(case), Path(case))
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return [entry for entry in _listed(data.get("products")) if isinstance(entry, dict)]
