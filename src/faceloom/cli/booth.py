"""`faceloom booth`: run the photo booth, a web page served by this machine."""

from __future__ import annotations

import contextlib
import signal
import socket
import webbrowser
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Timer
from typing import TYPE_CHECKING, Annotated, Any

import typer

from faceloom.cli import options
from faceloom.cli.output import note
from faceloom.errors import FaceloomError, MissingExtra

if TYPE_CHECKING:
    from fastapi import FastAPI

    from faceloom.cameras.button import ShutterButton

DEFAULT_ASSET, REQUIRED_ASSETS = "mobilestylegan-ffhq", ("lpips", "mtcnn")

Port = Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")]
Home = Annotated[Path | None, typer.Option(help="Folder for visits; by default FACELOOM_HOME/booth.")]
PublicAddress = Annotated[
    str,
    typer.Option(
        "--public-url",
        metavar="URL",
        help="URL at which a reverse proxy shows this server, with its path if it has one.",
    ),
]
Lan = Annotated[bool, typer.Option("--lan", help="Accept connections from phones and computers on the local network.")]

ShareCommand = Annotated[
    str,
    typer.Option(
        metavar="COMMAND",
        help="Program that gets every finished picture, to upload or send it; {file} is its path, {event} the event.",
    ),
]
ShutdownCommand = Annotated[
    str,
    typer.Option(metavar="COMMAND", help="Program to run when the operator shuts the booth down, such as 'poweroff'."),
]


ShutterPin = Annotated[
    int | None,
    typer.Option(
        metavar="PIN",
        min=0,
        max=27,
        help="GPIO number of a Raspberry Pi's pin; a button between it and ground takes the photo (extra 'gpio').",
    ),
]


def booth(
    port: Port = 8000,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Do not open a browser.")] = False,
    home: Home = None,
    lan: Lan = False,
    public_url: PublicAddress = "",
    generator: options.Generator = None,
    share_command: ShareCommand = "",
    shutdown_command: ShutdownCommand = "",
    shutter_pin: ShutterPin = None,
    new_pin: Annotated[bool, typer.Option("--new-pin", help="Forget the PIN that the operator set.")] = False,
) -> None:
    """Run the photo booth: visitors take a photo, and edit their own face in the browser.

    Nothing is sent to another machine, unless you give a command that does. The command prints the operator's PIN.

    \b
    Examples:
      faceloom booth
      faceloom booth --port 9000 --no-browser --lan
      faceloom booth --generator mine
      faceloom booth --no-browser --public-url https://events.example/booth
      faceloom booth --share-command "cp {file} /srv/event/"
      faceloom booth --shutter-pin 17
    """
    create_app = web_app()
    reached = addresses(port, lan)
    commands = {"share_command": share_command, "shutdown_command": shutdown_command}
    if share_command:
        check_share_command(share_command)
    shutter = None if shutter_pin is None else open_shutter(shutter_pin)
    hosts = names(reached["lan"], public_url)
    app = create_app(home=home, shutter=shutter, **drawn_by(generator), **reached, **hosts, **commands)

    def announce() -> None:
        address = public_url.rstrip("/") or reached["address"]
        note(f"the booth is at {address}")
        if lan and not public_url:
            note(f"phones reach it at {reached['lan']}")
        note(f"the operator's page is {address}/operator; the PIN is {choose_pin(app, new=new_pin)}")
        if not lan and not public_url and is_kiosk(app):
            note("kiosk mode is on without --lan: visitors have no way to take a picture home, unless it is printed")
        if not no_browser:
            opener = Timer(1.5, webbrowser.open, [reached["address"]])
            opener.daemon = True
            opener.start()

    serve_app(app, port, lan, generator, announce=announce, behind_proxy=bool(public_url))


def open_shutter(pin: int) -> ShutterButton:
    """Open the button at a pin. Raises MissingExtra, FaceloomError."""
    from faceloom.cameras.button import open_button

    return open_button(pin)


def choose_pin(app: FastAPI, *, new: bool) -> str:
    """Return the PIN to print; `new` forgets the one that the operator set. The folder of the server is open."""
    from faceloom.web.operator_pin import has_own_pin, set_pin

    if new:
        set_pin(app.state.store, "")
    return "the one that you set" if has_own_pin(app.state.store) else str(app.state.pin)


def check_share_command(command: str) -> None:
    """Raise FaceloomError for a command that does not name the picture."""
    from faceloom.web.booth.sharing import check_command

    check_command(command)


def is_kiosk(app: FastAPI) -> bool:
    """Return whether the stored settings turn kiosk mode on without a printer."""
    settings = app.state.store.settings()
    return bool(settings.get("kiosk")) and not settings.get("printer")


def drawn_by(generator: str | None) -> dict[str, Any]:
    """Return the keyword arguments of `create_app` that choose a generator."""
    from faceloom.web.app import make_default_studio

    return {"make_studio": partial(make_default_studio, generator)}


def serve_app(
    app: FastAPI,
    port: int,
    lan: bool,
    generator: str | None = None,
    *,
    announce: Callable[[], None],
    behind_proxy: bool = False,
) -> None:
    """Serve until Ctrl-C or SIGTERM; `announce` is called when nothing stands in the way any more.

    Raises FaceloomError when the port is taken, AssetError without the models or for a generator of gray or transparent
    pictures, StoreError when another server uses the folder.
    """
    import uvicorn

    from faceloom.assets.cache import open_asset
    from faceloom.checkpoints.library import require_rgb
    from faceloom.web.app import open_folder
    from faceloom.web.connections import server_config

    host = "0.0.0.0" if lan else "127.0.0.1"
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise FaceloomError(
                f"port {port} cannot be used: {error.strerror}", "choose another one with --port"
            ) from error
    for name in REQUIRED_ASSETS if generator else (DEFAULT_ASSET, *REQUIRED_ASSETS):
        open_asset(name)
    if generator:
        require_rgb(generator)
    config = server_config(app, host, port, behind_proxy=behind_proxy)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # SIGTERM ends the server as Ctrl-C does
    with open_folder(app), contextlib.suppress(KeyboardInterrupt):
        announce()
        uvicorn.Server(config).run()


def web_app() -> Callable[..., FastAPI]:
    """Return the function that makes the server. Raises MissingExtra."""
    try:
        from faceloom.web.app import create_app
    except ImportError as error:
        raise MissingExtra("the booth", "web") from error
    return create_app


def addresses(port: int, lan: bool) -> dict[str, str]:
    """Return the server's address on this machine, and on the local network or ''."""
    return {"address": f"http://127.0.0.1:{port}", "lan": f"http://{_lan_ip()}:{port}" if lan else ""}


def names(lan: str, public_url: str) -> dict[str, Any]:
    """Return the keyword arguments of `create_app` for the host names besides localhost that the server accepts.

    With a public URL, this is the host of that URL alone.
    """
    if public_url:
        return {"public_url": public_url}
    return {"hosts": [lan.removeprefix("http://").rpartition(":")[0], socket.gethostname()] if lan else []}


def _lan_ip() -> str:
    """Return this machine's address on the local network from the routing table; no packet is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"
