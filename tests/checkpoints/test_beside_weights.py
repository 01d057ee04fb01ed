"""Values beside the weights never decide whether weights are read; only names that could harm are accused."""

from __future__ import annotations

import collections
import datetime
import enum
import functools
import pathlib
import pickle
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from faceloom.checkpoints import detect
from faceloom.checkpoints.detect import read_checkpoint
from faceloom.checkpoints.readers import psp_encoder, rosinality
from faceloom.checkpoints.readers.latent_files import read_latents
from faceloom.checkpoints.sandbox.process import FileContent
from faceloom.errors import CheckpointError, UnknownFormat, UnsafePickle
from tests.checkpoints import foreign_files
from tests.checkpoints.test_detect_checkpoints import assert_same


class Mode(enum.Enum):
    FAST = "fast"


Point = collections.namedtuple("Point", "x y")


class Options:
    """A class of a package that the user does not have."""

    def __init__(self) -> None:
        self.path, self.items = pathlib.PurePosixPath("/x"), [datetime.date(2020, 1, 1)]


def many_lists(depth: int) -> Any:
    """Return lists nested so that they have 2 ** depth parts."""
    value: Any = [None, {}]
    for _ in range(depth):
        value = [value, value]
    return value


VALUES: dict[str, Any] = {
    "path": pathlib.PurePosixPath("/x"),
    "device": torch.device("cpu"),
    "dtype": torch.float16,
    "layout": torch.strided,
    "date": datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC),
    "enum": Mode.FAST,
    "named tuple": Point(1, 2),
    "complex": 1j,
    "set": {1, 2},
    "frozen set": frozenset({(1, 2)}),
    "range": range(3),
    "slice": slice(1, 2),
    "bytearray": bytearray(b"abc"),
    "default dict": collections.defaultdict(list, {"a": [1]}),
    "counter": collections.Counter("abc"),
    "deque": collections.deque([1]),
    "namespace": types.SimpleNamespace(a=1),
    "partial": functools.partial(print, 1),
    "type": dict,
    "own class": Options(),
    "array of objects": np.array([{"a": Mode.FAST}], dtype=object),
    "array of text": np.array(["a", "b"]),
    "array of dates": np.array(["2020-01-01"], dtype="M8[D]"),
    "complex tensor": torch.zeros(2, dtype=torch.complex64),
    "new tensor type": torch.zeros(2, dtype=torch.uint16),
    "sparse": torch.eye(2).to_sparse(),
    "module": torch.nn.Linear(2, 2),
    "odd keys": {Mode.FAST: 1, (1, (2, 3)): 2, frozenset({1}): 3, None: 4, b"x": 5},
    "long list": list(range(100_000)),
    "long text": "x" * 10_000,
    "huge integer": 10**5000,
    "huge integer as a key": {10**5000: 1},
    "infinite": float("inf"),
    "many parts": many_lists(60),
    "tensor": torch.full((3,), float("nan")),
    "random state": np.random.RandomState(0),
}


def save_with_options(path: Path, value: Any, protocol: int) -> Path:
    """Write a generator as pSp does, with a value in its options and one beside them."""
    G = foreign_files.make_stylegan2()
    state = {f"decoder.{key}": tensor for key, tensor in foreign_files.rosinality_names(G).items()}
    content = {"opts": {"value": value}, "state_dict": state, "latent_avg": G.w_avg, "extra": value}
    torch.save(content, path, pickle_protocol=protocol)
    return path


@pytest.mark.parametrize("name", VALUES)
def test_options_do_not_decide(name: str, tmp_path: Path):
    path = save_with_options(tmp_path / "x.pt", VALUES[name], protocol=2)
    assert_same(read_checkpoint(path), foreign_files.make_stylegan2())


def test_options_of_protocol_5_do_not_decide(tmp_path: Path):
    path = save_with_options(tmp_path / "x.pt", VALUES, protocol=5)
    assert_same(read_checkpoint(path), foreign_files.make_stylegan2())


@pytest.mark.parametrize("name", ["path", "dtype", "enum", "module", "odd keys", "many parts", "tensor", "own class"])
def test_attributes_of_modules_do_not_decide(name: str, tmp_path: Path):
    G = foreign_files.make_stylegan2()
    network = foreign_files.make_persistent(
        foreign_files.ada_names(G), "G", note=VALUES[name], synthesis__b4__conv1__note=VALUES[name]
    )
    loaded = read_checkpoint(foreign_files.save_nvidia_torch(tmp_path / "x.pkl", G_ema=network, extra=VALUES[name]))
    assert_same(loaded, G)


def test_dropped_values_are_reported(tmp_path: Path):
    G = foreign_files.make_stylegan2()
    state = foreign_files.rosinality_names(G)
    content = {"g_ema": state, "latent_avg": G.w_avg, "args": foreign_files.make_namespace(out=pathlib.PurePath("/x"))}
    loaded = read_checkpoint(foreign_files.save_torch(tmp_path / "x.pt", content))
    assert any("not needed" in note and "args.out: it is a pathlib" in note for note in loaded.notes)


def test_stand_in_among_the_needed_weights_is_refused_politely(tmp_path: Path):
    state: dict[str, Any] = dict(foreign_files.rosinality_names(foreign_files.make_stylegan2()))
    for name in ("conv1.conv.weight", "noises.noise_0"):
        content = {"g_ema": {**state, name: Options()}}
        with pytest.raises(UnknownFormat, match=rf"'{name}', which the network needs, .*Options") as caught:
            read_checkpoint(foreign_files.save_torch(tmp_path / "x.pt", content))
        assert "do not open" not in str(caught.value)
    loaded = read_checkpoint(foreign_files.save_torch(tmp_path / "x.pt", {"g_ema": {**state, "note": Options()}}))
    assert_same(loaded, foreign_files.make_stylegan2(), mean=False)


