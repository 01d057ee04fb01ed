"""Export to every format: the files draw the same image in their own runtime, or the measured loss is reported."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from faceloom.checkpoints import export, graphs
from faceloom.checkpoints.arrays import save_arrays
from faceloom.checkpoints.detect import read_checkpoint
from faceloom.checkpoints.export import ExportResult, compare, export_generator, mapping_path
from faceloom.checkpoints.load import GeneratorModel
from faceloom.checkpoints.loaded_network import build
from faceloom.errors import CheckpointError, MissingExtra, StoreError, UnknownFormat, WrongShape
from faceloom.networks.generator import Generator
from tests.checkpoints import foreign_files

FAMILIES = {
    "stylegan1": foreign_files.make_stylegan1,
    "stylegan2": foreign_files.make_stylegan2,
    "stylegan3": foreign_files.make_stylegan3,
}


def make_model(G: Generator, family: str = "stylegan2") -> GeneratorModel:
    return GeneratorModel(G, "tiny", family, "0" * 64, "CC0")


def require_onnx(name: str = "onnxruntime") -> None:
    pytest.importorskip(name)
    pytest.importorskip("onnxscript")


@pytest.mark.parametrize("family", list(FAMILIES))
def test_onnx_draws_the_same_images_for_any_batch(family: str, tmp_path: Path):
    require_onnx()
    G = FAMILIES[family]()
    result = export_generator(make_model(G, family), "onnx", tmp_path / "g.onnx")
    assert result.max_abs < 1e-3
    assert result.psnr_db > export.MIN_PSNR_DB["fp32"]
    assert {path.name for path in tmp_path.iterdir()} == {"g.onnx", "g-mapping.onnx", "g.json", "g.signature.json"}
    assert result.bytes == sum(path.stat().st_size for path in tmp_path.iterdir())
    w_plus = export.make_test_latents(G)
    images = graphs.open_onnx(tmp_path / "g.onnx")(w_plus)
    torch.testing.assert_close(images, G.synthesis(w_plus), atol=1e-3, rtol=1e-4)


def test_default_family_in_three_formats(tiny, tmp_path: Path):
    require_onnx()
    for format, name in (("onnx", "g.onnx"), ("torch-export", "g.pt2"), ("safetensors", "g")):
        assert export_generator(make_model(tiny, "mobilestylegan"), format, tmp_path / name).max_abs < 1e-5


def test_mapping_graph(tmp_path: Path):
    require_onnx()
    G = foreign_files.make_stylegan2(c_dim=3)
    export_generator(make_model(G), "onnx", tmp_path / "g.onnx")
    import onnxruntime

    session = onnxruntime.InferenceSession(mapping_path(tmp_path / "g.onnx"))
    z, c = torch.randn(2, 8), torch.eye(3)[:2]
    (w,) = session.run(["w"], {"z": z.numpy(), "c": c.numpy()})
    torch.testing.assert_close(torch.from_numpy(w), G.mapping(z, c), atol=1e-4, rtol=1e-4)


def test_openvino_precisions(tmp_path: Path):
    pytest.importorskip("openvino")
    G = foreign_files.make_stylegan2(channels=(32, 32, 16))
    program, w_plus = graphs.trace_synthesis(G), export.make_test_latents(G)[:1]
    sizes = []
    for precision in ("fp32", "fp16", "int8"):
        path = tmp_path / f"{precision}.xml"
        graphs.write_openvino(program, path, "img", precision)
        error = (graphs.open_openvino(path)(w_plus) - G.synthesis(w_plus)).abs().max()
        assert error < {"fp32": 1e-3, "fp16": 0.05, "int8": 2}[precision]
        sizes.append(path.with_suffix(".bin").stat().st_size)
    assert sizes[0] > 1.7 * sizes[1]
    assert sizes[1] > 1.4 * sizes[2]


def test_onnx_precisions(tmp_path: Path):
    require_onnx()
    G = foreign_files.make_stylegan2(channels=(32, 32, 16))
    program, w_plus = graphs.trace_synthesis(G), export.make_test_latents(G)[:1]
    sizes = []
    for precision in ("fp32", "fp16", "int8"):
        path = tmp_path / f"{precision}.onnx"
        graphs.write_onnx(program, path, "img", precision)
        error = (graphs.open_onnx(path)(w_plus) - G.synthesis(w_plus)).abs().max()
        assert error < {"fp32": 1e-3, "fp16": 0.05, "int8": 2}[precision]
        sizes.append(path.stat().st_size)
    assert sizes[0] > sizes[1] > sizes[2]


def test_loss_is_refused_and_leaves_no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(export.MIN_PSNR_DB, "fp32", 121.0)
    with pytest.raises(CheckpointError, match=r"fp32 images are \d+\.\d dB from float32, less than 121"):
        export_generator(make_model(foreign_files.make_stylegan2()), "safetensors", tmp_path / "g")
    assert list((tmp_path / "g").iterdir()) == []
    assert (
        export_generator(
            make_model(foreign_files.make_stylegan2()), "safetensors", tmp_path / "g", allow_loss=True
        ).psnr_db
        < 121
    )


def test_torch_export_round_trip(tmp_path: Path):
    G = foreign_files.make_stylegan2(architecture="resnet")
    result = export_generator(make_model(G), "torch-export", tmp_path / "g.pt2")
    assert isinstance(result, ExportResult)
    assert result.psnr_db > 110
    w_plus = export.make_test_latents(G)[:1]
    torch.testing.assert_close(graphs.open_torch_export(tmp_path / "g.pt2")(w_plus), G.synthesis(w_plus))


@pytest.mark.parametrize("family", list(FAMILIES))
def test_safetensors_round_trip(family: str, tmp_path: Path):
    G = FAMILIES[family]()
    result = export_generator(make_model(G, family), "safetensors", tmp_path / "mine")
    assert (result.max_abs, result.psnr_db) == (0, 120)
    again = build(read_checkpoint(tmp_path / "mine"))
    assert compare(G, again.synthesis)[0] == 0


def test_rosinality_names_and_values(tmp_path: Path):
    G = foreign_files.make_stylegan2()
    assert export_generator(make_model(G), "rosinality", tmp_path / "g.pt").max_abs == 0
    raw = torch.load(tmp_path / "g.pt", weights_only=True)
    assert {"g_ema", "latent_avg"} == raw.keys()
    expected = foreign_files.rosinality_names(G)
    for name in expected.keys() - {name for name in expected if "kernel" in name}:
        assert torch.equal(raw["g_ema"][name].flatten(), expected[name].flatten()), name
    assert expected.keys() <= raw["g_ema"].keys()
    assert raw["g_ema"]["to_rgbs.0.upsample.kernel"].sum() == 4


def test_unsupported_exports_are_refused(tmp_path: Path):
    with pytest.raises(UnknownFormat, match="stylegan3"):
        export_generator(make_model(foreign_files.make_stylegan3(), "stylegan3"), "rosinality", tmp_path / "g.pt")
    with pytest.raises(WrongShape, match="labels"):
        export_generator(make_model(foreign_files.make_stylegan2(c_dim=2)), "rosinality", tmp_path / "g.pt")
    with pytest.raises(UnknownFormat, match="not written in int8"):
        export_generator(make_model(foreign_files.make_stylegan2()), "torch-export", tmp_path / "g.pt2", "int8")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.wrong_types
def test_unknown_format_is_refused(tmp_path: Path):
    with pytest.raises(UnknownFormat, match="no format 'keras'"):
        export_generator(make_model(foreign_files.make_stylegan2()), "keras", tmp_path / "g")  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_missing_library_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(graphs.importlib, "import_module", missing)
    with pytest.raises(MissingExtra, match=r"pip install 'faceloom\[export\]'"):
        export_generator(make_model(foreign_files.make_stylegan2()), "onnx", tmp_path / "g.onnx")
    assert list(tmp_path.iterdir()) == []


def test_card_of_an_export(tmp_path: Path):
    G = foreign_files.make_stylegan2()
    export_generator(make_model(G), "torch-export", tmp_path / "g.pt2")
    card = json.loads((tmp_path / "g.json").read_text())
    assert card["num_ws"] == G.num_ws
    assert card["licence"] == "CC0"
    np.testing.assert_allclose(card["w_avg"], G.w_avg.numpy(), atol=1e-6)


def test_quantization_error_is_half_a_step():
    values = np.random.default_rng(0).normal(size=(5, 7, 3)).astype(np.float32)
    rows, scale = graphs.quantize_rows(values)
    assert rows.dtype == np.int8
    assert (np.abs(rows * scale[:, None, None] - values) <= scale[:, None, None] * 0.501).all()


def test_arrays_open_in_numpy(tmp_path: Path):
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
