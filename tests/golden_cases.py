"""Stored answers of the cases: ``make golden`` writes them, ``make golden-diff`` shows a move."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from yieldopt import Case, load, solve
from yieldopt.plan import Result

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "tests" / "golden" / "cases"
CASES = sorted((ROOT / "cases").glob("*.toml"))


def answer(case: Case, result: Result) -> dict[str, Any]:
    """Return what a case must go on giving.

    With demand the plan itself is left out: an LP may have several best plans of one cost.
    """
    out: dict[str, Any] = {
        "status": str(result.status),
        "objective_usd": result.objective_usd,
        "routes": {
            product.name: {
                verdict.route: verdict.cost_per_good_usd or list(verdict.reasons)
                for verdict in product.routes
            }
            for product in result.products
        },
    }
    if not any(any(product.demand.over(len(case.periods))) for product in case.products):
        out["recipes"] = {
            recipe.product: {
                "route": recipe.route,
                "levels": dict(recipe.levels),
                "dppm": recipe.dppm,
                "waterfall_usd": dict(recipe.waterfall_usd),
            }
            for recipe in result.recipes
        }
    return out


def solved(path: Path) -> dict[str, Any]:
    """Solve a case file."""
    case = load(path)
    return answer(case, solve(case))


def stored(path: Path) -> dict[str, Any]:
    """Return the stored answer of a case file; empty if there is none."""
    golden = FOLDER / f"{path.stem}.json"
    return json.loads(golden.read_text()) if golden.exists() else {}


def differences(old: Any, new: Any, rel: float, key: str = "") -> list[str]:
    """Return a line for everything that differs, numbers by more than ``rel``."""
    if isinstance(old, dict) and isinstance(new, dict):
        return [
            line
            for name in dict.fromkeys([*old, *new])
            for line in differences(
                old.get(name), new.get(name), rel, f"{key}.{name}" if key else name
            )
        ]
    both = isinstance(old, int | float) and isinstance(new, int | float)
    if both and abs(new - old) <= rel * max(abs(old), abs(new)):
        return []
    if both:
        return [f"{key}: {old:.6g} -> {new:.6g} ({100 * (new - old) / (abs(old) or 1):+.2g} %)"]
    return [] if old == new else [f"{key}: {old} -> {new}"]


def main(what: str) -> None:
    """Write the answers of every case, or show what moved."""
    FOLDER.mkdir(exist_ok=True)
    for path in CASES:
        now = solved(path)
        for line in differences(stored(path), now, 1e-9):
            print(f"{path.stem}: {line}")
        if what == "write":
            (FOLDER / f"{path.stem}.json").write_text(json.dumps(now, indent=1) + "\n")
    if what == "write":
        for old in FOLDER.glob("*.json"):
            if old.stem not in {path.stem for path in CASES}:
                old.unlink()


if __name__ == "__main__":
    main(sys.argv[1])
