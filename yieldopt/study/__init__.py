"""Studies of a whole case, for people to look at: every answer that a report shows."""

from yieldopt.study.product import ProductStudy
from yieldopt.study.whole import Study, study_case

__all__ = ["ProductStudy", "Study", "study_case"]
