"""Reader for foreign state dicts in safetensors files, under the names that the same network has in a torch file."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from faceloom.checkpoints.library import CARD
from faceloom.checkpoints.sandbox.containers import check_safetensors
from faceloom.checkpoints.sandbox.flatten import PART_ENTRIES, Part
from faceloom.checkpoints.sandbox.process import FileContent
from faceloom.errors import CorruptFile, UnknownFormat


def read(path: Path, part: Part = "generator") -> FileContent:
    """Read the tensors of a safetensors file as float32 or int64; complex ones are listed as not read.

    The entries of a snapshot, whose names precede those of its tensors ('g_ema.'), are selected as in a pickle.
    Raises CorruptFile, and UnknownFormat for a generator of faceloom without its card.
    """
    try:
        check_safetensors(path)
        stored = load_file(path)
    except (OSError, SafetensorError, ValueError, RuntimeError) as error:
        raise CorruptFile(f"cannot read {path.name}: {error}", "get the file again") from error
    if "w_avg" in stored and any(name.startswith("synthesis.") for name in stored):
        raise UnknownFormat(
            f"{path.name} is a generator that faceloom wrote, and there is no {CARD} beside it",
            "copy the whole folder, or import the network again",
        )
    tensors, unread = {}, {}
    for name, tensor in stored.items():
        if tensor.is_complex():
            unread[name] = "its numbers are complex"
        else:
            tensors[name] = tensor.to(torch.float32 if tensor.is_floating_point() else torch.int64)
    roots = {name.split(".")[0] for name in tensors}
    entries = next((row for row in PART_ENTRIES.get(part, ()) if row[0] in roots), tuple(roots))
    kept = {name: tensor for name, tensor in tensors.items() if name.split(".")[0] in entries}
    return FileContent(kept, {}, tuple(sorted(roots - set(entries))), {}, unread)
