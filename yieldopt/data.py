"""Where the bundled models, cases and schemas are: beside the package, or inside it in a wheel."""

from __future__ import annotations

from pathlib import Path


def data_folder(kind: str) -> Path:
    """Return the folder of bundled ``models``, ``cases`` or ``schemas``."""
    package = Path(__file__).resolve().parent
    bundled = package / "_data" / kind
    return bundled if bundled.is_dir() else package.parent / kind


def bundled_cases() -> dict[str, Path]:
    """Return the bundled cases by file stem."""
    return {path.stem: path for path in sorted(data_folder("cases").glob("*.toml"))}
