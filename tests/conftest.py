"""Shared fixtures: a tiny generator, the real networks, OpenVINO."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import beartype
import pytest
import torch

from tests.abuse.items import numbers_of

# Shapes are checked with `--jaxtyping-packages=faceloom,beartype.beartype`. jaxtyping looks the checker up by that name
# when it decorates a function, which is later than this line: an int may stand for a float, as in mypy.
beartype.beartype = beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))  # type: ignore[assignment]

if TYPE_CHECKING:
    from faceloom.networks.mobilestylegan import MobileStyleGAN


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the tests of abuse, and skip tests that pass wrong types on purpose when shapes are checked."""
    for item in items:
        for number in numbers_of(item.path, item.name):
            item.add_marker(pytest.mark.abuse(number))
    if not config.getoption("jaxtyping_packages"):
        return
    skip = pytest.mark.skip(reason="passes wrong types on purpose")
    for item in items:
        if item.get_closest_marker("wrong_types"):
            item.add_marker(skip)


@pytest.fixture
def tiny() -> MobileStyleGAN:
    """Return a seeded generator: 32 px, w_dim 16, 8 layers."""
    from faceloom.networks.mobilestylegan import MobileStyleGAN, MobileStyleGANConfig

    torch.manual_seed(0)
    G = MobileStyleGAN(MobileStyleGANConfig(channels=(16, 16, 8), z_dim=16, w_dim=16, mapping_layers=2))
    for name, buffer in G.named_buffers():
        if name.endswith("noise"):
            buffer.normal_(std=0.1)
    return G.requires_grad_(False)


@pytest.fixture(scope="session")
def default_model() -> Any:
    """Return the default generator."""
    from faceloom.checkpoints.load import load_generator

    return load_generator()


@pytest.fixture(scope="session")
def default_model_bf16() -> Any:
    """Return the default generator in bf16."""
    from faceloom.checkpoints.load import load_generator

    return load_generator(precision="bf16")


@pytest.fixture(scope="session")
def lpips_alexnet() -> Any:
    """Return LPIPS (AlexNet), in which quality is reported."""
    from faceloom.checkpoints.load import load_lpips

    return load_lpips("alexnet")


@pytest.fixture(scope="session")
def openvino_network(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Any]:
    """Compile a network of the default generator's archive with OpenVINO, in float32."""
    openvino = pytest.importorskip("openvino")
    from faceloom.assets.fetch import fetch_members

    folder = fetch_members("mobilestylegan-ffhq", tmp_path_factory.mktemp("openvino"))
    core = openvino.Core()

    def compiled(name: str) -> Any:
        return core.compile_model(folder / f"{name}.xml", "CPU", {"INFERENCE_PRECISION_HINT": "f32"})

    return compiled
