"""Composite process yield: what a packaging flow makes of known-good parts."""

from __future__ import annotations

import math

import pytest

from yieldopt import CaseError, Faults, Flow, Input, Node, Step
from yieldopt.composite import composite_yield


def packaging(coverage: float) -> Flow:
    """Bad dies and a bad interposer, two bonds, an interposer test, a final test."""
    carrier = Step("fab", "process", 50.0, faults={"rdl": Faults(0.1)}, category="interposer")
    probe = Step("probe", "test", 2.0, coverage={"rdl": coverage}, overkill=0.01)
    die = Step("fab", "process", 90.0, scrap=0.3, faults={"logic": Faults(0.4)}, category="die")
    sort = Step("sort", "test", 5.0, coverage={"logic": 0.8}, overkill=0.02)
    bond = Step("bond", "process", 5.0, scrap=0.02, faults={"joint": Faults(0.05)})
    ends = {"rdl": 1.0, "joint": 1.0, "logic": 0.99}
    final = Step("final", "test", 9.0, coverage=ends, overkill=0.005)
    nodes = (
        Node("carrier", steps=(carrier, probe)),
        Node("gpu", steps=(die, sort)),
        Node("pack", (Input("carrier"), Input("gpu", 2)), (bond, final)),
    )
    return Flow("pack", nodes)


@pytest.mark.parametrize("coverage", [0.0, 0.5, 1.0])
def test_it_counts_everything_from_the_start_whoever_finds_it(coverage: float) -> None:
    expected = math.exp(-0.1 - 0.05) * 0.99 * 0.98 * 0.995
    assert composite_yield(packaging(coverage), "carrier") == pytest.approx(expected, rel=1e-14)


def test_the_share_from_a_join_on_leaves_out_what_came_before() -> None:
    expected = math.exp(-0.05) * 0.98 * 0.995
    assert composite_yield(packaging(0.5), "pack") == pytest.approx(expected, rel=1e-14)


def test_an_assembled_part_goes_in_known_good() -> None:
    die = Node("dram", steps=(Step("fab", "process", 5.0, scrap=0.2, category="memory"),))
    bond = Step("bond", "process", 9.0, faults={"joint": Faults(0.3)}, category="memory")
    carrier = Node(
        "carrier", steps=(Step("fab", "process", 1.0, scrap=0.1, category="interposer"),)
    )
    pack = Node(
        "pack", (Input("carrier"), Input("stack", 8)), (Step("join", "process", scrap=0.05),)
    )
    flow = Flow("pack", (die, Node("stack", (Input("dram", 4),), (bond,)), carrier, pack))
    assert composite_yield(flow, "carrier") == pytest.approx(0.9 * 0.95, rel=1e-14)


def test_a_node_that_stands_several_times_counts_one() -> None:
    piece = Node("piece", steps=(Step("fab", "process", 1.0, scrap=0.1, category="interposer"),))
    pack = Node("pack", (Input("piece", 4),), (Step("bond", "process", 1.0, scrap=0.2),))
    assert composite_yield(Flow("pack", (piece, pack)), "piece") == pytest.approx(0.9 * 0.8)


def test_an_unknown_node_is_named_with_a_hint() -> None:
    with pytest.raises(CaseError, match="did you mean 'carrier'"):
        composite_yield(packaging(0.5), "carier")
