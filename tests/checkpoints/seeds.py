"""What fuzzing begins with: tiny good files of every family, and the reading of a file without a child process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import forge
import torch

from faceloom.checkpoints import detect as checkpoint_detect
from faceloom.checkpoints.sandbox.containers import check_safetensors, detect, read_tree
from faceloom.checkpoints.sandbox.flatten import choose, flatten
from faceloom.checkpoints.sandbox.process import Content
from faceloom.errors import CheckpointError
from faceloom.networks.stylegan1 import StyleGAN1, StyleGAN1Config

EXPECTED = (CheckpointError,)
"""How reading may end. What else a child's part raises becomes a CorruptFile there, as it does here."""

TINY: dict[str, Any] = {"channels": (3, 2), "z_dim": 2, "w_dim": 2, "mapping_layers": 1}


def valid_files(folder: Path) -> dict[str, bytes]:
    """A small file of every family and container."""
    G = forge.generator2(**TINY)
    labelled = forge.generator2(**TINY, c_dim=2, architecture="resnet", conv_clamp=2.0)
    G1 = forge.filled(StyleGAN1, StyleGAN1Config(**TINY))
    G3 = forge.generator3(channel_max=2, channel_base=16, num_layers=2, num_critical=1, z_dim=2, w_dim=2)
    ada, path = forge.ada_names(G), folder / "seed"
    ros = forge.rosinality(G)
    return {
        "ada": forge.nvidia_torch(path, G_ema=forge.persistent(forge.ada_names(labelled), "G")).read_bytes(),
        "sg3": forge.nvidia_torch(path, G_ema=forge.persistent(forge.ada_names(G3), "G")).read_bytes(),
        "plain": forge.saved(path, ada).read_bytes(),
        "legacy": forge.saved(path, ada, legacy=True).read_bytes(),
        "rosinality": forge.saved(
            path, {"g_ema": ros, "latent_avg": G.w_avg, "args": forge.namespace(size=8)}
        ).read_bytes(),
        "psp": forge.saved(
            path, {"state_dict": {f"decoder.{n}": t for n, t in ros.items()}, "opts": {"size": 8}}
        ).read_bytes(),
        "mmgeneration": forge.saved(path, {"state_dict": _under("generator_ema.", forge.mmgeneration(G))}).read_bytes(),
        "genforce2": forge.saved(path, {"generator_smooth": forge.genforce2(G)}).read_bytes(),
        "genforce1": forge.saved(path, forge.genforce1(G1, True)).read_bytes(),
        "tf2": forge.nvidia_tf(path, *[forge.tf_network(forge.tf2(labelled), "raise")] * 3).read_bytes(),
        "tf1": forge.nvidia_tf(
            path, *[forge.tf_network(forge.tf1(G1, True), fused_scale=True)] * 3, protocol=2
        ).read_bytes(),
    }


def _under(prefix: str, state: forge.State) -> forge.State:
    return {prefix + name: tensor for name, tensor in state.items()}


def read_in_process(path: Path) -> checkpoint_detect.LoadedNetwork:
    """Read a foreign file as the child and its parent do together. Raises CheckpointError."""
    if detect(path) == "safetensors":
        check_safetensors(path)
        return checkpoint_detect.read_checkpoint(path)
    try:
        roots, left_out = choose(read_tree(path), "generator")
        flat = flatten(roots, path.stat().st_size)
    except CheckpointError:
        raise
    except Exception as error:  # the child's own net
        raise checkpoint_detect.CorruptFile("it is damaged") from error
    tensors = {name: torch.from_numpy(array.copy()) for name, array in flat.tensors.items()}
    return checkpoint_detect.understand(Content(tensors, flat.values, tuple(left_out)), path)
