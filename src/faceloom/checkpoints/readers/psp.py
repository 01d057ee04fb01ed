"""Checkpoints of pSp, e4e, ReStyle and HyperStyle: a generator under `decoder.` beside an encoder. Knows names only."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from faceloom.checkpoints.loaded_network import LoadedNetwork
from faceloom.checkpoints.readers import nvidia_torch, rosinality
from faceloom.checkpoints.readers.rename import Rule, same
from faceloom.checkpoints.sandbox.process import Content

SOURCE = "psp"

_DECODER = "state_dict.decoder."
_BESIDE = ("state_dict.encoder.", "state_dict.face_pool.", "state_dict.hypernet.", "state_dict.w_encoder.")


def find(names: Mapping[str, Tensor]) -> bool:
    """Whether a file holds a generator as a decoder."""
    return any(name.startswith(_DECODER) for name in names)


def read(content: Content) -> LoadedNetwork:
    """Understand the decoder: rosinality's StyleGAN2, or NVIDIA's StyleGAN3 as stylegan3-editing keeps it.

    The encoder's tensors are reported as unused. Raises WrongShape or CorruptFile.
    """
    beside: list[Rule] = [(prefix.replace(".", r"\.") + ".*", None, same) for prefix in _BESIDE]
    tensors = {name.removeprefix(_DECODER): tensor for name, tensor in content.tensors.items()}
    found = nvidia_torch.find(tensors)
    if found is None:
        return rosinality.read_generator(tensors, SOURCE, tuple(beside))
    inside = {name: t for name, t in tensors.items() if not name.startswith(_BESIDE)}
    mean = inside.pop("latent_avg", None)
    if mean is not None:
        inside.setdefault("mapping.w_avg", rosinality.w_avg(mean))
    return nvidia_torch.read(Content(inside, {}, content.left_out), *found)
