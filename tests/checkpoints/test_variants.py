"""Variants of the families: they are read as the foreign code draws them, or refused by name."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor

from faceloom.checkpoints.detect import read_checkpoint
from faceloom.checkpoints.importing import import_checkpoint
from faceloom.checkpoints.loaded_network import build
from faceloom.checkpoints.readers import native
from faceloom.errors import UnknownFormat, WrongShape
from faceloom.networks.ops import up_padding, upfirdn2d
from faceloom.networks.stylegan3 import layer_bands
from tests.checkpoints import foreign_files
from tests.checkpoints.test_detect_checkpoints import assert_same
from tests.numbered import some_w


def save_ada(path: Path, tensors: dict[str, Tensor], **attributes: Any) -> Path:
    network = foreign_files.make_persistent(tensors, "Generator", **attributes)
    return foreign_files.save_nvidia_torch(path, G_ema=network)


# settings of layers


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("mapping__fc1__activation", "relu"),
        ("mapping__fc1__bias_gain", 1.0),
        ("mapping__embed__activation", "lrelu"),
        ("synthesis__b8__conv0__activation", "swish"),
        ("synthesis__b16__conv1__act_gain", 1.0),
        ("synthesis__b16__conv1__conv_clamp", 256),
        ("synthesis__b16__conv1__use_noise", False),
        ("synthesis__b16__conv0__up", 4),
        ("synthesis__b8__torgb__conv_clamp", 8),
        ("synthesis__b8__torgb__affine__activation", "lrelu"),
        ("synthesis__b8__architecture", "resnet"),
    ],
)
def test_another_setting_of_any_layer_is_refused_by_name(setting: str, value: Any, tmp_path: Path):
    G = foreign_files.make_stylegan2(c_dim=2)
    common = {
        "mapping__fc0__activation": "lrelu",
        "mapping__fc0__bias_gain": 0.01,
        "synthesis__b4__conv1__conv_clamp": None,
        "synthesis__b4__conv1__use_noise": True,
        "synthesis__b4__torgb__conv_clamp": None,
        "synthesis__b4__architecture": "skip",
    }
    assert_same(read_checkpoint(save_ada(tmp_path / "a.pkl", foreign_files.ada_names(G), **common)), G)
    with pytest.raises(UnknownFormat, match=setting.replace("__", r"\.")):
        read_checkpoint(save_ada(tmp_path / "b.pkl", foreign_files.ada_names(G), **common | {setting: value}))


def test_settings_of_a_discriminator_are_checked(tmp_path: Path):
    tensors = foreign_files.ada_names(foreign_files.make_discriminator())
    for setting, value in {
        "b8__conv1__activation": "relu",
        "b4__out__activation": "lrelu",
        "b8__conv0__down": 2,
    }.items():
        network = foreign_files.make_persistent(tensors, "D", **{setting: value})
        path = foreign_files.save_nvidia_torch(tmp_path / "d.pkl", D=network)
        with pytest.raises(UnknownFormat, match=setting.replace("__", r"\.")):
            read_checkpoint(path, "discriminator")


def test_stated_labels_without_embedding_are_refused(tmp_path: Path):
    tensors = foreign_files.ada_names(foreign_files.make_stylegan2(c_dim=3))
    lost = {name: tensor for name, tensor in tensors.items() if "embed" not in name}
    with pytest.raises(WrongShape, match="c_dim=3, but its weights are of c_dim=0"):
        read_checkpoint(save_ada(tmp_path / "a.pkl", lost, c_dim=3))
    plain = read_checkpoint(foreign_files.save_torch(tmp_path / "a.pt", lost))
    assert any("twice as many numbers as w" in note for note in plain.notes)


@pytest.mark.parametrize("family", ["stylegan2", "rosinality", "stylegan3"])
def test_z_twice_as_long_as_w(family: str, tmp_path: Path):
    G: Any = foreign_files.make_stylegan3(z_dim=16) if family == "stylegan3" else foreign_files.make_stylegan2(z_dim=16)
    names = foreign_files.rosinality_names(G) | {"latent_avg": G.w_avg} if family == "rosinality" else None
    path = foreign_files.save_torch(tmp_path / "a.pt", names or foreign_files.ada_names(G))
    assert_same(read_checkpoint(path), G)


# filters


def test_unused_filters_are_ignored(tmp_path: Path):
    G = foreign_files.make_stylegan2()
    other = torch.eye(4) / 4
    unused = ("b4.resample_filter", "b4.conv1.resample_filter", "b8.conv1.resample_filter", "b16.conv1.resample_filter")
    tensors = foreign_files.ada_names(G) | {f"synthesis.{name}": other for name in unused}
    assert_same(read_checkpoint(save_ada(tmp_path / "a.pkl", tensors)), G)
    for name in ("synthesis.b8.resample_filter", "synthesis.b16.conv0.resample_filter"):
        with pytest.raises(UnknownFormat, match="low-pass"):
            read_checkpoint(save_ada(tmp_path / "a.pkl", tensors | {name: other}))


def test_unused_filters_of_other_architectures_are_ignored(tmp_path: Path):
    other = torch.eye(4) / 4
    for architecture in ("resnet", "orig"):
        G = foreign_files.make_stylegan2(architecture=architecture)
        tensors = foreign_files.ada_names(G) | {"synthesis.b8.resample_filter": other}
        assert_same(read_checkpoint(save_ada(tmp_path / "a.pkl", tensors)), G)


TAPS = [
    (1,),
    (1, 1),
    (1, 2, 1),
    (1, 3, 3, 1),
    (1, 4, 6, 4, 1),
    (1, 2, 3, 2, 1),
    (1, 5, 10, 10, 5, 1),
    (0, 1, 3, 3, 1, 0),
]


@pytest.mark.parametrize("taps", [*TAPS, (1, 2, 5, 3), (1,) * 9])
@pytest.mark.parametrize("half", [False, True])
def test_rosinality_with_other_blur_kernels(taps: tuple[int, ...], half: bool, tmp_path: Path):
    G = foreign_files.make_stylegan2(resample_filter=taps)
    state = foreign_files.rosinality_names(G)
    if half:
        state = {name: tensor.half() if "kernel" in name else tensor for name, tensor in state.items()}
    loaded = read_checkpoint(foreign_files.save_torch(tmp_path / "a.pt", {"g_ema": state, "latent_avg": G.w_avg}))
    built: Any = build(loaded)
    w_plus = some_w(1, G.num_ws, G.w_dim)
    tolerance = 2e-3 if half else 1e-5
    expected = G.synthesis(w_plus)
    assert (built.synthesis(w_plus) - expected).abs().max() <= tolerance * expected.abs().max()


@pytest.mark.parametrize("taps", [*TAPS, (1, 2, 5, 3)])
def test_padding_of_any_filter_is_rosinalitys(taps: tuple[int, ...]):
    """Compare with an up-sampling written as a sum over taps, padded as rosinality's code states it."""
    row, x = torch.tensor(taps, dtype=torch.float) / sum(taps), torch.randn(1, 1, 5, 5)
    p = len(taps) - 2
    before, after = (p + 1) // 2 + 1, p // 2
    zeros = torch.zeros(1, 1, 10, 10)
    zeros[:, :, ::2, ::2] = x
    padded = F.pad(zeros, (before, after, before, after))
    expected = torch.zeros(1, 1, 10, 10)
    for i, a in enumerate(row.flip(0)):
        for j, b in enumerate(row.flip(0)):
            expected += 4 * a * b * padded[:, :, i : i + 10, j : j + 10]
    ours = upfirdn2d(x, torch.outer(row, row) * 4, up=2, padding=up_padding(len(taps)))
    torch.testing.assert_close(ours, expected)


