"""The data card of a cast, README.md, with a fairness table, and the contact sheet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from faceloom.images import make_contact_sheet
from faceloom.workflows.cast.formats.entries import Entry

SHEET_PEOPLE = 64
SHEET_SIDE = 192
AGE_GROUPS = ((0, 13), (13, 20), (20, 30), (30, 40), (40, 50), (50, 60), (60, 70), (70, 120))
TONE_LIMITS = ((55.0, "very light"), (41.0, "light"), (28.0, "intermediate"), (10.0, "tan"), (-30.0, "brown"))


@dataclass
class Tally:
    """Counts of the pictures by groups of single attributes, of pairs of them, and the first pictures for the sheet."""

    pictures: int = 0
    single: Counter[tuple[str, str]] = field(default_factory=Counter)
    pairs: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    confidence: Counter[str] = field(default_factory=Counter)
    thumbnails: list[Image.Image] = field(default_factory=list)
    captions: list[str] = field(default_factory=list)

    def add(self, entry: Entry) -> None:
        """Count a picture."""
        self.pictures += 1
        groups = groups_of(entry.row)
        self.single.update(groups.items())
        self.pairs.update(
            (f"{a} and {b}", groups[a], groups[b])
            for a, b in (("age", "gender"), ("skin tone", "gender"), ("smile", "gender"))
        )
        for name in ("smile", "gender", "glasses"):
            self.confidence[name] += entry.row[f"{name}_confidence"]
        if entry.row["picture"] == 0 and len(self.thumbnails) < SHEET_PEOPLE:
            with Image.open(entry.picture) as picture:
                self.thumbnails.append(_on_white(picture).resize((SHEET_SIDE, SHEET_SIDE)))
            self.captions.append(f"{int(entry.row['person'][1:])}: age {entry.row['age']:.0f}")


def groups_of(row: dict[str, Any]) -> dict[str, str]:
    """Return the groups of a picture by attribute, as the fairness table counts them."""
    age = next((f"{low}-{high - 1}" for low, high in AGE_GROUPS if low <= row["age"] < high), "120 and older")
    tone = next((name for limit, name in TONE_LIMITS if row["skin_tone"] >= limit), "dark")
    turned = "straight" if abs(row["yaw"]) < 10 else "turned"
    return {
        "age": age,
        "gender": "masculine" if row["gender"] >= 0.5 else "feminine",
        "skin tone": tone,
        "smile": "smiling" if row["smile"] >= 0.5 else "not smiling",
        "glasses": "with" if row["glasses"] >= 0.5 else "without",
        "beard": "with" if row["beard"] >= 0.5 else "without",
        "pose": turned,
    }


def tally(entries: Iterable[Entry]) -> Tally:
    """Count all pictures."""
    counts = Tally()
    for entry in entries:
        counts.add(entry)
    return counts


def make_sheet(counts: Tally) -> Image.Image:
    """Return the contact sheet of the first people."""
    return make_contact_sheet(counts.thumbnails, 8, SHEET_SIDE, counts.captions)


def write_card(counts: Tally, report: dict[str, Any], folder: Path) -> None:
    """Write README.md."""
    plan = report["plan"]
    lines = [
        "---",
        f"license: other\nlicense_name: {report['licence']}\ntags: [synthetic, faces, faceloom]",
        f"pretty_name: {plan['name']}\n---\n",
        f"# {plan['name']}: {plan['people']} generated people, {report['pictures']} pictures\n",
        "No picture shows a real person. A generative network drew every one, and every file is marked so.\n",
        f"Generator: {report['generator']['name']} (sha256 `{report['generator']['sha256'][:16]}`), license "
        f"{report['licence']}. Made by faceloom {report['faceloom']} in {report['precision']} from the plan in "
        f"`cast.json` (digest `{report['digest'][:16]}`).\n",
        "## Cells\n",
        *_table(("cell", "asked", "drawn", "in the cell"), _cell_rows(report["cells"])),
        f"\n{report['problem_count']} problems are listed in `cast.json`. People are in one split only.\n",
        "## Fairness\n",
        "Counts of pictures by the labels below. The labels are what networks read, not facts about people. "
        "`gender` is "
        "presentation. `skin_tone` is the angle of the color of the cheeks, which light changes.\n",
        *_table(("attribute", "group", "pictures", "share"), _single_rows(counts)),
        "",
        *_table(
            ("attributes", "first", "second", "pictures"), [[*key, str(n)] for key, n in sorted(counts.pairs.items())]
        ),
        "\n## Labels\n",
        "`NAME` is the mean of two networks in four views and, for faces that were not edited, of a third network that "
        "reads the latent. `NAME_spread` is their standard deviation, `NAME_confidence` the probability that the side "
        "of 0.5 is right, if errors are normal. Mean confidence: "
        + ", ".join(
            f"{name} {total / max(counts.pictures, 1):.3f}" for name, total in sorted(counts.confidence.items())
        )
        + ".\n",
        "`seed`, `psi` and `edits` or `latent_file` and `latent_index` draw the first picture of a person again. "
        "Masks hold the number of a region in each pixel: 0 background, 1 clothes, 2 neck, 3 skin, 4 hair, 5 brows, "
        "6 eyes, 7 lips, 8 glasses, 9 ears; they were read at 64 px and enlarged.\n",
        "## Limits\n",
        "The generator learned from photos that people put on the web, with their bias: children, people over 80 and "
        "dark skin are rarer and drawn less well. Models that learn from this set alone learn the generator's habits, "
        "too. Do not use it to decide about people.\n",
    ]
    (folder / "README.md").write_text("\n".join(lines), encoding="utf-8")


def _cell_rows(cells: Sequence[dict[str, Any]]) -> list[list[str]]:
    return [[cell["cell"], str(cell["people"]), str(cell["drawn"]), str(cell["met"])] for cell in cells[:200]]


def _single_rows(counts: Tally) -> list[list[str]]:
    total = max(counts.pictures, 1)
    return [[*key, str(number), f"{number / total:.1%}"] for key, number in sorted(counts.single.items())]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(head)} |", "|---" * len(head) + "|", *(f"| {' | '.join(row)} |" for row in rows)]


def _on_white(picture: Image.Image) -> Image.Image:
    if picture.mode != "RGBA":
        return picture.convert("RGB")
    white = Image.new("RGB", picture.size, (255, 255, 255))
    white.paste(picture, mask=picture.getchannel("A"))
    return white
