"""The simulation against forms derived by hand, and the engine against the simulation.

All comparisons allow four standard errors at fixed seeds, and a floor of a few rare events (a
share of 12 in the number of packages) where the sample may have seen none of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.random_flows import LAWS, random_flow
from tests.seeds import seeds
from tests.simulation import Estimate, SimResult, simulate

JSON = dict[str, Any]
PACKAGES = 60_000
SIGMAS = 4.0

YIELDS: list[tuple[JSON, Callable[[float], float]]] = [
    ({}, lambda x: math.exp(-x)),
    ({"alpha": 0.7}, lambda x: (1 + x / 0.7) ** -0.7),
    ({"alpha": 3.0, "law": "negative_binomial"}, lambda x: (1 + x / 3) ** -3),
    ({"law": "seeds"}, lambda x: 1 / (1 + x)),
    ({"law": "bose_einstein", "layers": 4}, lambda x: (1 + x / 4) ** -4),
    ({"law": "murphy"}, lambda x: ((1 - math.exp(-x)) / x) ** 2),
    ({"law": "rectangular"}, lambda x: (1 - math.exp(-2 * x)) / (2 * x)),
    ({"law": "moore"}, lambda x: math.exp(-math.sqrt(x))),
    ({"law": "single"}, lambda x: 1 - x),
]


def agrees(estimate: Estimate, value: float, packages: int, scale: float | None = None) -> bool:
    """Whether a value lies within four standard errors, or the floor of unseen rare events."""
    floor = 12.0 / packages * (abs(value) if scale is None else scale)
    return abs(estimate.mean - value) <= max(SIGMAS * estimate.se, floor)


def expect(sim: SimResult, quality: float, **visits: float) -> None:
    """Assert quality and visits (keys written node__step)."""
    assert agrees(sim.quality, quality, sim.packages, 1.0), (sim.quality, quality)
    for key, value in visits.items():
        found = sim.visits[key.replace("__", "/")]
        assert agrees(found, value, sim.packages), (key, found, value)


def process(name: str, faults: JSON | None = None, **more: Any) -> JSON:
    return {"name": name, "kind": "process", "cost_usd": 100.0, "faults": faults or {}, **more}


def screen(name: str, coverage: JSON, **more: Any) -> JSON:
    return {"name": name, "kind": "test", "cost_usd": 10.0, "coverage": coverage, **more}


def die(*steps: JSON) -> JSON:
    return {"ship": "die", "nodes": [{"name": "die", "inputs": [], "steps": list(steps)}]}


@pytest.mark.parametrize(("law", "y"), YIELDS)
def test_untested_die_ships_at_its_yield(law: JSON, y: Callable[[float], float]) -> None:
    sim = simulate(die(process("fab", {"logic": {"mean": 0.5, **law}})), PACKAGES, 1)
    expect(sim, y(0.5), die__fab=1.0)


@pytest.mark.parametrize(("law", "y"), YIELDS)
def test_two_nested_tests_find_the_larger_and_repair_less(
    law: JSON, y: Callable[[float], float]
) -> None:
    """A part already looked at is a smaller die; of the first test's finds 40 % are repaired."""
    lam = 0.7
    first = screen("cp", {"logic": 0.5}, repair={"logic": 0.4})
    flow = die(process("fab", {"logic": {"mean": lam, **law}}), first, screen("ft", {"logic": 0.8}))
    kill_1, kill_2, left = 0.5 * 0.6, 0.5 * 0.6 + 0.3, 0.2
    expect(
        simulate(flow, PACKAGES, 2),
        y(lam * (kill_2 + left)) / y(lam * kill_2),
        die__fab=1 / y(lam * kill_2),
        die__ft=y(lam * kill_1) / y(lam * kill_2),
    )


def test_poisson_die_one_test_is_williams_brown() -> None:
    """The pass is Y^T, the defect level 1 - Y^(1-T), and the cost follows."""
    lam, cover = 0.6, 0.9
    flow = die(process("fab", {"logic": {"mean": lam}}), screen("cp", {"logic": cover}))
    sim = simulate(flow, PACKAGES, 3)
    passed, quality = math.exp(-lam * cover), math.exp(-lam * (1 - cover))
    expect(sim, quality, die__fab=1 / passed, die__cp=1 / passed)
    assert agrees(sim.dppm, 1e6 * (1 - quality), PACKAGES, 1e6)
    assert agrees(sim.cost_per_shipped_usd, 110 / passed, PACKAGES)
    assert agrees(sim.cost_per_good_usd, 110 / passed / quality, PACKAGES)