def test_filters_that_change_the_brightness_are_refused(tmp_path: Path):
    state = foreign_files.rosinality_names(foreign_files.make_stylegan2())
    dark = {name: tensor / 4 if "kernel" in name else tensor for name, tensor in state.items()}
    with pytest.raises(UnknownFormat, match="low-pass filter's numbers sum to 1, expected 4"):
        read_checkpoint(foreign_files.save_torch(tmp_path / "a.pt", {"g_ema": dark}))


# colors


def with_channels(state: dict[str, Tensor], channels: int) -> dict[str, Tensor]:
    """Return a state dict whose color layers have 1 or 4 channels: the first, or one more."""
    colors = {n: t for n, t in state.items() if "torgb" in n and n.endswith(("torgb.weight", "torgb.bias"))}
    return state | {n: t[:1] if channels == 1 else torch.cat((t, t[:1] + 1)) for n, t in colors.items()}


@pytest.mark.parametrize("channels", [1, 4])
@pytest.mark.parametrize("family", ["stylegan2", "stylegan3", "stylegan1"])
def test_gray_and_rgba_generators(channels: int, family: str, tmp_path: Path):
    make: Any = getattr(foreign_files, f"make_{family}")
    G = make()
    w_plus = some_w(2, G.num_ws, G.w_dim)
    expected = G.synthesis(w_plus)
    if family == "stylegan3":
        rename = {n: n.replace("_16_3.", f"_16_{channels}.") for n in foreign_files.ada_names(G)}
        state = {}
        for name, tensor in foreign_files.ada_names(G).items():
            if "_16_3." in name and name.endswith(("3.weight", "3.bias")):
                tensor = tensor[:1] if channels == 1 else torch.cat((tensor, tensor[:1] + 1))
            state[rename[name]] = tensor
        path = save_ada(tmp_path / "a.pkl", state, synthesis___init_kwargs={"num_layers": 4})
    elif family == "stylegan1":
        state = {n: t for n, t in foreign_files.tf_stylegan1_names(G, False).items() if "lod1" not in n}
        for name in ("synthesis/ToRGB_lod0/weight", "synthesis/ToRGB_lod0/bias"):
            value = state[name]
            state[name] = value[..., :1] if channels == 1 else torch.cat((value, value[..., :1] + 1), dim=-1)
        Gs = foreign_files.make_tf_network(state, resolution=32, num_channels=channels)
        path = foreign_files.save_nvidia_tf(tmp_path / "a.pkl", Gs, Gs, Gs)
    else:
        path = save_ada(tmp_path / "a.pkl", with_channels(foreign_files.ada_names(G), channels), img_channels=channels)
    loaded = read_checkpoint(path)
    built: Any = build(loaded)
    actual = built.synthesis(w_plus)
    torch.testing.assert_close(actual, expected[:, :1].expand(-1, 3, -1, -1) if channels == 1 else expected)
    assert any(("gray" if channels == 1 else "alpha") in note for note in loaded.notes)


