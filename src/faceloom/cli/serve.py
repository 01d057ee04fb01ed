"""`faceloom serve`: run the REST API without the booth's page."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from faceloom.cli import options
from faceloom.cli.booth import Home, Lan, Port, PublicAddress, addresses, drawn_by, names, serve_app, web_app
from faceloom.cli.output import note
from faceloom.errors import FaceloomError

MIN_TOKEN = 20
"""Smallest length of a token that is not random, where other machines reach the server."""


def serve(
    port: Port = 8000,
    home: Home = None,
    lan: Lan = False,
    public_url: PublicAddress = "",
    token: Annotated[
        str | None, typer.Option(envvar="FACELOOM_TOKEN", help="The API token; a random one by default.")
    ] = None,
    generator: options.Generator = None,
    workers: Annotated[
        int, typer.Option(min=1, max=64, help="Number of workers; more than one needs Ray Serve (extra 'scale').")
    ] = 1,
) -> None:
    """Run the REST API: detect, analyze, encode, edit, mix, morph, generate. The command prints the token.

    \b
    Examples:
      faceloom serve
      faceloom serve --port 9000 --lan
      faceloom serve --workers 4
      faceloom serve --public-url https://events.example/faces
    """
    if token and len(token) < MIN_TOKEN and (lan or public_url):
        raise FaceloomError(
            f"the token has {len(token)} characters: expected at least {MIN_TOKEN} where others reach the server",
            "leave --token out, and a random one is used",
        )
    reached = addresses(port, lan)
    create_app = web_app()
    app = create_app(
        home=home,
        token=token,
        **drawn_by(generator),
        **reached,
        **names(reached["lan"], public_url),
        visitors=False,
        pages=False,
        **several(workers),
    )

    def announce() -> None:
        address = public_url.rstrip("/") or reached["lan"] or reached["address"]
        note(f"the API is at {address}/api/v1 and described in {address}/api/v1/openapi.json")
        note(f"the token is {app.state.token}")

    serve_app(app, port, lan, generator, announce=announce, behind_proxy=bool(public_url))


def several(workers: int) -> dict[str, Any]:
    """Return the keyword arguments of `create_app` for several workers. Raises MissingExtra."""
    if workers == 1:
        return {}
    from faceloom.web.worker.ray_client import RayClient
    from faceloom.web.worker.ray_deployment import RayDeployment

    deployment = RayDeployment(workers)
    return {"make_client": lambda make_studio: RayClient(make_studio, deployment)}
