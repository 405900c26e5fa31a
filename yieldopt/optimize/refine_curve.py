"""A test whose length is free: coverage and cost as functions of its seconds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from yieldopt.errors import CaseError, Fault, near_miss
from yieldopt.flow import Step
from yieldopt.physics.coverage_curve import coverage_after
from yieldopt.physics.yields import Value
from yieldopt.template import Choice, OpenNode, Template


@dataclass(frozen=True)
class Curve:
    """A test at one insertion that may take any time between two.

    Parameters
    ----------
    place
        ``"node/insertion"`` of the choice that it is a further level of.
    low_s, high_s
        Shortest and longest time [s].
    level
        What every time shares: overkill, damage, repair, overlap; coverage of classes that are not
        on the curve; cost and uses of one run at 0 s.
    max_coverage_frac, tau_s
        T_max [0…1] and τ [s] by fault class: coverage T_max·(1 − e^(−t/τ)).
    usd_per_s
        What a second adds to the cost of a run [USD/s].
    uses_per_s
        What a second adds to the uses of a run, by resource [resource units/s].

    Raises
    ------
    CaseError
        A number is out of its range; all at once.

    Examples
    --------
    >>> test = Step("cp", "test", 1.0)
    >>> curve = Curve("die/cp", 10.0, 90.0, test, {"logic": 1.0}, {"logic": 30.0}, usd_per_s=0.1)
    >>> step = curve.at(60.0)
    >>> round(float(step.coverage["logic"]), 4), step.cost_usd
    (0.8647, 7.0)
    """

    place: str
    low_s: float
    high_s: float
    level: Step
    max_coverage_frac: Mapping[str, float]
    tau_s: Mapping[str, float]
    usd_per_s: float = 0.0
    uses_per_s: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        faults = list(self._faults())
        if faults:
            raise CaseError([fault.under(self.place) for fault in faults])

    def _faults(self) -> Iterable[Fault]:
        if self.level.kind != "test":
            yield Fault("must be a test", "level.kind", self.level.kind)
        if not 0.0 <= self.low_s <= self.high_s < math.inf:
            yield Fault("must be two times, the shorter first", "low_s", (self.low_s, self.high_s))
        if set(self.max_coverage_frac) != set(self.tau_s):
            yield Fault("max_coverage_frac and tau_s name different classes", "tau_s")
        for name, limit in self.max_coverage_frac.items():
            if not 0.0 <= limit <= 1.0:
                yield Fault("must be in [0, 1]", f"max_coverage_frac.{name}", limit)
            if name in self.level.coverage:
                yield Fault("is on the curve", f"level.coverage.{name}")
        for key, value in {f"tau_s.{name}": tau for name, tau in self.tau_s.items()}.items():
            if not 0.0 < value < math.inf:
                yield Fault("must be above 0", key, value)
        slopes = {f"uses_per_s.{name}": value for name, value in self.uses_per_s.items()}
        for key, value in ({"usd_per_s": self.usd_per_s} | slopes).items():
            if not 0.0 <= value < math.inf:
                yield Fault("must be 0 or more", key, value)

    def at(self, seconds: Value) -> Step:
        """Return the test at a time [s], scalar or (n,)."""
        level = self.level
        names = dict.fromkeys([*level.uses, *self.uses_per_s])
        return replace(
            level,
            cost_usd=level.cost_usd + self.usd_per_s * seconds,
            uses={
                name: level.uses.get(name, 0.0) + self.uses_per_s.get(name, 0.0) * seconds
                for name in names
            },
            coverage={
                **level.coverage,
                **{
                    name: coverage_after(seconds, max_coverage_frac=limit, tau_s=self.tau_s[name])
                    for name, limit in self.max_coverage_frac.items()
                },
            },
        )


def check_curves(template: Template, curves: Sequence[Curve]) -> None:
    """Refuse curves of insertions that the template lacks, and two at one insertion."""
    choices = template.choices()
    faults = [
        Fault("unknown insertion", value=curve.place, hint=near_miss(curve.place, choices))
        for curve in curves
        if curve.place not in choices
    ]
    seen = [curve.place for curve in curves]
    faults += [Fault("two curves at one insertion", p) for p in set(seen) if seen.count(p) > 1]
    if faults:
        raise CaseError(faults)


def ends_of(template: Template) -> dict[str, tuple[str, str]]:
    """Return node and insertion of every choice by its place: names may hold the stroke between."""
    return {
        f"{node.name}/{item.name}": (node.name, item.name)
        for node in template.nodes
        for item in node.items
        if isinstance(item, Choice)
    }


def with_options(template: Template, options: Mapping[str, Mapping[str, Step | None]]) -> Template:
    """Return the template with the menus of some places replaced."""
    nodes = []
    for node in template.nodes:
        items: list[Step | Choice] = []
        for item in node.items:
            menu = options.get(f"{node.name}/{item.name}") if isinstance(item, Choice) else None
            items.append(item if menu is None else Choice(item.name, menu))
        nodes.append(OpenNode(node.name, node.inputs, tuple(items)))
    return Template(template.ship, tuple(nodes))
