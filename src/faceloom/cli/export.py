"""`faceloom export`: write a generator, a likeness or a direction in another program's format."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from faceloom.cli import options
from faceloom.cli.output import note, print_json, print_line

FORMATS = ("safetensors", "onnx", "openvino", "rosinality", "torch-export")


def export(
    output: Annotated[
        Path, typer.Option("-o", "--output", help="The file to write; a folder for the format safetensors.")
    ],
    source: Annotated[
        str | None,
        typer.Argument(help="A likeness or a direction to write as .npy or .npz. Without it a generator is written."),
    ] = None,
    format: Annotated[str | None, typer.Option("--format", help=f"{', '.join(FORMATS)}.", metavar="FORMAT")] = None,
    precision: Annotated[
        str,
        typer.Option(help="Precision of the stored weights: fp32, fp16 or int8 (onnx, openvino).", metavar="PRECISION"),
    ] = "fp32",
    allow_loss: Annotated[
        bool,
        typer.Option(
            "--allow-loss",
            help="Keep the file although its pictures are below 80 dB (fp32), 55 dB (fp16) or 36 dB (int8).",
        ),
    ] = False,
    generator: options.Generator = None,
    as_json: options.Json = False,
) -> None:
    """Write a generator, a likeness or a direction for other programs.

    A generator is read back in the other program's own runtime, and three faces are drawn with both: the command
    prints the largest difference and the PSNR. A file whose pictures differ too much is not kept. Three files are
    written beside the synthesis network: NAME-mapping for z -> w, NAME.json with the mean w, the sizes and the
    license, and NAME.signature.json, which `faceloom verify` reads.

    \b
    Examples:
      faceloom export --format onnx -o face.onnx
      faceloom export --generator cats --format rosinality -o cats.pt --json
      faceloom export me.likeness -o me.npz
    """
    if source is None and format not in FORMATS:
        raise typer.BadParameter(f"choose one of {', '.join(FORMATS)}", param_hint="--format")
    facts = _arrays(source, output) if source else _generator(generator, format, output, precision, allow_loss)
    if as_json:
        print_json(facts)
    elif source:
        print_line(output)
    else:
        quality = f"PSNR {facts['psnr_db']:.1f} dB, largest difference {facts['max_abs']:.2g}"
        print_line(f"{output}: {facts['bytes']:,} bytes, {quality}")


def _generator(name: str | None, format: Any, output: Path, precision: Any, allow_loss: bool) -> dict[str, Any]:
    from faceloom.checkpoints.export import export_generator
    from faceloom.checkpoints.load import DEFAULT_GENERATOR, load_generator

    model = load_generator(name or DEFAULT_GENERATOR)
    return asdict(export_generator(model, format, output, precision, allow_loss=allow_loss)) | {"path": str(output)}


def _arrays(source: str, output: Path) -> dict[str, Any]:
    """Write a likeness as `w_plus` (and `w`, NVIDIA's name for it), or a direction as its unit `vector`.

    A person who was edited in some regions also has the arrays `base` and `mask`.
    """
    from faceloom.checkpoints.arrays import save_arrays
    from faceloom.edit import directions
    from faceloom.likeness import Likeness
    from faceloom.marks.signatures import SUFFIX, sign_files

    is_direction = source in directions.list_shipped() or Path(source).suffix == directions.SUFFIX
    if is_direction:
        direction = (
            directions.load_shipped(source) if source in directions.list_shipped() else directions.load(Path(source))
        )
        card: dict[str, Any] = {name: value for name, value in vars(direction).items() if name != "vector"}
        arrays = {"vector": direction.vector}
    else:
        person = Likeness.load(Path(source))
        if person.delta:
            note("the tuned weights are not exported: encode with --no-tune for other programs")
        if person.mask is not None:
            note("a part of this person is drawn from 'base', where 'mask' is 0; 'w_plus' alone draws another picture")
        card = {"generator_name": person.generator_name, "generator_hash": person.generator_hash}
        card |= {"quality": dict(person.quality), "provenance": dict(person.provenance)}
        arrays = {"w_plus": person.w_plus, "w": person.w_plus}
        arrays |= {} if person.base is None or person.mask is None else {"base": person.base, "mask": person.mask}
    save_arrays(output, arrays, card)
    sign_files([output], output.with_name(output.stem + SUFFIX), {"made_from": Path(source).name})
    return {"path": str(output), "bytes": output.stat().st_size, "arrays": list(arrays)}
