"""`faceloom encode`: encode faces in photos as likenesses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from faceloom.cli import options
from faceloom.cli.align import FaceNumber
from faceloom.cli.output import note, open_studio, print_json, print_line, progress

if TYPE_CHECKING:
    from faceloom.invert.budget import EncodeConfig
    from faceloom.likeness import Likeness
    from faceloom.workflows.encode_many.executors import Executor
    from faceloom.workflows.encode_many.job import Outcome
    from faceloom.workflows.encode_many.run import EncodeSummary
    from faceloom.workflows.studio import Studio

MAX_LINES = 40  # photos of a run whose likenesses are printed one by one, and failures that are printed


def encode(
    photos: Annotated[
        list[str],
        typer.Argument(
            metavar="PHOTO", help="Photos with faces, folders of photos, or URLs of either, as s3://bucket."
        ),
    ],
    output: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--output",
            help="The likeness file, by default PHOTO.likeness; for several photos a folder or a URL.",
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
    executor: Annotated[
        str,
        typer.Option(
            help="For several photos: process, multiprocessing, or ray with the extra 'scale'.", metavar="EXECUTOR"
        ),
    ] = "process",
    workers: Annotated[int | None, typer.Option(min=1, max=1024, help="Number of workers; each uses one core.")] = None,
    precision: options.Precision = None,
    device: options.Device = "cpu",
    generator: options.Generator = None,
    as_json: options.Json = False,
) -> None:
    """Encode faces as likenesses: encoder, optimization and tuning until the deadline; print the quality reached.

    Ctrl-C ends the encoding of a single photo early and keeps the best result so far. With several photos, existing
    likenesses are not made again, so the same command continues a run that was stopped. A photo that fails is reported
    and left out. Folders are read with all folders below them. URLs need the extra 'scale'.
    With --same-person, the likeness has the pose and the light of one photo, which a note names.

    \b
    Examples:
      faceloom encode me.jpg --seconds 60 -o me.likeness
      faceloom encode party.jpg --all --preset booth -o guests
      faceloom encode photos/ --until-identity 0.9 -o likenesses --json
      faceloom encode s3://bucket/photos --all --preset booth -o s3://bucket/likenesses --executor multiprocessing
      faceloom encode a.jpg b.jpg c.jpg --same-person -o me.likeness
      faceloom encode grandmother.jpg --restore --preview grandmother.png --paste mended.png
    """
    files = [Path(photo) for photo in photos]
    is_many = every_face or len(photos) > 1 or "://" in photos[0] or files[0].is_dir()
    _check_options(files, same_person, restore, every_face, face, until_identity, hidden, paste)
    config = _config(seconds, preset, until_identity, steps, space, tune=tune, rank=rank, seed=seed)
    if is_many and not (same_person or restore):
        if face is not None or preview:
            raise typer.BadParameter(
                "this option is for a single photo", param_hint="--face" if preview is None else "--preview"
            )
        run = _choose_executor(executor, workers)
        studio = open_studio(precision, generator, device=device, measure_threads=True)
        _encode_many(studio, photos, output or "likenesses", config, every_face, run, as_json)
        return
    studio = open_studio(precision, generator, device=device, measure_threads=True)
    if restore:
        person = _restore(studio, files[0], face, hidden, config, paste)
    elif same_person:
        person = _encode_same(studio, _list_files(files), config)
    else:
        person = _encode_one(studio, files[0], face, config)
    path = Path(output or f"{files[0].stem}.likeness")
    _save(studio, person, path, preview)
    _report(path, person, as_json)


def _choose_executor(name: str, workers: int | None) -> Executor:
    """Return an executor by its name, by default with one worker for each core."""
    import os

    from faceloom.workflows.encode_many.executors import encode_here, encode_in_processes

    if name == "process":
        return encode_here
    if name == "multiprocessing":
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        return encode_in_processes(workers or cores)
    if name == "ray":
        from faceloom.workflows.encode_many.ray_data import encode_on_ray

        return encode_on_ray(workers)
    raise typer.BadParameter(f"'{name}' is none of process, multiprocessing, ray", param_hint="--executor")


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
    if restore and (every_face or until_identity is not None or len(photos) > 1 or photos[0].is_dir()):
        raise typer.BadParameter("give one photo, and neither --all nor --until-identity", param_hint="--restore")
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
    studio: Studio,
    photos: Sequence[str],
    output: str,
    config: EncodeConfig,
    every_face: bool,
    executor: Executor,
    as_json: bool,
) -> None:
    """Encode several photos. Exits with 1 when any of them failed."""
    from faceloom.workflows.encode_many.run import encode_many

    people: list[Any] = []

    def keep(outcome: Outcome) -> None:
        if as_json or len(people) < MAX_LINES:
            people.extend(outcome.people)

    with progress(1.0, "encoding") as draw:
        summary = encode_many(
            studio,
            photos,
            output,
            config=config,
            every_face=every_face,
            executor=executor,
            callback=draw,
            on_outcome=keep,
        )
    _report_many(summary, output, people, as_json)
    if summary.failures:
        raise typer.Exit(1)


def _report_many(summary: EncodeSummary, output: str, people: Sequence[Any], as_json: bool) -> None:
    facts = summary.to_json()
    if as_json:
        failed = facts.pop("failures")
        print_json({"people": list(people), "failed": failed, "skipped": list(summary.skipped), "summary": facts})
        return
    for person in people if summary.encoded <= MAX_LINES else ():
        _print_person(person)
    for failure in summary.failures[:MAX_LINES]:
        note(f"{failure.photo} was left out: {failure.error}")
    if len(summary.failures) > MAX_LINES:
        note(f"and {len(summary.failures) - MAX_LINES:,} more, see .encode/report.json in {output}")
    print_line(
        f"{output}: {summary.encoded:,} of {_count(summary.photos)} encoded, faces: {summary.faces:,}, "
        f"in {summary.seconds:.0f} s"
    )
    if summary.skipped:
        print_line(f"{_count(len(summary.skipped))} skipped, with likenesses from before")
    for code, count in summary.reasons.items():
        print_line(f"{_count(count)} failed: {code.replace('_', ' ')}")


def _count(photos: int) -> str:
    return "1 photo" if photos == 1 else f"{photos:,} photos"


def _list_files(photos: Sequence[Path]) -> list[Path]:
    from faceloom.workflows.batch import list_files

    return [file for photo in photos for file in (list_files(photo) if photo.is_dir() else [photo])]


def _progress(step: dict[str, Any]) -> tuple[float, str]:
    return step["progress"], f"{step['phase']}, loss {step['best']:.3f}"


def _save(studio: Studio, person: Likeness, output: Path, preview: Path | None) -> None:
    from faceloom.images import save_picture

    person.save(output)
    if preview:
        save_picture(studio.render(person), preview, ai_generated=True, origin=person.made_by)


def _report(output: Path, person: Likeness, as_json: bool) -> None:
    from faceloom.workflows.encode_many.encoder import likeness_facts

    facts = likeness_facts(str(output), person)
    if as_json:
        for text in facts["notes"]:
            note(text)
    if facts["interrupted"]:
        note("interrupted: the best result so far was kept")
    if as_json:
        print_json(facts)
    else:
        _print_person(facts)


def _print_person(facts: Mapping[str, Any]) -> None:
    """Print a line about a likeness, and the notes about its photo."""
    for text in facts["notes"]:
        note(text)
    figures = f"LPIPS {facts['lpips']:.3f}, MSE {facts['mse']:.4f}, identity {facts['identity']:.2f}"
    print_line(f"{facts['output']}: {facts['quality']} ({figures}), {facts['steps']} steps in {facts['seconds']:.1f} s")
