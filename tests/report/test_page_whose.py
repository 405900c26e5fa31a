"""Above the pictures of a product: which route they show, and where the plan makes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.report.pages import parsed
from tests.test_cli import run
from yieldopt.report.page.document import page
from yieldopt.study import study_case

SHOWN = "accelerator does best on osat_2p5d: pictures of one route show that one."


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("capacity = [600, 900]", "capacity = [0, 0]", "The plan makes it on cowos_s."),
        ("capacity = [600, 900]", "capacity = [9000, 9000]", "The plan makes it on osat_2p5d."),
        (
            "capacity = [600, 900]",
            None,
            "The plan makes it on cowos_s (54 %) and osat_2p5d (46 %).",
        ),
        ("shortage_cost_usd = 3000.0", "shortage_cost_usd = 1.0", "The plan does not make it."),
    ],
)
def test_pictures_say_which_route_they_show_and_where_the_plan_makes_it(
    old: str, new: str | None, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "case.toml"
    run("new", path)
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new or old))
    found = parsed(page(study_case(path, time_limit_s=60.0), None)).by_id("of-p1").text
    assert f"{SHOWN} {said}" in found


def test_without_a_plan_nothing_is_said_of_where_it_makes_a_product(tmp_path: Path) -> None:
    path = tmp_path / "case.toml"
    run("new", path)
    text = path.read_text().replace("[600, 900]", "[0, 0]")
    path.write_text(
        "".join(line for line in text.splitlines(True) if "shortage_cost_usd" not in line).replace(
            '["cowos_s", "osat_2p5d"]', '["osat_2p5d"]'
        )
    )
    found = parsed(page(study_case(path, time_limit_s=60.0), None))
    assert "There is no plan" in found.by_id("decision").text
    said = found.by_id("of-p1").text
    assert SHOWN in said
    assert "The plan" not in said
