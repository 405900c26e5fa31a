"""The command line: the parser, which module has which command, and how errors are said."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import click

from yieldopt._version import __version__

HOMES = {
    "book": ("export", "import"),
    "charts": ("charts",),
    "difference": ("diff",),
    "inputs": ("check", "eval", "flow", "list"),
    "new": ("new",),
    "plans": ("breakeven", "compare", "solve"),
    "report": ("report",),
    "resilience": ("resilience",),
    "schema": ("schema",),
    "studies": ("explain", "frontier", "refine", "robust", "tornado"),
    "speed": ("bench",),
    "starts": ("starts",),
    "why": ("why",),
}
_BAD_INPUT = 2
_INTERRUPTED = 130  # as a shell has it


class _Group(click.Group):
    """Commands loaded when asked for.

    Errors of yieldopt are printed as plain lines, exit 2; a bug keeps its traceback and exits 1.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(name for names in HOMES.values() for name in names)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        for home, names in HOMES.items():
            if cmd_name in names:
                commands = import_module(f"yieldopt.commands.{home}").COMMANDS
                found: click.Command = commands[cmd_name]
                return found
        return None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            from yieldopt.errors import near_miss

            hint = near_miss(args[0], self.list_commands(ctx))
            ctx.fail(f"no command {args[0]!r}; {hint}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        from yieldopt.errors import CaseError, SolverError, plain

        try:
            return super().invoke(ctx)
        except CaseError as error:
            for fault in error.faults:
                click.echo(f"error: {fault}", err=True)
            if len(error.faults) > 1:
                click.echo(f"{len(error.faults)} faults; nothing was written", err=True)
            sys.exit(_BAD_INPUT)
        except SolverError as error:
            click.echo(f"error: {plain(str(error))}", err=True)
            sys.exit(_BAD_INPUT)
        except KeyboardInterrupt:
            click.echo("interrupted", err=True)
            sys.exit(_INTERRUPTED)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="yieldopt")
def main() -> None:
    """Least cost per good advanced package: test coverage, route and capacity, with a proof."""