def test_gray_discriminator(tmp_path: Path):
    D = foreign_files.make_discriminator()
    tensors = foreign_files.ada_names(D)
    gray = tensors | {"b16.fromrgb.weight": tensors["b16.fromrgb.weight"][:, :1]}
    network = foreign_files.make_persistent(gray, "D", img_channels=1)
    loaded = read_checkpoint(foreign_files.save_nvidia_torch(tmp_path / "d.pkl", D=network), "discriminator")
    img = torch.randn(4, 1, 16, 16)
    weight = D.get_submodule("b16.fromrgb").weight
    first = F.conv2d(img, gray["b16.fromrgb.weight"])  # scaled by 1 / sqrt(1) with one channel
    with torch.no_grad():
        weight.copy_(gray["b16.fromrgb.weight"].expand(-1, 3, -1, -1))
    torch.testing.assert_close(F.conv2d(img.expand(-1, 3, -1, -1), weight) / 3, first)
    built: Any = build(loaded)
    ours = F.conv2d(img.expand(-1, 3, -1, -1), built.b16.fromrgb.weight * built.b16.fromrgb.weight_gain)
    torch.testing.assert_close(ours, first, atol=1e-5, rtol=1e-5)
    rgba = tensors | {"b16.fromrgb.weight": tensors["b16.fromrgb.weight"][:, [0, 1, 2, 0]]}
    path = foreign_files.save_nvidia_torch(tmp_path / "d.pkl", D=foreign_files.make_persistent(rgba, "D"))
    with pytest.raises(UnknownFormat, match="RGBA"):
        read_checkpoint(path, "discriminator")


# StyleGAN-XL


def xl_embedding(classes: int, z_dim: int) -> dict[str, Tensor]:
    torch.manual_seed(1)
    return {
        "mapping.embed.weight": torch.randn(classes, 5),
        "mapping.embed_proj.weight": torch.randn(z_dim, 5),
        "mapping.embed_proj.bias": torch.randn(z_dim),
    }


