"""`faceloom cast`: cast people to order. The command without a subcommand is `make`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from faceloom.cli.cast import make, prove

if TYPE_CHECKING:
    from typer.core import TyperGroup
else:
    from typer.core import TyperGroup

DEFAULT = "make"


class DefaultGroup(TyperGroup):
    """A group of commands whose first argument may be that of the default command: `cast plan.toml -o DIR`."""

    default = DEFAULT

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Insert the default command unless the first argument names a command or asks for help."""
        if args and args[0] not in {*self.commands, "-h", "--help"}:
            args = [DEFAULT, *args]
        return super().parse_args(ctx, args)


app = typer.Typer(cls=DefaultGroup, help="Cast generated people to order, with labels.", no_args_is_help=True)
app.command()(make.make)
app.command()(prove.prove)
