"""`faceloom encode`: people's likenesses from photos."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from faceloom.cli import options
from faceloom.cli.align import FaceNumber
from faceloom.cli.output import note, open_studio, print_json, progress

if TYPE_CHECKING:
    from faceloom.invert.budget import EncodeConfig
    from faceloom.likeness import Likeness
    from faceloom.workflows.studio import Studio

FACTS = ("seconds", "steps", "method", "face", "interrupted", "precision", "notes")


def encode(
    photos: Annotated[list[Path], typer.Argument(metavar="PHOTO", help="Pictures with faces, or folders of them.")],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="The likeness file, by default PHOTO.likeness; for many, their folder."),
    ] = None,
    seconds: Annotated[float | None, typer.Option(min=0.1, help="The deadline, for each face: 30.")] = None,
    preset: Annotated[str | None, typer.Option(help="instant (2 s), booth (10 s) or studio (120 s).")] = None,
    until_identity: Annotated[
        float | None, typer.Option(min=0, max=1, help="Stop when the face is so much alike: 0.9 is very much.")
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Stop after so many steps; repeatable to the bit.")] = None,
    every_face: Annotated[
        bool, typer.Option("--all", help="Everybody in the photo, not the largest face only.")
    ] = False,
    face: FaceNumber = None,
    tune: Annotated[bool, typer.Option(help="Bend the generator to the person, or find a latent only.")] = True,
    rank: Annotated[
        int, typer.Option(min=0, help="Of the bend: 64 makes files of 1.8 MB; 0 bends freely, in files of 8 MB.")
    ] = 64,
    space: Annotated[str, typer.Option(help="w_plus (closer) or w (plainer, edits more freely).")] = "w_plus",
    seed: Annotated[int, typer.Option(help="Of the search's randomness.")] = 0,
    preview: Annotated[Path | None, typer.Option(help="Also save the reproduced face as a picture.")] = None,
    precision: options.Precision = None,
    device: options.Device = "cpu",
    generator: options.Generator = None,
    as_json: options.Json = False,
) -> None:
    """Find people's likenesses: encoder, search and tuning until the deadline, and how good it became.

    Ctrl-C ends it early and keeps the best so far. Many photos: what is there already is left alone, so that
    the same command goes on where it was stopped, and a photo that does not work is told and left out.

    \b
    Examples:
      faceloom encode me.jpg --seconds 60 -o me.likeness
      faceloom encode party.jpg --all --preset booth -o guests
      faceloom encode photos/ --until-identity 0.9 -o likenesses --json
    """
    config = _config(seconds, preset, until_identity, steps, space, tune=tune, rank=rank, seed=seed)
    studio = open_studio(precision, generator, device=device)
    if len(photos) == 1 and not every_face and not photos[0].is_dir():
        person = _one(studio, photos[0], face, config)
        output = output or Path(f"{photos[0].stem}.likeness")
        _keep(studio, person, output, preview)
        _report(output, person, as_json)
    elif face is not None or preview:
        raise typer.BadParameter(
            "it is for a single photo's face", param_hint="--face" if preview is None else "--preview"
        )
    else:
        _many(studio, list(_files(photos)), every_face, config, output or Path("likenesses"), as_json)


def _config(
    seconds: float | None,
    preset: str | None,
    until_identity: float | None,
    steps: int | None,
    space: str,
    **how: Any,
) -> EncodeConfig:
    from faceloom.invert.budget import PRESETS, EncodeConfig

    if space not in ("w", "w_plus"):
        raise typer.BadParameter(f"'{space}' is neither w nor w_plus", param_hint="--space")
    if preset is not None and preset not in PRESETS:
        raise typer.BadParameter(f"'{preset}' is none of {', '.join(PRESETS)}", param_hint="--preset")
    if preset is not None and seconds is not None:
        raise typer.BadParameter("give a preset or the seconds", param_hint="--seconds")
    if preset is not None:
        seconds = PRESETS[preset].seconds
    if seconds is None and steps is None:
        seconds = EncodeConfig().seconds if until_identity is None else PRESETS["studio"].seconds
    return EncodeConfig(seconds, steps, until_identity, space="w" if space == "w" else "w_plus", **how)


def _one(studio: Studio, photo: Path, face: int | None, config: EncodeConfig) -> Likeness:
    from faceloom.images import open_photo

    opened = open_photo(photo)
    with progress(1.0, photo.name) as draw:
        return studio.encode(opened, face=face, config=config, callback=lambda step: draw(*_progress(step)))


def _many(
    studio: Studio, photos: Sequence[Path], every_face: bool, config: EncodeConfig, folder: Path, as_json: bool
) -> None:
    """Encode photo after photo; exit status 1 when any did not work."""
    from faceloom.errors import FaceError, ImageError

    made: list[dict[str, Any]] = []
    failed: list[dict[str, str]] = []
    skipped: list[str] = []
    for photo in photos:
        if (folder / f"{photo.stem}.likeness").exists() or (folder / f"{photo.stem}-0.likeness").exists():
            skipped.append(str(photo))
            continue
        try:
            people = _everybody(studio, photo, config) if every_face else [_one(studio, photo, None, config)]
        except (FaceError, ImageError) as error:
            failed.append({"photo": str(photo), "error": error.message})
            note(f"left out {photo}: {error.message}")
            continue
        for number, person in enumerate(people):
            output = folder / (f"{photo.stem}-{number}.likeness" if every_face else f"{photo.stem}.likeness")
            _keep(studio, person, output, None)
            made.append(_facts(output, person))
            if not as_json:
                _report(output, person, as_json)
        if any(person.provenance["interrupted"] for person in people):
            raise KeyboardInterrupt
    if as_json:
        print_json({"people": made, "failed": failed, "skipped": skipped})
    elif skipped:
        note(f"{len(skipped)} were there already")
    if failed:
        raise typer.Exit(1)


def _everybody(studio: Studio, photo: Path, config: EncodeConfig) -> list[Likeness]:
    from faceloom.images import open_photo

    opened = open_photo(photo)
    with progress(1.0, photo.name) as draw:
        return list(studio.encode_all(opened, config, callback=lambda step: draw(*_progress(step))))


def _files(photos: Sequence[Path]) -> Iterator[Path]:
    from faceloom.workflows.batch import files_in

    for photo in photos:
        yield from files_in(photo) if photo.is_dir() else [photo]


def _progress(step: dict[str, Any]) -> tuple[float, str]:
    return step["progress"], f"{step['phase']}, loss {step['best']:.3f}"


def _keep(studio: Studio, person: Likeness, output: Path, preview: Path | None) -> None:
    from faceloom import likeness
    from faceloom.images import save_picture

    likeness.save(person, output)
    if preview:
        save_picture(studio.render(person), preview, ai_generated=True)


def _facts(output: Path, person: Likeness) -> dict[str, Any]:
    from faceloom.invert.quality import word

    told = {key: person.provenance[key] for key in FACTS}
    return {"output": str(output), **person.quality, "quality": word(person.quality), **told}


def _report(output: Path, person: Likeness, as_json: bool) -> None:
    facts = _facts(output, person)
    for text in facts["notes"]:
        note(text)
    if facts["interrupted"]:
        note("interrupted: the best so far was kept")
    if as_json:
        print_json(facts)
    else:
        figures = f"LPIPS {facts['lpips']:.3f}, MSE {facts['mse']:.4f}, identity {facts['identity']:.2f}"
        print(f"{output}: {facts['quality']} ({figures}), {facts['steps']} steps in {facts['seconds']:.1f} s")