def xl_mapping(tensors: dict[str, Tensor], z: Tensor, label: int, layers: int) -> Tensor:
    """Map z and a class to w, written from the description in the paper."""

    def normalize(x: Tensor) -> Tensor:
        return x / (x.square().mean(dim=1, keepdim=True) + 1e-8).sqrt()

    row = tensors["mapping.embed.weight"][label]
    y = tensors["mapping.embed_proj.weight"] @ row / len(row) ** 0.5 + tensors["mapping.embed_proj.bias"]
    y = F.leaky_relu(y, 0.2) * 2**0.5
    x = torch.cat((normalize(z), normalize(y[None]).expand(len(z), -1)), dim=1)
    for i in range(layers):
        weight, bias = tensors[f"mapping.fc{i}.weight"], tensors[f"mapping.fc{i}.bias"]
        x = F.leaky_relu(x @ weight.T * (0.01 / weight.shape[1] ** 0.5) + bias * 0.01, 0.2) * 2**0.5
    return x


def save_xl(path: Path, G: Any, tensors: dict[str, Tensor], **attributes: Any) -> Path:
    network = foreign_files.make_persistent(tensors, "Generator", **attributes)
    modules = network.meta["state"]["_modules"]
    if "mapping.embed.weight" in tensors:
        table = torch.nn.Embedding.from_pretrained(tensors["mapping.embed.weight"])
        modules["mapping"].meta["state"]["_modules"]["embed"] = table  # a plain torch module
    return foreign_files.save_nvidia_torch(path, G_ema=network)


