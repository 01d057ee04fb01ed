"""Content credentials on every export path, checked by the C2PA project's own library instead of faceloom's reader.

    npm install --prefix build/validator @contentauth/c2pa-wasm
    python -m bench.credentials --validator build/validator --out build/credentials

Files are made by the command line and by a tiny booth. Each is validated as it is, with one bit of its pixels or
samples changed, and with its manifest cut out. Neither faceloom nor its tests need the validator.
"""

from __future__ import annotations

import argparse
import io
import json
import shutil
import subprocess
import tarfile
import tempfile
import time
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from PIL import Image

from faceloom.errors import FaceloomError
from faceloom.marks.credentials import MIME_TYPES
from faceloom.workflows.verify import try_verify

SCRIPT = Path(__file__).with_suffix(".mjs")
FILM = ["--size", "256", "--seconds"]
COMMANDS: Mapping[str, list[str]] = {
    "generate": ["generate", "--seeds", "0-1", "-o", "{out}"],
    "generate, contact sheet": ["generate", "--seeds", "0", "--sheet", "--size", "256", "-o", "{out}"],
    "mix": ["mix", "seed:1", "seed:2", "-o", "{out}/mix.jpg"],
    "edit": ["edit", "seed:3", "--smile", "0.8", "-o", "{out}/edit.webp"],
    "edit in a style": ["edit", "seed:3", "--style", "ink", "-o", "{out}/ink.png"],
    "search": ["search", "smiling", "--count", "1", "--candidates", "8", "-o", "{out}"],
    "children": ["children", "seed:1", "seed:2", "--count", "2", "-o", "{out}/children.png"],
    "direction, contact sheet": ["direction", "show", "age", "--sheet", "{out}/age.png"],
    "morph, film": ["morph", "seed:1", "seed:2", *FILM, "0.4", "-o", "{out}/morph.mp4"],
    "morph, animation": ["morph", "seed:1", "seed:2", *FILM, "0.4", "-o", "{out}/morph.webp"],
    "morph, GIF": ["morph", "seed:1", "seed:2", *FILM, "0.2", "-o", "{out}/morph.gif"],
    "edit, pasted back": [
        "edit",
        "{home}/me.likeness",
        "--age",
        "10",
        "--paste-into",
        "{photo}",
        "-o",
        "{out}/older.jpg",
    ],
    "anonymise": ["anonymise", "{photo}", "-o", "{out}/anonymous.jpg"],
    "anonymise, film": ["anonymise", "{film}", "--max-frames", "4", "-o", "{out}/anonymous.mp4"],
    "edit of a film": ["video", "{film}", "--smile", "0.9", "--max-frames", "4", "-o", "{out}/smiling.mp4"],
    "live": ["live", "{film}", "--person", "seed:1", "--size", "256", "--seconds", "1", "-o", "{out}/live.mp4"],
    "reveal": ["reveal", "seed:1", *FILM, "2", "-o", "{out}/reveal.mp4"],
    "cast, dataset": ["cast", "make", "--brief", "2 people", "--size", "256", "--format", "imagefolder", "-o", "{out}"],
}
BOOTH_FORMS = ("single", "strip", "4x6", "paste_back", "film")


@dataclass(frozen=True)
class Exported:
    """A file that left by a path: `route` is the name of the path."""

    route: str
    path: Path

    @property
    def mime(self) -> str:
        """The media type of the file."""
        return MIME_TYPES[self.path.suffix]


