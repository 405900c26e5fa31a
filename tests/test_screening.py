"""The short way to the log passes of one flow gives the terms' sums."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.random_flows import random_flow
from yieldopt import Faults, Law, Step, read_flow
from yieldopt.screening import latent_groups, log_pass, log_passes, screens, see


@settings(derandomize=True, max_examples=300, deadline=None)
@given(seed=st.integers(0, 100_000))
def test_log_passes_are_those_of_the_screens(seed: int) -> None:
    flow = read_flow(random_flow(seed))
    seen = screens(flow)
    tests, log_q = log_passes(flow)
    assert list(tests) == list(seen.tests)
    for place, terms in seen.tests.items():
        # The same products in the same order; a class that nothing is looked at of adds 0.
        assert tests[place] == pytest.approx(float(log_pass(terms, float)), rel=1e-15, abs=0.0)
    assert log_q == pytest.approx(float(log_pass(seen.door, float)), rel=1e-15, abs=0.0)
    assert all(type(value) is float for value in (*tests.values(), log_q))


def test_integers_are_numbers() -> None:
    fab = {"name": "fab", "kind": "process", "cost_usd": 3, "faults": {"x": {"mean": 1}}}
    cp = {"name": "cp", "kind": "test", "cost_usd": 1, "coverage": {"x": 1}}
    flow = read_flow({"ship": "die", "nodes": [{"name": "die", "steps": [fab, cp]}]})
    assert log_passes(flow) == ({(0, 1): -1.0}, 0.0)


def test_classes_of_one_cluster_are_one_group_in_order() -> None:
    faults = {
        "a": Faults(0.1, Law("seeds"), "one"),
        "b": Faults(0.2),
        "c": Faults(0.3, Law("seeds"), "two"),
        "d": Faults(0.4, Law("seeds"), "one"),
    }
    groups = latent_groups(faults)
    assert [tuple(group.classes) for group in groups] == [("a", "d"), ("b",), ("c",)]
    test = Step("t", "test", coverage={"d": 0.5, "c": 0.0})
    terms = [see(group, test, float) for group in groups]
    assert [term is None for term in terms] == [False, True, True]
    assert terms[0] is not None
    assert list(terms[0].parts) == [(0.1, 0.0, 0.0), (0.4, 0.0, 0.5)]
