"""A name beside one that is taken: ``model.bin`` → ``model (1).bin``."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

from odhtec_jupyter.transfers.copy import Target


def numbered(key: str, number: int) -> str:
    """The key with ``(number)`` before the extension of its last part."""
    folder, slash, name = key.rpartition("/")
    stem, dot, extension = name.rpartition(".")
    if not stem:  # no extension, or a dotfile
        stem, dot, extension = name, "", ""
    return f"{folder}{slash}{stem} ({number}){dot}{extension}"


def free_key(target: Target) -> Target:
    """The target under the first numbered key that is free, to be written only if it still is. Blocks."""
    for number in count(1):
        key = numbered(target.key, number)
        if target.store.head(target.bucket, key) is None:
            return replace(target, key=key, if_absent=True)
    raise AssertionError("count does not end")
