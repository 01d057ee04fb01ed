"""Detection and reading of every family: a foreign file of our network is read back and draws the same image."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from faceloom.checkpoints.detect import read_checkpoint
from faceloom.checkpoints.importing import import_checkpoint
from faceloom.checkpoints.loaded_network import LoadedNetwork, build
from faceloom.checkpoints.readers import native
from faceloom.errors import AssetError, CorruptFile, UnknownFormat, WrongShape
from faceloom.networks.generator import Generator
from tests.checkpoints import foreign_files
from tests.numbered import some_w


def assert_same(loaded: LoadedNetwork, G: Any, mean: bool = True) -> nn.Module:
    """Assert that the loaded network draws the same images as G; return the built network."""
    built: Any = build(loaded)
    w_plus = some_w(2, G.num_ws, G.w_dim)
    assert isinstance(built, Generator)
    for noise in ("const", "none"):
        torch.testing.assert_close(built.synthesis(w_plus, noise), G.synthesis(w_plus, noise), atol=1e-4, rtol=1e-4)
    z, c = torch.randn(2, G.z_dim), torch.randn(2, G.c_dim) if G.c_dim else None
    torch.testing.assert_close(built.mapping(z, c), G.mapping(z, c), atol=1e-5, rtol=1e-5)
    if mean:
        torch.testing.assert_close(built.w_avg, G.w_avg)
    return built


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"architecture": "resnet", "conv_clamp": 2.0},
        {"architecture": "orig", "c_dim": 3},
        {"layer_features": 6, "embed_features": 5, "c_dim": 2},
        {"resample_filter": (1, 4, 6, 4, 1)},
    ],
)
def test_ada(tmp_path: Path, changes: dict[str, Any]):
    G = foreign_files.make_stylegan2(**changes)
    tensors = foreign_files.ada_names(G)
    if taps := changes.get("resample_filter"):
        row = torch.tensor(taps) / sum(taps)
        tensors |= {name: torch.outer(row, row) for name in tensors if "resample" in name}
    network = foreign_files.make_persistent(
        tensors,
        "Generator",
        "raise SystemExit('it ran')",
        synthesis__b4__conv1__conv_clamp=changes.get("conv_clamp"),
        synthesis__b4__conv1__activation="lrelu",
        mapping__fc0__bias_gain=0.01,
    )
    path = foreign_files.save_nvidia_torch(tmp_path / "ada.pkl", G=network, D=None, G_ema=network)
    loaded = read_checkpoint(path)
    assert (loaded.family, loaded.source) == ("stylegan2", "nvidia-torch")
    assert any("resample_filter" in name for name in loaded.unused_keys)
    assert_same(loaded, G)


def test_another_activation_is_refused(tmp_path: Path):
    network = foreign_files.make_persistent(
        foreign_files.ada_names(foreign_files.make_stylegan2()), "G", synthesis__b4__conv1__activation="relu"
    )
    with pytest.raises(UnknownFormat, match="activation is relu"):
        read_checkpoint(foreign_files.save_nvidia_torch(tmp_path / "x.pkl", G_ema=network))


@pytest.mark.parametrize("changes", [{}, {"conv_kernel": 1, "use_radial_filters": True, "c_dim": 2}])
def test_stylegan3(tmp_path: Path, changes: dict[str, Any]):
    G = foreign_files.make_stylegan3(**changes)
    filters = {n: b for n, b in G.named_buffers() if n.endswith("_filter") and len(b) > 1}
    if not changes:
        filters = {n: b.sum(dim=0) for n, b in filters.items()}
    else:
        filters = {
            n: b.sum(dim=0) if n.endswith("up_filter") or ".L2" in n or ".L3" in n else b for n, b in filters.items()
        }
    kwargs = {"synthesis___init_kwargs": {"num_layers": 4, "num_fp16_res": 4}}
    network = foreign_files.make_persistent(foreign_files.ada_names(G) | filters, "Generator", **kwargs)
    path = foreign_files.save_nvidia_torch(tmp_path / "sg3.pkl", G_ema=network)
    assert_same(read_checkpoint(path), G)
    plain = {
        f"decoder.{n}": t for n, t in foreign_files.ada_names(G).items() if "transform" not in n and "w_avg" not in n
    }
    content = {"state_dict": plain, "latent_avg": G.w_avg.repeat(G.num_ws, 1), "opts": {}}
    if not changes:
        assert_same(read_checkpoint(foreign_files.save_torch(tmp_path / "editing.pt", content)), G)
    filters[next(n for n in filters if "down" in n)] *= 1.01
    broken = foreign_files.make_persistent(foreign_files.ada_names(G) | filters, "Generator", **kwargs)
    with pytest.raises(UnknownFormat, match="another filter"):
        read_checkpoint(foreign_files.save_nvidia_torch(tmp_path / "x.pkl", G_ema=broken))


@pytest.mark.parametrize("legacy", [False, True])
def test_plain_state_dict_under_ada_names(tmp_path: Path, legacy: bool):
    G = foreign_files.make_stylegan2()
    assert_same(read_checkpoint(foreign_files.save_torch(tmp_path / "g.pt", foreign_files.ada_names(G), legacy)), G)


def test_half_precision_is_read(tmp_path: Path):
    G = foreign_files.make_stylegan2()
    for dtype in (torch.bfloat16, torch.float16, torch.float64):
        state = {name: tensor.to(dtype) for name, tensor in foreign_files.ada_names(G).items()}
        G.load_state_dict({n if n != "mapping.w_avg" else "w_avg": t for n, t in state.items() if "resample" not in n})
        assert_same(read_checkpoint(foreign_files.save_torch(tmp_path / "g.pt", state)), G)


def test_rosinality(tmp_path: Path):
    G, D = foreign_files.make_stylegan2(), foreign_files.make_discriminator()
    content = {
        "g": {},
        "g_ema": foreign_files.rosinality_names(G),
        "d": foreign_files.rosinality_discriminator_names(D),
        "latent_avg": G.w_avg,
        "g_optim": {"state": {0: {"step": 3, "exp_avg": torch.zeros(3)}}},
        "args": foreign_files.make_namespace(size=32, lr=0.1),
    }
    path = foreign_files.save_torch(tmp_path / "550000.pt", content)
    loaded = read_checkpoint(path)
    assert loaded.source == "rosinality"
    assert loaded.notes == ()
    assert_same(loaded, G)
    img = torch.randn(4, 3, 16, 16)
    torch.testing.assert_close(build(read_checkpoint(path, "discriminator"))(img), D(img), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    "changes",
    [
        {"channels": (3,)},
        {"channels": (5, 3)},
        {"channels": (8, 8, 8, 8, 4), "mapping_layers": 1},
        {"channels": (8, 8, 8, 8, 4, 2, 1), "w_dim": 6, "z_dim": 6},
        {"channels": (8, 8, 8, 8, 4, 2, 1, 1, 1), "mapping_layers": 8},
        {"resample_filter": (1, 2, 1)},
        {"resample_filter": (1, 3, 3, 1, 0, 0)},
    ],
)
def test_rosinality_of_any_size_and_width(tmp_path: Path, changes: dict[str, Any]):
    """Read 4 to 1024 px, layers down to one channel, any depth of the mapping network, another low-pass filter."""
    G = foreign_files.make_stylegan2(**changes)
    for content in (
        {"g_ema": foreign_files.rosinality_names(G), "latent_avg": G.w_avg},
        foreign_files.rosinality_names(G),
    ):
        loaded = read_checkpoint(foreign_files.save_torch(tmp_path / "g.pt", content))
        assert_same(loaded, G, mean="latent_avg" in content)


def test_rosinality_without_a_mapping_network_is_refused(tmp_path: Path):
    G = foreign_files.make_stylegan2()
    state = {name: tensor for name, tensor in foreign_files.rosinality_names(G).items() if not name.startswith("style")}
    with pytest.raises(WrongShape, match="no mapping network"):
        read_checkpoint(foreign_files.save_torch(tmp_path / "g.pt", {"g_ema": state, "latent_avg": G.w_avg}))


def test_layers_with_different_filters_are_refused(tmp_path: Path):
    state = foreign_files.rosinality_names(foreign_files.make_stylegan2())
    for kernel in (torch.eye(4), torch.ones(3, 3), torch.ones(()), torch.zeros(4, 4)):
        with pytest.raises(UnknownFormat, match="low-pass"):
            read_checkpoint(
                foreign_files.save_torch(tmp_path / "g.pt", {"g_ema": state | {"convs.2.conv.blur.kernel": kernel}})
            )


def test_missing_mean_and_noise_are_added_with_notes(tmp_path: Path):
    G = foreign_files.make_stylegan2()
    state = {
        name: tensor for name, tensor in foreign_files.rosinality_names(G).items() if not name.startswith("noises")
    }
    loaded = read_checkpoint(foreign_files.save_torch(tmp_path / "g.pt", {"g_ema": state}))
    assert [note.split(":")[0] for note in loaded.notes] == [
        "the file holds no mean w",
        "the file holds no constant noise",
    ]
    ours: Any = build(loaded)
    measured = ours.mapping(torch.randn(20_000, 8)).mean(dim=0)
    torch.testing.assert_close(ours.w_avg, measured, atol=0.02 * float(ours.w_avg.abs().max()), rtol=0)


@pytest.mark.parametrize("opts", [{"output_size": 32}, foreign_files.make_namespace(output_size=32)])
def test_psp(tmp_path: Path, opts: Any):
    G = foreign_files.make_stylegan2()
    encoder = {
        "encoder.body.0.res_layer.0.weight": torch.ones(3),
        "encoder.body.0.num_batches_tracked": torch.tensor(7),
    }
    state = encoder | {f"decoder.{name}": tensor for name, tensor in foreign_files.rosinality_names(G).items()}
    content = {"state_dict": state, "latent_avg": G.w_avg.repeat(8, 1), "opts": opts}
    loaded = read_checkpoint(foreign_files.save_torch(tmp_path / "psp.pt", content))
    assert loaded.source == "psp"
    assert sum("encoder" in name for name in loaded.unused_keys) == 2
    assert_same(loaded, G)


@pytest.mark.parametrize("bgr", [False, True])
def test_mmgeneration(tmp_path: Path, bgr: bool):
    G = foreign_files.make_stylegan2()
    state = {f"generator_ema.{name}": tensor for name, tensor in foreign_files.mmgeneration_names(G).items()}
    state |= {f"generator.{name}": tensor * 0 for name, tensor in foreign_files.mmgeneration_names(G).items()}
    path = foreign_files.save_torch(tmp_path / "mm.pth", {"meta": {"epoch": 1}, "state_dict": state, "optimizer": {}})
    loaded = read_checkpoint(path, bgr=bgr)
    assert loaded.source == "mmgeneration"
    ours: Any = build(loaded)
    w_plus = some_w(1, 8, 8)
    expected = G.synthesis(w_plus).flip(1) if bgr else G.synthesis(w_plus)
    torch.testing.assert_close(ours.synthesis(w_plus), expected)


def test_genforce_stylegan2(tmp_path: Path):
    G = foreign_files.make_stylegan2()
    content = {"generator": {}, "discriminator": {}, "generator_smooth": foreign_files.genforce_stylegan2_names(G)}
    assert_same(read_checkpoint(foreign_files.save_torch(tmp_path / "g.pth", content)), G)


@pytest.mark.parametrize("interfacegan", [False, True])
def test_genforce_stylegan1(tmp_path: Path, interfacegan: bool):
    G = foreign_files.make_stylegan1()
    loaded = read_checkpoint(
        foreign_files.save_torch(tmp_path / "g.pth", foreign_files.genforce_stylegan1_names(G, interfacegan))
    )
    assert (loaded.family, loaded.source) == ("stylegan1", "genforce")
    assert_same(loaded, G)


@pytest.mark.parametrize(
    "changes", [{}, {"architecture": "resnet", "c_dim": 3}, {"architecture": "orig", "conv_clamp": 2.0}]
)
def test_tensorflow_stylegan2(tmp_path: Path, changes: dict[str, Any]):
    G, D = (
        foreign_files.make_stylegan2(**changes),
        foreign_files.make_discriminator(lr_multiplier=0.1, c_dim=changes.get("c_dim", 0)),
    )
    Gs = foreign_files.make_tf_network(
        foreign_files.tf_stylegan2_names(G), "raise SystemExit", resolution=32, conv_clamp=changes.get("conv_clamp")
    )
    path = foreign_files.save_nvidia_tf(
        tmp_path / "tf.pkl",
        Gs,
        foreign_files.make_tf_network(foreign_files.tf_discriminator_names(D), resolution=16),
        Gs,
    )
    loaded = read_checkpoint(path)
    assert (loaded.family, loaded.source) == ("stylegan2", "nvidia-tf")
    assert_same(loaded, G)
    img, c = torch.randn(4, 3, 16, 16), torch.eye(3)[[0, 1, 2, 0]] if changes.get("c_dim") else None
    torch.testing.assert_close(build(read_checkpoint(path, "discriminator"))(img, c), D(img, c), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("fused", [False, True])
def test_tensorflow_stylegan1(tmp_path: Path, fused: bool, protocol: int):
    G = foreign_files.make_stylegan1()
    options = {"resolution": 32, "fused_scale": True} if fused else {"resolution": 32}
    Gs = foreign_files.make_tf_network(foreign_files.tf_stylegan1_names(G, fused), **options)
    loaded = read_checkpoint(foreign_files.save_nvidia_tf(tmp_path / "karras2019.pkl", Gs, Gs, Gs, protocol=protocol))
    assert (loaded.family, loaded.source) == ("stylegan1", "nvidia-tf")
    assert_same(loaded, G)


def test_unsupported_tensorflow_options_are_refused(tmp_path: Path):
    Gs = foreign_files.make_tf_network(
        foreign_files.tf_stylegan1_names(foreign_files.make_stylegan1(), False), use_instance_norm=False
    )
    with pytest.raises(UnknownFormat, match="use_instance_norm=False"):
        read_checkpoint(foreign_files.save_nvidia_tf(tmp_path / "x.pkl", Gs, Gs, Gs))


def test_native_round_trip(tmp_path: Path):
    G = foreign_files.make_stylegan3()
    source = foreign_files.save_torch(tmp_path / "g.pt", foreign_files.ada_names(G))
    folder = import_checkpoint(source, "mine", tmp_path / "home")
    assert folder == tmp_path / "home" / "models" / "mine"
    assert sorted(path.name for path in folder.iterdir()) == ["card.json", "generator.safetensors"]
    card = json.loads((folder / "card.json").read_text())
    assert (card["family"], card["origin"], card["config"]["img_resolution"]) == ("stylegan3", "g.pt", 16)
    for place in (folder, folder / "generator.safetensors"):
        assert_same(read_checkpoint(place), G)
    with pytest.raises(AssetError, match="there is a model 'mine' already"):
        import_checkpoint(source, "mine", tmp_path / "home")
    with pytest.raises(AssetError, match="name of a published model"):
        import_checkpoint(source, "lpips", tmp_path / "home")
    with pytest.raises(AssetError, match="cannot be a model's name"):
        import_checkpoint(source, "../mine", tmp_path / "home")


def test_changed_weights_or_card_are_refused(tmp_path: Path):
    folder = import_checkpoint(
        foreign_files.save_torch(tmp_path / "g.pt", foreign_files.ada_names(foreign_files.make_stylegan2())),
        "a",
        tmp_path,
    )
    card = json.loads((folder / "card.json").read_text())

    def with_card(**changes: Any) -> Path:
        (folder / "card.json").write_text(json.dumps(card | changes))
        return folder

    with pytest.raises(WrongShape, match="mapping"):
        native.read(with_card(config=card["config"] | {"mapping_layers": 3}))
    with pytest.raises(CorruptFile, match="not the file that its card describes"):
        native.read(with_card(sha256="0" * 64))
    with pytest.raises(CorruptFile, match="is damaged"):
        native.read(with_card(family="stylegan9"))
    with pytest.raises(CorruptFile, match="is damaged"):
        native.read(with_card(config={"os": "system"}))
    with pytest.raises(UnknownFormat, match="newer faceloom"):
        native.read(with_card(version=2))
    with pytest.raises(WrongShape, match="z_dim is an integer of"):
        native.read(with_card(config=card["config"] | {"z_dim": 10**4000}))
    (folder / "card.json").write_text(json.dumps(card).replace('"version": 1', f'"version": {"9" * 5000}'))
    with pytest.raises(CorruptFile, match="is not a card"):
        native.read(folder)
    (folder / "card.json").unlink()
    with pytest.raises(UnknownFormat, match=r"no card\.json"):
        native.read(folder)


def test_extra_missing_and_misshaped_keys_are_named(tmp_path: Path):
    state = foreign_files.ada_names(foreign_files.make_stylegan2())
    cases = {
        "synthesis.b8.conv9.weight": state | {"synthesis.b8.conv9.weight": torch.zeros(2)},
        "synthesis.b8.conv1.bias": {name: t for name, t in state.items() if name != "synthesis.b8.conv1.bias"},
        "synthesis.b8.conv0.bias": state | {"synthesis.b8.conv0.bias": torch.zeros(3)},
        "extra": state | {"extra": torch.zeros(2)},
    }
    for name, wrong in cases.items():
        with pytest.raises(WrongShape, match=name):
            read_checkpoint(foreign_files.save_torch(tmp_path / "x.pt", wrong))
    with pytest.raises(CorruptFile, match=r"mapping\.fc0\.weight holds numbers that are not finite"):
        read_checkpoint(
            foreign_files.save_torch(tmp_path / "x.pt", state | {"mapping.fc0.weight": torch.full((8, 8), torch.nan)})
        )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"GAN": {"S.net.0.weight": torch.zeros(2), "G.initial_block": torch.zeros(2)}}, "lucidrains"),
        ({"encoder.body.0.weight": torch.zeros(2)}, "an encoder without its generator"),
        ({"fc.weight": torch.zeros(2)}, "no network that faceloom knows"),
        ([1, 2], "not a network"),
        ({}, "no tensor at all"),
    ],
)
def test_unsupported_networks_are_named(tmp_path: Path, content: Any, message: str):
    with pytest.raises(UnknownFormat, match=message):
        read_checkpoint(foreign_files.save_torch(tmp_path / "x.pt", content))


def test_pickled_model_of_unknown_class_is_refused_without_accusation(tmp_path: Path):
    (tmp_path / "x.pkl").write_bytes(b"\x80\x02cmy.package\nGenerator\n)\x81}b.")
    with pytest.raises(UnknownFormat, match=r"holds a my\.package\.Generator") as caught:
        read_checkpoint(tmp_path / "x.pkl")
    assert "state_dict()" in caught.value.hint