def main() -> None:
    """Print a row for each path: the number of files, and what the two readers said of each variant."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--validator", type=Path, required=True, help="folder with node_modules/@contentauth/c2pa-wasm")
    parser.add_argument("--out", type=Path, default=Path(tempfile.gettempdir()) / "faceloom-credentials")
    parser.add_argument("--routes", nargs="+", default=list(routes()), help="names of paths; all by default")
    args = parser.parse_args()
    shutil.rmtree(args.out, ignore_errors=True)
    found = routes()
    for route in args.routes:
        folder = args.out / route.replace(", ", "-").replace(" ", "-")
        folder.mkdir(parents=True)
        try:
            found[route](folder)
        except (RuntimeError, FaceloomError, httpx.HTTPError) as error:  # a path that fails is a row of the table, too
            print(json.dumps({"route": route, "failed": str(error)[:300]}), flush=True)
            continue
        for suffix, files in group_by_suffix(Exported(route, path) for path in pictures_of(folder)).items():
            print(json.dumps({"route": route, "file": suffix} | check(files, args.validator)), flush=True)


def routes() -> dict[str, Callable[[Path], None]]:
    """Return what makes the files of each path in a folder."""
    home = Path(tempfile.mkdtemp(prefix="faceloom-"))
    commands = {name: _command(arguments, home) for name, arguments in COMMANDS.items()}
    booth = {f"booth, {form}": _booth_form(form) for form in BOOTH_FORMS}
    return {**commands, "training film": make_training_film, "generated sound": make_sound, **booth}


def _command(arguments: list[str], home: Path) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        sources = {"photo": home / "photo.jpg", "film": home / "film.mp4"}
        if not sources["photo"].exists():
            make_sources(home)
        run_command([argument.format(out=folder, home=home, **sources) for argument in arguments])

    return make


def run_command(arguments: list[str]) -> None:
    """Run a command of faceloom. Raises RuntimeError with its message when it fails."""
    from typer.testing import CliRunner

    from faceloom.cli.main import app

    result = CliRunner().invoke(app, arguments)
    if result.exit_code:
        raise RuntimeError(f"{arguments[0]}: {result.stderr.strip() or result.exception}")


def make_sources(home: Path) -> None:
    """Make an unmarked photo of a generated face, its likeness, and a film, which stand for a visitor's."""
    run_command(["generate", "--seeds", "5", "-o", str(home)])
    with Image.open(home / "seed0005.png") as face:
        face.convert("RGB").resize((700, 700)).save(home / "photo.jpg", quality=92)
    run_command(["encode", str(home / "photo.jpg"), "--steps", "2", "--no-tune", "-o", str(home / "me.likeness")])
    run_command(["morph", "seed:5", "seed:5", *FILM, "0.5", "-o", str(home / "film.mp4")])


def make_training_film(folder: Path) -> None:
    """Make an animation as a training run does, of three faces."""
    from faceloom.images.save import save_animation
    from faceloom.workflows.studio import Studio

    studio = Studio()
    save_animation([studio.render(studio.generate(n), 256) for n in range(3)], folder / "run.webp", [100, 100, 500])


def make_sound(folder: Path) -> None:
    """Save a tone as a generated sound is saved."""
    from faceloom.sounds.save import save_sound
    from faceloom.sounds.spectrogram import Sound

    save_sound(Sound(np.sin(np.arange(8000) / 5).astype(np.float32), 8000), folder / "tone.wav", ai_generated=True)


def _booth_form(form: str) -> Callable[[Path], None]:
    """Return what makes a visit to a tiny booth, and one download in a form."""

    def make(folder: Path) -> None:
        from tests.web.tiny_server import photo, served

        with tempfile.TemporaryDirectory() as home, served(Path(home)) as server:
            client = server.client()
            person = client.play(photo())["people"][0]["id"]
            client.post("/visit/finish", json={"person": person, "form": form}).raise_for_status()
            while not (taken := client.get("/visit/downloads").json()["takes"]):
                time.sleep(0.1)
            answer = client.get(taken[0]["download"].removeprefix("/api/v1"))
            suffix = {"image/jpeg": ".jpg", "video/mp4": ".mp4", "image/webp": ".webp"}[answer.headers["content-type"]]
            (folder / f"{form}{suffix}").write_bytes(answer.content)

    return make


def pictures_of(folder: Path) -> Iterator[Path]:
    """Yield the files that are signed in a folder; those in archives are unpacked beside them first."""
    for path in [*folder.rglob("*.tar"), *folder.rglob("*.zip")]:
        inside = path.with_suffix(".files")
        if path.suffix == ".tar":
            with tarfile.open(path) as archive:
                archive.extractall(inside, filter="data")
        else:
            with zipfile.ZipFile(path) as archive:
                archive.extractall(inside)
    masks = ("mask", "segment", "depth")
    for path in sorted(folder.rglob("*")):
        if path.suffix in MIME_TYPES and not any(word in str(path.relative_to(folder)) for word in masks):
            yield path


def group_by_suffix(files: Iterator[Exported]) -> dict[str, list[Exported]]:
    """Return the files by suffix."""
    found: dict[str, list[Exported]] = {}
    for file in files:
        found.setdefault(file.path.suffix, []).append(file)
    return found


