"""The objects of a list whose entries are all written alike, found by patterns, several times as fast as by a parser.

An entry that a pattern finds is also one for a parser: the entries follow each other without a gap and have the same
fields in the same order, without attributes, nested elements, and characters that XML changes or does not allow.
Otherwise the whole page is left to the parser, which always reads everything around the entries.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

OPEN, CLOSE = "<Contents>", "</Contents>"
MARK = "Contents-run"  # the name of the element that replaces the objects
_SPACE = r"[ \t\n]*+"
_FIRST = re.compile(rf"{OPEN}{_SPACE}((?:<([A-Za-z]\w*+)>[^<]*+</\2>{_SPACE})++){CLOSE}", re.ASCII)
_NAME = re.compile(r"<(\w+)>", re.ASCII)
# Characters that XML does not allow, and line ends, which it normalizes.
_CONTROLS = bytes(number for number in range(32) if number not in b"\t\n")
_NO_CHARACTERS = ("\ufffe".encode(), "\uffff".encode())
_ENTITIES = {
    "&lt;": "<",
    "&gt;": ">",
    "&quot;": '"',
    "&apos;": "'",
    "&amp;": "&",
}  # last, so that no new entities are created
_OTHER = re.compile(r"&(?!(?:lt|gt|quot|apos|amp);)|]]>")


@dataclass(frozen=True)
class ListRun:
    """The entries as they are written, and the fields that each of them has."""

    text: str
    names: tuple[str, ...]

    def __len__(self) -> int:
        return self.text.count(OPEN)

    def column(self, name: str) -> list[str] | None:
        """Return a field of each entry; None if they do not have it."""
        if name not in self.names:
            return None
        found: list[str] = re.findall(f"<{name}>([^<]*)</", self.text)
        return [_plain(text) if "&" in text else text for text in found]


def split(body: bytes, text: str) -> tuple[ListRun, str] | None:
    """Return the entries, and the document with a mark in their place; None if they are not all written alike."""
    start, end = text.find(OPEN), text.rfind(CLOSE) + len(CLOSE)
    if len(body.translate(None, _CONTROLS)) < len(body) or any(one in body for one in _NO_CHARACTERS):
        return None
    first = _FIRST.match(text, start) if start >= 0 else None
    if first is None:
        return None
    names = tuple(_NAME.findall(first[1]))
    if len(set(names)) < len(names) or not _alike(names).fullmatch(text, start, end):
        return None
    if _OTHER.search(text, start, end):
        return None
    return ListRun(text[start:end], names), f"{text[:start]}<{MARK}/>{text[end:]}"


@lru_cache(maxsize=16)
def _alike(names: tuple[str, ...]) -> re.Pattern[str]:
    """Return a pattern for consecutive entries with these fields."""
    fields = "".join(f"<{name}>[^<]*+</{name}>{_SPACE}" for name in names)
    return re.compile(f"(?:{OPEN}{_SPACE}{fields}{CLOSE}{_SPACE})++")


def _plain(text: str) -> str:
    for written, meant in _ENTITIES.items():
        text = text.replace(written, meant)
    return text
