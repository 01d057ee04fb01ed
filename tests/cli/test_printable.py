"""Escape sequences in names and texts from files never reach the terminal."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import faceloom.cli
from faceloom.cli import main
from faceloom.cli.output import note, print_json, print_line, printable, progress
from faceloom.errors import StoreError

ATTACKS = (
    "\x1b[2Jcleared",
    "\x1b]0;title\x07",
    "\x9b31mred",  # the same as ESC [ in one character
    "a\rb",
    "\x08\x7f",
    "\u202egnp.exe",  # turns the direction of writing round
    "\udc80",  # a byte of a file name that is not UTF-8
)


def is_harmless(text: str) -> bool:
    """Return whether a text holds no character that acts on a terminal."""
    return all(letter.isprintable() or letter in "\n\t" for letter in text)


@pytest.mark.parametrize("attack", ATTACKS)
def test_lines_and_notes_hold_no_control_characters(attack, capsys):
    print_line(f"{attack}.png")
    note(f"{attack}: left out")
    print_line(Path(attack))
    printed = capsys.readouterr()
    assert is_harmless(printed.out)
    assert is_harmless(printed.err)
    assert ".png" in printed.out


@pytest.mark.parametrize("attack", ATTACKS)
def test_json_is_harmless_and_keeps_the_text(attack, capsys):
    print_json({"name": attack, "Größe": "Ä 😀"})
    printed = capsys.readouterr().out
    assert is_harmless(printed)
    assert json.loads(printed) == {"name": attack, "Größe": "Ä 😀"}


@pytest.mark.parametrize("attack", ATTACKS)
def test_progress_shows_names_and_markup_as_they_are(attack, capsys):
    with progress(2, f"[bold]reading[/] {attack}") as draw:
        draw(1, f"[red]{attack}[/red]")
    printed = capsys.readouterr().err
    assert "[bold]reading[/]" in printed
    assert attack not in printed or is_harmless(attack)


def test_errors_are_one_harmless_line(capsys, monkeypatch):
    def fail() -> None:
        raise StoreError("cannot read \x1b[2J\x9b1m.zip\nfaceloom: forged", "look \x1b]8;;")

    monkeypatch.setattr(main, "app", fail)
    with pytest.raises(SystemExit) as ended:
        main.run()
    assert ended.value.code == 1
    printed = capsys.readouterr().err
    assert printed.count("\n") == 1
    assert is_harmless(printed)


def test_printable_keeps_letters_of_every_language():
    assert printable("Jürgen 日本 é\t1\n") == "Jürgen 日本 é\t1\n"


def test_no_command_prints_past_it():
    folder = Path(faceloom.cli.__file__).parent
    for path in folder.rglob("*.py"):
        if path.name != "output.py":
            assert not re.search(r"(?<![\w.])print\(|sys\.std(out|err)\.write", path.read_text()), path.name
