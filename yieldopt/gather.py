"""Blocks of a batch put together again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from yieldopt.flow import Outcome
from yieldopt.physics.yields import Value


@dataclass(slots=True)
class Gather:
    """Blocks written into whole arrays; what does not vary stays a scalar."""

    size: int
    tables: dict[str, dict[str, Value]] = field(default_factory=dict)
    blocked: str | None = None

    def put(self, block: slice, out: Outcome) -> None:
        """Write one block's outcome into its place."""
        self.blocked = self.blocked or out.blocked
        scalars = ("cost_per_shipped_usd", "cost_per_good_usd", "quality", "dppm")
        self._store("", block, {name: getattr(out, name) for name in scalars})
        for table in ("visits", "uses", "waterfall_usd"):
            self._store(table, block, getattr(out, table))

    def _store(self, table: str, block: slice, values: Mapping[str, Value]) -> None:
        held = self.tables.setdefault(table, {})
        for name, value in values.items():
            if np.ndim(value) == 0 and table:
                held.setdefault(name, value)
                if np.ndim(held[name]) == 0 and held[name] == value:
                    continue
            if not np.ndim(held.get(name, 0.0)):
                first = block.start == 0 and np.ndim(value)
                held[name] = (
                    np.empty(self.size) if first else np.full(self.size, held.get(name, 0.0))
                )
            np.copyto(np.asarray(held[name])[block], value)

    def outcome(self) -> Outcome:
        """Return the whole."""
        head = self.tables[""]
        return Outcome(
            head["cost_per_shipped_usd"],
            head["cost_per_good_usd"],
            head["quality"],
            head["dppm"],
            self.tables["visits"],
            self.tables["uses"],
            self.tables["waterfall_usd"],
            self.blocked,
        )
