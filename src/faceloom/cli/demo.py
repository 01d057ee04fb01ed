"""`faceloom demo`: encode and edit three public-domain portraits, and write a page that shows the results."""

from __future__ import annotations

import html
import json
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from faceloom.cli import options
from faceloom.cli.edit import facts_of, notes_on
from faceloom.cli.output import note, open_studio, print_json, print_line, progress

if TYPE_CHECKING:
    from PIL import Image

    from faceloom.likeness import Likeness
    from faceloom.workflows.studio import Studio

PEOPLE = {"obama": "obama.jpg", "biden": "biden.jpg", "astronaut": "astronaut.png"}
EDITS: dict[str, dict[str, float]] = {
    "20 years younger": {"age": -20},
    "20 years older": {"age": 20},
    "no smile": {"smile": 0.1},
    "a smile": {"smile": 0.95},
    "turned": {"yaw": 20},
}
TILE_PIXELS = 320  # of a picture on the sheet, in pixels


def demo(
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for the pictures and the page.")],
    seconds: Annotated[float, typer.Option(min=0.1, help="Deadline for encoding each of the three people.")] = 30.0,
    generator: options.Generator = None,
    as_json: options.Json = False,
) -> None:
    """Encode three public-domain portraits, edit age and smile, paste back, mix and morph.

    \b
    Examples:
      faceloom demo -o demo
      faceloom demo -o demo --seconds 120
    """
    from faceloom.images import save_picture

    begin = time.perf_counter()
    studio = open_studio(generator=generator)
    people: dict[str, Likeness] = {}
    pictures: dict[str, dict[str, Image.Image]] = {}
    edits: dict[str, dict[str, Any]] = {}
    for name, file in PEOPLE.items():
        people[name], pictures[name], edits[name] = _show_person(studio, name, file, seconds)
        for title, picture in pictures[name].items():
            is_generated = title not in ("photo", "crop")
            path = output / _file(name, title)
            origin, is_pasted = people[name].made_by, title == "paste-back"
            save_picture(picture, path, ai_generated=is_generated, composite=is_pasted, origin=origin)
    _save_sheets(studio, people, pictures, output)
    _save_morph(studio, people, output)
    facts = [_facts(name, person, pictures[name], edits[name]) for name, person in people.items()]
    summary = {"people": facts, "seconds": round(time.perf_counter() - begin, 1)}
    (output / "summary.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    (output / "index.html").write_text(_page(summary), encoding="utf-8")
    if as_json:
        print_json(summary | {"output": str(output)})
    else:
        print_line(f"open {output / 'index.html'}")


def _show_person(
    studio: Studio, name: str, file: str, seconds: float
) -> tuple[Likeness, dict[str, Image.Image], dict[str, Any]]:
    """Encode a sample portrait, draw every picture that the sheet shows of it, and tell what each edit reached."""
    from faceloom.assets.cache import open_asset
    from faceloom.checkpoints.load import DEFAULT_GENERATOR
    from faceloom.images import open_photo
    from faceloom.invert.budget import EncodeConfig

    photo = open_photo(open_asset("portraits") / file)
    with progress(1.0, name) as draw:
        person = studio.encode(
            photo,
            config=EncodeConfig(seconds),
            callback=lambda step: draw(step["progress"], f"step {step['step'] + 1}"),
        )
    note(f"{name}: LPIPS {person.quality['lpips']:.3f} in {person.provenance['steps']} steps")
    drawn = {"photo": photo.image, "crop": studio.align(photo, studio.choose(photo).face).image}
    drawn["reproduction"] = studio.render(person)
    edits = EDITS if studio.generator.name == DEFAULT_GENERATOR else {}  # the shipped directions are of this generator
    facts: dict[str, Any] = {}
    for title, values in edits.items():
        done = studio.edit(person, values)
        drawn[title], facts[title] = studio.render(done.person), facts_of(done)
        for text in notes_on(facts[title], values):
            note(f"{name}, {title}: {text}")
    changed = studio.edit(person, {"age": 20, "smile": 0.9}).person if edits else person
    drawn["paste-back"] = studio.paste_back(changed, photo)
    return person, drawn, facts


def _save_sheets(
    studio: Studio, people: dict[str, Likeness], pictures: dict[str, dict[str, Image.Image]], output: Path
) -> None:
    """Save a sheet of all pictures, and a grid of mixes: pose and shape by row, features and colors by column."""
    from faceloom.images import make_contact_sheet, save_picture

    columns = len(next(iter(pictures.values())))
    tiles = [picture for titles in pictures.values() for picture in titles.values()]
    labels = [f"{name}: {title}" for name, titles in pictures.items() for title in titles]
    sheet = make_contact_sheet(tiles, columns, TILE_PIXELS, labels)
    save_picture(sheet, output / "sheet.jpg", ai_generated=True, composite=True, origin=studio.made_by)
    mixed = [
        studio.render(studio.mix(a, b, "middle,fine"), TILE_PIXELS) for a in people.values() for b in people.values()
    ]
    labels = [f"{a} + {b}" for a in people for b in people]
    sheet = make_contact_sheet(mixed, len(people), TILE_PIXELS, labels)
    save_picture(sheet, output / "mix.jpg", ai_generated=True, origin=studio.made_by)


def _save_morph(studio: Studio, people: dict[str, Likeness], output: Path) -> None:
    from faceloom.edit.film import save_film

    first, second = list(people.values())[:2]
    save_film(
        studio.morph([first, second], 24, size=TILE_PIXELS, loop=True), output / "morph.webp", 16, origin=studio.made_by
    )


def _facts(name: str, person: Likeness, titles: Iterable[str], edits: dict[str, Any]) -> dict[str, Any]:
    facts = {key: person.provenance[key] for key in ("seconds", "steps", "precision", "face")}
    files = {title: _file(name, title) for title in titles}
    return {
        "name": name,
        "lpips": person.quality["lpips"],
        "mse": person.quality["mse"],
        **facts,
        "edits": edits,
        "files": files,
    }


def _file(name: str, title: str) -> str:
    return f"{name}-{title.replace(' ', '-')}.jpg"


def _shortfall(edit: dict[str, Any] | None) -> str:
    """Return what an edit reached and what limited it, for a caption; empty when it reached everything."""
    if edit is None or edit["kept"]:
        return ""
    reached = ", ".join(f"{name} {value:+.3g}" for name, value in edit["reached"].items())
    return html.escape(f" (reached {reached}; limited by {', '.join(edit['limited_by'])})".replace("_", " "))


def _page(summary: dict[str, Any]) -> str:
    """Return the HTML of a page, without scripts, that shows the pictures."""
    rows = []
    for person in summary["people"]:
        cells = "".join(
            f'<figure><img src="{file}" alt="{html.escape(title)}" loading="lazy">'
            f"<figcaption>{html.escape(title)}{_shortfall(person['edits'].get(title))}</figcaption></figure>"
            for title, file in person["files"].items()
        )
        facts = f"LPIPS {person['lpips']:.3f}, MSE {person['mse']:.4f}, {person['seconds']:.0f} s"
        rows.append(f"<h2>{html.escape(person['name'])} <small>{facts}</small></h2><div class=row>{cells}</div>")
    return _PAGE.replace("ROWS", "\n".join(rows))


_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>faceloom demo</title>
<style>
body { background: #141312; color: #f3efe9; font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 90rem;
  padding: 0 1rem }
small { color: #b8b0a6; font-weight: normal }
.row { display: grid; gap: .75rem; grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)) }
figure { margin: 0 } figcaption { color: #b8b0a6; text-align: center }
img { border-radius: 6px; object-fit: contain; width: 100% } .row img { aspect-ratio: 1 }
</style>
<h1>faceloom</h1>
<p>Three public-domain portraits, encoded and edited. A model generated every picture except the photos and their
crops.</p>
ROWS
<h2>Mixed <small>pose and shape by row, features and colors by column</small></h2>
<img src="mix.jpg" alt="A grid of mixes of the three people" style="max-width: 62rem">
<h2>Morph</h2>
<img src="morph.webp" alt="A morph from one person to another and back" style="max-width: 20rem">
</html>
"""
