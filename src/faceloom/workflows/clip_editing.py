"""Edits of people by free text, with CLIP weights that the user brings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from faceloom.analyze.reading import read_attributes, similarity
from faceloom.checkpoints.readers.clip import LoadedClip, read_clip
from faceloom.checkpoints.shipped import load_analyzer
from faceloom.edit.bounds import default_bounds
from faceloom.edit.clip_edit import SIDE, ClipEdit, ClipEditConfig, StepCallback, edit_by_clip
from faceloom.images import to_img
from faceloom.likeness import Likeness, require_generator
from faceloom.networks.early_exit import end_early
from faceloom.workflows.editing import Editor


@dataclass(frozen=True, eq=False)
class ClipEditResult:
    """A person after an edit by CLIP, with the attributes before and after it in the units of the table.

    Convention: `edit` holds the change and the cosines, which are measured by the whole pictures, as are the others;
    `identity` is the identity similarity before and after; `beyond` names the attributes that changed by more than
    other edits may change them, the largest excess first; `sha256` is that of the weights.
    """

    person: Likeness
    edit: ClipEdit
    before: Mapping[str, float]
    after: Mapping[str, float]
    identity: float
    beyond: tuple[str, ...]
    sha256: str

    @property
    def reached(self) -> bool:
        """Return whether CLIP finds the face nearer to the text than before."""
        return self.edit.after > self.edit.before


def edit_person_by_clip(
    editor: Editor,
    person: Likeness,
    text: str,
    clip: LoadedClip | Path | str,
    *,
    neutral: str | None = None,
    config: ClipEditConfig | None = None,
    callback: StepCallback | None = None,
) -> ClipEditResult:
    """Change a person until CLIP finds the picture nearer to a text, and measure what changed.

    Convention: `clip` is a folder as `read_clip` takes it, or what it returned; the rest as in `edit_by_clip`.
    Raises LatentError for a text with little to do with faces, and CheckpointError for weights that cannot be used.
    """
    require_generator(person, editor.generator)
    config = config or ClipEditConfig()
    loaded = clip if isinstance(clip, LoadedClip) else read_clip(Path(clip))
    edit = edit_by_clip(
        end_early(editor.tuned_generator(person), editor.exit_heads, SIDE),
        person.w_plus,
        text,
        clip=loaded.network,
        tokenizer=loaded.tokenizer,
        analyzer=load_analyzer(),
        statistics=editor.latent_statistics,
        neutral=neutral,
        config=config,
        callback=callback,
    )
    done = {"text": text, "neutral": neutral, "weights": loaded.sha256}
    provenance = {**person.provenance, "clip": [*person.provenance.get("clip", ()), done]}
    edited = replace(editor.move(person, lambda w_plus: w_plus + edit.change), provenance=provenance)
    (before, after), (cosine, reached), identity = _measure(editor, (person, edited), loaded, text)
    edit = replace(edit, before=cosine, after=reached)
    use = default_bounds({}, config.min_identity).measure_use(before, after, identity)
    beyond = tuple(sorted((name for name in use if use[name] > 1), key=lambda name: -use[name]))
    return ClipEditResult(edited, edit, before, after, identity, beyond, loaded.sha256)


@torch.no_grad()
def _measure(
    editor: Editor, people: Sequence[Likeness], clip: LoadedClip, text: str
) -> tuple[list[dict[str, float]], list[float], float]:
    """Measure two people by their whole pictures: attributes, cosines with a text, and the identity similarity."""
    analyzer, target = load_analyzer(), clip.network.embed_texts(clip.tokenizer([text]))
    imgs = [to_img(editor.render(person, SIDE)) for person in people]
    cosines = [float((clip.network.embed_images(img) * target).sum()) for img in imgs]
    first, second = (analyzer(img).identity for img in imgs)
    attributes = [read_attributes(analyzer, img)[0].rounded() for img in imgs]
    return attributes, cosines, float(similarity(first, second))
