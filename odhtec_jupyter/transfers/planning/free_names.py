"""A free name for an existing one: ``model.bin`` → ``model (1).bin``."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count


def numbered(key: str, number: int) -> str:
    """Return the key with ``(number)`` before the extension of its last part."""
    folder, slash, name = key.rpartition("/")
    stem, dot, extension = name.rpartition(".")
    if not stem:  # no extension, or a dotfile
        stem, dot, extension = name, "", ""
    return f"{folder}{slash}{stem} ({number}){dot}{extension}"


def free_name(name: str, taken: Callable[[str], bool]) -> str:
    """Return the first numbered name that is not ``taken``."""
    return next(other for number in count(1) if not taken(other := numbered(name, number)))
