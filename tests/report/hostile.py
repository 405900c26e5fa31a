"""A case whose every name is a piece of markup, a quote, or far too long."""

from __future__ import annotations

import json
from pathlib import Path

SCRIPT = "</script><script>alert(\"1\")</script><img src=x onerror='alert(2)'>"
QUOTES = "a\"b'c`d\\e${f}{{g}} <b>&amp; %00 \u2028=cmd|'/C calc'!A0"
LONG, LONGER = "x" * 10_000, "x" * 10_001
_PERIODS = [SCRIPT + " 1", QUOTES + " 2", LONG, LONGER]
_WHY = 'source = "assumed: <script>alert(3)</script> a test"\n'


def hostile_case(folder: Path) -> Path:
    """Write a case with demand, capacity, a line to qualify and an expansion; return its path."""
    own = folder / "own"
    for kind in ("routes", "parts", "insertions"):
        (own / kind).mkdir(parents=True)
    quick = "lead_time_weeks = 1\n"
    _write(own / "routes" / "a.toml", "osat_2p5d", SCRIPT, quick)
    _write(own / "routes" / "b.toml", "cowos_s", LONG, quick)
    _write(own / "routes" / "c.toml", "cowos_s", LONGER, quick)
    _write(own / "parts" / "a.toml", "tpu_die", QUOTES)
    _write(own / "insertions" / "a.toml", "wafer_sort", QUOTES + " sort")
    text = f"""
name = {json.dumps(SCRIPT)}
title = {json.dumps(QUOTES + LONG)}
include = ["own"]
periods = {json.dumps(_PERIODS)}

[[products]]
name = {json.dumps(QUOTES)}
title = {json.dumps(SCRIPT)}
routes = {json.dumps([SCRIPT, LONG, LONGER])}
interposer_mm = [32.0, 44.0]
substrate_mm = [68.5, 68.5]
dppm_limit = 1000.0
demand = 1000.0
shortage_cost_usd = 9000.0
qualified = [{json.dumps(LONG)}]
slots.logic = [{{ part = {json.dumps(QUOTES)}, count = 1 }}]
slots.memory = [{{ part = "hbm3e_8h", count = 4 }}]
slots.substrate = [{{ part = "abf_68" }}]

[[resources]]
name = "hbm.hbm3e_8h"
unit = {json.dumps(SCRIPT)}
capacity = 3000.0
{_WHY}
[[expansions]]
name = {json.dumps(SCRIPT)}
resource = "hbm.hbm3e_8h"
amount_per_period = 800.0
cost_usd = 1000.0
lead_time_periods = 1
{_WHY}"""
    path = folder / "case.toml"
    path.write_text(text)
    return path


def _write(path: Path, base: str, name: str, more: str = "") -> None:
    path.write_text(f'extends = "{base}"\nname = {json.dumps(name)}\n{more}')
