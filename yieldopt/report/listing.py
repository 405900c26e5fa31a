"""What a library or a case holds, as rows of text."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence

from yieldopt.data import bundled_cases
from yieldopt.errors import CaseError
from yieldopt.flow import Flow
from yieldopt.physics.yields import LAWS, LawSpec
from yieldopt.read.library import read_library
from yieldopt.report.text import columns, usd
from yieldopt.schema.case import Case, Library

Rows = list[Sequence[str]]


def listing(kind: str) -> Rows:
    """Return a head and a row for each of ``routes``, ``parts``, ``insertions``, ``processes``,
    ``cases`` or ``laws``.
    """
    if kind == "laws":
        return [("law", "parameters"), *((n, _parameters(s)) for n, s in LAWS.items())]
    if kind == "cases":
        titles = {
            n: tomllib.loads(p.read_text()).get("title", "") for n, p in bundled_cases().items()
        }
        return [("case", "title"), *titles.items()]
    library, faults = read_library()
    if faults:
        raise CaseError(faults)
    return {
        "routes": _routes,
        "parts": _parts,
        "insertions": _insertions,
        "processes": _processes,
    }[kind](library)


def _parameters(law: LawSpec) -> str:
    return ", ".join([*law.parameters, *(f"{name} (optional)" for name in law.optional)])


def _routes(library: Library) -> Rows:
    rows: Rows = [("route", "title", "sites", "lead time, weeks")]
    for name, route in library.routes.items():
        sites = ", ".join(f"{site.name} ({site.region})" for site in route.sites)
        rows.append((name, route.title, sites, f"{route.lead_time_weeks.base:g}"))
    return rows


def _parts(library: Library) -> Rows:
    rows: Rows = [("part", "title", "category", "made on", "price, USD")]
    for name, part in library.parts.items():
        price = usd(part.price_usd.base) if part.price_usd else ""
        if part.price_usd_per_mm2:
            price = f"{part.price_usd_per_mm2.base:g} per mm2"
        if part.grades:
            shown = (f"{grade} {usd(g.price_usd.base)}" for grade, g in part.grades.items())
            price = ", ".join(shown)
        origin = part.process or (f"assembled: {part.route}" if part.route else "bought")
        rows.append((name, part.title, part.category, origin, price))
    return rows


def _insertions(library: Library) -> Rows:
    rows: Rows = [("insertion", "title", "overlap", "points", "levels")]
    for name, insertion in library.insertions.items():
        levels, points = ", ".join(insertion.menu()), ", ".join(insertion.points)
        rows.append((name, insertion.title, str(insertion.overlap), points, levels))
    return rows


def _processes(library: Library) -> Rows:
    rows: Rows = [("process", "title", "carrier", "USD", "D0 per cm2", "law")]
    for name, process in library.processes.items():
        law = process.law + (f" alpha {process.alpha.base:g}" if process.alpha else "")
        cost, d0 = usd(process.cost_usd.base), f"{process.d0_per_cm2.base:g}"
        rows.append((name, process.title, process.carrier, cost, d0, law))
    return rows


def case_summary(case: Case) -> str:
    """Return what a checked case holds."""
    head = f"{case.title}: no faults"
    rows: Rows = [("product", "routes", "demand", "quality")]
    for product in case.products:
        asked = sum(product.demand.over(len(case.periods)))
        limits = []
        if product.dppm_limit is not None:
            limits.append(f"at most {product.dppm_limit:g} DPPM")
        if product.escape_cost_usd is not None:
            limits.append(f"{usd(product.escape_cost_usd.base)} USD per escape")
        rows.append((product.name, ", ".join(product.routes), f"{asked:,.0f}", ", ".join(limits)))
    resources = ", ".join(resource.name for resource in case.resources) or "none"
    return f"{head}\n\n{columns(rows)}\n\nperiods: {', '.join(case.periods)}\nlimited: {resources}"


def flow_text(flow: Flow) -> str:
    """Return a compiled flow, a line for each step."""
    rows: Rows = [("node", "step", "kind", "USD", "faults, coverage")]
    for node in flow.nodes:
        joined = ", ".join(f"{item.count} x {item.node}" for item in node.inputs)
        rows.append((node.name, "", "", "", f"joins {joined}" if joined else ""))
        for step in node.steps:
            parts = [f"{name} {float(f.mean):.4g}" for name, f in step.faults.items()]
            parts += [f"{name} seen {float(c):.4g}" for name, c in step.coverage.items()]
            rows.append(("", step.name, step.kind, usd(float(step.cost_usd)), ", ".join(parts)))
    return columns(rows, right=(3,))
