"""What a plan pays and earns, by period: as paid, and in dollars of the first period."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


class Ledger:
    """Payments by period; capital apart from the rest."""

    def __init__(self, worth: Sequence[float]) -> None:
        self.worth = worth
        self.paid = {kind: [0.0] * len(worth) for kind in ("capital", "running", "earned")}

    def pay(self, t: int, usd: float, kind: str = "running") -> None:
        """Pay in a period."""
        self.paid[kind][t] += usd

    def earn(self, t: int, usd: float) -> None:
        """Earn in a period."""
        self.paid["earned"][t] += usd

    def spent(self, periods: Iterable[int], only_capital: bool) -> float:
        """Dollars as paid in some periods."""
        kinds = ("capital",) if only_capital else ("capital", "running")
        return sum(self.paid[kind][t] for kind in kinds for t in periods)

    @property
    def present_usd(self) -> float:
        """All that is paid less all that is earned, discounted."""
        signs = {"capital": 1.0, "running": 1.0, "earned": -1.0}
        return sum(
            sign * worth * usd
            for kind, sign in signs.items()
            for worth, usd in zip(self.worth, self.paid[kind], strict=True)
        )

    @property
    def gross_usd(self) -> float:
        """All dollars that change hands: what an error is small against."""
        return sum(abs(usd) for row in self.paid.values() for usd in row)
