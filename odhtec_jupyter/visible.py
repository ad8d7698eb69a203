"""Visible forms of names: stores and hubs allow characters that are invisible or change the direction of text."""

from __future__ import annotations

import re
import unicodedata

# Characters without width in none of the categories below (Unicode's Default_Ignorable_Code_Point).
_IGNORABLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8\U000e0000-\U000e0fff]"
)
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_EMOJI_STYLE, _JOINER = "\ufe0f", "\u200d"


def visible(name: str) -> str:
    r"""The name with all of it to be seen: ``\u{202E}`` where it has U+202E, as the panel shows it (``visible.ts``).

    For people only: what is done with a name takes the name itself.
    """
    if name.isascii() and name.isprintable():
        return name
    return "".join(
        rf"\u{{{ord(letter):X}}}" if _is_unseen(letter) and not _joins(name, index) else letter
        for index, letter in enumerate(name)
    )


def _is_unseen(letter: str) -> bool:
    return unicodedata.category(letter) in _UNSEEN or _IGNORABLE.match(letter) is not None


def _joins(name: str, index: int) -> bool:
    """Return whether the character joins others into one emoji."""
    before = name[index - 1 : index]
    after = name[index + 1 : index + 2]
    if name[index] == _EMOJI_STYLE:
        return _category(before) == "So"
    is_between = (before == _EMOJI_STYLE or _category(before) in ("So", "Sk")) and _category(after) == "So"
    return name[index] == _JOINER and is_between


def _category(letter: str) -> str:
    return unicodedata.category(letter) if letter else ""
