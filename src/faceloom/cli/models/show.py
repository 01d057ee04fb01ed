"""`faceloom models list` and `show`: model files and generators, with their licenses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from faceloom.cli import options
from faceloom.cli.output import print_json, print_line

if TYPE_CHECKING:
    from faceloom.assets.manifest import Asset


def list_models(
    everything: Annotated[
        bool, typer.Option("--all", help="Also list the published generators that can be downloaded.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """List the assets, and the generators that are shipped, imported, or can be downloaded.

    \b
    Examples:
      faceloom models list --all
      faceloom models list --json
    """
    from faceloom.assets.manifest import MANIFEST
    from faceloom.assets.remote import REMOTE_MODELS
    from faceloom.checkpoints.library import read_imported_cards, read_shipped_cards

    facts = [_facts(asset) for asset in MANIFEST.values()]
    imported = {name: _card_facts(name, card) for name, card in read_imported_cards().items()}
    shipped = {name: _card_facts(name, card) for name, card in read_shipped_cards().items()}
    available = [remote.to_json() for name, remote in REMOTE_MODELS.items() if name not in imported]
    if as_json:
        generators = {"shipped": list(shipped.values()), "imported": list(imported.values())}
        print_json({"assets": facts, **generators, "available": available})
        return
    for fact in facts:
        state = "present" if fact["present"] else "absent"
        print_line(
            f"{fact['name']:<20} {state:<7} {fact['download_bytes'] / 1e6:5.1f} MB  {fact['title']} [{fact['licence']}]"
        )
    for name, card in (shipped | imported).items():
        state = "shipped" if name in shipped else "imported"
        summary = f"{card['family']}, {card['img_resolution']} px, from {card['origin']}"
        print_line(f"{name:<20} {state} {card['parameters'] / 1e6:5.1f} M weights  {summary} [{card['licence']}]")
    for remote in available if everything else ():
        print_line(f"{remote['name']:<32} to download  {remote['title']} [{remote['licence']}]")
    if available and not everything:
        print_line(f"{len(available)} published generators can be downloaded: faceloom models list --all")


def show(name: Annotated[str, typer.Argument(help="An asset or a generator.")], as_json: options.Json = False) -> None:
    """Show one asset or generator: purpose, license, origin and folder.

    \b
    Examples:
      faceloom models show mobilestylegan-ffhq
      faceloom models show lpips --json
    """
    from faceloom.assets.manifest import MANIFEST

    if name not in MANIFEST:
        show_generator(name, as_json)
        return
    facts = _facts(MANIFEST[name])
    if as_json:
        print_json(facts)
        return
    for key, value in facts.items():
        if key == "archives":
            value = "; ".join(f"{archive['requirement']} (sha256 {archive['sha256']})" for archive in value)
        print_line(f"{key.replace('_', ' ')}: {', '.join(value) if isinstance(value, list) else value}")


def _facts(asset: Asset) -> dict[str, Any]:
    """Return the facts of an asset for JSON; the keys are stable."""
    from faceloom.assets.cache import asset_folder, is_pulled

    archives = [
        {"requirement": a.requirement, "file": a.filename, "sha256": a.sha256, "bytes": a.size} for a in asset.archives
    ]
    return {
        "name": asset.name,
        "title": asset.title,
        "kind": asset.kind,
        "purpose": asset.purpose,
        "licence": asset.license,
        "terms": asset.terms,
        "note": asset.note,
        "default": asset.is_default,
        "present": is_pulled(asset.name),
        "folder": str(asset_folder(asset.name)),
        "files": list(asset.files),
        "download_bytes": asset.size,
        "archives": archives,
    }


def show_generator(name: str, as_json: bool) -> None:
    """Print a generator's card; as text, long lists are shortened."""
    from faceloom.checkpoints.library import CARD, locate_generator
    from faceloom.checkpoints.readers.native import read_card

    folder = locate_generator(name)
    facts = _card_facts(name, read_card(folder / CARD)) | {"folder": str(folder)}
    if as_json:
        print_json(facts)
        return
    unused = facts.pop("unused_keys") or []
    facts["unused keys"] = f"{len(unused)}: {', '.join(unused[:3])} ..." if len(unused) > 3 else ", ".join(unused)
    facts["notes"] = "; ".join(facts["notes"] or [])
    facts.pop("config")
    for key, value in facts.items():
        if value not in ("", None):
            print_line(f"{key.replace('_', ' ')}: {value}")


def _card_facts(name: str, card: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts of a generator for JSON; the keys are stable."""
    sizes = ("img_resolution", "num_ws", "w_dim", "z_dim", "c_dim", "parameters")
    keys = ("family", "source", "origin", *sizes, "encoder", "licence", "hash", "notes", "unused_keys", "config")
    return {"name": name, **{key: card.get(key) for key in keys}}
