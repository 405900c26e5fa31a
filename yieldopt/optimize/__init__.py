"""The optimisation layer: test levels, routes, capacity."""
