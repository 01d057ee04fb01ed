"""Reads Inception-v3's weights from a file that the user has: safetensors, or a state dict of torch's. Runs nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from faceloom.assets.archives import sha256_of
from faceloom.checkpoints.load import read_tensors
from faceloom.checkpoints.sandbox.containers import check_safetensors, detect
from faceloom.checkpoints.sandbox.process import read_foreign
from faceloom.errors import CorruptFile, WrongShape
from faceloom.networks.inception import Inception

_UNUSED = ("fc.", "AuxLogits.")
HINT = "give the state dict of pt_inception-2015-12-05, the weights that FID is defined by"


def load_inception(path: Path | str, sha256: str) -> Inception:
    """Load Inception-v3, ready for inference; the file must have this sha256, so that two numbers name one network.

    Raises CorruptFile for another hash or a damaged file, UnknownFormat for TorchScript, which is a program,
    UnsafePickle, and WrongShape when the tensors are another network's.
    """
    path = Path(path)
    kind = detect(path)
    found = sha256_of(path)
    if found != sha256.lower():
        raise CorruptFile(f"{path.name} has the sha256 {found}, expected {sha256}", "is it the file that you mean?")
    if kind == "safetensors":
        check_safetensors(path)
        state: Mapping[str, Tensor] = read_tensors(path)
    else:
        state = read_foreign(path).tensors
    kept = {name: tensor for name, tensor in state.items() if not name.startswith(_UNUSED)}
    net = Inception()
    counters = {key: torch.zeros((), dtype=torch.long) for key in net.state_dict() if key.endswith("batches_tracked")}
    try:
        net.load_state_dict(counters | kept)
    except RuntimeError as error:
        raise WrongShape(f"{path.name} does not hold FID's Inception-v3: {str(error)[:300]}", HINT) from error
    return net.eval().requires_grad_(False)
