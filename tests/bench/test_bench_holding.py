"""Tests of the benchmark of held edits: the choice of people, the checks of a result, the masks and the table."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from faceloom.analyze import skin
from faceloom.analyze.attributes import SLIDERS
from faceloom.likeness import Likeness

with pytest.MonkeyPatch.context() as patch:
    patch.setenv("BENCH_PLAIN", "1")  # no memory settings in the tests' process
    from bench import edits, holding, landmarks, mattes, people, sheets

OLDER, SMILE, SERIOUS = (
    {edit.name: edit for edit in edits.TABLE_EDITS}[name] for name in ("older", "smile", "serious")
)


def make_subject(name: str = "one") -> people.Subject:
    return people.Subject(name, Image.new("RGB", (256, 256), "gray"), Likeness(torch.zeros(1, 2, 4), "hash", "tiny"))


# -- people -----------------------------------------------------------------------------------------------------------


def test_balanced_choice_takes_from_every_group_first():
    old, young = people.Traits(60, 1, 50), people.Traits(10, 0, -20)
    assert people.choose_balanced([old, old, old, young, young], 3) == [0, 3, 1]


def test_balanced_choice_takes_a_second_portrait_of_a_person_last():
    first, second = (people.Traits(30, 1, 20, "a"), people.Traits(30, 0, 50, "a"))
    other = people.Traits(30, 1, 20, "b")
    assert people.choose_balanced([first, second, other], 3) == [0, 2, 1]


def test_smaller_balanced_choice_begins_a_larger_one():
    random = np.random.default_rng(0)
    traits = [people.Traits(*random.uniform((0, 0, -40), (90, 1, 70))) for _ in range(20)]
    assert people.choose_balanced(traits, 20)[:7] == people.choose_balanced(traits, 7)
    assert sorted(people.choose_balanced(traits, 99)) == list(range(20))


def test_people_of_a_folder_are_loaded_by_name(tmp_path: Path):
    for name in ("b", "a"):
        subject = make_subject(name)
        subject.likeness.save(tmp_path / f"{name}.likeness")
        subject.photo.save(tmp_path / f"{name}.png")
    assert [person.name for person in people.load_people(tmp_path)] == ["a", "b"]


# -- edits ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("edit", "before", "after", "is_reached"),
    [
        (OLDER, 30, 54, True),
        (OLDER, 30, 55, False),
        (OLDER, 30, 45, False),
        (SMILE, 0.1, 0.82, True),
        (SMILE, 0.1, 0.99, True),
        (SMILE, 0.1, 0.7, False),
        (SERIOUS, 0.9, 0.02, True),
        (SERIOUS, 0.9, 0.3, False),
    ],
)
def test_reached(edit: edits.TableEdit, before: float, after: float, is_reached: bool):
    assert edits.is_reached(edit, {edit.attribute: before}, {edit.attribute: after}) == is_reached


def test_held_changes_leave_out_the_edited_attribute_and_those_without_a_reading():
    before = {"age": 30.0, "smile": 0.2, "yaw": 1.0, "sharpness": 90.0}
    after = {"age": 50.0, "smile": 0.5, "yaw": 3.0, "sharpness": 20.0}
    assert edits.held_changes(OLDER, before, after) == pytest.approx({"smile": 2.0, "yaw": 0.5})


def test_label_states_values_and_limits():
    assert edits.describe(OLDER, {"age": 30.2}, {"age": 41.9}, ["identity"]) == "+20 years: 30 > 42 identity"
    assert edits.describe(OLDER, {"age": 30}, {"age": 42}, ["smile", "age", "yaw"]) == "+20 years: 30 > 42 smile +2"
    assert edits.describe(SMILE, {"smile": 0.1}, {"smile": 0.9}, []) == "smile .9: 0.10 > 0.90"


# -- measurements -----------------------------------------------------------------------------------------------------


def test_masks_keep_a_distance_from_the_outline():
    matte = np.zeros((64, 64), np.float32)
    matte[:, 32:] = 1
    background = mattes.background_mask(matte, matte)
    assert background[:, :28].all()
    assert not background[:, 28:].any()
    clothes = mattes.clothes_mask(matte, matte)
    assert clothes[63, 63]
    assert not clothes[:, :36].any()
    assert not clothes[:40].any()


def test_change_is_measured_inside_the_mask():
    before, mask = np.full((4, 4, 3), 100, np.uint8), np.zeros((4, 4), bool)
    after = before.copy()
    after[0], after[1] = 90, 0
    assert np.isnan(mattes.mean_change(before, after, mask))
    mask[0] = True
    assert mattes.mean_change(before, after, mask) == 10


def test_skin_tone_agrees_with_the_analyzers_formula():
    color = np.full((256, 256, 3), (200, 150, 120), np.uint8)
    measured = landmarks.measure_skin_tone(color, landmarks.AVERAGE * 256)
    assert measured == pytest.approx(float(skin.skin_tone(torch.from_numpy(color).permute(2, 0, 1)[None] / 127.5 - 1)))


def test_the_color_of_a_face_is_not_that_of_eyes_mouth_or_background():
    pixels = np.zeros((256, 256, 3), np.uint8)
    points = landmarks.AVERAGE * 256
    y, x = np.mgrid[:256, :256]
    pixels[np.hypot(x - 128, y - 150) < 75] = (200, 150, 120)
    for cx, cy in (*points[:2], points[3:].mean(0)):
        pixels[np.hypot(x - cx, y - cy) < 12] = (20, 200, 20)
    color = landmarks.measure_face_color(pixels, points)
    skin_color = landmarks.to_lab(np.array([[200, 150, 120]]) / 255.0)[0]
    assert color == pytest.approx(skin_color)
    assert landmarks.typology_angle(color) > 0


# -- table ------------------------------------------------------------------------------------------------------------


def make_record(after: float, limited_by: list[str], judged: Mapping[str, float] | None = None) -> dict[str, Any]:
    opinions = {"dlib": 0.3, "sface": 0.8, "years": 12.0, "skin": 1.0, "background": 1.0, "clothes": 3.0, "both": 2.0}
    opinions |= {"face_tone": 1.0, "face_color": 2.0}
    return {
        "before": {"age": 30.0, "yaw": 0.0},
        "after": {"age": after, "yaw": 1.0},
        "start": {"age": 31.0, "yaw": 0.0},
        "read": {"age": after, "yaw": 5.0},
        "limited_by": limited_by,
        "identity": 0.8,
        "seconds": 2.0,
        "cpu_seconds": 1.0,
        "judged": opinions | dict(judged or {}),
    }


def test_row_of_the_table():
    records = [
        make_record(50.0, []),
        make_record(40.0, ["identity"]),
        make_record(40.0, [], {"skin": 9.0, "dlib": 0.7, "face_tone": -7.0, "face_color": 4.0}),
    ]
    cells = dict(zip(holding.COLUMNS, holding.summarize(OLDER, records), strict=True))
    assert cells["reached"] == "33%"
    assert cells["reached or said"] == "67%"
    assert cells["change of the asked"] == "+13.33"
    assert cells["dlib same as photo"] == "67%"
    assert cells["held in bounds"] == "83%"  # the yaw of three people, and the skin tone of two
    assert cells["held, read again"] == "33%"
    assert cells["skin within 6 degrees"] == "67%"
    assert cells["whole face within 6 degrees"] == "67%"
    assert cells["color of the whole face, 90th percentile"] == "3.6"
    assert cells["background + clothes"] == "2.00"
    assert cells["limited by"] == "identity 1"


def test_table_leaves_out_edits_without_people():
    person = {"before": make_record(30.0, []), "older": make_record(50.0, [])}
    table = holding.format_table([OLDER, SMILE], [person])
    assert "dlib says 'same as the photo' for 1, SFace for 1 of 1" in table
    assert "| +20 years | 1 |" in table
    assert "smile" not in table


def test_second_run_only_edits_who_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    calls: list[str] = []

    class Studio:
        def render(self, person: Likeness) -> Image.Image:
            return Image.new("RGB", (1024, 1024), "gray")

    def apply_edit(studio: object, person: Likeness, values: Mapping[str, float], is_free: bool) -> Any:
        calls.extend(values)
        return SimpleNamespace(person=person, before={"age": 20.0}, after={"age": 40.0}, identity=0.9, limited_by=())

    reading = SimpleNamespace(rounded=lambda: {"age": 20.0})
    monkeypatch.setattr(holding, "apply_edit", apply_edit)
    monkeypatch.setattr(holding, "load_analyzer", lambda: None)
    monkeypatch.setattr(holding, "read_attributes", lambda net, img: (reading,))
    editor = holding.Editor(Studio(), tmp_path)  # type: ignore[arg-type]
    younger = next(edit for edit in edits.TABLE_EDITS if edit.name == "younger")
    for _ in range(2):
        editor.run(make_subject(), [OLDER, younger])
    assert calls == ["age"]  # once, and not for the edit of people over 35
    assert people.open_picture(tmp_path / "pictures" / "one" / "older.png").size == (512, 512)
    row = holding.open_row(tmp_path, make_subject(), [OLDER, younger])
    assert {name: label for name, (_, label) in row.edited.items()} == {"older": "+20 years: 20 > 40"}


# -- sheets -----------------------------------------------------------------------------------------------------------


def test_every_slider_has_seven_strengths():
    strengths = sheets.all_strengths()
    assert set(strengths) == set(SLIDERS)
    assert {len(values) for values in strengths.values()} == {sheets.COLUMNS}
    assert sheets.spread(-30, 30, 3) == (-30, 0, 30)


def test_table_sheets_have_a_row_a_person(tmp_path: Path):
    before = Image.new("RGB", (192, 192), "gray")
    rows = [sheets.Row(make_subject(name), before, {"older": (before, "+20 years")}) for name in ("a", "b")]
    paths = sheets.save_table_sheets(rows, tmp_path, 1)
    assert [path.name for path in paths] == ["expressions-1.png", "ages-and-poses-1.png"]
    for path in paths:
        width, height = people.open_picture(path).size
        assert width > 7 * 192
        assert 2 * 192 < height < 3 * 192


def test_sheets_that_exist_are_not_drawn_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    drawn: list[str] = []
    before = Image.new("RGB", (192, 192), "gray")

    def draw_row(studio: object, person: people.Subject) -> sheets.Row:
        drawn.append(person.name)
        return sheets.Row(person, before, {})

    def save_strengths(studio: object, likenesses: object, name: str, path: Path) -> None:
        drawn.append(path.name)
        path.touch()

    monkeypatch.setattr(sheets, "draw_row", draw_row)
    monkeypatch.setattr(sheets, "save_strengths", save_strengths)
    everyone = [make_subject(str(number)) for number in range(5)]
    for _ in range(2):
        sheets.save_sheets_of_people(None, everyone, tmp_path, ["age"])  # type: ignore[arg-type]
    assert drawn == ["0", "1", "2", "3", "age-1.png", "4", "age-2.png"]
