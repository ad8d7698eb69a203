"""The objects of a list, where all of them are written alike: found by patterns, several times as fast as by a parser.

What a pattern takes for an entry is one to a parser, too, or the page is left to the parser as a whole: the entries
follow each other without a gap and have the same fields in the same order, without attributes or anything nested, and
nothing stands in them that XML reads as something else or does not allow. Where they stand in the document, and all
that stands around them, is read by the parser.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

OPEN, CLOSE = "<Contents>", "</Contents>"
MARK = "Contents-run"  # the name of the element in their place
_SPACE = r"[ \t\n]*+"
_FIRST = re.compile(rf"{OPEN}{_SPACE}((?:<([A-Za-z]\w*+)>[^<]*+</\2>{_SPACE})++){CLOSE}", re.ASCII)
_NAME = re.compile(r"<(\w+)>", re.ASCII)
# What XML does not allow, and the line ends that it makes others of.
_CONTROLS = bytes(number for number in range(32) if number not in b"\t\n")
_NO_CHARACTERS = ("\ufffe".encode(), "\uffff".encode())
_ENTITIES = {"&lt;": "<", "&gt;": ">", "&quot;": '"', "&apos;": "'", "&amp;": "&"}  # the last makes no new ones
_OTHER = re.compile(r"&(?!(?:lt|gt|quot|apos|amp);)|]]>")


@dataclass(frozen=True)
class ListRun:
    """The entries as they are written, and the fields that each of them has."""

    text: str
    names: tuple[str, ...]

    def __len__(self) -> int:
        return self.text.count(OPEN)

    def column(self, name: str) -> list[str] | None:
        """That field of each entry; None where they have none."""
        if name not in self.names:
            return None
        found: list[str] = re.findall(f"<{name}>([^<]*)</", self.text)
        return [_plain(text) if "&" in text else text for text in found]


def split(body: bytes, text: str) -> tuple[ListRun, str] | None:
    """The entries, and the document with a mark in their place; None where they are not written like that."""
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
    """Entries with these fields, one behind the other."""
    fields = "".join(f"<{name}>[^<]*+</{name}>{_SPACE}" for name in names)
    return re.compile(f"(?:{OPEN}{_SPACE}{fields}{CLOSE}{_SPACE})++")


def _plain(text: str) -> str:
    for written, meant in _ENTITIES.items():
        text = text.replace(written, meant)
    return text
