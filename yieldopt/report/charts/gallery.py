"""Every picture of a study, in the order of a report."""

from __future__ import annotations

from collections.abc import Iterator

from yieldopt.report.charts.picture import Picture
from yieldopt.report.charts.waterfall import waterfall
from yieldopt.study import ProductStudy, Study


def pictures(study: Study) -> list[Picture]:
    """Return the pictures of a study: product by product, then those of the plan.

    Examples
    --------
    >>> from yieldopt.study import study_case
    >>> pictures(study_case("minimal"))[0].title
    'Cost waterfall of asic by route'
    """
    found = [
        picture
        for number, product in enumerate(study.products, 1)
        for picture in _of_product(f"p{number}", product)
    ]
    return [picture for picture in found if picture is not None]


def _of_product(key: str, product: ProductStudy) -> Iterator[Picture | None]:
    yield waterfall(f"{key}-waterfall", product.routes)
