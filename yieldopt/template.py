"""A flow with its choices still open: one per insertion, each a menu of test levels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from yieldopt.errors import CaseError, Fault, UnknownName, near_miss
from yieldopt.flow import Flow, Input, Node, Step


@dataclass(frozen=True, slots=True)
class Choice:
    """An insertion at a node: its levels by name; ``None`` is a level that does nothing."""

    name: str
    options: Mapping[str, Step | None]


@dataclass(frozen=True, slots=True)
class OpenNode:
    """A node whose tests may still be open."""

    name: str
    inputs: tuple[Input, ...]
    items: tuple[Step | Choice, ...]


@dataclass(frozen=True)
class Template:
    """A flow with open choices; ``at`` closes them.

    Examples
    --------
    >>> menu = Choice("cp", {"off": None, "full": Step("cp", "test", 2.0)})
    >>> die = OpenNode("die", (), (Step("fab", "process", 100.0), menu))
    >>> Template("die", (die,)).at({"die/cp": "full"}).step_names()
    ('die/fab', 'die/cp')
    """

    ship: str
    nodes: tuple[OpenNode, ...]

    def choices(self) -> dict[str, Choice]:
        """Return the open choices by ``"node/insertion"``, in order."""
        return {f"{node.name}/{choice.name}": choice for node, choice in self._open()}

    def _open(self) -> Iterator[tuple[OpenNode, Choice]]:
        for node in self.nodes:
            for item in node.items:
                if isinstance(item, Choice):
                    yield node, item

    def steps(self) -> Iterator[Step]:
        """Yield every step that some plan has, in order."""
        for node in self.nodes:
            for item in node.items:
                for step in item.options.values() if isinstance(item, Choice) else (item,):
                    if step is not None:
                        yield step

    def default_levels(self) -> dict[str, str]:
        """Return "off" for every choice, or its first level where "off" is not on the menu."""
        return {
            place: "off" if "off" in choice.options else next(iter(choice.options))
            for place, choice in self.choices().items()
        }

    def at(self, levels: Mapping[str, str]) -> Flow:
        """Return the flow at the given levels; those not given at their default.

        Raises
        ------
        UnknownName
            No such choice, or no such level of it; all at once.
        """
        choices = self.choices()
        faults = []
        for place, level in levels.items():
            if place not in choices:
                faults.append(Fault("unknown insertion", place, hint=near_miss(place, choices)))
            elif level not in choices[place].options:
                hint = near_miss(level, choices[place].options)
                faults.append(Fault("unknown level", place, level, hint))
        if faults:
            raise UnknownName(faults)
        chosen = self.default_levels() | dict(levels)
        nodes = []
        for node in self.nodes:
            steps: list[Step] = []
            for item in node.items:
                step = (
                    item.options[chosen[f"{node.name}/{item.name}"]]
                    if isinstance(item, Choice)
                    else item
                )
                if step is not None:
                    steps.append(step)
            nodes.append(Node(node.name, node.inputs, tuple(steps)))
        return Flow(self.ship, tuple(nodes))

    def limited(self, menus: Mapping[str, tuple[str, ...]]) -> Template:
        """Return the template with some menus cut to the given levels."""
        nodes = []
        left = set(menus)
        for node in self.nodes:
            items: list[Step | Choice] = []
            for item in node.items:
                place = f"{node.name}/{item.name}"
                if isinstance(item, Choice) and place in menus:
                    left.discard(place)
                    options = {k: v for k, v in item.options.items() if k in menus[place]}
                    whole = len(options) == len(item.options)
                    items.append(item if whole else Choice(item.name, options))
                else:
                    items.append(item)
            nodes.append(OpenNode(node.name, node.inputs, tuple(items)))
        if left:
            hint = near_miss(sorted(left)[0], self.choices())
            raise CaseError(
                [Fault("unknown insertion", place, hint=hint) for place in sorted(left)]
            )
        return Template(self.ship, tuple(nodes))
