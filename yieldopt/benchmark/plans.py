"""Company plans of any size on the model library: products, eight routes, twelve quarters.

The products are made up, within what real ones are: one or two large dies, I/O dies, memory, bodies
that fit every route. Capacity is set against the need of each resource if every product were spread
evenly over its routes, so that some are scarce in some quarters and routes must be shared.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from yieldopt.optimize.weighing import weigh
from yieldopt.read.case import load
from yieldopt.schema.base import Quantity
from yieldopt.schema.case import Case
from yieldopt.schema.planning import ExpansionShape, PerPeriod, ResourceShape

ROUTES = (
    "cowos_s",
    "cowos_l",
    "cowos_r",
    "osat_2p5d",
    "foplp_chip_last",
    "foplp_chip_last_600",
    "xdfoi",
    "i_cube",
)
QUARTERS = 12
_LOGIC = ("tpu_die", "gpu_h100", "gpu_b200", "switch_die")
_AREA_MM2 = {
    "tpu_die": 594.0,
    "gpu_h100": 814.0,
    "gpu_b200": 814.0,
    "switch_die": 650.0,
    "io_die": 130.0,
}  # at most
_STACK_MM2 = 130.0
_MEMORY = ("hbm3_8h", "hbm3e_8h", "hbm3e_12h", "hbm3e_16h", "hbm4_8h", "hbm4_12h", "hbm4_16h")
_SUBSTRATES = ("abf_ai_gpu", "abf_68", "abf_server")


def company(products: int, *, whole: int = 0, seed: int = 0) -> Case:
    """Return a case of so many products on eight routes over twelve quarters.

    Parameters
    ----------
    products
        How many.
    whole
        About how many whole decisions: lumps to order by quarter, and lines to enter by quarter.
    seed
        Of the random numbers.
    """
    rng = np.random.default_rng([seed, products, 7])
    head = f'name = "company_{products}"\nperiods = [{", ".join(f"{q!r}" for q in _quarters())}]\n'
    text = head + "".join(_product(rng, number) for number in range(products))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "company.toml"
        path.write_text(text)
        case = load(path)
    case = replace(case, resources=tuple(_resources(case, rng)))
    return _with_whole(case, whole, rng) if whole else case


def _quarters() -> list[str]:
    return [f"{2026 + t // 4}Q{t % 4 + 1}" for t in range(QUARTERS)]


def _product(rng: np.random.Generator, number: int) -> str:
    logic, memory = rng.choice(_LOGIC), rng.choice(_MEMORY)
    dies, chips, stacks = int(rng.integers(1, 3)), int(rng.integers(0, 4)), int(rng.integers(2, 7))
    dies = 1 if _AREA_MM2[logic] > 600.0 else dies
    io = f', {{part = "io_die", count = {chips}}}' if chips else ""
    area = dies * _AREA_MM2[logic] + chips * _AREA_MM2["io_die"] + stacks * _STACK_MM2
    sides = 40.0, 1.15 * area / 40.0
    level = rng.uniform(2e4, 2e5)
    growth = rng.uniform(1.0, 1.12)
    demand = [round(level * growth**t * rng.uniform(0.9, 1.1)) for t in range(QUARTERS)]
    routes = ", ".join(f'"{route}"' for route in ROUTES)
    return f"""
[[products]]
name = "p{number}"
routes = [{routes}]
interposer_mm = [{sides[0]:.1f}, {sides[1]:.1f}]
substrate_mm = [68.5, 68.5]
power_w = {rng.uniform(200, 450):.0f}
bump_pitch_um = 110.0
test_time_factor = {rng.uniform(1, 3):.2f}
dppm_limit = {rng.uniform(500, 2000):.0f}
shortage_cost_usd = {rng.uniform(4000, 20000):.0f}
demand = {demand}
[products.slots]
logic = [{{part = "{logic}", count = {dies}}}{io}]
memory = [{{part = "{memory}", count = {stacks}}}]
bridge = [{{part = "lsi_bridge", count = {stacks + dies}}}]
substrate = [{{part = "{rng.choice(_SUBSTRATES)}"}}]
"""


def _resources(case: Case, rng: np.random.Generator) -> Iterator[ResourceShape]:
    """Yield every resource that is used, at 75 to 130 % of an even spread's need by quarter."""
    need: dict[str, np.ndarray] = {}
    for product in case.products:
        candidates, _ = weigh(case, product)
        asked = np.array(product.demand.over(QUARTERS))
        for candidate in candidates:
            for name, used in candidate.recipes[0].uses_per_good.items():
                part = asked * used / len(candidates)
                need[name] = need.get(name, np.zeros(QUARTERS)) + part
    for name, total in need.items():
        amount = total * rng.uniform(0.75, 1.3) * rng.uniform(0.95, 1.05, QUARTERS)
        values = tuple(float(f"{a:.6g}") for a in amount)
        source = "assumed: a benchmark"
        yield ResourceShape(name=name, capacity=PerPeriod(values=values), source=source)


def _with_whole(case: Case, whole: int, rng: np.random.Generator) -> Case:
    """Let a third of the decisions be lumps, the rest lines that products must enter first."""
    lead = 3
    lumps = max(1, whole // 3 // (QUARTERS - lead))
    chosen = rng.choice(len(case.resources), min(lumps, len(case.resources)), replace=False)
    expansions = tuple(
        ExpansionShape(
            name=f"more {case.resources[at].name}",
            resource=case.resources[at].name,
            amount_per_period=0.2 * max(case.resources[at].capacity.over(QUARTERS)),
            cost_usd=Quantity(base=float(rng.uniform(2e7, 2e8))),
            lead_time_periods=lead,
            most=2,
            source="assumed: a benchmark",
        )
        for at in chosen
    )
    left = whole - lumps * (QUARTERS - lead)
    products = []
    for product in case.products:
        shut = [route for route in ROUTES if rng.random() < 0.25 and left > 0]
        left -= len(shut) * (QUARTERS - lead)
        qualified = tuple(route for route in ROUTES if route not in shut)
        products.append(product.model_copy(update={"qualified": qualified if shut else None}))
    return replace(case, products=tuple(products), expansions=expansions)
