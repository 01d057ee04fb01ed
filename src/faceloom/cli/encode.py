"""`faceloom encode`: encode faces in photos as likenesses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from faceloom.cli import options
from faceloom.cli.align import FaceNumber
from faceloom.cli.output import note, open_studio, print_json, print_line, progress

if TYPE_CHECKING:
    from faceloom.invert.budget import EncodeConfig
    from faceloom.likeness import Likeness
    from faceloom.workflows.studio import Studio

PROVENANCE_KEYS = ("seconds", "steps", "method", "face", "interrupted", "precision", "notes")


def encode(
    photos: Annotated[list[Path], typer.Argument(metavar="PHOTO", help="Photos with faces, or folders of photos.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", help="The likeness file, by default PHOTO.likeness; for several photos a folder."
        ),
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(min=0.1, help="Deadline in seconds for each face; 30 by default.")
    ] = None,
    preset: Annotated[str | None, typer.Option(help="instant (2 s), booth (10 s) or studio (120 s).")] = None,
    until_identity: Annotated[
        float | None, typer.Option(min=0, max=1, help="Stop at this identity similarity to the photo; 0.9 is high.")
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(min=1, help="Stop after this many steps; the result is then the same to the bit every time."),
    ] = None,
    every_face: Annotated[
        bool, typer.Option("--all", help="Encode every face in the photo, not only the largest.")
    ] = False,
    face: FaceNumber = None,
    tune: Annotated[
        bool, typer.Option(help="Tune the generator to the person (pivotal tuning), or search for a latent code only.")
    ] = True,
    rank: Annotated[
        int,
        typer.Option(
            min=0, help="Rank of the tuned weights: 64 makes files of 1.8 MB; 0 is full rank, in files of 8 MB."
        ),
    ] = 64,
    space: Annotated[
        str, typer.Option(help="Latent space: w_plus (closer to the photo) or w (easier to edit).")
    ] = "w_plus",
    seed: Annotated[int, typer.Option(help="Seed of the random numbers.")] = 0,
    same_person: Annotated[
        bool, typer.Option("--same-person", help="All photos show one person: make one likeness of them.")
    ] = False,
    restore: Annotated[
        bool, typer.Option("--restore", help="Restore a gray, faded, blurred, scratched or partly hidden photo.")
    ] = False,
    hidden: Annotated[
        Path | None,
        typer.Option(help="With --restore: a mask in the photo's size, white where it is damaged; else it is found."),
    ] = None,
    paste: Annotated[
        Path | None, typer.Option(help="With --restore: also save the photo with the restored face in it.")
    ] = None,
    preview: Annotated[Path | None, typer.Option(help="Also save a picture of the likeness.")] = None,
    precision: options.Precision = None,
    device: options.Device = "cpu",
    generator: options.Generator = None,
    as_json: options.Json = False,
) -> None:
    """Encode faces as likenesses: encoder, optimization and tuning until the deadline; print the quality reached.

    Ctrl-C ends an encoding early and keeps the best result so far. With several photos, existing likenesses are not
    made again, so the same command continues a run that was stopped. A photo that fails is reported and left out.
    With --same-person, the likeness has the pose and the light of one photo, which a note names.

    \b
    Examples:
      faceloom encode me.jpg --seconds 60 -o me.likeness
      faceloom encode party.jpg --all --preset booth -o guests
      faceloom encode photos/ --until-identity 0.9 -o likenesses --json
      faceloom encode a.jpg b.jpg c.jpg --same-person -o me.likeness
      faceloom encode grandmother.jpg --restore --preview grandmother.png --paste mended.png
    """
    _check_options(photos, same_person, restore, every_face, face, tune, until_identity, hidden, paste)
    config = _config(seconds, preset, until_identity, steps, space, tune=tune, rank=rank, seed=seed)
    studio = open_studio(precision, generator, device=device, measure_threads=True)
    if restore:
        output = output or Path(f"{photos[0].stem}.likeness")
        person = _restore(studio, photos[0], face, hidden, config, paste)
        _save(studio, person, output, preview)
        _report(output, person, as_json)
    elif same_person:
        output = output or Path(f"{photos[0].stem}.likeness")
        person = _encode_same(studio, list(_files(photos)), config)
        _save(studio, person, output, preview)
        _report(output, person, as_json)
    elif len(photos) == 1 and not every_face and not photos[0].is_dir():
        person = _encode_one(studio, photos[0], face, config)
        output = output or Path(f"{photos[0].stem}.likeness")
        _save(studio, person, output, preview)
        _report(output, person, as_json)
    elif face is not None or preview:
        raise typer.BadParameter(
            "this option is for a single photo", param_hint="--face" if preview is None else "--preview"
        )
    else:
        _encode_many(studio, list(_files(photos)), every_face, config, output or Path("likenesses"), as_json)


def _config(
    seconds: float | None,
    preset: str | None,
    until_identity: float | None,
    steps: int | None,
    space: str,
    **options: Any,
) -> EncodeConfig:
    from faceloom.invert.budget import ENCODE_PRESETS, EncodeConfig

    if space not in ("w", "w_plus"):
        raise typer.BadParameter(f"'{space}' is neither w nor w_plus", param_hint="--space")
    if preset is not None and preset not in ENCODE_PRESETS:
        raise typer.BadParameter(f"'{preset}' is not one of {', '.join(ENCODE_PRESETS)}", param_hint="--preset")
    if preset is not None and seconds is not None:
        raise typer.BadParameter("give either a preset or the seconds", param_hint="--seconds")
    if preset is not None:
        seconds = ENCODE_PRESETS[preset].seconds
    if seconds is None and steps is None:
        seconds = EncodeConfig().seconds if until_identity is None else ENCODE_PRESETS["studio"].seconds
    return EncodeConfig(seconds, steps, until_identity, space="w" if space == "w" else "w_plus", **options)


def _check_options(
    photos: Sequence[Path],
    same_person: bool,
    restore: bool,
    every_face: bool,
    face: int | None,
    tune: bool,
    until_identity: float | None,
    hidden: Path | None,
    paste: Path | None,
) -> None:
    """Raise BadParameter for options that exclude each other."""
    if same_person and (restore or every_face or face is not None or until_identity is not None):
        raise typer.BadParameter(
            "it goes with neither --restore, --all, --face nor --until-identity", param_hint="--same-person"
        )
    if same_person and len(photos) < 2 and not photos[0].is_dir():
        raise typer.BadParameter("give two photos or more", param_hint="PHOTO")
    if restore and (every_face or not tune or until_identity is not None or len(photos) > 1 or photos[0].is_dir()):
        raise typer.BadParameter(
            "give one photo, and neither --all, --no-tune nor --until-identity", param_hint="--restore"
        )
    if not restore and (hidden or paste):
        raise typer.BadParameter("this needs --restore", param_hint="--hidden" if hidden else "--paste")


def _restore(
    studio: Studio, photo: Path, face: int | None, hidden: Path | None, config: EncodeConfig, paste: Path | None
) -> Likeness:
    from faceloom.images import open_photo, save_picture
    from faceloom.workflows.restoring import paste_restored, restore_photo

    opened, mask = open_photo(photo), open_photo(hidden).image if hidden else None
    with progress(1.0, photo.name) as draw:
        found = restore_photo(
            studio, opened, face=face, hidden=mask, config=config, callback=lambda step: draw(*_progress(step))
        )
    if paste:
        pasted = paste_restored(studio, found.person, opened)
        save_picture(pasted, paste, ai_generated=True, composite=True, origin=found.person.made_by)
    return found.person


def _encode_same(studio: Studio, photos: Sequence[Path], config: EncodeConfig) -> Likeness:
    from faceloom.images import open_photo
    from faceloom.workflows.restoring import encode_several

    if len(photos) < 2:
        raise typer.BadParameter("give two photos or more", param_hint="PHOTO")
    opened = [open_photo(photo) for photo in photos]
    with progress(1.0, f"{len(photos)} photos") as draw:
        return encode_several(studio, opened, config, callback=lambda step: draw(*_progress(step)))


def _encode_one(studio: Studio, photo: Path, face: int | None, config: EncodeConfig) -> Likeness:
    from faceloom.images import open_photo

    opened = open_photo(photo)
    with progress(1.0, photo.name) as draw:
        return studio.encode(opened, face=face, config=config, callback=lambda step: draw(*_progress(step)))


def _encode_many(
    studio: Studio, photos: Sequence[Path], every_face: bool, config: EncodeConfig, folder: Path, as_json: bool
) -> None:
    """Encode several photos. Exits with 1 when any of them failed."""
    from faceloom.errors import FaceError, ImageError

    encoded: list[dict[str, Any]] = []
    failed: list[dict[str, str]] = []
    skipped: list[str] = []
    for photo in photos:
        if (folder / f"{photo.stem}.likeness").exists() or (folder / f"{photo.stem}-0.likeness").exists():
            skipped.append(str(photo))
            continue
        try:
            people = _encode_all(studio, photo, config) if every_face else [_encode_one(studio, photo, None, config)]
        except (FaceError, ImageError) as error:
            failed.append({"photo": str(photo), "error": error.message})
            note(f"{photo} was left out: {error.message}")
            continue
        for number, person in enumerate(people):
            output = folder / (f"{photo.stem}-{number}.likeness" if every_face else f"{photo.stem}.likeness")
            _save(studio, person, output, None)
            encoded.append(_facts(output, person))
            if not as_json:
                _report(output, person, as_json)
        if any(person.provenance["interrupted"] for person in people):
            raise KeyboardInterrupt
    if as_json:
        print_json({"people": encoded, "failed": failed, "skipped": skipped})
    elif skipped:
        note(f"{len(skipped)} photos were skipped: their likenesses exist")
    if failed:
        raise typer.Exit(1)


def _encode_all(studio: Studio, photo: Path, config: EncodeConfig) -> list[Likeness]:
    from faceloom.images import open_photo

    opened = open_photo(photo)
    with progress(1.0, photo.name) as draw:
        return list(studio.encode_all(opened, config, callback=lambda step: draw(*_progress(step))))


def _files(photos: Sequence[Path]) -> Iterator[Path]:
    from faceloom.workflows.batch import list_files

    for photo in photos:
        yield from list_files(photo) if photo.is_dir() else [photo]


def _progress(step: dict[str, Any]) -> tuple[float, str]:
    return step["progress"], f"{step['phase']}, loss {step['best']:.3f}"


def _save(studio: Studio, person: Likeness, output: Path, preview: Path | None) -> None:
    from faceloom.images import save_picture

    person.save(output)
    if preview:
        save_picture(studio.render(person), preview, ai_generated=True, origin=person.made_by)


def _facts(output: Path, person: Likeness) -> dict[str, Any]:
    from faceloom.invert.quality import rate_quality

    provenance = {key: person.provenance[key] for key in PROVENANCE_KEYS}
    return {"output": str(output), **person.quality, "quality": rate_quality(person.quality), **provenance}


def _report(output: Path, person: Likeness, as_json: bool) -> None:
    facts = _facts(output, person)
    for text in facts["notes"]:
        note(text)
    if facts["interrupted"]:
        note("interrupted: the best result so far was kept")
    if as_json:
        print_json(facts)
    else:
        figures = f"LPIPS {facts['lpips']:.3f}, MSE {facts['mse']:.4f}, identity {facts['identity']:.2f}"
        print_line(f"{output}: {facts['quality']} ({figures}), {facts['steps']} steps in {facts['seconds']:.1f} s")
