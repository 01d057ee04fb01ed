"""Seed files for fuzzing: tiny valid files of every family, and reading a file without a child process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import forge
import torch

from faceloom.checkpoints.detect import identify_network, read_checkpoint
from faceloom.checkpoints.loaded_network import LoadedNetwork
from faceloom.checkpoints.sandbox.containers import check_safetensors, detect_container, read_tree
from faceloom.checkpoints.sandbox.flatten import flatten, select_part
from faceloom.checkpoints.sandbox.process import FileContent
from faceloom.errors import CheckpointError, CorruptFile
from faceloom.networks.stylegan1 import StyleGAN1, StyleGAN1Config

EXPECTED = (CheckpointError,)
"""Errors that reading may raise. The child process turns any other exception into CorruptFile."""

TINY: dict[str, Any] = {"channels": (3, 2), "z_dim": 2, "w_dim": 2, "mapping_layers": 1}


def valid_files(folder: Path) -> dict[str, bytes]:
    """Return a small valid file of every family and container, by name."""
    G = forge.generator2(**TINY)
    labeled = forge.generator2(**TINY, c_dim=2, architecture="resnet", conv_clamp=2.0)
    G1 = forge.filled(StyleGAN1, StyleGAN1Config(**TINY))
    G3 = forge.generator3(channel_max=2, channel_base=16, num_layers=2, num_critical=1, z_dim=2, w_dim=2)
    ada, path = forge.ada_names(G), folder / "seed"
    ros = forge.rosinality(G)
    return {
        "ada": forge.nvidia_torch(path, G_ema=forge.persistent(forge.ada_names(labeled), "G")).read_bytes(),
        "sg3": forge.nvidia_torch(path, G_ema=forge.persistent(forge.ada_names(G3), "G")).read_bytes(),
        "plain": forge.saved(path, ada).read_bytes(),
        "legacy": forge.saved(path, ada, legacy=True).read_bytes(),
        "rosinality": forge.saved(
            path, {"g_ema": ros, "latent_avg": G.w_avg, "args": forge.namespace(size=8)}
        ).read_bytes(),
        "psp": forge.saved(
            path, {"state_dict": {f"decoder.{n}": t for n, t in ros.items()}, "opts": {"size": 8}}
        ).read_bytes(),
        "mmgeneration": forge.saved(
            path, {"state_dict": _with_prefix("generator_ema.", forge.mmgeneration(G))}
        ).read_bytes(),
        "genforce2": forge.saved(path, {"generator_smooth": forge.genforce2(G)}).read_bytes(),
        "genforce1": forge.saved(path, forge.genforce1(G1, True)).read_bytes(),
        "tf2": forge.nvidia_tf(path, *[forge.tf_network(forge.tf2(labeled), "raise")] * 3).read_bytes(),
        "tf1": forge.nvidia_tf(
            path, *[forge.tf_network(forge.tf1(G1, True), fused_scale=True)] * 3, protocol=2
        ).read_bytes(),
    }


def _with_prefix(prefix: str, state: forge.State) -> forge.State:
    return {prefix + name: tensor for name, tensor in state.items()}


def read_in_process(path: Path) -> LoadedNetwork:
    """Read a foreign file as the child process and its parent do. Raises CheckpointError."""
    if detect_container(path) == "safetensors":
        check_safetensors(path)
        return read_checkpoint(path)
    try:
        selected, skipped_entries = select_part(read_tree(path), "generator")
        flat = flatten(selected, path.stat().st_size)
    except CheckpointError:
        raise
    except Exception as error:  # as the child process does
        raise CorruptFile("it is damaged") from error
    tensors = {name: torch.from_numpy(array.copy()) for name, array in flat.tensors.items()}
    return identify_network(FileContent(tensors, flat.values, tuple(skipped_entries)), path)
