"""Pictures of a study: one module for each, from rows of results to a chart of Altair."""

from yieldopt.report.charts.gallery import pictures
from yieldopt.report.charts.picture import Picture

__all__ = ["Picture", "pictures"]
