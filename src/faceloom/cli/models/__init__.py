"""`faceloom models`: list, pull, verify, show, import, convert and remove model files."""

from __future__ import annotations

import typer

from faceloom.cli.models import imports, pull, show

app = typer.Typer(help="Model files: list, pull, verify, show, import, convert and remove them.", no_args_is_help=True)
app.command("list")(show.list_models)
app.command()(pull.pull)
app.command()(pull.verify)
app.command()(show.show)
app.command("import")(imports.import_)
app.command()(imports.convert)
app.command()(imports.remove)
