r"""The only place where a flow is evaluated.

One forward walk along the tree (:mod:`yieldopt.walk`). At a test the chance to pass is
``ln pass = Σ m·[ln S(κ+δ) − ln S(κ)] + ln(1−o)`` over its groups of multiplicity m; at a process
step ``1 − p``. The cost V of one passed unit follows by V ← (V + f·c)/pass + (1−f)·c, where f is
the share of the cost c that a failing unit is charged; shipped quality is
``ln Q = Σ m·[ln S(κ+ω) − ln S(κ)]`` over what no test has looked at. One backward walk gives the
charged visits, and uses and waterfall from them. The derivation is in DESIGN.md, section 2.

The short axes (steps, groups) are loops; the long one, the batch of n scenarios × plans, is walked
in blocks that fit the cache, so memory beyond inputs and outputs does not grow with n. Blocks share
nothing but the arrays of results, so threads take them in turn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from functools import partial
from itertools import pairwise

import numpy as np

from yieldopt.errors import CaseError, Fault
from yieldopt.flow import Flow, Outcome
from yieldopt.gather import Gather, Room
from yieldopt.hopeless import mended
from yieldopt.physics.elementary import exp
from yieldopt.physics.yields import Value
from yieldopt.screening import Cut, Place, Screens, log_pass, log_passes, screens
from yieldopt.stacked import Desk, Stack
from yieldopt.stacking import stack
from yieldopt.walk import Array, Walk

BLOCK = 32_768
_MANY = 8  # with more blocks than these one more, to be even in number, costs little


def evaluate(flow: Flow, *, details: bool = True, threads: int = 1) -> Outcome:
    """Evaluate a flow: cost per good package, quality, visits.

    Parameters
    ----------
    flow
        A flow whose numbers are scalars or arrays of one shape (n,).
    details
        Also give visits, uses and waterfall; without them a large batch takes half the time.
    threads
        Number of threads that share the blocks of a large batch. The numbers are the same.

    Returns
    -------
    Outcome
        Floats, or (n,) arrays where the flow has any. If nothing can pass a step in some element,
        its costs are inf, its quality 0, and ``blocked`` names the step.

    Raises
    ------
    CaseError
        ``threads`` is not a whole number, at least 1; or a cost is beyond a double.

    Notes
    -----
    Exact for clustering, repair and any chain of tests under: independent components, uniform
    fixed hardness, mixing per unit.

    Examples
    --------
    >>> from yieldopt.flow import Faults, Flow, Node, Step
    >>> fab = Step("fab", "process", 100.0, faults={"logic": Faults(0.5)})
    >>> sort = Step("cp", "test", 2.0, coverage={"logic": 0.9})
    >>> out = evaluate(Flow("die", (Node("die", steps=(fab, sort)),)))
    >>> round(out.cost_per_good_usd, 2), round(out.dppm)
    (168.17, 48771)
    """
    if not isinstance(flow, Flow):
        text = f"evaluate takes a Flow, as read_flow(path) gives it, not {type(flow).__name__}"
        raise TypeError(text)
    if isinstance(threads, bool) or not isinstance(threads, int) or threads < 1:
        raise CaseError([Fault("must be a whole number, at least 1", "threads", threads)])
    size = flow.size
    if size is None:
        tests, log_q = log_passes(flow)
        inverse = {place: exp(-log_p) for place, log_p in tests.items()}
        walk = Walk(flow, inverse, log_q, details=details)
        return mended(walk, walk.run(float))
    return _batch(flow, size, details, threads)


def _batch(flow: Flow, size: int, details: bool, threads: int) -> Outcome:
    out = Gather(size)
    blocks = _cut_evenly(size)
    count = min(threads, len(blocks))
    with ThreadPoolExecutor(count) if count > 1 else nullcontext() as pool:
        # Neighbours, not every other block: two threads would first touch one large page at once.
        ends = [len(blocks) * share // max(count, 1) for share in range(count + 1)]
        shares = [blocks[low:high] for low, high in pairwise(ends)]
        each = pool.map if pool else map

        def everywhere(look: Callable[[slice], Array]) -> list[Array]:
            return list(each(look, [slice(few[0].start, few[-1].stop) for few in shares]))

        rows = None if _coverage_varies(flow) else stack(flow, screens(flow), everywhere)
        for _ in each(partial(_blocks, flow, rows, details, out), shares):
            pass  # raises what a thread raised
    return out.outcome()


def _cut_evenly(size: int) -> list[slice]:
    """Return blocks of about one length, so that threads end together: many are an even number."""
    count = -(-size // BLOCK)
    if count > _MANY:
        count += count % 2
    length = -(-size // max(count, 1))
    return [slice(low, min(low + length, size)) for low in range(0, size, length)]


def _blocks(
    flow: Flow,
    rows: Stack | None,
    details: bool,
    out: Gather,
    blocks: Sequence[slice],
) -> None:
    """Evaluate some blocks into the whole, with working memory of their own."""
    desk = Desk(rows, blocks[0].stop - blocks[0].start) if rows else None
    room = Room(out)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # hopeless elements
        for block in blocks:
            cut = _cutter(block)
            room.enter(block)
            log_q: Value
            if desk is not None:
                inverse, log_q = desk.look_up(cut, block.stop - block.start)
            else:
                inverse, log_q = _term_by_term(screens(flow, cut), cut)
            walk = Walk(
                flow,
                inverse,
                log_q,
                details=details,
                overkill_seen=rows is not None,
                home=room.home,
            )
            out.put(room, mended(walk, walk.run(cut)))


def _term_by_term(seen: Screens, cut: Cut) -> tuple[dict[Place, Value], Value]:
    """Return 1/pass of every test, and ln Q, where coverages vary over the batch."""
    tests = {place: exp(-log_pass(terms, cut)) for place, terms in seen.tests.items()}
    return tests, log_pass(seen.door, cut)


def _cutter(block: slice) -> Cut:
    def cut(value: Value) -> Value:
        return value[block] if isinstance(value, np.ndarray) and value.ndim else value

    return cut


def _coverage_varies(flow: Flow) -> bool:
    steps = (step for node in flow.nodes for step in node.steps)
    tables = (table for step in steps for table in (step.coverage, step.repair))
    return any(np.ndim(value) for table in tables for value in table.values())
