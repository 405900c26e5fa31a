"""Commands on one product by itself: plan explained, frontier, scenarios, free times, ranges."""

from __future__ import annotations

from pathlib import Path

import click

from yieldopt.commands.completion import routes
from yieldopt.commands.shared import CASE, JSON, PRODUCT, as_options, needs, show, time_limit

_OPTIONS = {
    "measure": "--measure",
    "cvar_tail": "--tail",
    "dppm_share": "--dppm-share",
    "starts_of": "--starts-of",
}


@click.command("explain")
@CASE
@PRODUCT
@click.option("--route", shell_complete=routes, help="One of its routes; left out: the cheapest.")
@click.option("--insertion", metavar="NODE/INSERTION", help="Only this one: its U-curve.")
@time_limit()
@JSON
def explain_(
    case: Path,
    product: str,
    route: str | None,
    insertion: str | None,
    time_limit_s: float | None,
    as_json: bool,
) -> None:
    """Explain a product of CASE: what each insertion costs and saves, its rivals, the escapes.

    \b
    Example: yieldopt explain minimal --product asic --insertion tpu_die/wafer_sort
    """
    from yieldopt.explanation import explain
    from yieldopt.read import load
    from yieldopt.report.explanation import curve_text, explanation_text

    found = explain(
        load(case), product, route=route, insertion=insertion, time_limit_s=time_limit_s
    )
    text = curve_text if insertion else explanation_text
    show(found, text, as_json, status=found.status)


@click.command("frontier")
@CASE
@PRODUCT
@click.option("--route", shell_complete=routes, help="One of its routes; left out: the cheapest.")
@click.option(
    "--most",
    type=click.IntRange(min=1),
    default=500,
    show_default=True,
    help="Show at most so many points beside the plan chosen, the cheapest; the rest are counted. "
    "Where plans are too many to enumerate: points over the whole range, and what may be missing.",
)
@time_limit(60.0)
@JSON
def frontier_(
    case: Path,
    product: str,
    route: str | None,
    most: int,
    time_limit_s: float | None,
    as_json: bool,
) -> None:
    """Print cost against DPPM of a product of CASE: every plan that none beats in both.

    \b
    Example: yieldopt frontier minimal --product asic
    """
    from yieldopt.optimize.frontier_case import product_frontier
    from yieldopt.read import load
    from yieldopt.report.frontier import frontier_text

    found = product_frontier(load(case), product, route=route, most=most, time_limit_s=time_limit_s)
    show(found, frontier_text, as_json, status=found.status)


@click.command("robust")
@CASE
@PRODUCT
@click.option("--route", shell_complete=routes, help="One of its routes; left out: the best.")
@click.option(
    "--measure",
    default="expected",
    show_default=True,
    help="What is least: the expected cost per good package; expected with the starts fixed "
    "(fixed_starts); the mean over the dearest share of scenarios (cvar); the dearest (worst).",
)
@click.option("--tail", type=float, help="cvar: the dearest share of probability; left out: 0.1.")
@click.option(
    "--dppm-share",
    type=float,
    help="Probability with which the product's DPPM limit must hold; left out: 1.",
)
@click.option(
    "--starts-of", metavar="NODE", help="fixed_starts: what is started; left out: the package."
)
@time_limit(60.0)
@JSON
def robust_(
    case: Path,
    product: str,
    route: str | None,
    measure: str,
    tail: float | None,
    dppm_share: float | None,
    starts_of: str | None,
    time_limit_s: float | None,
    as_json: bool,
) -> None:
    """Choose one plan of a product for all [[scenarios]] of CASE, with its proof and its worth.

    \b
    Example: yieldopt robust ask_ramp_programme --product b200
    """
    from yieldopt.optimize.robust import Goal
    from yieldopt.optimize.robust_case import robust_answer
    from yieldopt.read import load
    from yieldopt.report.robust import robust_text

    needs("--tail", tail, measure == "cvar", "--measure cvar")
    needs("--starts-of", starts_of, measure == "fixed_starts", "--measure fixed_starts")
    read = load(case)
    limited = read.product(product).dppm_limit is not None
    needs("--dppm-share", dppm_share, limited, "a dppm_limit of the product")
    goal = Goal(
        measure,
        cvar_tail=0.1 if tail is None else tail,
        dppm_share=1.0 if dppm_share is None else dppm_share,
        starts_of=starts_of,
    )
    with as_options(_OPTIONS):
        found = robust_answer(read, product, route=route, goal=goal, time_limit_s=time_limit_s)
    show(found, robust_text, as_json, status=found.status)


@click.command("refine")
@CASE
@PRODUCT
@click.option("--route", shell_complete=routes, help="One of its routes; left out: all.")
@time_limit()
@JSON
def refine_(
    case: Path, product: str, route: str | None, time_limit_s: float | None, as_json: bool
) -> None:
    """Choose test times of a product of CASE between its levels: every insertion with a curve.

    \b
    Example: yieldopt refine minimal --product asic
    """
    from yieldopt.optimize.refine_case import refine_product
    from yieldopt.report.refine import refined_text

    found = refine_product(case, product, route=route, time_limit_s=time_limit_s)
    show(found, refined_text, as_json, status=found.status)


@click.command("tornado")
@CASE
@PRODUCT
@click.option("--route", shell_complete=routes, help="One of its routes; left out: the cheapest.")
@time_limit()
@JSON
def tornado_(
    case: Path, product: str, route: str | None, time_limit_s: float | None, as_json: bool
) -> None:
    """Vary each input of a product of CASE alone over its range: what it does to the cost.

    \b
    Example: yieldopt tornado minimal --product asic
    """
    from yieldopt.read import load
    from yieldopt.report.tornado import tornado_text
    from yieldopt.study.tornado import tornado

    found = tornado(load(case), product, route=route, time_limit_s=time_limit_s)
    show(found, tornado_text, as_json, status=found.status)


COMMANDS = {
    "explain": explain_,
    "frontier": frontier_,
    "robust": robust_,
    "refine": refine_,
    "tornado": tornado_,
}
