"""Export: every format is read back in its own runtime and draws the same picture, or says how far it is."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from checkpoints import forge
from faceloom.checkpoints import export, graphs
from faceloom.checkpoints.arrays import save_arrays
from faceloom.checkpoints.detect import read_checkpoint
from faceloom.checkpoints.export import ExportResult, compare, export_generator, mapping_path
from faceloom.checkpoints.load import GeneratorModel
from faceloom.checkpoints.loaded_network import build
from faceloom.errors import CheckpointError, MissingExtra, StoreError, UnknownFormat, WrongShape
from faceloom.networks.generator import Generator

FAMILIES = {
    "stylegan1": forge.generator1,
    "stylegan2": forge.generator2,
    "stylegan3": forge.generator3,
}


def model(G: Generator, family: str = "stylegan2") -> GeneratorModel:
    return GeneratorModel(G, "tiny", family, "0" * 64, "CC0")


def onnx(name: str = "onnxruntime") -> None:
    pytest.importorskip(name)
    pytest.importorskip("onnxscript")


@pytest.mark.parametrize("family", list(FAMILIES))
def test_onnx_draws_the_same_for_any_number_of_people(family: str, tmp_path: Path):
    onnx()
    G = FAMILIES[family]()
    found = export_generator(model(G, family), "onnx", tmp_path / "g.onnx")
    assert found.max_abs < 1e-3
    assert found.psnr_db > export.MIN_PSNR_DB["fp32"]
    assert {path.name for path in tmp_path.iterdir()} == {"g.onnx", "g-mapping.onnx", "g.json"}
    assert found.bytes == sum(path.stat().st_size for path in tmp_path.iterdir())
    w_plus = export.make_test_latents(G)
    three = graphs.open_onnx(tmp_path / "g.onnx")(w_plus)
    torch.testing.assert_close(three, G.synthesis(w_plus), atol=1e-3, rtol=1e-4)


def test_the_default_family_in_onnx_and_torch_export(tiny, tmp_path: Path):
    onnx()
    for format, name in (("onnx", "g.onnx"), ("torch-export", "g.pt2"), ("safetensors", "g")):
        assert export_generator(model(tiny, "mobilestylegan"), format, tmp_path / name).max_abs < 1e-5


def test_the_mapping_is_a_graph_of_its_own(tmp_path: Path):
    onnx()
    G = forge.generator2(c_dim=3)
    export_generator(model(G), "onnx", tmp_path / "g.onnx")
    import onnxruntime

    session = onnxruntime.InferenceSession(mapping_path(tmp_path / "g.onnx"))
    z, c = torch.randn(2, 8), torch.eye(3)[:2]
    (w,) = session.run(["w"], {"z": z.numpy(), "c": c.numpy()})
    torch.testing.assert_close(torch.from_numpy(w), G.mapping(z, c), atol=1e-4, rtol=1e-4)


def test_openvino_and_its_smaller_files(tmp_path: Path):
    pytest.importorskip("openvino")
    G = forge.generator2(channels=(32, 32, 16))
    program, one = graphs.trace_synthesis(G), export.make_test_latents(G)[:1]
    sizes = []
    for precision in ("fp32", "fp16", "int8"):
        path = tmp_path / f"{precision}.xml"
        graphs.write_openvino(program, path, "img", precision)
        error = (graphs.open_openvino(path)(one) - G.synthesis(one)).abs().max()
        assert error < {"fp32": 1e-3, "fp16": 0.05, "int8": 2}[precision]
        sizes.append(path.with_suffix(".bin").stat().st_size)
    assert sizes[0] > 1.7 * sizes[1]
    assert sizes[1] > 1.4 * sizes[2]


def test_onnx_in_smaller_files(tmp_path: Path):
    onnx()
    G = forge.generator2(channels=(32, 32, 16))
    program, one = graphs.trace_synthesis(G), export.make_test_latents(G)[:1]
    sizes = []
    for precision in ("fp32", "fp16", "int8"):
        path = tmp_path / f"{precision}.onnx"
        graphs.write_onnx(program, path, "img", precision)
        error = (graphs.open_onnx(path)(one) - G.synthesis(one)).abs().max()
        assert error < {"fp32": 1e-3, "fp16": 0.05, "int8": 2}[precision]
        sizes.append(path.stat().st_size)
    assert sizes[0] > sizes[1] > sizes[2]


def test_a_loss_is_refused_with_its_figure_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(export.MIN_PSNR_DB, "fp32", 121.0)
    with pytest.raises(CheckpointError, match=r"fp32 images are \d+\.\d dB from float32, less than 121"):
        export_generator(model(forge.generator2()), "safetensors", tmp_path / "g")
    assert list((tmp_path / "g").iterdir()) == []
    assert export_generator(model(forge.generator2()), "safetensors", tmp_path / "g", allow_loss=True).psnr_db < 121


def test_torch_export_opens_again(tmp_path: Path):
    G = forge.generator2(architecture="resnet")
    found = export_generator(model(G), "torch-export", tmp_path / "g.pt2")
    assert isinstance(found, ExportResult)
    assert found.psnr_db > 110
    one = export.make_test_latents(G)[:1]
    torch.testing.assert_close(graphs.open_torch_export(tmp_path / "g.pt2")(one), G.synthesis(one))


@pytest.mark.parametrize("family", list(FAMILIES))
def test_safetensors_open_as_our_own(family: str, tmp_path: Path):
    G = FAMILIES[family]()
    found = export_generator(model(G, family), "safetensors", tmp_path / "mine")
    assert (found.max_abs, found.psnr_db) == (0, 120)
    again = build(read_checkpoint(tmp_path / "mine"))
    assert compare(G, again.synthesis)[0] == 0


def test_rosinality_reads_it(tmp_path: Path):
    G = forge.generator2()
    assert export_generator(model(G), "rosinality", tmp_path / "g.pt").max_abs == 0
    raw = torch.load(tmp_path / "g.pt", weights_only=True)
    assert {"g_ema", "latent_avg"} == raw.keys()
    theirs = forge.rosinality(G)
    for name in theirs.keys() - {name for name in theirs if "kernel" in name}:
        assert torch.equal(raw["g_ema"][name].flatten(), theirs[name].flatten()), name
    assert theirs.keys() <= raw["g_ema"].keys()
    assert raw["g_ema"]["to_rgbs.0.upsample.kernel"].sum() == 4


def test_what_a_format_has_no_place_for_is_refused(tmp_path: Path):
    with pytest.raises(UnknownFormat, match="stylegan3"):
        export_generator(model(forge.generator3(), "stylegan3"), "rosinality", tmp_path / "g.pt")
    with pytest.raises(WrongShape, match="labels"):
        export_generator(model(forge.generator2(c_dim=2)), "rosinality", tmp_path / "g.pt")
    with pytest.raises(UnknownFormat, match="not written in int8"):
        export_generator(model(forge.generator2()), "torch-export", tmp_path / "g.pt2", "int8")
    with pytest.raises(UnknownFormat, match="no format 'keras'"):
        export_generator(model(forge.generator2()), "keras", tmp_path / "g")  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_a_missing_library_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(graphs.importlib, "import_module", missing)
    with pytest.raises(MissingExtra, match=r"pip install 'faceloom\[export\]'"):
        export_generator(model(forge.generator2()), "onnx", tmp_path / "g.onnx")
    assert list(tmp_path.iterdir()) == []


def test_the_card_says_what_no_graph_says(tmp_path: Path):
    G = forge.generator2()
    export_generator(model(G), "torch-export", tmp_path / "g.pt2")
    card = json.loads((tmp_path / "g.json").read_text())
    assert card["num_ws"] == G.num_ws
    assert card["licence"] == "CC0"
    np.testing.assert_allclose(card["w_avg"], G.w_avg.numpy(), atol=1e-6)


def test_int8_rows_are_within_half_a_step():
    values = np.random.default_rng(0).normal(size=(5, 7, 3)).astype(np.float32)
    rows, scale = graphs.quantize_rows(values)
    assert rows.dtype == np.int8
    assert (np.abs(rows * scale[:, None, None] - values) <= scale[:, None, None] * 0.501).all()


def test_arrays_open_in_plain_numpy(tmp_path: Path):
    w_plus = torch.randn(1, 8, 16)
    save_arrays(tmp_path / "p.npz", {"w_plus": w_plus, "w": w_plus}, {"generator": {"name": "tiny"}})
    with np.load(tmp_path / "p.npz") as file:
        assert set(file.files) == {"w_plus", "w", "card"}
        assert np.array_equal(file["w"], w_plus.numpy())
        assert json.loads(str(file["card"]))["generator"]["name"] == "tiny"
    save_arrays(tmp_path / "p.npy", {"w_plus": w_plus}, {})
    assert np.array_equal(np.load(tmp_path / "p.npy"), w_plus.numpy())
    with pytest.raises(StoreError, match="no NumPy file"):
        save_arrays(tmp_path / "p.txt", {"w_plus": w_plus}, {})
