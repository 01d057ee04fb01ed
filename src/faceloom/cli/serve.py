"""`faceloom serve`: the REST API without the booth's page."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from faceloom.cli import options
from faceloom.cli.booth import Home, Lan, Port, addresses, drawn_by, hosts, serve_app, web_app
from faceloom.cli.output import note


def serve(
    port: Port = 8000,
    home: Home = None,
    lan: Lan = False,
    token: Annotated[
        str | None, typer.Option(envvar="FACELOOM_TOKEN", help="The token for programs; a random one when not given.")
    ] = None,
    generator: options.Generator = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Several go by Ray Serve: the extra 'scale'.")] = 1,
) -> None:
    """Serve the REST API: find, analyze, encode, edit, mix, morph, generate. The token is printed.

    \b
    Examples:
      faceloom serve
      faceloom serve --port 9000 --lan
      faceloom serve --workers 4
    """
    reached = addresses(port, lan)
    create_app = web_app()
    app = create_app(
        home=home,
        token=token,
        **drawn_by(generator),
        **reached,
        hosts=hosts(reached["lan"]),
        visitors=False,
        pages=False,
        **several(workers),
    )
    note(f"the API is at {reached['lan'] or reached['address']}/api/v1, described in /api/v1/openapi.json")
    note(f"its token: {app.state.token}")
    serve_app(app, port, lan, generator)


def several(workers: int) -> dict[str, Any]:
    """What makes the server work with several workers. Raises MissingExtra."""
    if workers == 1:
        return {}
    from faceloom.web.worker.ray_client import OnRay, Workers

    deploy = OnRay(workers)
    return {"workshop": lambda make: Workers(make, deploy)}
