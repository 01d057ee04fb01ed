"""`faceloom direction`: make a direction of your own, discover some, look at them, take them along."""

from __future__ import annotations

import typer

from faceloom.cli.direction import attributes, discover, exchange, fit, show

app = typer.Typer(help="Directions in latent space: your own, discovered ones, those of others.", no_args_is_help=True)
app.command()(discover.discover)
app.command()(fit.fit)
app.command()(attributes.traits)
app.command("list")(show.list_directions)
app.command()(show.show)
app.command()(show.apply)
app.command()(exchange.export)
app.command("import")(exchange.import_directions)
