"""``evaluate`` of one point, and of a million scenarios against the bare log1p and exp calls.

Scenarios vary every fault mean, every scrap and every cost of the B200-class flow (tests and bought
parts included). The reference runs as many log1p and exp calls, over blocks of the
same arrays, as the laws need when each is called as written, and nothing else; the count is printed
with the ratio. **That count is the one the bar is meant for**: it depends on the flow and the laws
alone, not on how the engine evaluates them. The engine itself gets by with fewer: where it is
cheaper it interpolates (``interpolation.py``). So the ratio to one log1p for each clustered or
harvested term and one exp for each screen is printed too; no bar is set on it. All are timed in one
run, alternating, by the processor's clock; the gain of threads by the clock on the wall, which on a
busy machine says little (it is printed, without a limit).

A single point is a new ``Flow`` object each time, so that nothing kept on the object can help.
"""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np

from yieldopt import Flow, evaluate, load, solve
from yieldopt.compile import compile_flow
from yieldopt.physics.yields import clustering
from yieldopt.screening import is_zero, screens

SCENARIOS = 1_000_000
BLOCK = 32_768
BAR, LIMIT = 1.5, 2.0  # wanted; what no change may pass
POINT_US = 150.0


def b200_flow() -> Flow:
    """Return the best flow of the B200-class case."""
    case = load("b200_class")
    recipe = solve(case).recipes[0]
    route = case.library.routes[recipe.route]
    return compile_flow(case, case.product(recipe.product), route, recipe.levels)


def scenarios(flow: Flow, count: int) -> Flow:
    """Vary every fault mean (the classes of a step together), every scrap and every cost."""
    rng = np.random.default_rng(1)
    values = {}
    for node in flow.nodes:
        for step in node.steps:
            place = f"{node.name}/{step.name}"
            values[f"{place}.cost_usd"] = step.cost_usd * rng.uniform(0.8, 1.2, count)
            if step.scrap:
                values[f"{place}.scrap"] = step.scrap * rng.uniform(0.8, 1.2, count)
            d0 = rng.uniform(0.8, 1.2, count)
            for name, faults in step.faults.items():
                values[f"{place}.mean.{name}"] = faults.mean * d0
    return flow.with_values(values)


def calls_needed(flow: Flow) -> tuple[int, int]:
    """Return (log1p, exp) calls for each scenario: one log1p for each clustered group at each
    screen (four for a harvested one, see its docstring: two shifts, ln q and the two of F), one exp
    for each test and one for the door.
    """
    seen = screens(flow)
    logs = exps = 0
    for terms in (*seen.tests.values(), seen.door):
        exps += 1
        for term in terms:
            if all(is_zero(part[2]) for part in term.parts):
                continue
            if clustering(term.law) is not None:
                logs += 1
            elif term.law.name == "harvest" and term.law.alpha is not None:
                later = term.met is True
                logs += 5 if later else 3
                exps += 2 if later else 1
    return logs, exps


def least_calls(flow: Flow) -> tuple[int, int]:
    """Return (log1p, exp) calls with one log1p for each clustered or harvested term."""
    seen = screens(flow)
    terms = [*seen.tests.values(), seen.door]
    curved = [t for group in terms for t in group if t.law.name != "poisson"]
    return sum(not all(is_zero(part[2]) for part in t.parts) for t in curved), len(terms)


def bare(logs: int, exps: int, inputs: list[np.ndarray]) -> None:
    """The calls alone, block by block, on the arrays that the flow is evaluated on."""
    out = np.empty(BLOCK)
    for low in range(0, SCENARIOS, BLOCK):
        size = min(BLOCK, SCENARIOS - low)
        for at in range(logs):
            np.log1p(inputs[at % len(inputs)][low : low + size], out=out[:size])
        for at in range(exps):
            np.exp(inputs[(logs + at) % len(inputs)][low : low + size], out=out[:size])


def timed(run: Callable[[], object]) -> float:
    start = time.process_time()
    run()
    return time.process_time() - start


def on_the_wall(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def test_evaluate_one_point(benchmark: Any) -> None:
    flow = b200_flow()
    times = []
    for _ in range(2_000):
        fresh = Flow(flow.ship, flow.nodes)
        times.append(timed(lambda fresh=fresh: evaluate(fresh)))
    least = 1e6 * min(times)
    print(f"\none point: {least:.0f} us, median {1e6 * np.median(times):.0f} us")
    benchmark.pedantic(lambda: evaluate(flow), rounds=100)
    assert least <= POINT_US


def test_two_threads() -> None:
    batch = scenarios(b200_flow(), SCENARIOS)
    for details in (False, True):
        rounds = [
            [
                on_the_wall(lambda n=n, d=details: evaluate(batch, details=d, threads=n))
                for n in (1, 2)
            ]
            for _ in range(9)
        ]
        one, two = (min(column) for column in zip(*rounds, strict=True))
        print(f"\ndetails={details}: one thread {one:.3f} s, two {two:.3f} s: {one / two:.2f} x")


def test_evaluate_against_its_bare_calls(benchmark: Any) -> None:
    flow = b200_flow()
    logs, exps = calls_needed(flow)
    batch = scenarios(flow, SCENARIOS)
    inputs = [np.asarray(v) / np.max(v) for v in batch.numbers() if np.ndim(v) and np.max(v) > 0]
    evaluate(batch, details=False)
    few = least_calls(flow)
    rounds = [
        (
            timed(lambda: bare(logs, exps, inputs)),
            timed(lambda: evaluate(batch, details=False)),
            timed(lambda: bare(*few, inputs)),
        )
        for _ in range(9)
    ]
    benchmark.pedantic(lambda: evaluate(batch, details=False), rounds=3)
    least = [min(column) for column in zip(*rounds, strict=True)]
    ratio = least[1] / least[0]
    print(
        f"\n{logs} log1p + {exps} exp per scenario; bare {least[0]:.3f} s, "
        f"evaluate {least[1]:.3f} s: ratio {ratio:.2f} (bar {BAR}, limit {LIMIT}); "
        f"with {few[0]} log1p + {few[1]} exp: ratio {least[1] / least[2]:.2f}"
    )
    benchmark.extra_info["ratio"] = ratio
    assert ratio <= LIMIT


def test_memory_does_not_grow_with_scenarios() -> None:
    """Peak memory beyond inputs and outputs: twice the scenarios, the same overhead."""
    flow = b200_flow()
    overheads = []
    for count in (200_000, 400_000):
        batch = scenarios(flow, count)
        tracemalloc.start()
        out = evaluate(batch, details=False)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        kept = sum(np.asarray(v).nbytes for v in (out.cost_per_good_usd, out.cost_per_shipped_usd))
        kept += sum(np.asarray(v).nbytes for v in (out.quality, out.dppm))
        overheads.append(peak - kept)
    print(f"\noverhead {overheads[0] / 1e6:.2f} MB and {overheads[1] / 1e6:.2f} MB")
    assert overheads[1] < 1.1 * overheads[0] + 1e5
