"""The command line: no logic, only words in and words out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from yieldopt._version import __version__

OK, BAD_INPUT, INFEASIBLE = 0, 2, 3


class _Group(click.Group):
    """Print errors of yieldopt as plain lines, exit 2; a bug keeps its traceback and exits 1."""

    def invoke(self, ctx: click.Context) -> Any:
        from yieldopt.errors import CaseError, SolverError

        try:
            return super().invoke(ctx)
        except CaseError as error:
            for fault in error.faults:
                click.echo(f"error: {fault}", err=True)
            if len(error.faults) > 1:
                click.echo(f"{len(error.faults)} faults; nothing was written", err=True)
            sys.exit(BAD_INPUT)
        except SolverError as error:
            click.echo(f"error: {error}", err=True)
            sys.exit(BAD_INPUT)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="yieldopt")
def main() -> None:
    """Least cost per good advanced package: test coverage, route and capacity, with a proof."""


_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts.")


@main.command("eval")
@click.argument("flow", type=click.Path(path_type=Path))
@_JSON
def eval_(flow: Path, as_json: bool) -> None:
    """Evaluate one FLOW file (JSON): cost per good package, quality, visits, uses."""
    from yieldopt.engine import evaluate
    from yieldopt.read import read_flow
    from yieldopt.report.text import outcome_text, to_json

    read = read_flow(flow)
    outcome = evaluate(read)
    if outcome.blocked:
        if as_json:
            click.echo(to_json({"status": "infeasible", "binding": [outcome.blocked]}))
        click.echo(f"infeasible: nothing can pass {outcome.blocked}", err=True)
        sys.exit(INFEASIBLE)
    click.echo(to_json(outcome.to_dict()) if as_json else outcome_text(read, outcome))


@main.command()
@click.argument("case", type=click.Path(path_type=Path))
def check(case: Path) -> None:
    """Check a CASE file and every model that it uses; nothing is solved."""
    from yieldopt.read import load
    from yieldopt.report.listing import case_summary

    click.echo(case_summary(load(case)))


@main.command()
@click.argument("case", type=click.Path(path_type=Path))
@click.option("--product", required=True, help="A product of the case.")
@click.option("--route", required=True, help="A route of the library.")
@click.option(
    "--level", "levels", multiple=True, metavar="NODE/INSERTION=LEVEL", help="Not given: off."
)
@_JSON
def flow(case: Path, product: str, route: str, levels: tuple[str, ...], as_json: bool) -> None:
    """Print the compiled flow of a product of CASE on a route, at base values."""
    from yieldopt.compile import compile_named
    from yieldopt.read import load
    from yieldopt.report.listing import flow_text
    from yieldopt.report.text import to_json

    compiled = compile_named(load(case), product, route, levels)
    click.echo(to_json(compiled.to_dict()) if as_json else flow_text(compiled))


@main.command("list")
@click.argument(
    "kind",
    type=click.Choice(["routes", "parts", "insertions", "processes", "cases", "laws"]),
)
@_JSON
def list_(kind: str, as_json: bool) -> None:
    """List what the bundled library holds."""
    from yieldopt.report.listing import listing
    from yieldopt.report.text import columns, to_json

    rows = listing(kind)
    if as_json:
        head, *body = rows
        click.echo(to_json([dict(zip(head, row, strict=True)) for row in body]))
    else:
        click.echo(columns(rows))


@main.command()
@click.argument("case", type=click.Path(path_type=Path))
@_JSON
@click.option("--out", type=click.Path(path_type=Path), help="Write result.json and tables here.")
@click.option(
    "--solver",
    default="highs",
    show_default=True,
    help="highs, ortools, pulp, or pulp:NAME for a solver that PuLP finds.",
)
def solve(case: Path, as_json: bool, out: Path | None, solver: str) -> None:
    """Solve a CASE: route, test levels and allocation of every product, with the proof."""
    from yieldopt.plan import Status
    from yieldopt.read import load
    from yieldopt.report.files import write_all
    from yieldopt.report.result import result_text
    from yieldopt.report.text import to_json
    from yieldopt.solving import solve_whole

    solved = solve_whole(load(case), solver)
    if out is not None:
        write_all(solved, out, protected=case)
    result = solved.result
    click.echo(to_json(result.to_dict()) if as_json else result_text(result))
    if result.status is Status.INFEASIBLE:
        sys.exit(INFEASIBLE)


@main.command("compare")
@click.argument("case", type=click.Path(path_type=Path))
@_JSON
def compare_(case: Path, as_json: bool) -> None:
    """Put the routes of every product of CASE side by side: waterfall, yield, scrap by cause."""
    from yieldopt.comparison import compare
    from yieldopt.read import load
    from yieldopt.report.comparison import comparison_text
    from yieldopt.report.text import to_json

    found = compare(load(case))
    shown = to_json([column.to_dict() for column in found]) if as_json else comparison_text(found)
    click.echo(shown)


@main.command("breakeven")
@click.argument("case", type=click.Path(path_type=Path))
@click.option("--vary", "key", required=True, metavar="KEY", help="processes.NAME.d0_per_cm2, …")
@click.option("--between", "routes", required=True, nargs=2, metavar="ROUTE ROUTE")
@click.option("--product", help="A product of the case, where there are several.")
@click.option("--low", type=float, help="Left out: the low of the input's source.")
@click.option("--high", type=float, help="Left out: the high of the input's source.")
@_JSON
def breakeven_(
    case: Path,
    key: str,
    routes: tuple[str, str],
    product: str | None,
    low: float | None,
    high: float | None,
    as_json: bool,
) -> None:
    """Find the value of an input of CASE at which two routes cost the same per good package."""
    from yieldopt.breakeven import breakeven
    from yieldopt.report.comparison import breakeven_text
    from yieldopt.report.text import to_json

    found = breakeven(case, key, routes, product=product, low=low, high=high)
    click.echo(to_json(found.to_dict()) if as_json else breakeven_text(found))


@main.command("bench")
@click.option("--quick", is_flag=True, help="Fewer rounds; within 40 s.")
@_JSON
def bench_(quick: bool, as_json: bool) -> None:
    """Measure the speed of this copy: a row for each workload, with the bar that it must hold."""
    from yieldopt.benchmark.threads import hold_to_one_thread

    hold_to_one_thread()
    from yieldopt.benchmark.report import json_rows, table
    from yieldopt.benchmark.suite import run
    from yieldopt.benchmark.work import FULL, QUICK

    rows = run(QUICK if quick else FULL)
    click.echo(json_rows(rows) if as_json else table(rows))


@main.command("explain")
@click.argument("case", type=click.Path(path_type=Path))
@click.option("--product", required=True, help="A product of the case.")
@click.option("--route", help="One of its routes; left out: the cheapest.")
@click.option("--insertion", metavar="NODE/INSERTION", help="Only this one: its U-curve.")
@_JSON
def explain_(
    case: Path, product: str, route: str | None, insertion: str | None, as_json: bool
) -> None:
    """Explain a product of CASE: what each insertion costs and saves, its rivals, the escapes."""
    from yieldopt.explanation import explain
    from yieldopt.plan import Status
    from yieldopt.read import load
    from yieldopt.report.explanation import curve_text, explanation_text
    from yieldopt.report.text import to_json

    found = explain(load(case), product, route=route, insertion=insertion)
    shown = curve_text if insertion else explanation_text
    click.echo(to_json(found.to_dict()) if as_json else shown(found))
    if found.status is Status.INFEASIBLE:
        sys.exit(INFEASIBLE)


@main.command("frontier")
@click.argument("case", type=click.Path(path_type=Path))
@click.option("--product", required=True, help="A product of the case.")
@click.option("--route", help="One of its routes; left out: the cheapest.")
@click.option(
    "--most",
    type=click.IntRange(min=1),
    default=500,
    show_default=True,
    help="So many points, from the cheapest on; what is left out is said.",
)
@_JSON
def frontier_(case: Path, product: str, route: str | None, most: int, as_json: bool) -> None:
    """Print cost against DPPM of a product of CASE: every plan that none beats in both."""
    from yieldopt.optimize.frontier_case import product_frontier
    from yieldopt.plan import Status
    from yieldopt.read import load
    from yieldopt.report.frontier import frontier_text
    from yieldopt.report.text import to_json

    found = product_frontier(load(case), product, route=route, most=most)
    click.echo(to_json(found.to_dict()) if as_json else frontier_text(found))
    if found.status is Status.INFEASIBLE:
        sys.exit(INFEASIBLE)


@main.command("robust")
@click.argument("case", type=click.Path(path_type=Path))
@click.option("--product", required=True, help="A product of the case.")
@click.option("--route", help="One of its routes; left out: the best.")
@click.option(
    "--measure",
    default="expected",
    show_default=True,
    help="expected, fixed_starts, cvar or worst.",
)
@click.option("--tail", default=0.1, show_default=True, help="Share of probability of cvar.")
@click.option(
    "--dppm-share",
    default=1.0,
    show_default=True,
    help="Probability with which the product's DPPM limit must hold.",
)
@click.option("--starts-of", metavar="NODE", help="fixed_starts: left out, the package.")
@_JSON
def robust_(
    case: Path,
    product: str,
    route: str | None,
    measure: str,
    tail: float,
    dppm_share: float,
    starts_of: str | None,
    as_json: bool,
) -> None:
    """Choose one plan of a product for all [[scenarios]] of CASE, with its proof and its worth."""
    from yieldopt.optimize.robust import Goal
    from yieldopt.optimize.robust_case import robust_answer
    from yieldopt.read import load
    from yieldopt.report.robust import robust_text
    from yieldopt.report.text import to_json

    goal = Goal(measure, cvar_tail=tail, dppm_share=dppm_share, starts_of=starts_of)
    found = robust_answer(load(case), product, route=route, goal=goal)
    click.echo(to_json(found.to_dict()) if as_json else robust_text(found))
    if found.best is None:
        sys.exit(INFEASIBLE)


@main.command("refine")
@click.argument("case", type=click.Path(path_type=Path))
@click.option("--product", required=True, help="A product of the case.")
@click.option("--route", help="One of its routes; left out: all.")
@_JSON
def refine_(case: Path, product: str, route: str | None, as_json: bool) -> None:
    """Choose test times of a product of CASE below the grid: every insertion with a curve."""
    from yieldopt.optimize.refine_case import refine_product
    from yieldopt.report.refine import refined_json, refined_text

    found = refine_product(case, product, route=route)
    click.echo(refined_json(found) if as_json else refined_text(found))
    sys.exit(OK if found.best else INFEASIBLE)
