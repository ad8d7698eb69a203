"""A name beside one that is taken: ``model.bin`` → ``model (1).bin``."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from itertools import count

from odhtec_jupyter.transfers.target import Target


def numbered(key: str, number: int) -> str:
    """The key with ``(number)`` before the extension of its last part."""
    folder, slash, name = key.rpartition("/")
    stem, dot, extension = name.rpartition(".")
    if not stem:  # no extension, or a dotfile
        stem, dot, extension = name, "", ""
    return f"{folder}{slash}{stem} ({number}){dot}{extension}"


def free_key(target: Target, taken: Collection[str] = ()) -> Target:
    """The target under the first numbered key that is free and not ``taken``, written only if it still is. Blocks."""
    for number in count(1):
        key = numbered(target.key, number)
        if key not in taken and target.store.head(target.bucket, key) is None:
            return replace(target, key=key, if_absent=True)
    raise AssertionError("count does not end")
