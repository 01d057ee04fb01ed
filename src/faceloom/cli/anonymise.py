"""`faceloom anonymise`: replace the faces in photos and films by generated people, or blur them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from faceloom.cli import options
from faceloom.cli.output import note, open_studio, print_json, print_line, progress

if TYPE_CHECKING:
    from faceloom.workflows.anonymise import Anonymiser

FILMS = (".mp4", ".mov", ".webm", ".mkv", ".avi", ".m4v")
FILM_OUTPUTS = (".mp4", ".webp", ".gif")
KEEP = "age,sex,pose,smile"


def anonymise(
    source: Annotated[Path, typer.Argument(help="A photo, a film, or a folder of photos and films.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="The file to write; for a folder, the folder to write into.")
    ],
    keep: Annotated[
        str,
        typer.Option(help="What the new faces share with the old ones: some of age,sex,pose,smile; '' for none."),
    ] = KEEP,
    blur: Annotated[
        bool, typer.Option("--blur", help="Blur every face in coarse blocks, and generate no people.")
    ] = False,
    seed: Annotated[
        int | None,
        typer.Option(min=0, max=999_999, help="Seed of the new people; by default a random one, which is not kept."),
    ] = None,
    max_frames: Annotated[int, typer.Option(min=1, max=3000, help="Maximum number of frames of a film.")] = 300,
    keep_sound: Annotated[
        bool, typer.Option("--keep-sound", help="Keep the sound of a film, although voices are recognizable.")
    ] = False,
    precision: options.Precision = None,
    as_json: options.Json = False,
) -> None:
    """Replace every face by a generated person of the same attributes; blur those that are too small for that.

    One person gets the same new face in all photos and films of a folder. Metadata, such as the place and the camera,
    and the sound of films are dropped. A photo without a detected face is written as it is, and said. The status is 1
    when a source could not be read.

    \b
    Examples:
      faceloom anonymise party.jpg -o anonymous.jpg
      faceloom anonymise photos/ -o anonymous --keep age,sex
      faceloom anonymise street.mp4 -o street-anonymous.mp4
      faceloom anonymise photos/ -o blurred --blur
    """
    from faceloom.errors import FaceError, ImageError, MissingExtra
    from faceloom.workflows.anonymise import AnonymiseConfig, Anonymiser

    jobs = _jobs(source, output)
    names = tuple(name.strip() for name in keep.split(",") if name.strip())
    studio = open_studio(precision, measure_threads=not blur)
    anonymiser = Anonymiser(studio, AnonymiseConfig(keep=names, blur=blur, seed=seed))
    results: list[dict[str, Any]] = []
    failed: list[dict[str, str]] = []
    for path, target in jobs:
        try:
            facts = _anonymise(anonymiser, path, target, max_frames, keep_sound)
        except (FaceError, ImageError, MissingExtra) as error:
            if len(jobs) == 1 and not source.is_dir():
                raise
            failed.append({"source": str(path), "error": error.message})
            note(f"{path} was left out: {error.message}")
            continue
        results.append(facts)
        if not as_json:
            _report(facts)
    if as_json:
        print_json({"results": results, "failed": failed})
    if failed:
        note(f"{len(failed)} of {len(jobs)} sources were not anonymised")
        raise typer.Exit(1)


def _jobs(source: Path, output: Path) -> list[tuple[Path, Path]]:
    """Return the files to read, each with the file to write. Raises BadParameter for an output in place of a source."""
    from faceloom.images.save import FORMATS
    from faceloom.workflows.batch import list_files

    if source.is_dir():
        jobs = [(path, output / _target_name(path, tuple(FORMATS))) for path in list_files(source)]
    else:
        suffixes = FILM_OUTPUTS if source.suffix.lower() in FILMS else tuple(FORMATS)
        if output.suffix.lower() not in suffixes:
            raise typer.BadParameter(f"'{output.name}' ends in none of {', '.join(suffixes)}", param_hint="-o")
        jobs = [(source, output)]
    if any(target.exists() and target.samefile(path) for path, target in jobs if path.exists()):
        raise typer.BadParameter("the output would replace the source", param_hint="-o")
    names = Counter(target for _, target in jobs)
    return [
        (path, target if names[target] == 1 else target.with_name(f"{path.stem}-{path.suffix[1:]}{target.suffix}"))
        for path, target in jobs
    ]


def _target_name(path: Path, pictures: tuple[str, ...]) -> str:
    """Return the name of the file to write for a file of a folder: the same where its format can be written."""
    if path.suffix.lower() in FILMS:
        return f"{path.stem}.mp4"
    return path.name if path.suffix.lower() in pictures else f"{path.stem}.jpg"


def _anonymise(anonymiser: Anonymiser, path: Path, target: Path, max_frames: int, keep_sound: bool) -> dict[str, Any]:
    if path.suffix.lower() in FILMS:
        return _film(anonymiser, path, target, max_frames, keep_sound)
    from faceloom.images import open_photo, save_picture

    done = anonymiser.photo(open_photo(path))
    generated = any(face.how == "replaced" for face in done.faces)
    origin = anonymiser.studio.made_by if generated else None  # without the photo, which the result must not lead to
    save_picture(done.image, target, ai_generated=generated, composite=generated, origin=origin)
    faces = [
        {"box": [round(x) for x in face.box], "how": face.how, "person": face.person, "reason": face.reason}
        for face in done.faces
    ]
    return {"source": str(path), "output": str(target), "faces": faces, "notes": list(done.notes)}


def _film(anonymiser: Anonymiser, path: Path, target: Path, max_frames: int, keep_sound: bool) -> dict[str, Any]:
    from faceloom.edit.film import save_film
    from faceloom.images.clip import open_clip
    from faceloom.workflows.anonymise_film import plan_film, render_film

    clip = open_clip(path)
    with progress(1.0, path.name) as draw:
        plan = plan_film(anonymiser, clip, max_frames=max_frames, callback=draw)
        frames = render_film(anonymiser, clip, plan, draw)
        sound, origin = path if keep_sound else None, anonymiser.studio.made_by
        save_film(frames, target, clip.fps, composite=True, sound=sound, origin=origin)
    notes = list(plan.notes)
    if plan.count + 1.5 < clip.fps * clip.seconds:
        notes.append(f"only the first {plan.count} frames were written: see --max-frames")
    faces = [
        {"frames": len(face.rows), "how": face.how, "person": face.person, "reason": face.reason} for face in plan.faces
    ]
    return {"source": str(path), "output": str(target), "frames": plan.count, "faces": faces, "notes": notes}


def _report(facts: dict[str, Any]) -> None:
    """Print what became of the faces of one source."""
    counts = Counter(face["how"] for face in facts["faces"])
    what = ", ".join(f"{count} {how}" for how, count in sorted(counts.items(), reverse=True)) or "no face found"
    print_line(f"{facts['output']}: {what}")
    for text in facts["notes"]:
        note(text)
