"""Comparing the received bytes with the checksum of the source."""

from __future__ import annotations

import hashlib
from copy import copy

from odhtec_jupyter.errors import VerificationError
from odhtec_jupyter.stores.source import Checksum


class Verifier:
    """Receives all bytes of a file in order and compares them with the source's checksum."""

    def __init__(self, checksum: Checksum, size: int) -> None:
        self._checksum = checksum
        if checksum.algorithm == "blob":  # git's id of a file's content
            self._hash = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
        else:
            self._hash = hashlib.new(checksum.algorithm, usedforsecurity=False)

    def update(self, data: memoryview) -> None:
        """Add the next bytes. Releases the GIL while it computes."""
        self._hash.update(data)

    def fork(self) -> Verifier:
        """Return a copy that has received the same bytes."""
        other = copy(self)
        other._hash = self._hash.copy()
        return other

    @property
    def matches(self) -> bool:
        """Whether the bytes match the checksum."""
        return self._hash.hexdigest() == self._checksum.digest

    def compare(self, name: str) -> None:
        """Raise :class:`VerificationError` unless the bytes match the checksum."""
        if not self.matches:
            found = self._hash.hexdigest()
            kind = "git blob id" if self._checksum.algorithm == "blob" else self._checksum.algorithm
            raise VerificationError(
                f"{name} was received with {kind} {found[:12]}…, but the source has {self._checksum.digest[:12]}…."
            )
