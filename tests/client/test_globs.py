"""Wildcards in keys."""

from __future__ import annotations

import pytest

from odhtec_jupyter.client.globs import _matcher


@pytest.mark.parametrize(
    ("pattern", "matched", "others"),
    [
        ("tmp**/x", ["tmp/x", "tmp-1/deep/x"], ["tmpx", "tmp-x"]),
        ("**/x", ["x", "a/x", "a/b/x"], ["ax", "a/bx"]),
        ("a/**/x", ["a/x", "a/b/c/x"], ["ax", "a-b/x"]),
        ("**/a[+-9]b", ["a.b", "c/a0b"], ["a/b", "c/a/b"]),
        ("**/a[!x]b", ["a.b"], ["a/b", "axb"]),
    ],
)
def test_wildcards_match_nothing_else(pattern: str, matched: list[str], others: list[str]) -> None:
    matches = _matcher(pattern)
    assert [path for path in (*matched, *others) if matches(path)] == matched
