"""Invisible characters of names are shown as escapes, in Python as in the panel."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from odhtec_jupyter.visible import visible

CASES = json.loads((Path(__file__).parent / "visible_names.json").read_text())  # visible.spec.ts uses them as well


@pytest.mark.parametrize("case", CASES, ids=[ascii(case["shown"]) for case in CASES])
def test_every_character_of_a_name_is_visible(case: dict[str, str]) -> None:
    assert visible(case["name"]) == case["shown"]
    assert visible(case["shown"]) == case["shown"]


def test_lone_surrogate_can_be_printed() -> None:
    assert visible("a\ud83d") == r"a\u{D83D}"
