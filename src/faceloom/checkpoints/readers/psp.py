"""Reader for the generator in checkpoints of pSp, e4e, ReStyle and HyperStyle, stored under `decoder.`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from torch import Tensor

from faceloom.checkpoints.loaded_network import LoadedNetwork
from faceloom.checkpoints.readers import nvidia_torch, rosinality
from faceloom.checkpoints.readers.rename import Rule, unchanged
from faceloom.checkpoints.sandbox.process import FileContent

SOURCE = "psp"

_DECODER = "state_dict.decoder."
_OTHER_NETWORKS = ("state_dict.encoder.", "state_dict.face_pool.", "state_dict.hypernet.", "state_dict.w_encoder.")


def find(names: Mapping[str, Tensor]) -> bool:
    """Return whether a file holds a generator under `decoder.`."""
    return any(name.startswith(_DECODER) for name in names)


def read(content: FileContent) -> LoadedNetwork:
    """Read the decoder: rosinality's StyleGAN2, or NVIDIA's StyleGAN3 as stylegan3-editing stores it.

    The encoder's tensors are reported as unused. Raises WrongShape or CorruptFile.
    """
    rules: list[Rule] = [(prefix.replace(".", r"\.") + ".*", None, unchanged) for prefix in _OTHER_NETWORKS]
    content = content.without_prefix(_DECODER)
    tensors = content.tensors
    match = nvidia_torch.find(tensors)
    if match is None:
        return rosinality.read_generator(content, SOURCE, tuple(rules))
    decoder = {name: t for name, t in tensors.items() if not name.startswith(_OTHER_NETWORKS)}
    mean = decoder.pop("latent_avg", None)
    if mean is not None:
        decoder.setdefault("mapping.w_avg", rosinality.average_w(mean))
    return nvidia_torch.read(replace(content, tensors=decoder, values={}), *match)
