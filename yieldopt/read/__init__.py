"""Files to checked objects, with all faults at once."""

from yieldopt.read.case import load
from yieldopt.read.flow import read_flow

__all__ = ["load", "read_flow"]
