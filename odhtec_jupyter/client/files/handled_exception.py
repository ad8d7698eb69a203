"""Whether a file is closed because its writer succeeded, or because an exception passes by.

Text, gzip and other wrappers call ``close()`` of what they wrap in both cases, without an argument.
"""

from __future__ import annotations

import dis
import sys
from dataclasses import dataclass

LEAVES_WITH = dis.opmap["WITH_EXCEPT_START"]  # calls __exit__ because of an exception


@dataclass(frozen=True)
class InFlight:
    """The exception that is being handled now, and at which instruction of the function that handles it."""

    error: BaseException
    position: int
    leaves_with: bool  # a ``with`` statement is left because of it

    def began_after(self, opened: InFlight | None) -> bool:
        """Whether it came after the file was opened.

        A file may be opened and closed while an older exception is handled: in an ``except`` block, in a function that
        is called there, or in an ``__exit__``.
        """
        if opened is None or not _has(opened.error, self.error):
            return True
        # The same exception may have been raised again, through a ``with`` that was entered after the file was opened.
        return self.error is opened.error and self.leaves_with and self.position != opened.position


def in_flight() -> InFlight | None:
    """What is being handled at this moment."""
    error = sys.exc_info()[1]
    if error is None:
        return None
    if error.__traceback__ is None:
        return InFlight(error, -1, False)
    frame = error.__traceback__.tb_frame
    position = frame.f_lasti
    return InFlight(error, position, position >= 0 and frame.f_code.co_code[position] == LEAVES_WITH)


def _has(latest: BaseException, error: BaseException) -> bool:
    """Whether ``error`` was being handled when ``latest`` was raised, or is it."""
    seen: set[int] = set()
    one: BaseException | None = latest
    while one is not None and id(one) not in seen:
        if one is error:
            return True
        seen.add(id(one))
        one = one.__context__
    return False
