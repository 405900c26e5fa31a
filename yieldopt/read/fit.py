"""Whether an assembly (a product, an assembled part) gives what its route asks for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from yieldopt.errors import Fault, near_miss
from yieldopt.read.keys import join_key
from yieldopt.schema.assembly import Assembly, parts_within, slots_of, steps_of
from yieldopt.schema.base import Size
from yieldopt.schema.case import Library
from yieldopt.schema.part import PartShape, SlotFill
from yieldopt.schema.route import RouteShape, RouteStepShape

Steps = tuple[RouteStepShape, ...]


def slot_faults(
    slots: Mapping[str, Sequence[str | None]],
    key: str,
    routes: Sequence[tuple[str, Steps]],
    library: Library,
) -> Iterator[Fault]:
    """Yield unknown, repeated and missing parts and slots.

    Parameters
    ----------
    slots
        Part names by slot (``None``: not a name, said elsewhere).
    key
        Where the slots stand.
    routes
        (name, steps) of every route that they must serve.
    library
        Models by name.
    """
    seen: dict[str, str] = {}
    for slot, names in slots.items():
        for at, name in enumerate(names):
            place = f"{key}.{join_key((slot, at))}.part"
            if name is not None and name not in library.parts:
                yield Fault("unknown part", place, name, near_miss(name, library.parts))
                continue
            for part in _names_within(name, library) if name else ():
                if part in seen:
                    hint = "raise its count instead"
                    yield Fault(f"part already in slot {seen[part]!r}", place, part, hint)
                seen.setdefault(part, slot)
    for route, steps in routes:
        for slot in slots_of(steps):
            if slot not in slots:
                text = f"slot @{slot} of route {route!r} is not filled"
                yield Fault(text, key, hint=f"slots.{slot} = [{{part = …}}], or [] for none")
    known = {slot for _, steps in routes for slot in slots_of(steps)}
    for slot in slots:
        if routes and slot not in known:
            hint = near_miss(slot, known)
            yield Fault("unknown slot: no route has it", f"{key}.{join_key((slot,))}", hint=hint)


def _names_within(name: str, library: Library) -> list[str]:
    within = parts_within({"": (SlotFill(part=name),)}, library.parts)
    return [part.name for part, _ in within]


def fit_faults(assembly: Assembly, route: RouteShape, library: Library) -> Iterator[Fault]:
    """Yield the keys that an assembly lacks for a route: sides, power, pitch, areas of parts."""
    steps = steps_of(route, assembly.until)
    for size in ("interposer", "substrate"):
        if assembly.size_mm(size) is None and size in _sizes(assembly, steps, library):
            yield Fault(f"route {route.name!r} needs it", f"{size}_mm")
    for slot in (slot for step in steps for slot in step.blind):
        for fill in assembly.slots.get(slot[1:], ()):
            part = library.parts.get(fill.part)
            if part is not None and part.route is not None:
                text = f"route {route.name!r} joins the slot as whole wafers"
                yield Fault(
                    text, join_key(("slots", slot[1:])), fill.part, "an assembled part is no wafer"
                )
    latents = [(step, latent) for step in steps for latent in step.faults.values()]
    for step, latent in latents:
        if latent.bumps is None:
            continue
        if latent.bumps.pitch_um is None and assembly.bump_pitch_um is None:
            yield Fault(f"route {route.name!r} needs it: it counts joints", "bump_pitch_um")
        for slot in step.of:
            for fill in assembly.slots.get(slot[1:], ()):
                part = library.parts.get(fill.part)
                if part is not None and part.area_mm2 is None:
                    text = f"route {route.name!r} counts the joints of a part without an area"
                    hint = "give width_mm and height_mm in its file"
                    yield Fault(text, join_key(("slots", slot[1:])), fill.part, hint)


def _parts(assembly: Assembly, library: Library) -> list[PartShape]:
    fills = (fill for fills in assembly.slots.values() for fill in fills)
    return [library.parts[fill.part] for fill in fills if fill.part in library.parts]


def _sizes(assembly: Assembly, steps: Steps, library: Library) -> set[Size]:
    """Return the bodies that the steps have: of work, of what is made, of parts in the slots."""
    found: set[Size] = {step.area for step in steps if step.process or step.per == "mm2"}
    found |= {step.area for step in steps if any(f.warpage for f in step.faults.values())}
    names = [step.part for step in steps if step.part is not None]
    made = [library.parts[name] for name in names if name in library.parts]
    return found | {part.size for part in (*made, *_parts(assembly, library)) if part.size}
