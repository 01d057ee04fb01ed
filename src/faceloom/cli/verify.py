"""`faceloom verify`: read the marks of origin in pictures, films, sounds, likenesses and exported generators."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from faceloom.cli import options
from faceloom.cli.output import note, print_json, print_line

if TYPE_CHECKING:
    from faceloom.workflows.verify import Verification


def verify(
    files: Annotated[
        list[Path], typer.Argument(help="Pictures, films, sounds, likenesses, signature files, or folders.")
    ],
    as_json: options.Json = False,
) -> None:
    """Say which marks of origin files carry, which are missing, and which were tampered with.

    The layers are the metadata (IPTC digital source type), the invisible watermark, and the signed content credentials
    (C2PA). WAV sounds have no watermark. A file without marks may have any origin. The exit status is 1 when a mark was
    tampered with or a file cannot be read.

    \b
    Examples:
      faceloom verify face.png
      faceloom verify downloads --json
      faceloom verify me.likeness exported/face.signature.json
      faceloom verify seven.wav
    """
    found = list(_verify_all(files))
    if as_json:
        print_json({"files": [verification.facts for verification in found]})
    else:
        for verification in found:
            _print(verification)
    if any(verification.verdict in ("tampered", "unreadable") for verification in found):
        raise typer.Exit(1)


def _verify_all(files: list[Path]) -> list[Verification]:
    """Verify files and folders. A single file that cannot be read is an error; of several, it is one of the results."""
    from faceloom.workflows.verify import try_verify, verify_file, verify_folder

    found: list[Verification] = []
    for file in files:
        if file.is_dir():
            in_folder = list(verify_folder(file))
            if not in_folder:
                note(f"{file} holds no picture, film, sound or likeness")
            found += in_folder
        else:
            found.append(try_verify(file) if len(files) > 1 else verify_file(file))
    return found


def _print(verification: Verification) -> None:
    print_line(f"{verification.name}: {verification.verdict}")
    for layer in verification.layers:
        print_line(f"  {layer.name:<12} {layer.state:<9} {layer.detail}".rstrip())