def check(files: list[Exported], validator: Path) -> dict[str, Any]:
    """Return how many of the files each reader calls what, as they are, with a changed bit, and without manifest."""
    row: dict[str, Any] = {"n": len(files)}
    variants = {"whole": lambda data, suffix: data, "changed": change_bit, "cut": cut_manifest}
    with tempfile.TemporaryDirectory() as folder:
        for name, change in variants.items():
            made = []
            for number, file in enumerate(files):
                path = Path(folder) / f"{name}-{number}{file.path.suffix}"
                path.write_bytes(change(file.path.read_bytes(), file.path.suffix))
                made.append(Exported(file.route, path))
            answers = validate(made, validator)
            row[name] = dict(Counter(answer["state"] for answer in answers))
            row[f"{name}, failures"] = sorted({code for answer in answers for code in answer["failures"]})
            row[f"{name}, verify"] = dict(Counter(try_verify(file.path).verdict for file in made))
    return row


def validate(files: list[Exported], validator: Path) -> list[dict[str, Any]]:
    """Return what the C2PA project's library says of files."""
    listed = "".join(f"{file.mime}\t{file.path}\n" for file in files)
    command = ["node", str(SCRIPT), str(validator)]
    answer = subprocess.run(command, input=listed, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in answer.stdout.splitlines()]


def change_bit(data: bytes, suffix: str) -> bytes:
    """Return a file with one bit of its coded pixels or samples changed; a PNG stays whole, with right checksums."""
    if suffix == ".png":
        return _change_png(data)
    at = {
        ".mp4": lambda: data.index(b"mdat") + 200,
        ".gif": lambda: 13 + 30,  # in the table of colors; a bit of the coded pixels would damage the file
        ".wav": lambda: data.index(b"data") + 200,
        ".webp": lambda: max(data.find(b"ALPH"), data.find(b"VP8 "), data.find(b"VP8L"), data.find(b"ANMF")) + 100,
    }.get(suffix, lambda: len(data) - 100)()
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def _change_png(data: bytes) -> bytes:
    """Return a PNG with one bit of one pixel changed, compressed again. Source: PNG (third edition), section 5."""
    out, pixels, at = io.BytesIO(data[:8]), b"", 8
    out.seek(8)
    while at < len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        name, chunk = data[at + 4 : at + 8], data[at:end]
        if name == b"IDAT":
            pixels += chunk[8:-4]
        else:
            if name == b"IEND":
                lines = bytearray(zlib.decompress(pixels))
                lines[len(lines) // 2 + 7] ^= 1  # the middle is the filter of a line, and no pixel
                body = b"IDAT" + zlib.compress(bytes(lines))
                out.write((len(body) - 4).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big"))
            out.write(chunk)
        at = end
    return out.getvalue()


def cut_manifest(data: bytes, suffix: str) -> bytes:
    """Return a file without its manifest. Raises ValueError when there is none.

    Source: C2PA technical specification 2.2, appendix A (embedding).
    """
    if suffix == ".png":
        at = data.index(b"caBX") - 4
        return data[:at] + data[at + 12 + int.from_bytes(data[at : at + 4], "big") :]
    if suffix in (".jpg", ".jpeg"):
        return _cut_segments(data)
    if suffix in (".webp", ".wav"):
        at = data.index(b"C2PA")
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        rest = data[8:at] + data[at + 8 + size + size % 2 :]
        return data[:4] + len(rest).to_bytes(4, "little") + rest
    if suffix == ".gif":
        return _cut_gif_block(data)
    at = data.index(bytes.fromhex("d8fec3d61b0e483c92975828877ec481")) - 4  # the box 'uuid' becomes 'free'
    size = int.from_bytes(data[at - 4 : at], "big")
    return data[:at] + b"free" + bytes(size - 8) + data[at - 4 + size :]


def _cut_segments(data: bytes) -> bytes:
    """Return a JPEG without its segments APP11."""
    out, at = io.BytesIO(), 2
    out.write(data[:2])
    while data[at + 1] != 0xDA:  # start of the scan
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if data[at + 1] != 0xEB:
            out.write(data[at:end])
        at = end
    return out.getvalue() + data[at:]


def _cut_gif_block(data: bytes) -> bytes:
    """Return a GIF without the application extension of C2PA."""
    start = data.index(b"\x21\xff\x0bC2PA_GIF")
    at = start + 14
    while data[at]:
        at += data[at] + 1
    return data[:start] + data[at + 1 :]


if __name__ == "__main__":
    main()
