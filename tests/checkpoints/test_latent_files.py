"""Reading of latents and directions of other code bases, and refusal of hostile files."""

from __future__ import annotations

import os
import pickle
import re
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from faceloom.checkpoints.readers.latent_files import MAX_BYTES, read_arrays, read_directions, read_latents
from faceloom.errors import CheckpointError, CorruptFile, LatentError, UnknownFormat, UnsafePickle
from tests.checkpoints import foreign_files

W_PLUS = torch.arange(3 * 8 * 4.0).view(3, 8, 4)


def save_npy(path: Path, array: Any) -> Path:
    np.save(path, np.asarray(array), allow_pickle=True)
    return path


def save_npz(path: Path, **arrays: Any) -> Path:
    np.savez_compressed(path, **{name: np.asarray(array) for name, array in arrays.items()})
    return path


FORMS = {
    "NVIDIA's projector": (lambda d: save_npz(d / "projected_w.npz", w=W_PLUS[:1]), W_PLUS[:1]),
    "one w_plus": (lambda d: save_npy(d / "a.npy", W_PLUS[0]), W_PLUS[:1]),
    "several in Fortran order": (lambda d: save_npy(d / "a.npy", np.asfortranarray(W_PLUS.numpy())), W_PLUS),
    "float64": (lambda d: save_npy(d / "a.npy", W_PLUS.double()), W_PLUS),
    "one w": (lambda d: save_npy(d / "a.npy", W_PLUS[0, 0]), W_PLUS[:1, :1].expand(1, 8, 4)),
    "several w": (lambda d: save_npy(d / "a.npy", W_PLUS[:, 0]), W_PLUS[:, :1].expand(3, 8, 4)),
    "w with an axis of one": (lambda d: save_npy(d / "a.npy", W_PLUS[:, :1]), W_PLUS[:, :1].expand(3, 8, 4)),
    "pSp and e4e": (lambda d: foreign_files.save_torch(d / "latents.pt", W_PLUS), W_PLUS),
    "torch before 1.6": (lambda d: foreign_files.save_torch(d / "latents.pt", W_PLUS, legacy=True), W_PLUS),
    "rosinality's projector": (
        lambda d: foreign_files.save_torch(
            d / "p.pt", {"a.png": {"img": torch.ones(3), "latent": W_PLUS[0], "noise": []}}
        ),
        W_PLUS[:1],
    ),
    "with our card": (lambda d: save_npz(d / "a.npz", w_plus=W_PLUS[:1], card=np.array("{}")), W_PLUS[:1]),
    "a plain pickle": (
        lambda d: (d / "a.pkl").write_bytes(pickle.dumps({"latents": W_PLUS.numpy()})) and d / "a.pkl",
        W_PLUS,
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_latents(form: str, tmp_path: Path):
    write, expected = FORMS[form]
    torch.testing.assert_close(read_latents(write(tmp_path), 8, 4), expected)


def test_latents_of_another_generator_are_refused(tmp_path: Path):
    for path in (save_npy(tmp_path / "a.npy", W_PLUS), save_npz(tmp_path / "b.npz", w=W_PLUS, other=np.zeros(3))):
        with pytest.raises(LatentError, match=r"expected \[n, 10, 4\]"):
            read_latents(path, 10, 4)


def test_directions(tmp_path: Path):
    boundary, rows = torch.arange(4.0)[None], torch.arange(32.0).view(8, 4)
    assert read_directions(save_npy(tmp_path / "age.npy", boundary))["age"].tolist() == [0, 1, 2, 3]
    assert read_directions(save_npy(tmp_path / "smile.npy", rows))["smile"].shape == (8, 4)
    several = read_directions(save_npz(tmp_path / "all.npz", age=boundary, smile=rows, number=np.array(3)))
    assert {name: list(v.shape) for name, v in several.items()} == {"age": [4], "smile": [8, 4]}
    pca = {"comp": rows[:, None], "mean": boundary, "std": torch.ones(8)}
    directions = read_directions(foreign_files.save_torch(tmp_path / "ffhq_pca.pt", pca))
    assert list(directions) == [f"component{i}" for i in range(8)]
    assert torch.equal(directions["component2"], rows[2])
    ganspace = read_directions(
        save_npz(tmp_path / "g.npz", act_comp=rows, lat_comp=rows[:, None] * 2, lat_mean=boundary)
    )
    assert torch.equal(ganspace["component1"], rows[1] * 2)
    with pytest.raises(LatentError, match="no direction"):
        read_directions(save_npy(tmp_path / "x.npy", np.zeros((2, 3, 4))))


class Malice:
    """An object that creates a folder when it is unpickled."""

    def __reduce__(self) -> Any:
        return os.mkdir, ("canary",)


def npy_header(text: str, body: bytes = b"") -> bytes:
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode() + body


def write_npz(path: Path, content: bytes, count: int = 1) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for i in range(count):
            archive.writestr(f"{i}.npy", content)
    return path


def write_lying_npz(path: Path) -> Path:
    """Write an archive whose member unpacks to 100 MB, where its headers state 100 bytes."""
    size = 100 << 20
    write_npz(path, npy_header("{'descr':'<f4','fortran_order':False,'shape':(5,)}\n") + bytes(size))
    content, stated = path.read_bytes(), struct.pack("<I", 100)
    real = re.findall(rb"PK\x01\x02.{20}(.{4})", content, re.DOTALL)[0]
    return write_bytes(path, content.replace(real, stated))


def write_bytes(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


HOSTILE = {
    "objects": (lambda d: save_npy(d / "a.npy", np.array([Malice()], dtype=object)), UnsafePickle),
    "objects in npz": (lambda d: save_npz(d / "a.npz", w=np.array([Malice()], dtype=object)), UnsafePickle),
    "a pickle": (lambda d: write_bytes(d / "a.npy", pickle.dumps(Malice())), UnsafePickle),
    "a pickle of torch's": (lambda d: foreign_files.save_torch(d / "a.pt", {"w": Malice()}), UnsafePickle),
    "text": (lambda d: save_npy(d / "a.npy", np.array("text")), UnknownFormat),
    "a huge shape": (
        lambda d: write_bytes(
            d / "a.npy", npy_header("{'descr':'<f4','fortran_order':False,'shape':(1000000000000,)}\n", b"1")
        ),
        CorruptFile,
    ),
    "a negative shape": (
        lambda d: write_bytes(
            d / "a.npy", npy_header("{'descr':'<f4','fortran_order':False,'shape':(-1,-1)}\n", b"1234")
        ),
        CorruptFile,
    ),
    "code in the header": (
        lambda d: write_bytes(d / "a.npy", npy_header("__import__('os').mkdir('canary')\n")),
        CorruptFile,
    ),
    "a huge header": (
        lambda d: write_bytes(d / "a.npy", b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**31) + b"{" * 9),
        CorruptFile,
    ),
    "a zip bomb": (lambda d: write_npz(d / "a.npz", bytes(MAX_BYTES + 1)), CorruptFile),
    "a zip whose header lies": (lambda d: write_lying_npz(d / "a.npz"), CorruptFile),
    "too many arrays": (lambda d: write_npz(d / "a.npz", b"", 10_001), CorruptFile),
    "truncated": (lambda d: write_bytes(d / "a.npy", save_npy(d / "b.npy", W_PLUS).read_bytes()[:-4]), CorruptFile),
    "missing": (lambda d: d / "a.npy", CorruptFile),
    "plain text": (lambda d: write_bytes(d / "a.npy", b"hello, world"), CheckpointError),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    make, error = HOSTILE[name]
    with pytest.raises(error) as caught:
        read_arrays(make(tmp_path))
    assert caught.value.hint
    assert not (tmp_path / "canary").exists()
