"""Seed files for fuzzing: tiny valid files of every family, and reading a file without a child process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from faceloom.checkpoints.detect import identify_network, read_checkpoint
from faceloom.checkpoints.loaded_network import LoadedNetwork
from faceloom.checkpoints.sandbox import process
from faceloom.checkpoints.sandbox.containers import detect_container
from faceloom.checkpoints.sandbox.flatten import select_part
from faceloom.checkpoints.sandbox.process import FileContent
from faceloom.errors import CheckpointError
from faceloom.networks.stylegan1 import StyleGAN1, StyleGAN1Config
from tests.checkpoints import foreign_files

EXPECTED = (CheckpointError,)
"""Errors that reading may raise."""

TINY: dict[str, Any] = {"channels": (3, 2), "z_dim": 2, "w_dim": 2, "mapping_layers": 1}

CRITICAL = {"num_critical": 1}


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
            path,
            G_ema=foreign_files.make_persistent(foreign_files.ada_names(G3), "G", synthesis___init_kwargs=CRITICAL),
        ).read_bytes(),
        "xl": foreign_files.save_nvidia_torch(path, G_ema=_stylegan_xl()).read_bytes(),
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


def _stylegan_xl() -> foreign_files.Persistent:
    """Return a tiny StyleGAN-XL with a label embedding and stated bands."""
    G = foreign_files.make_stylegan3(
        channel_max=2, channel_base=16, num_layers=2, num_critical=1, z_dim=2, w_dim=2, c_dim=2, embed_features=2
    )
    tensors = {name: tensor for name, tensor in foreign_files.ada_names(G).items() if ".embed." not in name}
    tensors |= {"mapping.embed.weight": torch.ones(2, 3), "mapping.embed_proj.weight": torch.ones(2, 3)}
    tensors |= {"mapping.embed_proj.bias": torch.ones(2), "mapping.w_avg": torch.ones(2, 2)}
    stated: dict[str, Any] = {f"synthesis__{layer}__out_cutoff": 2.5 for layer in G.synthesis.layer_names}
    stated |= {f"synthesis__{layer}__out_half_width": 1.5 for layer in G.synthesis.layer_names}
    stated |= {f"synthesis__{layer}__out_sampling_rate": 8 for layer in G.synthesis.layer_names}
    return foreign_files.make_persistent(tensors, "G", synthesis___init_kwargs=CRITICAL, **stated)


def _with_prefix(prefix: str, state: foreign_files.State) -> foreign_files.State:
    return {prefix + name: tensor for name, tensor in state.items()}


def read_in_process(path: Path) -> LoadedNetwork:
    """Read a foreign file as the child process and its parent do. Raises CheckpointError."""
    if detect_container(path) == "safetensors":
        return read_checkpoint(path)
    tree, size = process.read_tree_of(path, allow_arrays=False)
    selected, skipped_entries = select_part(tree, "generator")
    flat = process.flatten_tree(selected, size)
    tensors = {name: torch.from_numpy(array.copy()) for name, array in flat.tensors.items()}
    content = FileContent(tensors, flat.values, tuple(skipped_entries), flat.dropped, flat.unread)
    return identify_network(content, path)