def test_setting_that_is_a_stand_in_is_refused(tmp_path: Path):
    network = foreign_files.make_persistent(
        foreign_files.ada_names(foreign_files.make_stylegan2()), "G", mapping__fc1__activation=Mode.FAST
    )
    with pytest.raises(UnknownFormat, match=r"mapping\.fc1\.activation could not be read"):
        read_checkpoint(foreign_files.save_nvidia_torch(tmp_path / "x.pkl", G_ema=network))


def test_options_that_are_needed_and_unknown_are_refused(tmp_path: Path):
    filters = {"synthesis___init_kwargs": {"num_layers": 4, "num_critical": Mode.FAST}}
    network = foreign_files.make_persistent(foreign_files.ada_names(foreign_files.make_stylegan3()), "G", **filters)
    with pytest.raises(UnknownFormat, match="num_critical could not be read"):
        read_checkpoint(foreign_files.save_nvidia_torch(tmp_path / "x.pkl", G_ema=network))
    Gs = foreign_files.make_tf_network(
        foreign_files.tf_stylegan2_names(foreign_files.make_stylegan2()), resolution=32, conv_clamp=Mode.FAST
    )
    with pytest.raises(UnknownFormat, match="option conv_clamp could not be read"):
        read_checkpoint(foreign_files.save_nvidia_tf(tmp_path / "x.pkl", Gs, Gs, Gs))
    content = FileContent({}, {}, (), {"opts.encoder_type": "it is a my.Enum"})
    with pytest.raises(UnknownFormat, match=r"opts\.encoder_type.*my\.Enum"):
        psp_encoder.read(content)


@pytest.mark.parametrize(
    "name",
    [
        "os\nsystem",
        "posix\nsystem",
        "nt\nsystem",
        "subprocess\nPopen",
        "builtins\neval",
        "__builtin__\nexecfile",
        "builtins\n__import__",
        "builtins\nopen",
        "_io\nopen",
        "importlib\nimport_module",
        "runpy\nrun_path",
        "pickle\nloads",
        "_pickle\nloads",
        "dill._dill\n_create_code",
        "torch\nload",
        "torch.serialization\nload",
        "numpy\nload",
        "numpy.lib._npyio_impl\nload",
        "ctypes\nCDLL",
        "socket\nsocket",
        "types\nCodeType",
        "webbrowser\nopen",
        "shutil\nrmtree",
        "my.package\nos.system",
    ],
)
def test_names_that_could_harm_are_accused(name: str, tmp_path: Path):
    (tmp_path / "x.pkl").write_bytes(b"\x80\x02c" + name.encode() + b"\nX\x04\x00\x00\x00true\x85R.")
    with pytest.raises(UnsafePickle, match="could run a program"):
        read_checkpoint(tmp_path / "x.pkl")


@pytest.mark.parametrize(
    "name",
    ["code.networks\nGenerator", "builtins\ngetattr", "my_os\nsystem", "numpy.random\nRandomState", "io\nBytesIO"],
)
def test_other_names_are_not_accused(name: str, tmp_path: Path):
    (tmp_path / "x.pkl").write_bytes(b"\x80\x02c" + name.encode() + b"\n)R.")
    with pytest.raises(UnknownFormat):
        read_checkpoint(tmp_path / "x.pkl")


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("fortran", [False, True])
def test_arrays_of_every_protocol(protocol: int, fortran: bool, tmp_path: Path):
    w_plus = np.arange(32.0, dtype="f4").reshape(8, 4)
    array = np.asfortranarray(w_plus) if fortran else w_plus
    (tmp_path / "x.pkl").write_bytes(pickle.dumps({"latent": array}, protocol=protocol))
    if protocol < 2:  # without the byte that marks a pickle, the format is not recognized
        with pytest.raises(UnknownFormat):
            read_latents(tmp_path / "x.pkl", 8, 4)
    else:
        assert np.array_equal(read_latents(tmp_path / "x.pkl", 8, 4)[0].numpy(), w_plus)


def test_plain_modules_are_whole_without_init(tmp_path: Path):
    G = foreign_files.make_stylegan2()
    network = foreign_files.make_persistent(foreign_files.ada_names(G), "G")
    modules = network.meta["state"]["_modules"]
    modules["dropout"] = torch.nn.Dropout()
    modules["nothing"] = torch.nn.Module.__new__(torch.nn.Module)  # pickled without a state
    assert_same(read_checkpoint(foreign_files.save_nvidia_torch(tmp_path / "x.pkl", G_ema=network)), G)
    old = b"\x80\x02ccopy_reg\n_reconstructor\nctorch.nn.modules.module\nModule\nc__builtin__\nobject\nN\x87R."
    (tmp_path / "old.pkl").write_bytes(old)
    with pytest.raises(UnknownFormat, match="no tensor at all"):
        read_checkpoint(tmp_path / "old.pkl")


def test_error_of_faceloom_is_not_called_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def fail(*_: object) -> None:
        raise AttributeError("no such attribute")

    path = foreign_files.save_torch(tmp_path / "x.pt", foreign_files.rosinality_names(foreign_files.make_stylegan2()))
    monkeypatch.setattr(rosinality, "read", fail)
    with pytest.raises(CheckpointError, match="faceloom failed while reading it") as caught:
        read_checkpoint(path)
    assert type(caught.value) is CheckpointError
    assert "damaged" not in str(caught.value)
    assert detect.describe_own_error(ValueError("x"))[1].startswith("this may be an error of faceloom")
