"""A small case that has everything a case can hold, every name of it the same given text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

PLAIN = "plain"
NAMES = {
    "markup": "</script><marquee onload='x'>\"&{{7*7}}${x}]]>",
    "stroke": "a/b",
    "signs": "a.b[0]|c:d,e=f;g#h",
    "folder": "../../x",
    "dots": "..",
    "device": "con",
    "formula": "=cmd|' /C calc'!A0",
    "plus": "+1",
    "at": "@SUM(A1)",
    "number": "1",
    "blanks": "  a ",
    "lines": "a\n\tb\r",
    "terminal": "\x1b[2J\x9b\x7f\x07",
    "nul": "a\x00b",
    "turned": "\u202ea\u2066\u2028",
    "combined": "e\u0301\u0489",
    "emoji": "\U0001f600\U000e0041",
    "long": "x" * 10_000,
    "proto": "__proto__",
    "constructor": "constructor",
    "index": "index",
    "level": "level",
    "off": "off",
    "each": "each",
    "base": "base",
    "by_name": "by_name",
    "package": "package",
    "grade": "grade",
    "all": "all",
    "slash": "a\\",
}  # fmt: skip
"""Names by what they are."""


def toml_text(text: str) -> str:
    """Return a text as a basic string of TOML."""
    out = ""
    for sign in text:
        point = ord(sign)
        if sign in '"\\':
            out += "\\" + sign
        elif point < 0x20 or 0x7F <= point < 0xA0:
            out += f"\\u{point:04x}"
        else:
            out += sign
    return f'"{out}"'


def hostile_case(folder: Path, name: str) -> Path:
    """Write a case whose product, die, process, fault class, route, insertion, level, resource,
    place, line, period, scenario and so on are called ``name``; return its path.
    """
    own = folder / "own"
    for kind in ("processes", "parts", "routes", "insertions"):
        (own / kind).mkdir(parents=True)
    n, place = toml_text(name), toml_text(f"{name}/{name}")
    source = f"source = {toml_text('assumed: ' + name)}"
    _write(own / "sources.toml", f"[{n}]\ntext = {n}\n")
    _write(own / "processes" / "a.toml", _PROCESS, n, place, source)
    _write(own / "parts" / "a.toml", _PART, n, place, source)
    _write(own / "routes" / "a.toml", _ROUTE, n, place, source)
    _write(own / "insertions" / "a.toml", _INSERTION, n, place, source)
    _write(folder / "case.toml", _CASE, n, place, source)
    return folder / "case.toml"


def _write(path: Path, text: str, name: str = "", place: str = "", source: str = "") -> None:
    whole = text.replace("SOURCE", source).replace("PLACE", place).replace("NAME", name)
    path.write_text(whole, encoding="utf-8", newline="\n")


def numbers(data: Any) -> list[float]:
    """Return every number of plain data but those of clocks, sorted: names order what is listed."""
    return sorted(_numbers(data))


def _numbers(data: Any) -> Iterator[float]:
    if isinstance(data, dict):
        data = [value for key, value in data.items() if key not in _CLOCKS]
    if isinstance(data, list | tuple):
        for value in data:
            yield from _numbers(value)
    elif isinstance(data, int | float) and not isinstance(data, bool):
        yield float(data)


_CLOCKS = ("runtime_s",)

_PROCESS = """
name = NAME
title = NAME
SOURCE
carrier = "wafer"
resource = NAME
category = "die"
diameter_mm = 300.0
edge_exclusion_mm = 3.0
street_mm = 0.1
reticle_mm = [26.0, 33.0]
cost_usd = { low = 13400.0, base = 17000.0, high = 20000.0, SOURCE }
d0_per_cm2 = { low = 0.06, base = 0.1, high = 0.11, SOURCE }
law = "negative_binomial"
alpha = { low = 1.5, base = 3.0, high = 10.0, SOURCE }

[shares]
NAME = { base = 0.9, SOURCE }
io = { base = 0.1, SOURCE }
"""
_PART = """
name = NAME
title = NAME
SOURCE
category = "die"
point = "die"
process = NAME
width_mm = 20.0
height_mm = 20.0
"""
_ROUTE = """
name = NAME
title = NAME
SOURCE
extends = "osat_2p5d"
lead_time_weeks = 1
cycle_time_weeks = 1
sites = [{ name = NAME, region = NAME }]

[steps.mould_and_grind.uses]
NAME = { base = 0.01, SOURCE }
"""
_INSERTION = """
name = NAME
title = NAME
SOURCE
points = ["die"]
overlap = 0.5

[tester]
resource = "tester.cp_h"

[tester.usd_per_h]
NAME = { low = 100, base = 200, high = 400, SOURCE }

[levels.off]

[levels.NAME]
SOURCE
seconds = 20
coverage = { NAME = 0.7, io = 0.2 }
overkill = { low = 0.001, base = 0.005, high = 0.02, SOURCE }

[curve]
SOURCE
seconds = [40, 60]
max_coverage_frac = { NAME = { low = 0.9, base = 0.95, high = 0.98, SOURCE } }
tau_s = { NAME = { low = 10, base = 20, high = 40, SOURCE } }

[curve.level]
overkill = { low = 0.001, base = 0.005, high = 0.02, SOURCE }
"""
_CASE = """
name = NAME
title = NAME
include = ["own"]
insertions = [NAME, "final_test"]
periods = [NAME, "later"]
period_weeks = 4.0
override.insertions.final_test.levels.f990.coverage.NAME = 0.99
override.insertions.final_test.levels.f998.coverage.NAME = 0.998

[[products]]
name = NAME
title = NAME
SOURCE
routes = [NAME, "cowos_s"]
interposer_mm = [32.0, 44.0]
substrate_mm = [68.5, 68.5]
dppm_limit = 30000.0
demand = [100.0, 200.0]
shortage_cost_usd = 9000.0
qualified = [NAME]
slots.logic = [{ part = NAME, count = 1 }]
slots.memory = [{ part = "hbm3e_8h", count = 4 }]
slots.substrate = [{ part = "abf_68" }]
levels."package/final_test" = ["off", "f990", "f998"]
moves = [{ places = [PLACE, "package/final_test"], least = 1, most = 2 }]
least_coverage = { "package/final_test" = { io = 0.5 } }
use_limits_per_good = { NAME = 5.0 }

[[resources]]
name = NAME
unit = NAME
vendor = NAME
site = NAME
capacity = [1.0, 1.5]
SOURCE

[[lines]]
name = NAME
route = NAME
SOURCE

[[expansions]]
name = NAME
resource = NAME
amount_per_period = 0.5
cost_usd = 1000.0
lead_time_periods = 1
SOURCE

[[reservations]]
name = NAME
resource = NAME
capacity = 0.2
prepayment_usd_per_unit = 1.0
SOURCE

[[shares]]
name = NAME
product = NAME
region = NAME
least_frac = 0.1
SOURCE

[[budgets]]
name = NAME
of = "capital"
most_usd = 1e9
periods = [NAME]
SOURCE

[[changes]]
begins = "later"
SOURCE
override.processes.NAME.d0_per_cm2 = 0.09

[resilience]
from = "later"
names = [NAME]
probability = 0.1
SOURCE

[[scenarios]]
name = NAME
title = NAME
probability = 0.5
SOURCE
demand_factor.NAME = 1.2
capacity_factor.NAME = 0.9

[[scenarios]]
name = "other"
probability = 0.5
SOURCE
override.parts.NAME.width_mm = 21.0
"""
