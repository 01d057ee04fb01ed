"""Seed files for fuzzing: tiny valid files of every family, and reading a file without a child process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from faceloom.checkpoints.detect import identify_network, read_checkpoint
from faceloom.checkpoints.loaded_network import LoadedNetwork
from faceloom.checkpoints.sandbox.containers import check_safetensors, detect_container, read_tree
from faceloom.checkpoints.sandbox.flatten import flatten, select_part
from faceloom.checkpoints.sandbox.process import FileContent
from faceloom.errors import CheckpointError, CorruptFile
from faceloom.networks.stylegan1 import StyleGAN1, StyleGAN1Config
from tests.checkpoints import foreign_files

EXPECTED = (CheckpointError,)
"""Errors that reading may raise. The child process turns any other exception into CorruptFile."""

TINY: dict[str, Any] = {"channels": (3, 2), "z_dim": 2, "w_dim": 2, "mapping_layers": 1}


def valid_files(folder: Path) -> dict[str, bytes]:
    """Return a small valid file of every family and container, by name."""
    G = foreign_files.make_stylegan2(**TINY)
    labeled = foreign_files.make_stylegan2(**TINY, c_dim=2, architecture="resnet", conv_clamp=2.0)
    G1 = foreign_files.make_network(StyleGAN1, StyleGAN1Config(**TINY))
    G3 = foreign_files.make_stylegan3(channel_max=2, channel_base=16, num_layers=2, num_critical=1, z_dim=2, w_dim=2)
    ada, path = foreign_files.ada_names(G), folder / "seed"
    ros = foreign_files.rosinality_names(G)
    return {
        "ada": foreign_files.save_nvidia_torch(
            path, G_ema=foreign_files.make_persistent(foreign_files.ada_names(labeled), "G")
        ).read_bytes(),
        "sg3": foreign_files.save_nvidia_torch(
            path, G_ema=foreign_files.make_persistent(foreign_files.ada_names(G3), "G")
        ).read_bytes(),
        "plain": foreign_files.save_torch(path, ada).read_bytes(),
        "legacy": foreign_files.save_torch(path, ada, legacy=True).read_bytes(),
        "rosinality": foreign_files.save_torch(
            path, {"g_ema": ros, "latent_avg": G.w_avg, "args": foreign_files.make_namespace(size=8)}
        ).read_bytes(),
        "psp": foreign_files.save_torch(
            path, {"state_dict": {f"decoder.{n}": t for n, t in ros.items()}, "opts": {"size": 8}}
        ).read_bytes(),
        "mmgeneration": foreign_files.save_torch(
            path, {"state_dict": _with_prefix("generator_ema.", foreign_files.mmgeneration_names(G))}
        ).read_bytes(),
        "genforce2": foreign_files.save_torch(
            path, {"generator_smooth": foreign_files.genforce_stylegan2_names(G)}
        ).read_bytes(),
        "genforce1": foreign_files.save_torch(path, foreign_files.genforce_stylegan1_names(G1, True)).read_bytes(),
        "tf2": foreign_files.save_nvidia_tf(
            path, *[foreign_files.make_tf_network(foreign_files.tf_stylegan2_names(labeled), "raise")] * 3
        ).read_bytes(),
        "tf1": foreign_files.save_nvidia_tf(
            path,
            *[foreign_files.make_tf_network(foreign_files.tf_stylegan1_names(G1, True), fused_scale=True)] * 3,
            protocol=2,
        ).read_bytes(),
    }


def _with_prefix(prefix: str, state: foreign_files.State) -> foreign_files.State:
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
