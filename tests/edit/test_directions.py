"""Directions: one unit is exact in the regression, held attributes do not change, and opposite steps cancel."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from faceloom import likeness, tensorfile
from faceloom.analyze.attributes import EDITABLE
from faceloom.edit import directions
from faceloom.edit.directions import Direction, fit, regress, step
from faceloom.errors import CorruptFile, LatentError, ShapeError


@dataclass(frozen=True)
class Named:
    name: str = "small"
    hash: str = "0123456789abcdef"


torch.manual_seed(0)
W = torch.randn(400, 16) @ torch.randn(16, 16)
TRUTH = torch.randn(16, 3)
AGE, SMILE, GLASSES = (30 + W @ TRUTH + 0.5 * torch.randn(400, 3)).unbind(1)
GLASSES = GLASSES + AGE  # correlated with age
HOLD = {"smile": SMILE, "glasses": GLASSES}
W_PLUS = torch.randn(2, 5, 16)


def fitted(**changes: object) -> Direction:
    direction = fit("age", W, AGE, unit="years", generator=Named(), hold=HOLD, layers=[1, 2, 3])
    return dataclasses.replace(direction, **changes)


def test_one_unit_moves_one_unit_and_held_attributes_do_not_move() -> None:
    direction = fitted()
    table = regress(W, {"age": AGE, **HOLD})
    moved = table.predict(W + direction.per_unit * direction.vector) - table.predict(W)
    torch.testing.assert_close(moved.mean(0).float(), torch.tensor([1.0, 0.0, 0.0]), atol=1e-4, rtol=0)
    assert direction.sigma == pytest.approx(float(AGE.std()), rel=1e-4)
    assert float(direction.vector.norm()) == pytest.approx(1, abs=1e-6)


def test_suppressed_numbers_change_less_and_a_unit_stays_a_unit() -> None:
    identity = W @ torch.randn(16, 6, generator=torch.Generator().manual_seed(1))

    def changed(direction: Direction) -> float:
        step = direction.per_unit * direction.vector.double()
        columns = {str(k): column for k, column in enumerate(identity.T)}
        return float((step @ regress(W, columns).coefficients).norm())

    free = fitted()
    suppressed = fit("age", W, AGE, unit="years", generator=Named(), hold=HOLD, suppress=identity)
    assert changed(suppressed) < 0.8 * changed(free)
    table = regress(W, {"age": AGE, **HOLD})
    moved = table.predict(W + suppressed.per_unit * suppressed.vector) - table.predict(W)
    torch.testing.assert_close(moved.mean(0).float(), torch.tensor([1.0, 0.0, 0.0]), atol=1e-3, rtol=0)


def test_plain_direction_changes_correlated_attributes() -> None:
    plain = fit("age", W, AGE, unit="years", generator=Named())
    table = regress(W, {"age": AGE, **HOLD})
    moved = plain.per_unit * plain.vector.double() @ table.coefficients
    assert moved[2] > 0.3
    cov = (W - W.mean(0)).T @ (AGE - AGE.mean())
    torch.testing.assert_close(plain.vector, cov / cov.norm(), atol=1e-4, rtol=0)


def test_regression_recovers_the_coefficients() -> None:
    table = regress(W, {"smile": SMILE}, ridge=1e-6)
    torch.testing.assert_close(table.coefficients[:, 0].float(), TRUTH[:, 1], atol=0.1, rtol=0.1)
    assert torch.corrcoef(torch.stack([table.predict(W)[:, 0], SMILE.double()]))[0, 1] > 0.99


def test_rows_without_a_label_are_left_out() -> None:
    holes = AGE.clone()
    holes[:50] = torch.nan
    a = fit("age", W, holes, unit="years", generator=Named())
    b = fit("age", W[50:], AGE[50:], unit="years", generator=Named())
    assert torch.equal(a.vector, b.vector)


@pytest.mark.parametrize("labels", [torch.ones(400), torch.full((400,), torch.nan)])
def test_labels_that_do_not_vary_are_rejected(labels: torch.Tensor) -> None:
    with pytest.raises(LatentError, match="do not vary"):
        fit("age", W, labels, unit="years", generator=Named())


@pytest.mark.wrong_types
def test_counts_that_differ_are_rejected() -> None:
    with pytest.raises(ShapeError, match="labels"):
        fit("age", W, AGE[:10], unit="years", generator=Named())
    with pytest.raises(ShapeError, match="labels"):
        fit("age", W, AGE, unit="years", generator=Named(), hold={"smile": SMILE[:10]})


def test_holding_the_same_attribute_is_rejected() -> None:
    with pytest.raises(LatentError, match="cannot move while copy are held"):
        fit("age", W, AGE, unit="years", generator=Named(), hold={"copy": AGE})


@settings(deadline=None)
@given(st.floats(-60, 60), st.sampled_from([None, [0], [2, 4], [0, 1, 2, 3, 4]]))
def test_a_step_and_its_opposite_cancel(strength: float, layers: list[int] | None) -> None:
    there = step(W_PLUS, DIRECTION, strength, layers)
    torch.testing.assert_close(step(there, DIRECTION, -strength, layers), W_PLUS, atol=1e-4, rtol=0)


DIRECTION = fitted()


def test_layers_and_units() -> None:
    moved = step(W_PLUS, DIRECTION, 20) - W_PLUS
    assert torch.equal(moved[:, [0, 4]], torch.zeros(2, 2, 16))
    torch.testing.assert_close(moved[1, 2], 20 * DIRECTION.per_unit * DIRECTION.vector, atol=1e-5, rtol=1e-5)
    everywhere = step(W_PLUS, fitted(layers=None), 20) - W_PLUS
    assert (everywhere.abs().amax(dim=(0, 2)) > 0).all()
    assert torch.equal(step(W_PLUS, DIRECTION, 0), W_PLUS)


def test_vector_per_layer() -> None:
    matrix = torch.zeros(5, 16)
    matrix[3, 0] = 1
    moved = step(W_PLUS, fitted(vector=matrix, per_unit=1.0, layers=None), 2) - W_PLUS
    torch.testing.assert_close(moved, 2 * matrix.expand(2, 5, 16), atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("strength", [float("nan"), float("inf")])
def test_strength_must_be_a_number(strength: float) -> None:
    with pytest.raises(LatentError, match="finite"):
        step(W_PLUS, DIRECTION, strength)


def test_a_direction_of_another_shape_is_rejected() -> None:
    with pytest.raises(ShapeError, match="another generator"):
        step(torch.zeros(1, 5, 32), DIRECTION, 1)
    with pytest.raises(LatentError, match="0 to 4"):
        step(W_PLUS, DIRECTION, 1, layers=[9])


@pytest.mark.parametrize("layers", [None, (0, 3)])
def test_save_load_equal(layers: tuple[int, ...] | None, tmp_path: Path) -> None:
    path = tmp_path / "age.safetensors"
    direction = fitted(layers=layers, notes="a note")
    directions.save(direction, path)
    back = directions.load(path)
    assert torch.equal(back.vector, direction.vector)
    for field in dataclasses.fields(Direction):
        if field.name != "vector":
            assert getattr(back, field.name) == getattr(direction, field.name)


def test_a_direction_of_another_generator_is_rejected(tmp_path: Path) -> None:
    likeness.require_generator(DIRECTION, Named())
    with pytest.raises(LatentError, match=r"small.*large"):
        likeness.require_generator(DIRECTION, Named("large", "fedcba9876543210"))


def test_a_damaged_file_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "age.safetensors"
    directions.save(DIRECTION, path)
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(CorruptFile, match="damaged"):
        directions.load(path)
    directions.save(fitted(vector=torch.full((16,), 3.0)), path)
    with pytest.raises(CorruptFile, match="unit length"):
        directions.load(path)
    tensorfile.save(path, directions.KIND, directions.VERSION, {"vector": DIRECTION.vector}, {"name": "age"})
    with pytest.raises(CorruptFile, match="per_unit"):
        directions.load(path)
    tensorfile.save(path, likeness.KIND, 1, {"vector": DIRECTION.vector}, {})
    with pytest.raises(LatentError, match="is not a direction"):
        directions.load(path)


@pytest.mark.abuse(18)
@pytest.mark.parametrize("number", ["nan", "inf", True, 1e300, None, int("9" * 400)])
def test_numbers_of_a_direction_are_finite(number: object, tmp_path: Path) -> None:
    card = {"name": "age", "per_unit": number, "unit": "years", "sigma": 1.0, "layers": None, "notes": ""}
    card["generator"] = {"hash": "0" * 64, "name": "tiny"}
    tensorfile.save(tmp_path / "a", directions.KIND, directions.VERSION, {"vector": DIRECTION.vector}, card)
    with pytest.raises(CorruptFile, match="finite number"):
        directions.load(tmp_path / "a")


SHIPPED = tuple(sorted(EDITABLE.keys() - {"eyes_open"}))


def test_shipped() -> None:
    assert directions.list_shipped() == SHIPPED
    loaded = {name: directions.load_shipped(name) for name in directions.list_shipped()}
    assert {name: loaded[name].unit for name in ("age", "smile", "yaw")} == {
        "age": "years",
        "smile": "logit",
        "yaw": "degrees",
    }
    for name, direction in loaded.items():
        assert direction.name == name
        assert direction.vector.shape == (512,)
        assert direction.generator_name == "mobilestylegan-ffhq"
        assert direction.layers is not None
        assert set(direction.layers) <= set(range(23))
        assert direction.sigma > 0
        assert direction.notes
    with pytest.raises(LatentError, match="age, beard, brows"):
        directions.load_shipped("hat")


@pytest.mark.models
def test_shipped_belong_to_the_default_generator() -> None:
    from faceloom.checkpoints.load import load_generator

    for name in directions.list_shipped():
        likeness.require_generator(directions.load_shipped(name), load_generator())
