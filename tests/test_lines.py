"""Lines of a case: defaults of routes, its own, and those that a product is barred from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.read.planned import PLANNED
from yieldopt import load
from yieldopt.compile.lines import Line, lines_of, usable_lines
from yieldopt.schema.case import Case
from yieldopt.schema.planning import LineShape
from yieldopt.schema.route import SiteShape


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Case:
    path = Path(tmp_path_factory.mktemp("lines")) / "case.toml"
    path.write_text(PLANNED)
    return load(path)


def barred(case: Case, *regions: str) -> list[str]:
    product = case.products[0].model_copy(update={"barred_regions": regions})
    return [line.name for line in usable_lines(case, product)]


def test_without_lines_each_route_is_one_at_all_its_sites() -> None:
    case = load("minimal")
    routes = case.library.routes
    wanted = [Line(name, name, routes[name].sites) for name in ("cowos_s", "osat_2p5d")]
    assert list(lines_of(case)) == list(usable_lines(case, case.products[0])) == wanted
    assert [dict(line.resources) for line in wanted] == [{}, {}]


def test_lines_replace_the_default_of_their_route_alone(planned: Case) -> None:
    taiwan, arizona, osat = lines_of(planned)
    assert [line.name for line in (taiwan, arizona)] == ["cowos_s_taiwan", "cowos_s_arizona"]
    assert taiwan.route == arizona.route == "cowos_s"
    assert taiwan.sites == planned.library.routes["cowos_s"].sites
    assert arizona.sites == (SiteShape(name="arizona", region="North America"),)
    assert (taiwan.extra_usd_per_good, arizona.extra_usd_per_good) == (0.0, 12.5)
    assert osat == Line("osat_2p5d", "osat_2p5d", planned.library.routes["osat_2p5d"].sites)


def test_a_use_is_counted_under_the_name_of_the_line(planned: Case) -> None:
    taiwan, arizona, _ = lines_of(planned)
    uses = ["interposer.cowos_s", "wafer.n5"]
    assert taiwan.renamed(uses) == set(uses)
    assert arizona.renamed(uses) == {"interposer.arizona", "wafer.n5"}


def test_a_line_in_a_barred_region_cannot_be_used(planned: Case) -> None:
    everywhere = ["cowos_s_taiwan", "cowos_s_arizona", "osat_2p5d"]
    assert barred(planned) == barred(planned, "mainland China") == everywhere
    assert barred(planned, "Taiwan") == ["cowos_s_arizona"]
    assert barred(planned, "North America") == ["cowos_s_taiwan", "osat_2p5d"]
    assert barred(planned, "Taiwan", "North America") == []


def test_one_of_several_sites_in_a_barred_region_is_enough(planned: Case) -> None:
    """All sites of a line are needed."""
    sites = (
        SiteShape(name="arizona", region="North America"),
        SiteShape(name="malaysia", region="other Asia-Pacific"),
    )
    line = LineShape(name="both", route="cowos_s", sites=sites, source="assumed: a test")
    case = replace(planned, lines=(line,))
    assert barred(case) == ["both", "osat_2p5d"]
    assert barred(case, "North America") == barred(case, "other Asia-Pacific") == ["osat_2p5d"]
    assert next(line.regions for line in lines_of(case)) == {"North America", "other Asia-Pacific"}


def test_order_is_that_of_routes_in_products_then_of_the_case(planned: Case) -> None:
    first = planned.products[0].model_copy(update={"name": "a", "routes": ("osat_2p5d",)})
    second = planned.products[0].model_copy(update={"routes": ("cowos_r", "cowos_s", "osat_2p5d")})
    case = replace(planned, products=(first, second), lines=planned.lines[::-1])
    names = ["osat_2p5d", "cowos_r", "cowos_s_arizona", "cowos_s_taiwan"]
    assert [line.name for line in lines_of(case)] == names
    assert [line.name for line in usable_lines(case, first)] == ["osat_2p5d"]
    assert [line.name for line in usable_lines(case, second)] == [*names[1:], "osat_2p5d"]
