"""Feature networks: Inception by its published size and keys, VGG16 by LPIPS' weights, and refused files."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from faceloom.assets.archives import sha256_of
from faceloom.checkpoints.load import load_inception
from faceloom.errors import CorruptFile, ImageError, UnknownFormat, WrongShape
from faceloom.metrics import InceptionFeatures, VggFeatures, extract
from faceloom.networks.inception import Inception, resize_as_tensorflow1
from faceloom.networks.lpips import Lpips


@pytest.fixture(scope="module")
def inception() -> Inception:
    torch.manual_seed(0)
    return Inception().eval().requires_grad_(False)


@pytest.fixture(scope="module")
def vgg() -> Lpips:
    torch.manual_seed(0)
    return Lpips("vgg16").eval().requires_grad_(False)


def test_inception_has_the_published_size(inception: Inception):
    """Check the number of weights: 27,161,264 less the two classifiers of 1,000 classes (3,326,696 and 2,049,000)."""
    assert sum(p.numel() for p in inception.parameters()) == 27_161_264 - 3_326_696 - 2_049_000
    names = set(inception.state_dict())
    assert {"Mixed_5b.branch5x5_2.conv.weight", "Mixed_7c.branch3x3dbl_3b.bn.running_var"} <= names
    assert inception(torch.zeros(1, 3, 299, 299)).shape == (1, 2048)


def test_tensorflow1_resizing_samples_from_pixel_corners():
    ramp = torch.arange(4.0).expand(1, 3, 4, 4)
    torch.testing.assert_close(resize_as_tensorflow1(ramp, 8)[0, 0, 0], torch.tensor([0, 0.5, 1, 1.5, 2, 2.5, 3, 3]))
    torch.testing.assert_close(resize_as_tensorflow1(ramp, 4), ramp)


def test_weights_are_read_without_running_code(inception: Inception, tmp_path: Path):
    state = {name: tensor for name, tensor in inception.state_dict().items() if "tracked" not in name}
    torch.save(state | {"fc.weight": torch.zeros(1008, 2048)}, tmp_path / "i.pth")
    loaded = load_inception(tmp_path / "i.pth", sha256_of(tmp_path / "i.pth").upper())
    for ours, theirs in zip(loaded.parameters(), inception.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    with pytest.raises(CorruptFile, match="sha256"):
        load_inception(tmp_path / "i.pth", "0" * 64)


def test_programs_and_other_networks_are_refused(tmp_path: Path):
    from safetensors.torch import save_file

    with zipfile.ZipFile(tmp_path / "script.pt", "w") as archive:  # as torch.jit.save lays it out
        for name in ("data.pkl", "code/__torch__.py", "constants.pkl"):
            archive.writestr(f"script/{name}", b"\x80\x02}.")
    with pytest.raises(UnknownFormat, match="TorchScript"):
        load_inception(tmp_path / "script.pt", sha256_of(tmp_path / "script.pt"))
    save_file({"conv.weight": torch.zeros(3)}, tmp_path / "other.safetensors")
    with pytest.raises(WrongShape, match="does not hold"):
        load_inception(tmp_path / "other.safetensors", sha256_of(tmp_path / "other.safetensors"))


def test_vgg_features_are_those_of_lpips_last_stage(vgg: Lpips):
    """Compare directions, because LPIPS scales every position's features to length one."""
    net = VggFeatures(vgg)
    img = torch.rand(2, 3, 128, 128) * 2 - 1
    for level in range(5):
        vgg.get_parameter(f"lin{level}.weight").data.fill_(1.0)
    features = net(img)
    assert features.shape == (2, net.dim)
    flat = torch.rand(1, 3, 1, 1).expand(1, 3, 128, 128)  # one color: away from borders all positions are equal
    middle = vgg.features(flat)[-1][0, :, 4, 4]
    assert F.cosine_similarity(net(flat)[0], middle, dim=0) > 0.9


def test_extract_accepts_pictures_of_all_sizes(vgg: Lpips):
    net = VggFeatures(vgg)
    pictures = [torch.rand(1, 3, side, side + 9) * 2 - 1 for side in (40, 128, 200)]
    together = extract(net, iter(pictures))
    torch.testing.assert_close(together[2:], extract(net, pictures[2:]), atol=1e-5, rtol=1e-4)
    with pytest.raises(ImageError, match="no pictures"):
        extract(net, [])
    with pytest.raises(ImageError, match="not finite"):
        extract(net, [torch.full((1, 3, 128, 128), torch.nan)])


def test_names_contain_the_network():
    assert VggFeatures.frechet_name == "Frechet distance (VGG16)"
    assert "FID" not in VggFeatures.frechet_name + VggFeatures.kernel_name
    assert (InceptionFeatures.frechet_name, InceptionFeatures.kernel_name) == ("FID", "KID")


def test_levels_are_rounded_as_in_a_file(inception: Inception):
    net = InceptionFeatures(inception)
    img = torch.tensor([-1.0, 0.0, 1.2]).view(1, 1, 1, 3).expand(1, 3, 2, 3)
    assert net.prepare(img).unique().numel() > 3  # resizing interpolates between the levels
    assert (float(net.prepare(img).min()), float(net.prepare(img).max())) == (0, 255)


def test_the_old_torch_format_is_read(inception: Inception, tmp_path: Path):
    buffer = io.BytesIO()
    torch.save(inception.state_dict(), buffer, _use_new_zipfile_serialization=False)
    (tmp_path / "old.pth").write_bytes(buffer.getvalue())
    assert load_inception(tmp_path / "old.pth", sha256_of(tmp_path / "old.pth")).training is False
