"""Engines: each agrees with torch within the tolerance of docs/how-to/engines.md, or raises a clear error."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from faceloom.checkpoints import graphs
from faceloom.checkpoints.load import GeneratorModel
from faceloom.engines import Choice, available_engines, open_engine
from faceloom.engines.compiled import has_compiler
from faceloom.engines.open import graph_path
from faceloom.errors import EngineError, MissingExtra, ShapeError
from faceloom.latents import broadcast, truncate, z_from_seeds
from faceloom.networks.generator import Generator
from tests.checkpoints import foreign_files

FAMILIES = {
    "stylegan1": foreign_files.make_stylegan1,
    "stylegan2": foreign_files.make_stylegan2,
    "stylegan3": foreign_files.make_stylegan3,
}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    if "models" not in request.keywords:
        monkeypatch.setenv("FACELOOM_HOME", str(tmp_path))


def model(G: Generator | None = None, family: str = "stylegan2") -> GeneratorModel:
    return GeneratorModel(G or foreign_files.make_stylegan2(), "tiny", family, "0" * 64, "CC0")


def psnr(a: torch.Tensor, b: torch.Tensor) -> float:
    return float(10 * torch.log10(4 / (a.clamp(-1, 1) - b.clamp(-1, 1)).square().mean()))


W_PLUS = torch.sin(torch.arange(3 * 8 * 8)).view(3, 8, 8)


@pytest.mark.parametrize("engine", ["onnx", "openvino"])
def test_a_graph_agrees_with_torch(engine: str):
    if engine not in available_engines():
        pytest.skip(f"{engine} is not installed")
    G = foreign_files.make_stylegan2()
    engine_generator = open_engine(model(G), Choice(engine)).G
    assert isinstance(engine_generator, Generator)
    torch.testing.assert_close(engine_generator.synthesis(W_PLUS), G.synthesis(W_PLUS), atol=1e-3, rtol=1e-4)
    torch.testing.assert_close(
        engine_generator.synthesis_at(W_PLUS, 8), G.synthesis_at(W_PLUS, 8), atol=1e-3, rtol=1e-4
    )
    torch.testing.assert_close(engine_generator.mapping(torch.ones(1, 8)), G.mapping(torch.ones(1, 8)))
    assert torch.equal(engine_generator.synthesis(W_PLUS, "none"), G.synthesis(W_PLUS, "none"))
    assert engine_generator.synthesis(W_PLUS[:0]).shape == (0, 3, 32, 32)
    with pytest.raises(EngineError, match="no gradients"):
        engine_generator.synthesis(W_PLUS.clone().requires_grad_())
    with pytest.raises(ShapeError):
        engine_generator.synthesis(torch.zeros(1, 7, 8))


def test_a_graph_is_cached_and_a_damaged_one_is_made_again():
    if "openvino" not in available_engines():
        pytest.skip("openvino is not installed")
    choice = Choice("openvino")
    open_engine(model(), choice)
    path = graph_path(model(), choice)
    made = path.stat().st_mtime_ns
    open_engine(model(), choice)
    assert path.stat().st_mtime_ns == made
    path.write_text("<no graph")
    with pytest.warns(UserWarning, match="made again"):
        engine_generator = open_engine(model(), choice).G
    assert engine_generator.synthesis(W_PLUS[:1]).shape == (1, 3, 32, 32)
    assert {file.suffix for file in path.parent.iterdir()} == {".xml", ".bin"}


@pytest.mark.parametrize("family", list(FAMILIES))
@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_torch_in_lower_precision(family: str, precision: str):
    G = FAMILIES[family]()
    w_plus = torch.sin(torch.arange(2 * G.num_ws * G.w_dim)).view(2, G.num_ws, G.w_dim)
    before = G.synthesis(w_plus)
    engine_generator = open_engine(model(G, family), Choice("torch", precision)).G
    img = engine_generator.synthesis(w_plus)
    assert img.dtype == torch.float32
    assert (img - before).abs().mean() < 0.02 * before.abs().mean()
    assert torch.equal(G.synthesis(w_plus), before)  # the original is unchanged


def test_the_default_choice_is_the_network_itself():
    plain = model()
    assert open_engine(plain, Choice()) is plain


def test_gradients_pass_through_torch():
    engine_generator = open_engine(model(), Choice("torch", "bf16")).G
    w_plus = W_PLUS.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(engine_generator.synthesis_at(w_plus, 8).square().sum(), w_plus)
    assert gradient.abs().sum() > 0


@pytest.mark.parametrize("family", list(FAMILIES))
def test_no_tensor_of_a_network_is_on_the_wrong_device(family: str):
    """Run on 'meta', where a tensor that stays on the CPU raises, as it would on a GPU."""
    G = FAMILIES[family]().to("meta")
    for dtype in (torch.float32, torch.float16):
        img = G.set_precision(dtype).synthesis(torch.zeros(2, G.num_ws, G.w_dim, device="meta"))
        assert img.device.type == "meta"
    assert G.mapping(torch.zeros(2, G.z_dim, device="meta")).device.type == "meta"


def test_no_tensor_of_the_default_family_is_on_the_wrong_device(tiny):
    G = tiny.to("meta")
    assert G.synthesis(torch.zeros(2, 8, 16, device="meta")).device.type == "meta"
    assert G.synthesis_at(torch.zeros(2, 8, 16, device="meta"), 8).device.type == "meta"


@pytest.mark.parametrize(
    ("choice", "match"),
    [
        (Choice("jax"), "there is no 'jax'"),
        (Choice("torch", "fp8"), "there is no 'fp8'"),
        (Choice("torch", "fp32", "tpu"), "there is no 'tpu'"),
        (Choice("onnx", "bf16"), "onnx does not compute in bf16 on cpu"),
        (Choice("openvino", "fp32", "cuda"), "openvino does not run on cuda"),
    ],
)
def test_unsupported_choices_are_refused(choice: Choice, match: str):
    with pytest.raises(EngineError, match=match):
        open_engine(model(), choice)


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_a_missing_device_is_named_in_the_error(device: str):
    if torch.cuda.is_available() or torch.backends.mps.is_available():
        pytest.skip("there is one")
    with pytest.raises(EngineError, match=f"no {device} device"):
        open_engine(model(), Choice(device=device))


def test_a_missing_library_names_its_extra(monkeypatch: pytest.MonkeyPatch):
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(graphs.importlib, "import_module", missing)
    with pytest.raises(MissingExtra, match=r"faceloom\[export\]"):
        open_engine(model(), Choice("onnx"))
    with pytest.raises(MissingExtra, match=r"faceloom\[openvino\]"):
        open_engine(model(), Choice("openvino"))


def test_without_a_compiler_compile_is_not_available(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CXX", raising=False)
    assert not has_compiler()
    assert "compile" not in available_engines()
    with pytest.raises(EngineError, match="no compiler"):
        open_engine(model(), Choice("compile"))


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
@pytest.mark.parametrize("family", list(FAMILIES))
def test_a_gpu_agrees_with_the_cpu(family: str, precision: str):
    device = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else None
    if device is None:
        pytest.skip("there is no GPU")
    G = FAMILIES[family]()
    w_plus = torch.sin(torch.arange(2 * G.num_ws * G.w_dim)).view(2, G.num_ws, G.w_dim)
    before = G.synthesis(w_plus)
    engine_generator = open_engine(model(G, family), Choice("torch", precision, device)).G.synthesis(w_plus)
    assert engine_generator.device.type == "cpu"
    assert (engine_generator - before).abs().mean() < (1e-3 if precision == "fp32" else 0.02) * before.abs().mean()


@pytest.fixture(scope="module")
def seed_4_latents(default_model) -> torch.Tensor:
    G = default_model.G
    with torch.no_grad():
        return truncate(broadcast(G.mapping(z_from_seeds([4])), G.num_ws), G.w_avg, 0.7)


@pytest.mark.models
@pytest.mark.parametrize("engine", ["onnx", "openvino"])
def test_engines_agree_on_the_default_generator(default_model, seed_4_latents, engine: str):
    if engine not in available_engines():
        pytest.skip(f"{engine} is not installed")
    ours = default_model.G.synthesis(seed_4_latents)
    theirs = open_engine(default_model, Choice(engine)).G.synthesis(seed_4_latents)
    assert (ours - theirs).abs().max() <= 1e-3


@pytest.mark.models
def test_precisions_agree_on_the_default_generator(default_model, seed_4_latents):
    ours = default_model.G.synthesis(seed_4_latents)
    for choice, floor in (
        (Choice("torch", "bf16"), 40),
        (Choice("torch", "fp16"), 50),
        (Choice("openvino", "bf16"), 36),
    ):
        if choice.engine in available_engines():
            assert psnr(ours, open_engine(default_model, choice).G.synthesis(seed_4_latents)) >= floor, choice