def test_two_clustered_dies_tested_in_the_package() -> None:
    """DL = 1 - ((a + T l)/(a + l))^a per die; a fail scraps both dies and the bond."""
    lam, alpha, cover = 0.4, 1.5, 0.8
    flow = die(process("fab", {"logic": {"mean": lam, "alpha": alpha}}))
    flow["ship"] = "package"
    flow["nodes"].append(
        {
            "name": "package",
            "inputs": [{"node": "die", "count": 2}],
            "steps": [process("bond", scrap=0.1), screen("final", {"logic": cover})],
        }
    )
    passed = (1 + cover * lam / alpha) ** (-2 * alpha)
    expect(
        simulate(flow, PACKAGES, 4),
        ((alpha + cover * lam) / (alpha + lam)) ** (2 * alpha),
        die__fab=2 / passed / 0.9,
        package__bond=1 / passed / 0.9,
        package__final=1 / passed,
    )


def test_stop_on_fail_charges_cost_and_uses() -> None:
    """A failing unit pays a quarter; overkill fails too; uses scale with the charge."""
    lam, over = 0.5, 0.1
    flow = die(
        process("fab", {"logic": {"mean": lam}}, uses={"wafer": 0.5}),
        screen("cp", {"logic": 0.8}, overkill=over, fail_cost_fraction=0.25, uses={"hour": 2.0}),
    )
    sim = simulate(flow, PACKAGES, 5)
    passed = math.exp(-0.8 * lam) * (1 - over)
    charged = (passed + 0.25 * (1 - passed)) / passed
    expect(sim, math.exp(-0.2 * lam), die__fab=1 / passed, die__cp=charged)
    assert agrees(sim.uses["wafer"], 0.5 / passed, PACKAGES)
    assert agrees(sim.uses["hour"], 2 * charged, PACKAGES)


def test_nested_then_independent_then_nested() -> None:
    """Not yet looked at is I (1 - N): 0.5, then 0.3 of it, then (1 - 0.75) / (1 - 0.5)."""
    flow = die(
        process("fab", {"logic": {"mean": 0.9, "alpha": 1.0}}),
        screen("a", {"logic": 0.5}),
        screen("b", {"logic": 0.7}, overlap="independent"),
        screen("c", {"logic": 0.75}),
    )
    left = 0.3 * 0.25
    expect(simulate(flow, PACKAGES, 6), (1 + 0.9 * (1 - left)) / 1.9, die__fab=1 + 0.9 * (1 - left))


def test_damage_joins_after_its_screen() -> None:
    damage = {"logic": {"mean": 0.2}}
    flow = die(process("fab"), screen("cp", {"logic": 0.9}, faults=damage))
    expect(simulate(flow, PACKAGES, 7), math.exp(-0.2), die__fab=1.0, die__cp=1.0)


def test_cluster_shares_its_mixing() -> None:
    """Two classes of one cluster are one group of the summed mean."""
    spec = {"alpha": 0.5, "cluster": "wafer"}
    flow = die(
        process("fab", {"logic": {"mean": 0.6, **spec}, "io": {"mean": 0.3, **spec}}),
        screen("cp", {"logic": 0.5}),
    )
    expect(simulate(flow, PACKAGES, 8), ((1 + 0.6) / (1 + 1.8)) ** 0.5, die__fab=1.6**0.5)


def harvested(
    mean: float, alpha: float | None, blocks: int, spares: int, decided: float, kill: float
) -> float:
    """E_W[P(Binomial(M, 1 - e^(-W k0 l / M)) <= m) e^(-W l (1 - m/M)(k - k0))] by quadrature."""
    w, weight = np.ones(1), np.ones(1)
    if alpha is not None:
        log_w = np.linspace(-30.0, 5.0, 20_001)
        w = np.exp(log_w)
        density = np.exp(alpha * log_w - alpha * w)
        weight = density / density.sum()
    bad = 1.0 - np.exp(-w * decided * mean / blocks)
    enough = sum(
        math.comb(blocks, j) * bad**j * (1 - bad) ** (blocks - j) for j in range(spares + 1)
    )
    live = np.exp(-w * mean * (1 - spares / blocks) * (kill - decided))
    return float((weight * enough * live).sum())


