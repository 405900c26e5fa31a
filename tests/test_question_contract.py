"""The question on a test contract: the answer in the head of the case, computed anew."""

from __future__ import annotations

from pathlib import Path

from tests.test_questions_packaging import cost, reasons, recipe, says
from yieldopt import load
from yieldopt.optimize.frontier_case import product_frontier

CASE = "ask_test_contract"
ROUTE = "cowos_s"
FINAL, SYSTEM = "package/final_test", "package/system_level"


def test_what_each_clause_costs() -> None:
    free, contract, probed = (recipe(CASE, name) for name in ("free", "contract", "probed"))
    usd = [one.cost_per_good_usd for one in (free, contract, probed)]
    says(
        CASE,
        f"{usd[1] - usd[0]:.0f} USD where it asks what testers do best",
        f"{usd[2] - usd[1]:.0f} USD more where it asks for a place",
        f"costs {usd[0]:,.0f} USD and ships {free.dppm:,.0f} DPPM",
        f"costs {usd[1]:,.0f} USD and ships {contract.dppm:,.0f} DPPM",
        f"costs {usd[2]:,.0f} USD and ships {probed.dppm:,.0f} DPPM as before",
    )
    assert probed.levels["cow/mid_bond"] != "off" == contract.levels["cow/mid_bond"]


def test_a_dppm_limit_gives_the_plan_of_the_two_clauses() -> None:
    strict = recipe(CASE, "free", changes={"products.free.dppm_limit": 700.0})
    assert strict.levels == recipe(CASE, "contract").levels
    says(CASE, "a limit of 700 DPPM would have given the same plan")


def test_the_frontier_sells_more_for_less_than_the_third_clause() -> None:
    path = Path(__file__).parent.parent / "cases" / f"{CASE}.toml"
    front = product_frontier(load(path), "free").frontier
    assert front is not None
    point = front.within(375.0)
    assert point is not None
    assert point.value_usd < cost(CASE, "probed")
    says(CASE, f"sells {point.dppm:.0f} DPPM for {point.value_usd:,.0f} USD")


def test_one_kind_of_test_is_not_enough() -> None:
    one = {"products.free.moves": [{"places": [FINAL, SYSTEM]}]}
    (reason,) = reasons(CASE, "free", ROUTE, one)
    lowest = float(reason.rpartition(" ")[2])
    assert "that the rules allow reaches 1500 DPPM" in reason
    says(CASE, f"no plan gets below {lowest:,.0f} DPPM")


def test_a_short_tester_counts_like_a_clause() -> None:
    plain = recipe(CASE, "free")
    short = recipe(
        CASE, "free", changes={"products.free.use_limits_per_good": {"tester.ft_h": 0.06}}
    )
    assert plain.uses_per_good["tester.ft_h"] > 0.06 >= short.uses_per_good["tester.ft_h"]
    assert short.levels[SYSTEM] > plain.levels[SYSTEM]
    more = short.cost_per_good_usd - plain.cost_per_good_usd
    used = plain.uses_per_good["tester.ft_h"]
    says(CASE, f"instead of {used:.3f} costs {more:.0f} USD, by more at system level")