def test_label_embedding_of_stylegan_xl(tmp_path: Path):
    G = foreign_files.make_stylegan3(c_dim=4, embed_features=8)
    tensors = foreign_files.ada_names(G)
    tensors = {n: t for n, t in tensors.items() if ".embed." not in n} | xl_embedding(4, 8)
    means = torch.arange(32.0).view(4, 8)
    tensors["mapping.w_avg"] = means
    path = save_xl(tmp_path / "xl.pkl", G, tensors, synthesis___init_kwargs={"num_layers": 4}, c_dim=4, z_dim=8)
    loaded = read_checkpoint(path)
    built: Any = build(loaded)
    assert (built.c_dim, built.z_dim) == (4, 8)
    z = torch.randn(3, 8)
    for label in range(4):
        ours = built.mapping(z, F.one_hot(torch.tensor([label] * 3), 4))
        torch.testing.assert_close(ours, xl_mapping(tensors, z, label, 2), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(built.w_avg, means.mean(dim=0))
    assert any("mean w for each of 4 classes" in note for note in loaded.notes)
    w_plus = some_w(2, G.num_ws, G.w_dim)
    torch.testing.assert_close(built.synthesis(w_plus), G.synthesis(w_plus))
    folder = import_checkpoint(path, "xl", tmp_path)
    torch.testing.assert_close(build(native.read(folder)).mapping(z, F.one_hot(torch.tensor([1] * 3), 4)),
                               xl_mapping(tensors, z, 1, 2), atol=1e-5, rtol=1e-5)  # fmt: skip


def test_unconditional_stylegan_xl_ignores_its_embedding(tmp_path: Path):
    G = foreign_files.make_stylegan3()
    tensors = foreign_files.ada_names(G) | {"mapping.embed.weight": torch.randn(4, 5)}
    assert_same(read_checkpoint(save_xl(tmp_path / "xl.pkl", G, tensors, synthesis___init_kwargs={"num_layers": 4})), G)


def test_super_resolution_of_stylegan_xl(tmp_path: Path):
    """Read a stem of 16 px whose critical layers were replaced by three layers and a color layer of 32 px.

    The official code leaves out one number where the super-resolution begins: L0, L1, L3, L4 ...
    """
    stem = layer_bands(foreign_files.SG3)[:2]
    last = replace(foreign_files.SG3, img_resolution=32, num_layers=3, first_cutoff=stem[-1].cutoff)
    last = replace(last, first_stopband=stem[-1].cutoff + stem[-1].half_width, channel_max=stem[-1].channels)
    bands = [*stem, *layer_bands(last)]
    flat = tuple(float(n) for b in bands for n in (b.cutoff, b.half_width, b.rate, b.size, b.channels))
    G = foreign_files.make_stylegan3(img_resolution=32, num_layers=len(bands) - 1, bands=flat)
    stated: dict[str, Any] = {"synthesis___init_kwargs": {"num_layers": 4, "img_resolution": 16}}
    for i, band in enumerate(bands):
        layer = f"synthesis__L{i + (i >= len(stem))}_{band.size}_{band.channels}"
        stated |= {f"{layer}__out_cutoff": band.cutoff, f"{layer}__out_half_width": band.half_width}
        stated[f"{layer}__out_sampling_rate"] = band.rate
    filters = {n: b.sum(dim=0) for n, b in G.named_buffers() if n.endswith("_filter") and len(b) > 1}
    tensors = {}
    for name, tensor in (foreign_files.ada_names(G) | filters).items():
        match = re.fullmatch(r"synthesis\.L(\d+)(_.*)", name)
        gap = int(match[1]) + (int(match[1]) >= len(stem)) if match else 0
        tensors[f"synthesis.L{gap}{match[2]}" if match else name] = tensor
    loaded = read_checkpoint(save_ada(tmp_path / "xl.pkl", tensors, **stated))
    assert loaded.config.bands == flat  # type: ignore[union-attr]
    assert_same(loaded, G)


# names


REFUSED = {
    "R3GAN": ["Model.MainLayers.0.Layers.0.Layer.weight", "Model.MainLayers.0.Basis"],
    "EG3D": ["backbone.synthesis.b4.const", "superresolution.block0.conv0.weight", "decoder.net.0.weight"],
    "SWAGAN": ["input.input", "to_rgbs.0.iwt.ll", "conv1.conv.weight"],
    "lucidrains": ["GAN.S.net.0.weight", "GAN.G.initial_block"],
    "StyleGAN-T": ["synthesis.b4.conv1.affine.proj.weight", "mapping.mlp.fc0.weight", "synthesis.b4.input.freqs"],
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("container", ["snapshot", "safetensors", "state dict"])
def test_other_families_are_named(name: str, container: str, tmp_path: Path):
    tensors = {key: torch.zeros(2) for key in REFUSED[name]}
    path = tmp_path / "x"
    if container == "snapshot":
        save_ada(path, tensors)
    elif container == "safetensors":
        save_file(tensors, path)
    else:
        torch.save(tensors, path)
    with pytest.raises(UnknownFormat, match=f"holds {name}"):
        read_checkpoint(path)


# safetensors


@pytest.mark.parametrize("source", ["ada", "rosinality", "psp", "genforce", "mmgeneration"])
def test_state_dicts_as_safetensors(source: str, tmp_path: Path):
    G, D = foreign_files.make_stylegan2(), foreign_files.make_discriminator()
    rosinality = {f"g_ema.{n}": t for n, t in foreign_files.rosinality_names(G).items()}
    judge = {f"d.{n}": t for n, t in foreign_files.rosinality_discriminator_names(D).items()}
    decoder = {f"state_dict.decoder.{n}": t for n, t in foreign_files.rosinality_names(G).items()}
    state = {
        "ada": lambda: foreign_files.ada_names(G),
        "rosinality": lambda: rosinality | judge | {"latent_avg": G.w_avg},
        "psp": lambda: decoder | {"latent_avg": G.w_avg},
        "genforce": lambda: foreign_files.genforce_stylegan2_names(G),
        "mmgeneration": lambda: foreign_files.mmgeneration_names(G),
    }[source]()
    path = tmp_path / "x.safetensors"
    save_file({name: tensor.contiguous().clone() for name, tensor in state.items()}, path)
    loaded = read_checkpoint(path)
    assert_same(loaded, G, mean=source != "mmgeneration")
    assert native.read(import_checkpoint(path, "x", tmp_path)).config == loaded.config
    if source == "rosinality":
        img = torch.randn(4, 3, 16, 16)
        torch.testing.assert_close(build(read_checkpoint(path, "discriminator"))(img), D(img), atol=1e-5, rtol=1e-5)


def test_generator_of_faceloom_without_its_card_is_named(tmp_path: Path):
    path = foreign_files.save_torch(tmp_path / "g.pt", foreign_files.ada_names(foreign_files.make_stylegan2()))
    folder = import_checkpoint(path, "x", tmp_path)
    (folder / "card.json").unlink()
    with pytest.raises(UnknownFormat, match="generator that faceloom wrote"):
        read_checkpoint(folder / "generator.safetensors")
