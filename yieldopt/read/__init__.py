"""Files to checked objects, with all faults at once."""

from yieldopt.read.flow import read_flow

__all__ = ["read_flow"]