@pytest.mark.parametrize("alpha", [None, 1.2])
@pytest.mark.parametrize("repair", [0.0, 0.3, 1.0])
def test_harvest_is_decided_by_the_first_test_that_covers_it(
    alpha: float | None, repair: float
) -> None:
    args = (1.5, alpha, 8, 2)
    spec = {"mean": 1.5, "alpha": alpha, "law": "harvest", "blocks": 8, "spares": 2}
    flow = die(
        process("fab", {"array": spec}),
        screen("blind", {"io": 0.9}),
        screen("cp", {"array": 0.6}, repair={"array": repair}),
        screen("ft", {"array": 0.5}, overlap="independent"),
    )
    decided = 0.6 * (1 - repair)
    first, last = harvested(*args, decided, decided), harvested(*args, decided, decided + 0.2)
    expect(
        simulate(flow, PACKAGES, 9),
        harvested(*args, decided, decided + 0.4) / last,
        die__fab=1 / last,
        die__cp=1 / last,
        die__ft=first / last,
    )


def test_untested_harvest_switches_off_blindly() -> None:
    spec = {"mean": 0.8, "law": "harvest", "blocks": 4, "spares": 1}
    expect(simulate(die(process("fab", {"array": spec})), PACKAGES, 10), math.exp(-0.8 * 0.75))


def test_standard_errors_are_honest_and_means_unbiased() -> None:
    """Over 300 small runs the estimates scatter by their own standard error, around the truth."""
    lam, alpha, cover = 0.8, 2.0, 0.7
    flow = die(
        process("fab", {"logic": {"mean": lam, "alpha": alpha}}),
        screen("cp", {"logic": cover}, fail_cost_fraction=0.5),
    )
    runs = [simulate(flow, 400, seed).cost_per_good_usd for seed in range(300)]
    passed = (1 + cover * lam / alpha) ** -alpha
    quality = ((alpha + cover * lam) / (alpha + lam)) ** alpha
    truth = (100 + 10 * (passed + 0.5 * (1 - passed))) / passed / quality
    z = np.array([(run.mean - truth) / run.se for run in runs])
    assert abs(z.mean()) < 4 / math.sqrt(z.size)
    assert 0.85 < z.std() < 1.15


def test_random_flows_and_simulation_are_deterministic_per_seed() -> None:
    assert random_flow(11) == random_flow(11) != random_flow(12)
    assert simulate(random_flow(11), 500, 1) == simulate(random_flow(11), 500, 1)


def test_random_flows_reach_every_feature_and_obey_their_options() -> None:
    flows = [random_flow(seed) for seed in range(60)]
    steps = [step for flow in flows for node in flow["nodes"] for step in node["steps"]]
    specs = [spec for step in steps for spec in step.get("faults", {}).values()]
    assert {spec.get("law") for spec in specs} >= set(LAWS) - {"poisson"}
    overlaps = {step.get("overlap") for step in steps}
    assert overlaps > {None, "nested", "independent"}
    assert all(0.0 < kind < 1.0 for kind in overlaps - {None, "nested", "independent"})
    repairs = {rho for step in steps for rho in step.get("repair", {}).values()}
    assert {0.0, 1.0} < repairs
    assert any("cluster" in spec for spec in specs)
    assert any(step["kind"] == "test" and "faults" in step for step in steps)
    assert {len(flow["nodes"]) for flow in flows} >= {1, 2, 3, 4, 5, 6}
    plain = str(
        [
            random_flow(
                seed,
                laws=["poisson"],
                repair=False,
                clusters=False,
                damage=False,
                overkill=False,
                independent=False,
            )
            for seed in range(20)
        ]
    )
    words = ("law", "cluster", "repair", "overkill", "independent")
    assert not any(f"'{word}'" in plain for word in words)


@pytest.mark.parametrize("seed", seeds(range(60), 30))
def test_engine_agrees_with_the_simulation(seed: int) -> None:
    """Cost per good, quality, DPPM, every visit and every use, on a random flow."""
    import yieldopt

    case = random_flow(seed)
    out = yieldopt.evaluate(yieldopt.read_flow(case))
    sim = simulate(case, PACKAGES, 1000 + seed)
    wrong = [
        f"{what}: engine {value!r}, simulation {found.mean!r} +- {found.se!r}"
        for what, found, value, scale in [
            ("cost_per_good_usd", sim.cost_per_good_usd, out.cost_per_good_usd, None),
            ("quality", sim.quality, out.quality, 1.0),
            ("dppm", sim.dppm, out.dppm, 1e6),
            *((key, found, out.visits[key], None) for key, found in sim.visits.items()),
            *((key, found, out.uses[key], None) for key, found in sim.uses.items()),
        ]
        if not agrees(found, float(value), PACKAGES, scale)
    ]
    assert not wrong, "\n".join(wrong)
    assert set(out.visits) == set(sim.visits)
