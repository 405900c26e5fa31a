"""What differs between two cases: their numbers, key by key, and their answers."""

from yieldopt.difference.changed import Change
from yieldopt.difference.whole import Difference, difference, result_difference

__all__ = ["Change", "Difference", "difference", "result_difference"]
