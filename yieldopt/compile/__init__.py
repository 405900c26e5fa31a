"""Case + product + route → flow: the only place where units are converted.

Lengths in mm, areas in mm², D0 from per cm² to per mm², seconds to hours, DPPM and yields to fault
means. What a carrier (wafer or panel) carries is counted exactly.
"""

from yieldopt.compile.nodes import compile_flow, compile_named, compile_template

__all__ = ["compile_flow", "compile_named", "compile_template"]
