"""The yield funnel: where units are lost on the way to a good package, and who is guilty."""

from __future__ import annotations

import altair as alt

from yieldopt.ledger import OVERKILL
from yieldopt.report.charts.picture import Cell, Chart, Picture, Rows, inline, names_down
from yieldopt.report.charts.style import BAND, BLUE, LOST, OUTLINE, WIDTH, labels, shown
from yieldopt.report.text import usd
from yieldopt.study.funnel import Funnel, FunnelStep

_KINDS = ("pass", "are lost")


def yield_funnel(key: str, product: str, found: Funnel) -> Picture:
    """Return the steps at which units are lost, and below them the scrap by guilty component.

    Parameters
    ----------
    key, product
        Of the picture; for its title.
    found
        The funnel of the product's best plan.

    Examples
    --------
    >>> from yieldopt import Faults, Flow, Node, Step
    >>> from yieldopt.study.funnel import funnel
    >>> fab = Step("fab", "process", 100.0, faults={"logic": Faults(0.5)})
    >>> cp = Step("cp", "test", 2.0, coverage={"logic": 0.9})
    >>> found = funnel(Flow("die", (Node("die", steps=(fab, cp)),)))
    >>> yield_funnel("f", "chip", found).line.partition(";")[0]
    'The lowest yield is at die/cp, where 63.8 % pass'
    """
    losing = [row for row in found.steps if row.pass_frac < 1.0]
    names = labels(f"{row.node}/{row.step}" for row in losing)
    units = [cells for row in losing for cells in _units(row, names[f"{row.node}/{row.step}"])]
    chart = alt.vconcat(_steps(units, list(names.values())), _scrap(found)).resolve_scale(
        color="independent"
    )
    heads = (
        "component", "step", "in a package", "units that come per good package",
        "units that pass per good package", "first-pass yield [fraction]",
        "step costs per good [USD]", "scrap by its faults per good [USD]",
        "scrap by its overkill per good [USD]",
    )  # fmt: skip
    table = tuple(_cells(row, found) for row in found.steps)
    title = f"Yield funnel of {shown(product)}, and its scrap by guilty component"
    return Picture(key, title, _line(losing, found), chart, heads, table)


def _line(losing: list[FunnelStep], found: Funnel) -> str:
    if not losing:
        return "No step loses a unit."
    worst = min(losing, key=lambda row: row.pass_frac)
    where = f"{shown(worst.node)}/{shown(worst.step)}"
    line = f"The lowest yield is at {where}, where {100 * worst.pass_frac:.1f} % pass"
    if not found.scrap_by_component_usd:
        return line + "."
    guilty, lost = next(iter(found.scrap_by_component_usd.items()))
    return f"{line}; most scrap is the fault of {shown(guilty)}: {usd(lost)} USD per good package."


def _units(row: FunnelStep, name: str) -> Rows:
    shared: dict[str, Cell] = {"step": name, "pass_frac": row.pass_frac}
    passed, come = row.leave_per_place, row.enter_per_place
    return [
        shared | {"what": _KINDS[0], "from": 0.0, "to": passed},
        shared | {"what": _KINDS[1], "from": passed, "to": come},
    ]


def _cells(row: FunnelStep, found: Funnel) -> tuple[Cell, ...]:
    scrap, cause = found.scrap_by_cause_usd, f"{row.node}/{row.step}"
    lost = (scrap.get(cause, 0.0), scrap.get(cause + OVERKILL, 0.0))
    units = (row.in_package, row.enter_per_good, row.leave_per_good, row.pass_frac)
    return row.node, row.step, *units, row.cost_usd_per_good, *lost


def _steps(rows: Rows, steps: list[str]) -> Chart:
    chart: Chart = (
        alt.Chart(inline(rows))
        .mark_bar()
        .encode(
            x=alt.X(
                "from:Q",
                title="units per one that a good package holds",
                axis=alt.Axis(tickCount=8),
            ),
            x2="to:Q",
            y=names_down("step", steps, "step that loses units"),
            color=alt.Color(
                "what:N",
                title=None,
                scale=alt.Scale(domain=list(_KINDS), range=[BLUE, LOST]),
                legend=alt.Legend(orient="top"),
            ),
            tooltip=[
                alt.Tooltip("step:N"),
                alt.Tooltip("pass_frac:Q", title="first-pass yield", format=".2%"),
                alt.Tooltip("from:Q", title="units from", format=".4f"),
                alt.Tooltip("to:Q", title="to", format=".4f"),
            ],
        )
        .properties(width=WIDTH, height=alt.Step(BAND))
    )
    return chart


def _scrap(found: Funnel) -> Chart:
    causes = labels(found.scrap_by_cause_usd, 50)
    names = labels(found.scrap_by_component_usd)
    rows: Rows = [
        {"component": names[found.component_of[cause]], "cause": causes[cause], "usd": lost}
        for cause, lost in found.scrap_by_cause_usd.items()
    ]
    chart: Chart = (
        alt.Chart(inline(rows))
        .mark_bar(color=LOST, style=OUTLINE)
        .encode(
            x=alt.X(
                "usd:Q",
                title="scrap, USD per good package",
                stack="zero",
                axis=alt.Axis(tickCount=8),
            ),
            y=names_down("component", list(names.values()), "guilty component"),
            order=alt.Order("usd:Q", sort="descending"),
            tooltip=[
                alt.Tooltip("component:N"),
                alt.Tooltip("cause:N", title="guilty step"),
                alt.Tooltip("usd:Q", title="USD per good", format=",.2f"),
            ],
        )
        .properties(width=WIDTH, height=alt.Step(BAND))
    )
    return chart
