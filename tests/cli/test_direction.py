"""The commands for directions and people, on a studio whose generator is tiny."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from typer.testing import CliRunner

from faceloom import likeness
from faceloom.checkpoints import shipped
from faceloom.checkpoints.load import GeneratorModel
from faceloom.cli.main import app
from faceloom.edit import directions, discover, stylespace
from faceloom.edit import search as search_module
from faceloom.edit.stylespace import StyleDirection
from faceloom.likeness import Likeness
from faceloom.networks.analyzer import ATTRIBUTES, Analyzer, Reading
from faceloom.networks.mobilestylegan import MobileStyleGAN
from faceloom.networks.second_analyzer import SECOND_ATTRIBUTES, SecondAnalyzer
from faceloom.workflows.studio import Studio

SHARED = [ATTRIBUTES.index(name) for name in SECOND_ATTRIBUTES]


class FakeAnalyzer(Analyzer):
    """An analyzer that reads colors."""

    def __init__(self, read: Callable[[Tensor], Reading]) -> None:
        torch.nn.Module.__init__(self)
        self.read = read

    def forward(self, img: Tensor) -> Reading:
        return self.read(img)


class FakeSecondAnalyzer(SecondAnalyzer):
    """A second analyzer that reads the same colors."""

    def __init__(self) -> None:
        torch.nn.Module.__init__(self)

    def forward(self, img: Tensor) -> Tensor:
        return red_is_age(img).attributes[:, SHARED]


def red_is_age(img: Tensor) -> Reading:
    attributes = torch.zeros(len(img), len(ATTRIBUTES))
    attributes[:, 0] = 40 + 30 * img[:, 0].mean((1, 2))
    return Reading(attributes, torch.nn.functional.normalize(img.mean((2, 3)), dim=1))


@pytest.fixture(autouse=True)
def small(tiny: MobileStyleGAN, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> GeneratorModel:
    """Every studio has the tiny generator, every analyzer reads colors, and the user folder is the test's."""
    model = GeneratorModel(tiny, "small", "mobilestylegan", "0123456789abcdef", "none")
    monkeypatch.setattr("faceloom.rendering.load_generator", lambda name, precision: model)
    for module in ("studio", "editing", "search"):
        monkeypatch.setattr(f"faceloom.workflows.{module}.load_analyzer", lambda: FakeAnalyzer(red_is_age))
    monkeypatch.setattr(shipped, "load_analyzer", lambda: FakeAnalyzer(red_is_age))
    for module in (discover, search_module):
        monkeypatch.setattr(module, "READ_SIDE", 32)
    monkeypatch.setattr("faceloom.workflows.studio.READ_SIDE", 32)
    for module in ("editing", "search"):
        monkeypatch.setattr(f"faceloom.workflows.{module}.load_second_analyzer", FakeSecondAnalyzer)
    monkeypatch.setenv("FACELOOM_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return model


def faceloom(*arguments: str, status: int = 0) -> Any:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == status, (result.output, result.exception)
    return json.loads(result.stdout) if "--json" in arguments else result


def people(folder: str, seeds: range, shift: float) -> None:
    studio = Studio()
    for seed in seeds:
        person = studio.generate(seed, 1.0)
        w_plus = person.w_plus.clone()
        w_plus[..., 0] += shift
        moved = likeness.Likeness(w_plus, person.generator_hash, person.generator_name)
        moved.save(Path(folder) / f"{seed}.likeness")


def test_fit_apply_export_import_and_list():
    people("with", range(8), 3.0)
    people("without", range(8, 16), -3.0)
    (Path("with") / "junk.likeness").write_text("junk")
    facts = faceloom(
        "direction", "fit", "--positive", "with", "--negative", "without", "-o", "hat.safetensors", "--json"
    )
    assert facts["people"] == 16
    assert facts["agreement"] >= 0.9
    assert list(facts["left_out"]) == ["with/junk.likeness"]
    assert facts["unit"] == "sigma"
    faceloom("direction", "apply", "seed:1", "--direction", "hat.safetensors", "--strength", "2", "-o", "on.likeness")
    moved = Studio().load("on.likeness").w_plus - Studio().generate(1).w_plus
    assert float(moved[..., 0].mean()) > 0.5
    for suffix in ("npy", "npz"):
        faceloom("direction", "export", "hat.safetensors", "-o", f"hat.{suffix}")
    step = np.load("hat.npy")
    np.testing.assert_allclose(np.load("hat.npz")["step"], step)
    pytest.importorskip("faceloom.checkpoints.readers.latent_files")
    for suffix in ("npy", "npz"):
        faceloom("direction", "import", f"hat.{suffix}", "--name", f"theirs-{suffix}", "--json")
        back = directions.load_named(f"theirs-{suffix}")
        np.testing.assert_allclose((back.vector * back.per_unit).numpy(), step, atol=1e-5)
    listed = faceloom("direction", "list", "--json")["directions"]
    assert {(one["name"], one["where"]) for one in listed} >= {("age", "shipped"), ("theirs-npy", "imported")}
    faceloom("direction", "apply", "seed:1", "--direction", "theirs-npy", "--strength", "1", "-o", "on.png")
    assert faceloom("direction", "show", "theirs-npy", "--sheet", "t.png", "--json")["name"] == "theirs-npy"
    assert Path("t.png").exists()


def test_a_direction_of_stylespace_is_shown_applied_and_undone():
    made = StyleDirection("hat.s", ((0, 1), (7, 2)), torch.tensor([1.0, 2.0]), "cm", 2.0, "0123456789abcdef", "small")
    stylespace.save(made, Path("hat.s.safetensors"))
    facts = faceloom("direction", "show", "hat.s.safetensors", "--sheet", "t.png", "--json")
    assert (facts["space"], facts["shape"], facts["layers"]) == ("s", [2], [0, 7])
    assert Path("t.png").exists()
    step = ["--direction", "hat.s.safetensors", "--strength", "2"]
    faceloom("direction", "apply", "seed:1", *step, "-o", "on.likeness")
    studio = Studio()
    before, on = studio.generate(1), studio.load("on.likeness")
    assert sorted(float(change.sum()) for change in on.delta.values()) == [2.0, 4.0]
    assert studio.render(on).tobytes() != studio.render(before).tobytes()
    faceloom("edit", "on.likeness", "--undo", "-o", "off.likeness")
    assert not studio.load("off.likeness").delta
    assert studio.render(studio.load("off.likeness")).tobytes() == studio.render(before).tobytes()
    faceloom("direction", "apply", "on.likeness", *step[:-1], "-2", "-o", "back.likeness")
    assert not studio.load("back.likeness").delta
    faceloom("direction", "export", "hat.s.safetensors", "-o", "hat.npy", status=2)
    people("all", range(4), 0.0)
    fit = ["direction", "fit", "--positive", "all", "--negative", "all", "-o", "x.safetensors"]
    faceloom(*fit, "--hold", "hat.s.safetensors", status=2)


def test_fit_from_a_table():
    people("all", range(12), 0.0)
    rows = [f"all/{seed}.likeness,{float(Studio().generate(seed, 1.0).w_plus[0, 0, 3])}" for seed in range(12)]
    Path("t.csv").write_text("file,value\n" + "\n".join(rows))
    facts = faceloom("direction", "fit", "--labels", "t.csv", "--unit", "cm", "-o", "height.safetensors", "--json")
    assert (facts["unit"], facts["people"]) == ("cm", 12)
    held = ["--hold", "age,height.safetensors", "-o", "h2.safetensors", "--json"]
    assert faceloom("direction", "fit", "--labels", "t.csv", *held)["name"] == "h2"
    assert facts["name"] == "height"


def test_fit_refuses():
    people("one", range(1), 0.0)
    people("many", range(3), 0.0)
    result = faceloom("direction", "fit", "--positive", "one", "--negative", "many", "-o", "x.safetensors", status=1)
    assert "1 positive and 3 negative" in str(result.exception)
    faceloom("direction", "fit", "--positive", "one", "-o", "x.safetensors", status=2)
    faceloom("direction", "fit", "-o", "x.safetensors", status=2)
    assert not Path("x.safetensors").exists()


@pytest.mark.parametrize("method", ["sefa", "pca"])
def test_discover(method: str):
    facts = faceloom(
        "direction",
        "discover",
        "--method",
        method,
        "--count",
        "2",
        "--layers",
        "0-4",
        "--seeds",
        "1-2",
        "-o",
        "d",
        "--json",
    )
    assert [entry["file"] for entry in facts["directions"]] == [f"{method}-1.safetensors", f"{method}-2.safetensors"]
    assert set(facts["directions"][0]["shifts"]) == set(ATTRIBUTES)
    found = directions.load(Path("d") / f"{method}-2.safetensors")
    assert found.layers == (0, 1, 2, 3, 4)
    assert found.notes == facts["directions"][1]["moves"]
    assert (Path("d") / f"{method}-1.png").exists()
    assert json.loads((Path("d") / "index.json").read_text())["directions"] == facts["directions"]


def test_children_have_children():
    facts = faceloom("children", "seed:1", "seed:2", "--count", "3", "-o", "kids", "--json")
    assert [child["number"] for child in facts["children"]] == [0, 1, 2]
    again = faceloom("children", "seed:1", "seed:2", "--count", "1", "-o", "again", "--json")["children"][0]
    one, same = (Likeness.load(Path(child["likeness"])) for child in (facts["children"][0], again))
    assert torch.equal(one.w_plus, same.w_plus)
    parents = [likeness.digest(Studio().generate(seed)) for seed in (1, 2)]
    assert one.provenance["parents"] == parents
    faceloom("children", "kids/child0-00.likeness", "kids/child0-02.likeness", "--count", "2", "-o", "grand.png")
    assert Path("grand.png").exists()


def test_search():
    facts = faceloom(
        "search", "about 41", "--count", "2", "--candidates", "6", "--like", "kid.likeness", "-o", "f", status=1
    )
    Studio().generate(7, 0.8).save(Path("kid.likeness"))
    facts = faceloom("search", "", "--like", "kid.likeness", "--count", "2", "--candidates", "6", "-o", "f", "--json")
    first, second = facts["people"]
    assert first["similarity"] >= second["similarity"]
    assert Path(first["picture"]).exists()
    person = Likeness.load(Path(first["likeness"]))
    assert person.provenance["method"] == "find"
    assert "did you mean 'glasses'" in str(faceloom("search", "glases", "-o", "f", status=1).exception)
    unread = faceloom("search", "a beard", "--count", "1", "--candidates", "2", "-o", "f", status=1)
    assert "'beard': this generator's faces are read without it" in str(unread.exception)


def test_help_shows_two_examples():
    for command in ("fit", "discover", "list", "show", "apply", "export", "import"):
        text = CliRunner().invoke(app, ["direction", command, "--help"]).stdout
        assert text.count(f"faceloom direction {command}") >= 2
        assert "--json" in text


def test_conditional_generators_have_people_of_every_class():
    from faceloom.edit.latent_statistics import sample_w

    heard: list[Tensor] = []
    unused = dict.fromkeys(("synthesis", "synthesis_at", "affines"), print)
    sizes = {"z_dim": 4, "c_dim": 3, "w_dim": 4, "num_ws": 1, "img_resolution": 4, "layer_resolutions": (4,)}
    G = SimpleNamespace(**sizes, **unused, w_avg=torch.zeros(4), mapping=lambda z, c: (heard.append(c), z)[1])
    sample_w(G, 50)  # type: ignore[arg-type]
    assert heard[0].sum(1).eq(1).all()
    assert heard[0].sum(0).gt(0).all()


def test_attributes_of_a_generator_become_its_sliders(
    small: GeneratorModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def upper(img: Tensor) -> Reading:
        attributes = torch.zeros(len(img), len(ATTRIBUTES))
        middle = img.shape[-1] // 2
        attributes[:, 0] = 40 + 90_000 * (img[:, 0, :middle] - img[:, 0, middle:]).mean((1, 2))
        return Reading(attributes, torch.nn.functional.normalize(img.flatten(1)[:, ::997], dim=1))

    monkeypatch.setattr(shipped, "load_analyzer", lambda: FakeAnalyzer(upper))
    for module in ("studio", "editing"):
        monkeypatch.setattr(f"faceloom.workflows.{module}.load_analyzer", lambda: FakeAnalyzer(upper))
    monkeypatch.setattr("faceloom.edit.fit_attributes.READ_SIDE", 32)
    monkeypatch.setattr("faceloom.edit.fit_attributes.IDENTITY_HELD", ())
    model = replace(small, folder=tmp_path / "mine")
    monkeypatch.setattr("faceloom.rendering.load_generator", lambda name, precision: model)
    faceloom("edit", "seed:1", "--age", "+5", "-o", "old.png", status=1)
    monkeypatch.setattr("faceloom.workflows.face_share.load_mtcnn", lambda: None)
    monkeypatch.setattr("faceloom.workflows.face_share.measure_face_share", lambda G, net: 0.25)
    refused = faceloom("direction", "attributes", "--people", "300", status=1)
    assert "25%" in str(refused.exception)
    facts = faceloom("direction", "attributes", "--people", "300", "--force", "--json")
    assert [one["name"] for one in facts["directions"]] == ["age"]
    assert set(facts["missing"]) == {"smile", "gender", "glasses", "mouth_open", "yaw", "pitch"}
    assert (tmp_path / "mine" / "directions" / "age.safetensors").exists()
    edited = faceloom("edit", "seed:1", "--age", "+5", "-o", "old.png", "--json")
    assert edited["reached"]["age"] == pytest.approx(5, abs=2)
    said = faceloom("edit", "seed:1", "--say", "five years older", "-o", "old.png", "--json")
    assert (said["changes"], said["reached"]) == ({"age": 5}, edited["reached"])
    assert "understood: age" in faceloom("edit", "seed:1", "--say", "a bit older", "-o", "old.png").stderr


def test_a_generator_without_a_folder_keeps_no_directions():
    faceloom("direction", "attributes", "--people", "200", status=2)
