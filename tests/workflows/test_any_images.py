"""Tests of gray, 16-bit gray and transparent pictures from a dataset to a trained generator and its files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from faceloom.checkpoints import export
from faceloom.checkpoints.export import export_generator
from faceloom.checkpoints.importing import import_checkpoint
from faceloom.checkpoints.library import require_rgb
from faceloom.checkpoints.load import load_generator
from faceloom.datasets import Dataset, MakeConfig, SourceConfig, TableConfig, make
from faceloom.edit.generate import make_label, parse_label
from faceloom.errors import AssetError, LatentError, ShapeError, TrainingError, WrongShape
from faceloom.images import area_resize, open_photo, save_picture
from faceloom.images.channels import COLORS, RGBA, colors_of, convert, find_colors
from faceloom.metrics import generate_pictures, path_length
from faceloom.networks.discriminator import Discriminator, DiscriminatorConfig
from faceloom.networks.wavelet_discriminator import WaveletDiscriminator, WaveletDiscriminatorConfig
from faceloom.train.data import open_training_images
from faceloom.train.run import RunControl
from faceloom.train.snapshot import generate_images
from faceloom.workflows import training
from faceloom.workflows.studio import Studio
from faceloom.workflows.training import train
from tests.train.tiny_run import tiny_config

TINY: dict[str, Any] = {"d_channels": (12, 8), "z_dim": 8, "w_dim": 8, "batch": 8, "mapping_layers": 2}
TINY |= {"precision": "fp32", "family": "mobilestylegan", "channels": (12, 8), "kimg": 0.016}
FAMILY = {
    "mobilestylegan": TINY,
    "stylegan2": TINY | {"family": "stylegan2", "channels": (12, 8, 8), "d_channels": (12, 8, 8)},
    "stylegan3": {name: value for name, value in TINY.items() if name != "channels"}
    | {"family": "stylegan3", "d_channels": (12, 8, 8), "channel_base": 64, "channel_max": 8},
}


@pytest.fixture(autouse=True)
def no_measure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "make_measure", lambda measures, ranks, control: None)


def make_dataset(folder: Path, name: str, columns: tuple[str, ...] = ()) -> Path:
    """Make a dataset of twelve pictures of 16 px, with a table of a kind and a size."""
    (folder / "p").mkdir()
    for i in range(12):
        picture = Image.fromarray(np.random.default_rng(i).integers(0, 255, (16, 16, 3), np.uint8))
        picture = convert(picture, COLORS[name])
        if name == "rgba":
            picture.putalpha(Image.linear_gradient("L").resize((16, 16)).rotate(90 * i))
        picture.save(folder / "p" / f"{i:02d}.png")
    rows = "".join(f"{i:02d}.png,{('dot', 'star')[i % 2]},{i / 2 + 10.25}\n" for i in range(12))
    (folder / "t.csv").write_text("file,kind,size\n" + rows)
    source = SourceConfig(table=folder / "t.csv", reading=TableConfig(columns))
    make(folder / "p", folder / "d.zip", MakeConfig((16, 16), source=source))
    return folder / "d.zip"


@pytest.mark.parametrize("name", COLORS)
def test_a_run_draws_pictures_of_its_dataset_s_colors(tmp_path: Path, name: str):
    colors = COLORS[name]
    outcome = train(make_dataset(tmp_path, name), tmp_path / "run", mirror=True, p=0.5, augment="fixed", **TINY)
    with Image.open(tmp_path / "run" / "fakes000000.png") as sheet:
        assert sheet.mode == "RGB"
    with Image.open(tmp_path / "run" / "reals.png") as sheet:
        is_equal = np.ptp(np.asarray(sheet), axis=2).max() == 0
        assert is_equal == (colors.channels == 1)
    model = load_generator(str(outcome.snapshot))
    assert (model.img_channels, model.bits) == (colors.channels, colors.bits)
    studio = Studio(str(outcome.snapshot), precision="fp32")
    picture = studio.render(studio.generate(3))
    assert colors_of(picture) == colors
    path = save_picture(picture, tmp_path / "a.png", ai_generated=True, origin=studio.made_by)
    assert colors_of(open_photo(path, min_side=1, keeps_channels=True).image) == (
        colors if name != "rgba" or picture.getextrema()[3] != (255, 255) else COLORS["rgb"]
    )
    assert b"trainedAlgorithmicMedia" in path.read_bytes()
    img = next(iter(generate_pictures(model.G, 1)))
    assert img.shape == (1, 3, 16, 16)
    frames = list(studio.morph([studio.generate(1), studio.generate(2)], 2, size=16))
    assert frames[0].shape == (16, 16, 3)
    resumed = train(tmp_path / "d.zip", tmp_path / "run", mirror=True, **TINY | {"kimg": 0.024})
    assert resumed.nimg == 24


def test_16_bit_levels_are_written_back(tmp_path: Path):
    outcome = train(make_dataset(tmp_path, "gray16"), tmp_path / "run", **TINY)
    studio = Studio(str(outcome.snapshot), precision="fp32")
    path = save_picture(studio.render(studio.generate(1)), tmp_path / "a.png", ai_generated=True)
    levels = np.asarray(Image.open(path))
    assert levels.dtype == np.uint16
    assert (levels % 257 != 0).mean() > 0.9  # not 8-bit levels, spread


@pytest.mark.parametrize("channels", [1, 4])
@pytest.mark.parametrize("family", FAMILY)
def test_every_family_trains(tmp_path: Path, family: str, channels: int):
    colors = find_colors(channels)
    outcome = train(make_dataset(tmp_path, colors.name), tmp_path / "run", **FAMILY[family])
    G: Any = load_generator(str(outcome.snapshot)).G
    img = generate_images(G, 2)
    assert img.shape == (2, channels, 16, 16)
    reduced = G.synthesis_at(G.w_avg.expand(1, G.num_ws, -1), 8)
    assert torch.allclose(reduced, area_resize(G.synthesis(G.w_avg.expand(1, G.num_ws, -1)), 8), atol=1e-4)


def test_a_network_of_other_channels_is_refused():
    for D in (
        Discriminator(DiscriminatorConfig((8, 8), img_channels=4)),
        WaveletDiscriminator(WaveletDiscriminatorConfig((8, 8), img_channels=4)),
    ):
        with pytest.raises(ShapeError, match=r"img: expected \[n, 4, "):
            D(torch.zeros(4, 3, *D.img_size))
    with pytest.raises(TrainingError, match="img_channels '2' is not one of 1, 3, 4"):
        tiny_config(img_channels=2)


def test_a_dataset_of_other_colors_does_not_resume(tmp_path: Path):
    data = make_dataset(tmp_path, "rgba")
    train(data, tmp_path / "run", **TINY)
    make(tmp_path / "p", data, MakeConfig((16, 16), colors="rgb"))
    with pytest.raises(TrainingError, match="pictures of other colors now"):
        train(data, tmp_path / "run", **TINY | {"kimg": 0.05})


def test_transfer_between_colors_keeps_the_other_layers(tmp_path: Path):
    train(make_dataset(tmp_path, "rgb"), tmp_path / "run", **TINY)
    make(tmp_path / "p", tmp_path / "e.zip", MakeConfig((16, 16), colors="gray"))
    messages: list[str] = []
    control = RunControl(on_message=messages.append)
    settings = {"source": str(tmp_path / "run"), "precision": "fp32", "batch": 8, "kimg": 0.008}
    train(tmp_path / "e.zip", tmp_path / "next", control=control, **settings)
    assert any("of the generator comes from" in message for message in messages)


def test_streamed_16_bit_images_equal_cached_ones(tmp_path: Path):
    dataset = Dataset.open(make_dataset(tmp_path, "gray16"))
    cached, streamed = open_training_images(dataset), open_training_images(dataset, cache_bytes=0)
    assert cached.load([3, 1]).dtype == torch.int32
    assert cached.load([3, 1]).equal(streamed.load([3, 1]))
    assert cached.load([3]).max() > 255


def test_faces_need_rgb(tmp_path: Path):
    outcome = train(make_dataset(tmp_path, "rgba"), tmp_path / "run", **TINY)
    studio = Studio(str(outcome.snapshot), precision="fp32")
    with pytest.raises(LatentError, match="draws rgba pictures, and encoding, editing and reading of faces need RGB"):
        studio.invert(torch.zeros(1, 3, 256, 256))
    with pytest.raises(LatentError, match="need RGB"):
        studio.warm_up()
    with pytest.raises(AssetError, match="draws pictures of 4 channels"):
        require_rgb(str(outcome.snapshot))
    require_rgb("open-faces")


# ----- labels


def test_labels_of_several_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FACELOOM_HOME", str(tmp_path / "home"))
    data = make_dataset(tmp_path, "rgb", ("kind", "size"))
    outcome = train(data, tmp_path / "run", cond=True, **TINY)
    options = json.loads((tmp_path / "run" / "options.json").read_text())
    assert options["c_dim"] == 3
    assert options["label_means"] == [0, 0, 13]
    images = open_training_images(Dataset.open(data), with_labels=True, label_columns=Dataset.open(data).label_columns)
    assert abs(float(images.labels[:, 2].mean())) < 1e-5
    assert round(float(images.labels[:, 2].std(correction=0)), 4) == 1
    for source in (outcome.snapshot, import_checkpoint(outcome.snapshot, "icons")):
        model = load_generator(str(source))
        c = make_label(parse_label("kind=star,size=13"), 3, model.label_columns)
        assert c is not None
        assert c.tolist() == [[0, 1, 0]]
        assert make_label((0, 1, 13.0), 3, model.label_columns).tolist() == [[0, 1, 0]]  # type: ignore[union-attr]
    studio = Studio("icons", precision="fp32")
    star, dot = (studio.generate(1, label=parse_label(f"kind={kind},size=11")) for kind in ("star", "dot"))
    assert star.provenance["label"] == {"kind": "star", "size": "11"}
    assert not star.w_plus.equal(dot.w_plus)
    with pytest.raises(LatentError, match=r"no label was given") as caught:
        studio.generate(1)
    assert "--label kind=dot,size=13" in caught.value.hint
    with pytest.raises(LatentError, match="expected 3 numbers, got 2"):
        studio.generate(1, label=(1.0, 2.0))
    pictures = list(generate_pictures(studio.generator.G, 4, label_columns=studio.generator.label_columns))
    assert len(pictures) == 4
    length = path_length(
        studio.generator.G,
        lambda a, b: (a - b).square().sum((1, 2, 3)),
        4,
        label_columns=studio.generator.label_columns,
    )
    assert length > 0
    resumed = train(data, tmp_path / "run", cond=True, **TINY | {"kimg": 0.024})
    assert resumed.nimg == 24
    make(tmp_path / "p", data, MakeConfig((16, 16), limit=8, source=_source(tmp_path)))
    with pytest.raises(TrainingError, match="labels of another scale now"):
        train(data, tmp_path / "run", cond=True, **TINY | {"kimg": 0.05})


def _source(folder: Path) -> SourceConfig:
    return SourceConfig(table=folder / "t.csv", reading=TableConfig(("kind", "size")))


@pytest.mark.parametrize("family", FAMILY)
def test_a_single_number_is_more_than_its_sign(tmp_path: Path, family: str):
    data = make_dataset(tmp_path, "gray", ("size",))
    outcome = train(data, tmp_path / "run", cond=True, **FAMILY[family])
    model = load_generator(str(outcome.snapshot))
    (column,) = model.label_columns
    assert (column.name, model.G.c_dim) == ("size", 1)
    z = torch.zeros(3, 8)
    w = model.G.mapping(z, torch.tensor([[0.5], [1.0], [2.0]]))
    assert (w[0] - w[1]).abs().max() > 1e-3
    assert (w[1] - w[2]).abs().max() > 1e-3
    assert make_label(13, 1, model.label_columns).tolist() == [[0]]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("text", "label"),
    [("kind=star,size=0.5", {"kind": "star", "size": "0.5"}), ("kind=red, round,size=1", None), ("a=1,a=2", None)],
)
def test_labels_by_name_are_parsed(text: str, label: dict[str, str] | None):
    if label is None and text.startswith("a"):
        with pytest.raises(LatentError, match="is not a label"):
            parse_label(text)
    elif label is None:
        assert parse_label(text) == {"kind": "red, round", "size": "1"}
    else:
        assert parse_label(text) == label
    with pytest.raises(LatentError, match="have no names"):
        make_label({"kind": "star"}, 3)


# ----- export


@pytest.mark.parametrize("name", ["gray16", "rgba"])
def test_export_carries_channels_and_labels(tmp_path: Path, name: str):
    data = make_dataset(tmp_path, name, ("kind", "size"))
    outcome = train(data, tmp_path / "run", cond=True, **FAMILY["stylegan2"])
    model = load_generator(str(outcome.snapshot))
    assert export_generator(model, "safetensors", tmp_path / "s").psnr_db > 100
    again = load_generator(str(tmp_path / "s"))
    assert (again.img_channels, again.bits, again.label_columns) == (
        model.img_channels,
        model.bits,
        model.label_columns,
    )
    assert export_generator(model, "torch-export", tmp_path / "g.pt2").psnr_db > export.MIN_PSNR_DB["fp32"]
    card = json.loads((tmp_path / "g.json").read_text())
    assert card["img_channels"] == COLORS[name].channels
    assert card["img"].startswith("R, G and B times alpha" if name == "rgba" else "gray")
    assert card.get("bits", 8) == COLORS[name].bits
    assert [column["name"] for column in card["label_columns"]] == ["kind", "size"]


def test_onnx_has_the_channels(tmp_path: Path):
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    outcome = train(make_dataset(tmp_path, "rgba"), tmp_path / "run", **TINY)
    model = load_generator(str(outcome.snapshot))
    export_generator(model, "onnx", tmp_path / "g.onnx")
    from faceloom.checkpoints.graphs import open_onnx

    img = open_onnx(tmp_path / "g.onnx")(torch.zeros(2, model.G.num_ws, 8))
    assert img.shape == (2, RGBA.channels, 16, 16)


def test_rosinality_refuses_other_channels(tmp_path: Path):
    outcome = train(make_dataset(tmp_path, "rgba"), tmp_path / "run", **FAMILY["stylegan2"])
    with pytest.raises(WrongShape, match="images of 4 channels"):
        export_generator(load_generator(str(outcome.snapshot)), "rosinality", tmp_path / "g.pt")
