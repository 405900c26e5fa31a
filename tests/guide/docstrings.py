"""A numpydoc docstring as Markdown: sections as headings, parameters as lists, examples as code."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

HEAD = re.compile(r"^(\w[\w ]*)\n-{3,}\n", re.MULTILINE)
LISTS = ("Parameters", "Returns", "Yields", "Raises", "Attributes")


def entry(thing: Any, name: str) -> str:
    """Return how a thing is called and what it says of itself."""
    return f"```py\n{signature(thing, name)}\n```\n\n{markdown(inspect.getdoc(thing) or '')}"


def signature(thing: Any, name: str) -> str:
    """Return how a thing is called, a parameter a line where one line does not hold it."""
    if inspect.isclass(thing) and issubclass(thing, str | BaseException):
        return name
    whole = inspect.signature(thing)
    words = [str(one) for key, one in whole.parameters.items() if key not in ("self", "cls")]
    given = "" if inspect.isclass(thing) else str(whole).rpartition(") ->")[2]
    end = f") ->{given}" if given else ")"
    line = f"{name}({', '.join(words)}{end}"
    if len(line) > 88:
        line = f"{name}(\n" + "".join(f"    {word},\n" for word in words) + end
    line = re.sub(r"(: |-> )'([^']*)'", r"\1\2", line)
    return re.sub(r"<[^<>]* object at 0x\w+>|<factory>", "…", line)


def markdown(text: str) -> str:
    """Return a docstring as Markdown."""
    parts = HEAD.split(text.strip() + "\n")
    out = [code(parts[0])]
    for head, body in zip(parts[1::2], parts[2::2], strict=True):
        if head == "Examples":
            out.append(examples(body))
        else:
            said = "".join(items(body)) if head in LISTS else code(body)
            out.append(f"**{head}**\n\n{said}")
    return "\n\n".join(part.strip() for part in out if part.strip()) + "\n"


def code(text: str) -> str:
    """Return prose with names as code: ``a`` and :meth:`a` are `a`."""
    return re.sub(r":\w+:`([^`]*)`", r"`\1`", text.replace("``", "`"))


def items(body: str) -> Iterator[str]:
    """Yield the entries of a section as a list: a name, and what is indented below it."""
    for name, said in re.findall(r"^(\S.*)\n((?:(?: .*)?\n)*)", body, re.MULTILINE):
        words = " ".join(line.strip() for line in said.strip().splitlines() if line.strip())
        names = ", ".join(f"`{one}`" for one in name.split(", "))
        yield f"- {names}: {code(words)}\n" if words else f"- {code(name)}\n"


def examples(body: str) -> str:
    """Return the examples as blocks of a Python session, with the prose between them."""
    out: list[str] = []
    for part in re.split(r"\n{2,}", body.strip("\n")):
        out.append(f"```pycon\n{part}\n```" if part.startswith(">>>") else code(part))
    return "**Examples**\n\n" + "\n\n".join(out)
