"""At which value of an input two routes cost the same."""

from yieldopt.breakeven.found import BreakEven, Crossing
from yieldopt.breakeven.whole import between, breakeven

__all__ = ["BreakEven", "Crossing", "between", "breakeven"]
