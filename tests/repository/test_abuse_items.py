"""Every item of docs/reliability.md has a test and a figure, and every test that is named exists."""

from __future__ import annotations

import re

from tests.abuse.items import ITEMS, ROOT, find_tests

PAGE = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")


def test_all_37_items_have_a_test_that_exists():
    existing = find_tests(ROOT / "tests")
    assert list(ITEMS) == list(range(1, 38))
    marked = {number for numbers in existing.values() for number in numbers}
    named = {test for item in ITEMS.values() for test in item.tests}
    assert named <= set(existing), named - set(existing)
    assert {number for number, item in ITEMS.items() if item.tests} | marked == set(ITEMS)


def test_the_page_has_one_row_with_a_result_for_every_item():
    rows = {int(row[0]): row[1:] for row in re.findall(r"^\| (\d+) \| (.+?) \| (.+?) \| (.+?) \|$", PAGE, re.MULTILINE)}
    assert sorted(rows) == list(ITEMS)
    for number, (event, promise, result) in rows.items():
        assert (event, promise) == (ITEMS[number].event, ITEMS[number].promise), number
        assert result.strip(" -")


def test_every_model_card_says_what_it_is_not_for():
    cards = sorted((ROOT / "recipes").glob("*/README.md"))
    for card in cards:
        text = card.read_text(encoding="utf-8")
        if "**Intended use**" in text:
            assert "**Not intended for**" in text, card
            assert "#what-the-models-are-not-for" in text, card
    assert "## What the models are not for" in (ROOT / "docs/model-cards/index.md").read_text(encoding="utf-8")
