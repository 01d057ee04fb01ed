"""Loading of networks that are ready to use, by name or path: generators, LPIPS, the face detector, Inception-v3."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from faceloom.assets.archives import sha256_of
from faceloom.assets.cache import open_asset
from faceloom.checkpoints.detect import read_checkpoint
from faceloom.checkpoints.library import CARD, LICENSE_NOT_STATED, locate_generator
from faceloom.checkpoints.loaded_network import build, weights_hash
from faceloom.checkpoints.readers import native
from faceloom.checkpoints.sandbox.containers import check_safetensors, detect_container
from faceloom.checkpoints.sandbox.process import read_in_sandbox
from faceloom.errors import CorruptFile, WrongShape
from faceloom.label_columns import Columns, count_entries, from_json
from faceloom.networks.generator import Generator, count_channels
from faceloom.networks.inception import Inception
from faceloom.networks.lpips import Backbone, Lpips
from faceloom.networks.mapping import compute_mean_w
from faceloom.networks.mobilestylegan import MobileStyleGAN
from faceloom.networks.mtcnn import Mtcnn
from faceloom.sounds import spectrogram
from faceloom.sounds.spectrogram import Spectrogram

DEFAULT_GENERATOR = "mobilestylegan-ffhq"

_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
_INCEPTION_UNUSED = ("fc.", "AuxLogits.")  # prefixes of the classifier's tensors, which FID does not use


@dataclass(frozen=True)
class GeneratorModel:
    """A generator with its identity. Latents and directions belong to the hash, not to the name."""

    G: Generator
    name: str
    family: str
    hash: str
    license: str
    folder: Path | None = None  # its folder, with its directions; None for the default one, and for a file
    bits: int = 8  # of a level in the files of its pictures: 8, or 16 for gray
    label_columns: Columns = ()  # the parts of its label, where they have names
    sound: Spectrogram | None = None  # the settings of the spectrograms that it draws; None for pictures

    @property
    def img_channels(self) -> int:
        """The number of channels of its images: 1 for gray, 3 for RGB, 4 for RGB times alpha, and alpha."""
        return count_channels(self.G)


@lru_cache(maxsize=2)
def load_generator(name: str = DEFAULT_GENERATOR, precision: str = "fp32") -> GeneratorModel:
    """Load the default generator, a shipped or imported one by name, or a checkpoint of any family by its path.

    Convention: `precision` is 'fp32' or 'bf16'. Raises AssetError for an unknown name, or when the default generator
    was not pulled, CorruptFile or WrongShape when its file is damaged, and what `read_checkpoint` raises.
    """
    dtype = _DTYPES[precision]
    return _load_default(dtype) if name == DEFAULT_GENERATOR else _load_checkpoint(name, dtype)


def _load_default(dtype: torch.dtype) -> GeneratorModel:
    state = read_tensors(open_asset(DEFAULT_GENERATOR) / "generator.safetensors")
    G = MobileStyleGAN()
    load_weights(G, state | {"w_avg": torch.zeros(G.w_dim)}, DEFAULT_GENERATOR, _pull_hint(DEFAULT_GENERATOR))
    G.w_avg.copy_(compute_mean_w(G.mapping_network, _mean_samples(G.z_dim)))
    license = "research and non-commercial use only"
    return GeneratorModel(G.set_precision(dtype), DEFAULT_GENERATOR, "mobilestylegan", weights_hash(state), license)


def _load_checkpoint(name: str, dtype: torch.dtype) -> GeneratorModel:
    path = locate_generator(name)
    folder = path if path.is_dir() else None
    card = native.read_card(folder / CARD) if folder else {}
    loaded = read_checkpoint(path)
    G: Any = build(loaded)
    columns = from_json(card.get("label_columns"))
    return GeneratorModel(
        G.set_precision(dtype),
        path.stem,
        loaded.family,
        weights_hash(loaded.state_dict),
        str(card.get("licence") or LICENSE_NOT_STATED),
        folder,
        16 if card.get("bits") == 16 and G.img_channels == 1 else 8,
        columns if count_entries(columns) == G.c_dim else (),
        spectrogram.from_json(card.get("sound")) if G.img_channels == 1 else None,
    )


@lru_cache(maxsize=4)
def load_lpips(backbone: Backbone = "vgg16", precision: str = "fp32") -> Lpips:
    """Load LPIPS with its backbone from the asset 'lpips'. Raises as `load_generator`."""
    net = Lpips(backbone)
    load_weights(net, read_tensors(open_asset("lpips") / f"{backbone}.safetensors"), "lpips", _pull_hint("lpips"))
    net.to(_DTYPES[precision])
    return net.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


def load_mtcnn() -> Mtcnn:
    """Load the face detector from the asset 'mtcnn', ready for inference.

    Raises AssetError when it was not pulled, CorruptFile or WrongShape when a file is damaged.
    """
    folder = open_asset("mtcnn")
    net = Mtcnn()
    for part in ("pnet", "rnet", "onet"):
        path = folder / f"{part}.safetensors"
        load_weights(net.get_submodule(part), read_tensors(path), f"mtcnn/{path.name}", _pull_hint("mtcnn"))
    return net.eval().requires_grad_(False)


def load_inception(path: Path | str, sha256: str) -> Inception:
    """Load Inception-v3 from the user's file, safetensors or a torch state dict, ready for inference.

    The file must have the given sha256, so that scores computed with it can be compared. Nothing in it is run.
    Raises CorruptFile for another sha256 or a damaged file, UnknownFormat for TorchScript, which is a program,
    UnsafePickle, and WrongShape when the tensors are another network's.
    """
    path = Path(path)
    container = detect_container(path)
    actual = sha256_of(path)
    if actual != sha256.lower():
        raise CorruptFile(
            f"{path.name} has the sha256 {actual}, expected {sha256}", "check that it is the intended file"
        )
    if container == "safetensors":
        check_safetensors(path)
        state: Mapping[str, Tensor] = read_tensors(path, "get the file again")
    else:
        state = read_in_sandbox(path).tensors
    used = {name: tensor for name, tensor in state.items() if not name.startswith(_INCEPTION_UNUSED)}
    net = Inception()
    counters = {key: torch.zeros((), dtype=torch.long) for key in net.state_dict() if key.endswith("batches_tracked")}
    try:
        net.load_state_dict(counters | used)
    except RuntimeError as error:
        raise WrongShape(
            f"{path.name} does not hold FID's Inception-v3: {str(error)[:300]}",
            "give the state dict of pt_inception-2015-12-05, the weights that FID is defined by",
        ) from error
    return net.eval().requires_grad_(False)


def read_tensors(path: Path, hint: str = "") -> dict[str, Tensor]:
    """Read a safetensors file. Raises CorruptFile when it cannot be read as one.

    Convention: `hint` is the error's; by default it names the command that pulls the asset of that folder.
    """
    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise CorruptFile(f"cannot read {path.name}: {error}", hint or _pull_hint(path.parent.name)) from error


def load_weights(module: nn.Module, state: Mapping[str, Tensor], name: str, hint: str) -> None:
    """Load all of a network's weights and set it to inference.

    Raises WrongShape, naming the file as `name` and with `hint`, when the weights do not fit.
    """
    try:
        module.load_state_dict(dict(state))
    except RuntimeError as error:
        raise WrongShape(f"the file of '{name}' does not fit its network: {error}", hint) from error
    module.eval().requires_grad_(False)


def _pull_hint(asset: str) -> str:
    return f"faceloom models pull {asset}"


def _mean_samples(z_dim: int) -> Tensor:
    """Return the 4096 samples of z over which the mean w is measured (Karras et al. 2020 b, projector)."""
    return torch.from_numpy(np.random.RandomState(123).randn(4096, z_dim)).float()
