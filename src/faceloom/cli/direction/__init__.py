"""`faceloom direction`: fit, discover, show, apply, import and export directions."""

from __future__ import annotations

import typer

from faceloom.cli.direction import attributes, discover, exchange, fit, show

app = typer.Typer(
    help="Directions in latent space: fit, discover, show, apply, import and export them.", no_args_is_help=True
)
app.command()(discover.discover)
app.command()(fit.fit)
app.command()(attributes.attributes)
app.command("list")(show.list_directions)
app.command()(show.show)
app.command()(show.apply)
app.command()(exchange.export)
app.command("import")(exchange.import_directions)
