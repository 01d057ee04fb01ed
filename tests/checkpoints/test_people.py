"""Files of several people: every person in order, by name or number, from z, w or w_plus."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from faceloom.checkpoints.importing import import_checkpoint
from faceloom.checkpoints.people import read_people
from faceloom.checkpoints.readers.latent_files import read_codes, read_directions
from faceloom.cli.main import app
from faceloom.errors import LatentError, UnsafePickle
from faceloom.likeness import Likeness
from tests.checkpoints import foreign_files
from tests.checkpoints.test_latent_files import Malice

A, B, C = (torch.arange(32.0).view(8, 4) + 100 * i for i in range(3))


def save(path: Path, content: Any) -> Path:
    torch.save(content, path)
    return path


def save_arrays(path: Path, **arrays: Any) -> Path:
    np.savez(path, **{name: np.asarray(array) for name, array in arrays.items()})
    return path


def object_array(*items: Any) -> Any:
    array = np.empty(len(items), dtype=object)
    array[:] = items
    return array


def project(code: torch.Tensor) -> dict[str, Any]:
    return {"img": torch.zeros(3, 8, 4), "latent": code, "noise": [torch.zeros(1, 1, 4, 4)]}


FILES: dict[str, tuple[Any, list[str]]] = {
    "projector": (
        lambda d: save(d / "a.pt", {"z.jpg": project(A), "b.jpg": project(B), "a.jpg": project(C)}),
        ["z.jpg", "b.jpg", "a.jpg"],
    ),
    "list": (lambda d: save(d / "a.pt", [A[None], B[None], C[None]]), ["0", "1", "2"]),
    "tuple": (lambda d: save(d / "a.pt", (A, B, C)), ["0", "1", "2"]),
    "dict": (lambda d: save(d / "a.pt", {"c": A, "b": B, "a": C}), ["c", "b", "a"]),
    "names of files": (
        lambda d: save(d / "a.pt", {"me at 3.5.png": A, "you.png": B, "x.y.png": C}),
        ["me at 3.5.png", "you.png", "x.y.png"],
    ),
    "dict in a dict": (lambda d: save(d / "a.pt", {"latents": {"q": A, "p": B, "r": C}}), ["q", "p", "r"]),
    "list of dicts": (lambda d: save(d / "a.pt", [project(A), project(B), project(C)]), ["0", "1", "2"]),
    "list under a name": (lambda d: save(d / "a.pt", {"latents": [A, B, C], "mean": A[0]}), ["0", "1", "2"]),
    "npz": (lambda d: save_arrays(d / "a.npz", q=A, p=B, r=C), ["q", "p", "r"]),
    "npz with statistics": (
        lambda d: save_arrays(d / "a.npz", w=torch.stack((A, B, C)), w_avg=A[0], w_std=A[1]),
        ["0", "1", "2"],
    ),
    "object array": (lambda d: save_objects(d / "a.npy", [A.numpy(), B.numpy(), C.numpy()]), ["0", "1", "2"]),
    "object array of a dict": (
        lambda d: save_objects(d / "a.npy", [{"q": A.numpy(), "p": B.numpy(), "r": C.numpy()}]),
        ["q", "p", "r"],
    ),
    "npz of objects": (
        lambda d: save_arrays(d / "a.npz", latents=object_array(A.numpy(), B.numpy(), C.numpy())),
        ["0", "1", "2"],
    ),
    "one array": (lambda d: save(d / "a.pt", torch.stack((A, B, C))), ["0", "1", "2"]),
    "projector with z beside w": (
        lambda d: save(d / "a.pt", {n: {"z": c[0], "w_plus": c} for n, c in (("q", A), ("p", B), ("r", C))}),
        ["q", "p", "r"],
    ),
}


def save_objects(path: Path, items: list[Any]) -> Path:
    np.save(path, object_array(*items), allow_pickle=True)
    return path


@pytest.mark.parametrize("form", FILES)
def test_all_people_in_order(form: str, tmp_path: Path):
    write, names = FILES[form]
    codes = read_codes(write(tmp_path), 8, 4)
    assert [code.name for code in codes] == names
    for code, expected in zip(codes, (A, B, C), strict=True):
        torch.testing.assert_close(code.values, expected)


def test_gadget_in_an_object_array_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UnsafePickle):
        read_codes(save_objects(tmp_path / "a.npy", [A.numpy(), Malice()]), 8, 4)
    assert not (tmp_path / "canary").exists()


def test_spaces(tmp_path: Path):
    G = foreign_files.make_stylegan2(z_dim=8, w_dim=8)
    z = torch.randn(3, 8)
    w = G.mapping(z)
    from_z = read_people(save_arrays(tmp_path / "a.npz", z=z), G)
    assert from_z.spaces == ("z",) * 3
    assert any("read as z because of their name" in note for note in from_z.notes)
    torch.testing.assert_close(from_z.w_plus[:, 0], w)
    np.save(tmp_path / "z.npy", z.numpy())
    assert read_people(tmp_path / "z.npy", G).spaces == ("z",) * 3
    np.save(tmp_path / "codes.npy", z.numpy())
    torch.testing.assert_close(read_people(tmp_path / "codes.npy", G, "z").w_plus[:, 3], w)
    assert read_people(tmp_path / "codes.npy", G).spaces == ("w",) * 3
    both = save_arrays(tmp_path / "b.npz", z=z, w=w)
    torch.testing.assert_close(read_people(both, G).w_plus[:, 0], w)
    torch.testing.assert_close(read_people(both, G, "z").w_plus[:, 0], w)
    np.save(tmp_path / "eight.npy", torch.randn(8, 8).numpy())  # 8 rows: w_plus of one person, or w of eight
    assert len(read_people(tmp_path / "eight.npy", G).names) == 1
    assert len(read_people(tmp_path / "eight.npy", G, "w").names) == 8
    with pytest.raises(LatentError, match="no latent of this generator"):
        read_people(tmp_path / "codes.npy", G, "w_plus")
    labeled = foreign_files.make_stylegan2(c_dim=2)
    with pytest.raises(LatentError, match="a label"):
        read_people(tmp_path / "codes.npy", labeled, "z")


def test_implausible_codes_are_reported(tmp_path: Path):
    G = foreign_files.make_stylegan2()
    w = G.mapping(torch.randn(3, 8))
    assert read_people(save(tmp_path / "a.pt", {"a": w[0], "b": w[1]}), G).notes == ()
    [note] = read_people(save(tmp_path / "a.pt", {"a": w[0], "b": w[1] + 1e4 * w.abs().max()}), G).notes
    assert note.startswith("b: more than 4 times as far")


def test_z_that_is_imported_as_w_is_reported(tmp_path: Path):
    G = foreign_files.make_stylegan2()
    G.mapping.get_submodule("fc1").weight.mul_(1e-3)  # so that w is far smaller than z
    G.w_avg.copy_(G.mapping(torch.randn(1000, 8)).mean(dim=0))
    z = torch.ones(8) * torch.tensor([1.0, -1] * 4)
    [*_, note] = read_people(save(tmp_path / "a.pt", {"a": z}), G).notes
    assert note == "a: the numbers look like z, not w; import them with --space z"


def test_people_are_found_by_name_or_number(tmp_path: Path):
    G = foreign_files.make_stylegan2(w_dim=4, z_dim=4)
    people = read_people(save(tmp_path / "a.pt", {"2": A, "b.jpg": B, "c": C}), G)
    assert [people.find(person) for person in ("b.jpg", 1, "1", "2", 0)] == [1, 1, 1, 0, 0]
    for person in ("nobody", 3, "-1", "9" * 5000):
        with pytest.raises(LatentError, match="3 people"):
            people.find(person)


def test_names_cannot_reach_the_terminal(tmp_path: Path):
    [code] = read_codes(save(tmp_path / "a.pt", {"\x1b[2Jme": A}), 8, 4)
    assert code.name == "?[2Jme"


def test_factors_of_sefa(tmp_path: Path):
    matrix = torch.linalg.qr(torch.randn(4, 4))[0]
    directions = read_directions(save(tmp_path / "factor.pt", {"ckpt": "550000.pt", "eigvec": matrix}))
    assert list(directions) == [f"component{i}" for i in range(4)]
    for i in range(4):
        torch.testing.assert_close(directions[f"component{i}"], matrix[:, i])


def test_command_imports_one_or_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FACELOOM_HOME", str(tmp_path))
    state = foreign_files.ada_names(foreign_files.make_stylegan2(w_dim=4, z_dim=4))
    import_checkpoint(foreign_files.save_torch(tmp_path / "g.pt", state), "tiny", tmp_path)
    source = save(tmp_path / "a.pt", {"me/../x": project(A), "b.jpg": project(B), "c": project(C)})

    def run(*arguments: str, code: int = 0) -> str:
        result = CliRunner().invoke(app, ["likeness", "import", str(source), "--generator", "tiny", *arguments])
        assert result.exit_code == code, result.output
        return result.stdout

    one = json.loads(run("-o", str(tmp_path / "b.likeness"), "--person", "b.jpg", "--json"))
    assert (one["person"], one["name"], one["of"], one["space"]) == (1, "b.jpg", 3, "w_plus")
    torch.testing.assert_close(Likeness.load(tmp_path / "b.likeness").w_plus[0], B)
    everyone = json.loads(run("-o", str(tmp_path / "all"), "--all", "--json"))
    assert [person["name"] for person in everyone["people"]] == ["me/../x", "b.jpg", "c"]
    assert sorted(path.name for path in (tmp_path / "all").iterdir()) == [
        "0-me_x.likeness",
        "1-b_jpg.likeness",
        "2-c.likeness",
    ]
    torch.testing.assert_close(Likeness.load(tmp_path / "all" / "2-c.likeness").w_plus[0], C)
    run("-o", "x.likeness", "--space", "v", code=2)
    run("-o", "x.likeness", "--all", "--person", "1", code=2)
