"""`faceloom edit`: change the attributes of a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from faceloom.analyze.attributes import HELD, TABLE
from faceloom.cli import options
from faceloom.cli.output import (
    draw_in_style,
    note,
    note_rewordings,
    open_person,
    open_studio,
    print_result,
    rewording_facts,
    save_person,
)

if TYPE_CHECKING:
    from faceloom.edit.statements import Statement
    from faceloom.workflows.clip_editing import ClipEditResult
    from faceloom.workflows.editing import EditResult

SHORT_CHANGE = 1.5  # years or degrees between a requested and a reached change that are mentioned
SHORT_PROBABILITY = 0.05  # the same for probabilities
LIMIT_NAMES = {
    "yaw": "the turn of the head",
    "pitch": "the nod of the head",
    "mouth_open": "the mouth",
    "eyes_open": "the eyes",
    "eye_opening": "the opening of the eyes",
    "mouth_gap": "the gap between the lips",
    "hair_lightness": "the lightness of the hair",
    "hair_warmth": "the warmth of the hair",
    "face_fullness": "the fullness of the face",
    "gender": "the gender presentation",
}
"""Names of attributes that limit an edit in sentences, where they differ from the names in the table."""
LIMITING = {*HELD, "identity"}  # what --force lifts the bounds of; the generator itself can limit an edit, too


@options.with_attribute_options
def edit(
    person: options.Person,
    output: options.Output,
    values: dict[str, float],
    say: Annotated[
        str | None,
        typer.Option(
            help="Changes in words, as in 'ten years older, no glasses, a broad smile'. May join the options."
        ),
    ] = None,
    clip: Annotated[
        Path | None,
        typer.Option(help="Folder with CLIP weights that you bring (safetensors): --say is then any text on a face."),
    ] = None,
    neutral: Annotated[
        str | None,
        typer.Option(help="With --clip: a text on the face before, as 'a face'. The difference of the texts counts."),
    ] = None,
    keep_identity: options.KeepIdentity = None,
    force: options.Force = False,
    undo: Annotated[bool, typer.Option("--undo", help="First undo every edit of the likeness.")] = False,
    direction: Annotated[
        list[str] | None,
        typer.Option(
            "--direction",
            help="NAME=STRENGTH or FILE=STRENGTH: a step along a direction, not checked. May be repeated.",
        ),
    ] = None,
    layers: Annotated[
        str | None, typer.Option(help="Layers of --direction: coarse, middle, fine, all, or numbers as 0-5,9.")
    ] = None,
    style: options.Style = None,
    strength: options.Strength = None,
    size: options.Size = None,
    paste_into: Annotated[
        Path | None, typer.Option(help="The photo that was encoded: paste the edited face back into it.")
    ] = None,
    psi: Annotated[float, typer.Option(help="Truncation of a generated face.")] = 0.7,
    engine: options.Engine = "torch",
    precision: options.Precision = None,
    device: options.Device = "cpu",
    generator: options.Generator = None,
    as_json: options.Json = False,
) -> None:
    """Edit the attributes of a person and save a picture, or a likeness when OUTPUT ends in .likeness.

    Values are in units: years, degrees, probabilities. The edit is measured and corrected until the requested values
    are reached. All other attributes, the skin tone and the identity stay within bounds: the edit goes as far as they
    allow, and says what limited it.

    --say takes the same changes in English words: 'age 60', 'a bit older', 'much longer hair', 'turn left by 20
    degrees', 'a faint smile', 'no beard'. A word that it does not know is refused, with the words that it knows. With
    the extra 'words' and 'faceloom models pull minilm', words of similar meaning are taken for those, and are named.

    --clip DIR optimizes the face for any text with CLIP weights of yours, in a minute or more. The weights have their
    own license. The command says what changed beyond the bounds of other edits.

    \b
    Examples:
      faceloom edit me.likeness --age +20 --smile 0.9 -o older.png
      faceloom edit me.likeness --age +30 --keep-identity 0.7 -o older.likeness
      faceloom edit me.likeness --age -10 --paste-into me.jpg -o me-younger.jpg
      faceloom edit me.likeness --style ink --strength 0.7 -o me-ink.png
      faceloom edit me.likeness --say "ten years older, no glasses, a broad smile" -o older.png
    """
    from faceloom.edit.clip_edit import ClipEditConfig
    from faceloom.edit.request import resolve_request
    from faceloom.images import open_photo, save_picture
    from faceloom.workflows.words import reword

    steps = _parse(direction or [])
    _check_clip(say, clip, neutral)
    reworded = reword(say, is_request=True) if say is not None and clip is None else None
    if not as_json:
        note_rewordings(reworded)
    said = parse_said(reworded.text if reworded else None, values)
    studio = open_studio(precision, generator, engine=engine, device=device)
    original = open_person(studio, person, psi)
    changed = original.unedited if undo else original
    if steps:
        changed = studio.step(changed, steps, layers)
    facts: dict[str, Any] = {}
    if said:
        understood = resolve_request(said, studio.measure(changed))
        values = values | understood
        if not as_json:
            note(f"understood: {', '.join(_value_text(*pair, with_name=True) for pair in understood.items())}")
    if values:
        done = studio.edit(changed, values, keep_identity=keep_identity, force=force)
        changed, facts = done.person, facts_of(done)
    if clip and say:
        config = ClipEditConfig.within(keep_identity, force=force)
        by_clip = studio.edit_by_clip(changed, say, clip, neutral=neutral, config=config)
        changed = by_clip.person
    changed = draw_in_style(studio, changed, style, strength)
    if paste_into and output.suffix != ".likeness":
        pasted = studio.paste_back(changed, open_photo(paste_into))
        save_picture(pasted, output, ai_generated=True, composite=True, origin=changed.made_by)
    else:
        save_person(studio, changed, output, size)
    for text in () if as_json else notes_on(facts, values):
        note(text)
    if clip and say:
        facts["clip"] = clip_facts_of(by_clip)
        for text in () if as_json else _clip_notes(by_clip):
            note(text)
    request = {"person": person, "pasted": paste_into is not None, "changes": values | steps, "undone": undo}
    request |= rewording_facts(reworded)
    print_result({"output": str(output)} | request | facts, as_json)


def _check_clip(say: str | None, clip: Path | None, neutral: str | None) -> None:
    if clip and not say:
        raise typer.BadParameter("--say gives the text", param_hint="--clip")
    if neutral and not clip:
        raise typer.BadParameter("needs --clip", param_hint="--neutral")


def clip_facts_of(done: ClipEditResult) -> dict[str, Any]:
    """Return what an edit by CLIP reached and what it changed beyond the bounds of other edits."""
    return {
        "cosine_before": round(done.edit.before, 4),
        "cosine": round(done.edit.after, 4),
        "relevance": round(done.edit.relevance, 4),
        "reached": done.reached,
        "identity": round(done.identity, 3),
        "before": dict(done.before),
        "after": dict(done.after),
        "beyond": list(done.beyond),
        "weights": done.sha256,
    }


def _clip_notes(done: ClipEditResult) -> Iterator[str]:
    """Yield notes for the user: whose weights these are, the cosines, and what else changed."""
    yield f"This is CLIP with weights of yours, under their own license (sha256 {done.sha256})."
    yield (
        f"cosine of picture and text: {done.edit.before:.3f} before, {done.edit.after:.3f} after; "
        f"identity similarity to before {done.identity:.2f}"
    )
    if not done.reached:
        yield "No step within the bound of the identity came nearer to the text: the face did not move towards it."
    changes = [
        f"{name.replace('_', ' ')} {done.before[name]:.3g} to {done.after[name]:.3g}"
        for name in done.beyond
        if name in done.before
    ]
    if changes:
        yield f"Changed by more than other edits may change it: {_enumerate(changes)}. Look at the picture."


def parse_said(text: str | None, values: Mapping[str, float]) -> tuple[Statement, ...]:
    """Parse a request in words. Raises BadParameter for an attribute that an option sets as well."""
    from faceloom.edit.request import parse_request

    request = parse_request(text) if text is not None else ()
    for statement in request:
        if statement.attribute in values:
            option = f"--{TABLE[statement.attribute].option}"
            raise typer.BadParameter(f"'{statement.text}' and {option} ask for the same: give one", param_hint="--say")
    return request


def facts_of(done: EditResult) -> dict[str, Any]:
    """Return the values that an edit reached, in the units of the request, and what limited it."""
    return {
        "reached": {name: round(value, 3) for name, value in done.reached.items()},
        "identity": round(done.identity, 3),
        "kept": done.kept,
        "limited_by": list(done.limited_by),
        "unreliable": list(done.unreliable),
    }


def notes_on(facts: Mapping[str, Any], values: Mapping[str, float]) -> Iterator[str]:
    """Yield notes for the user: the values reached, the identity similarity, and where and why an edit stopped."""
    if facts:
        reached = ", ".join(f"{name} {value:+.3g}" for name, value in facts["reached"].items())
        yield f"reached: {reached}; identity similarity to before {facts['identity']:.2f}"
        if not facts["kept"]:
            yield _stopped(facts, values)
        if facts["unreliable"]:
            names = _enumerate([_name_in_sentence(name) for name in facts["unreliable"]])
            yield f"The photo shows {names} badly: the values may be wrong. Look at the picture."


def _stopped(facts: Mapping[str, Any], values: Mapping[str, float]) -> str:
    """Return the sentence about an edit that did not reach its values: where it stopped, and which bounds did that."""
    reached = facts["reached"]
    short = [name for name in values if _is_short(name, values[name], reached[name])] or list(values)
    places = _enumerate([_value_text(name, reached[name], with_name=len(values) > 1) for name in short])
    limits = [_name_in_sentence(name) for name in facts["limited_by"] if name in LIMITING]
    if not limits:
        return f"The edit stopped at {places}: the generator cannot change this face further."
    return (
        f"The edit stopped at {places}: going on would change {_enumerate(limits)} too much. --force lifts the bounds."
    )


def _name_in_sentence(name: str) -> str:
    """Return the name of an attribute as a sentence mentions it, such as 'the skin tone'."""
    return LIMIT_NAMES.get(name, f"the {name.replace('_', ' ')}")


def _is_short(name: str, requested: float, reached: float) -> bool:
    """Return whether a reached value is noticeably nearer to the face before than the requested one."""
    if TABLE[name].is_change:
        return abs(requested) - abs(reached) > SHORT_CHANGE
    return abs(requested - reached) > SHORT_PROBABILITY


def _value_text(name: str, value: float, *, with_name: bool) -> str:
    """Return a reached value with its unit, such as '+14.2 years' or 'a probability of 0.62'."""
    unit, label = TABLE[name].unit, name.replace("_", " ")
    if unit == "probability":
        return f"a probability of {value:.2f}" if not with_name else f"{label} {value:.2f}"
    return f"{label} {value:+.1f} {unit}" if with_name else f"{value:+.1f} {unit}"


def _enumerate(words: Sequence[str]) -> str:
    """Join words as in 'a, b and c'."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def _parse(pairs: list[str]) -> dict[str, float]:
    changes = {}
    for pair in pairs:
        name, _, strength = pair.rpartition("=")
        try:
            changes[name] = float(strength)
        except ValueError:
            name = ""
        if not name:
            raise typer.BadParameter(f"'{pair}' is not NAME=STRENGTH", param_hint="--direction")
    return changes
