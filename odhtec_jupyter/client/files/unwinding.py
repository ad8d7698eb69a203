"""Whether a file is closed because its block has finished, or because an exception is leaving the block.

Text, gzip and other wrappers call ``close()`` of the file they wrap in both cases, without an argument. The bytecode of
the frames that the exception has passed tells them apart: an exception that is leaving a ``with`` or a ``finally`` ends
the writing of the file, one that an ``except`` has caught does not.
"""

from __future__ import annotations

import dis
import sys
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from types import CodeType
from typing import Any

_UNKNOWN = -1  # no instruction of this Python has this number
_PUSH_EXC_INFO = dis.opmap.get("PUSH_EXC_INFO", _UNKNOWN)  # the first instruction of each handler
_WITH_EXCEPT_START = dis.opmap.get("WITH_EXCEPT_START", _UNKNOWN)  # calls __exit__ with the exception
_POP_TOP = dis.opmap.get("POP_TOP", _UNKNOWN)
_CHECK_EXC_MATCH = dis.opmap.get("CHECK_EXC_MATCH", _UNKNOWN)  # except
_CHECK_EG_MATCH = dis.opmap.get("CHECK_EG_MATCH", _UNKNOWN)  # except*
_MATCHES = frozenset({_CHECK_EXC_MATCH, _CHECK_EG_MATCH})
# Python 3.11 to 3.13 have all of them. Without one of them, handlers cannot be distinguished.
_IS_READABLE = _UNKNOWN not in {_PUSH_EXC_INFO, _WITH_EXCEPT_START, _POP_TOP, *_MATCHES}
_INSTRUCTION_BYTES = 2


@dataclass(frozen=True)
class Exit:
    """A ``with`` or ``finally`` that an exception is leaving."""

    error: BaseException
    frame: int  # its id; 0 where the frame that handles the exception is not one of Python's
    handler: int  # offset in the frame's bytecode
    is_with: bool

    def is_same(self, other: Exit) -> bool:
        """Return whether the same exception is leaving the same block."""
        return self.error is other.error and (self.frame, self.handler) == (other.frame, other.handler)


def current_exits() -> list[Exit]:
    """Return the blocks that exceptions are leaving at this moment, the latest exception's first."""
    latest = sys.exc_info()[1]
    if latest is None:
        return []
    if not _IS_READABLE:  # rather lose what an except block wanted to keep than publish an incomplete file
        return [Exit(latest, 0, -1, False)]
    running = _running_frames()
    found: list[Exit] = []
    later: dict[int, set[int]] = {}  # the handlers of later exceptions, in each frame
    for error in _with_contexts(latest):
        handled_in: set[int] = set()
        trace = error.__traceback__
        while trace is not None:
            frame, raised_at, trace = trace.tb_frame, trace.tb_lasti, trace.tb_next
            if id(frame) not in running or id(frame) in handled_in:  # only where it was raised last
                continue
            handled_in.add(id(frame))
            of_later = later.setdefault(id(frame), set())
            handlers = _handlers(frame.f_code, frame.f_lasti, raised_at, of_later)
            of_later.update(handlers)
            if handlers and not _catches(frame.f_code, handlers[0]):
                is_with = frame.f_code.co_code[handlers[0] + _INSTRUCTION_BYTES] == _WITH_EXCEPT_START
                found.append(Exit(error, id(frame), handlers[0], is_with))
        if error is latest and not handled_in:  # in compiled code: whether it was caught is unknown
            found.append(Exit(error, 0, -1, False))
    return found


def new_exit(before: Sequence[Exit]) -> Exit | None:
    """Return a block that an exception is leaving now and was not leaving ``before``; a ``with`` if there is one."""
    new = [one for one in current_exits() if not any(one.is_same(old) for old in before)]
    return next((one for one in new if one.is_with), new[0] if new else None)


def _running_frames() -> set[int]:
    found = set()
    frame = sys._getframe()
    while frame.f_back is not None:
        frame = frame.f_back
        found.add(id(frame))
    return found


def _with_contexts(latest: BaseException) -> Iterator[BaseException]:
    """Yield the exception and those that were being handled when it was raised."""
    seen: set[int] = set()
    error: BaseException | None = latest
    while error is not None and id(error) not in seen:
        yield error
        seen.add(id(error))
        error = error.__context__


def _handlers(code: CodeType, position: int, raised_at: int, of_later: Container[int]) -> list[int]:
    """Return the handlers that an exception has entered since it was raised at ``raised_at``, the innermost first.

    It has several after an ``except`` has raised it again. The handlers that were running when it was raised are those
    of earlier exceptions.
    """
    of_earlier = _running_handlers(code, raised_at)
    return [one for one in _running_handlers(code, position) if one not in of_earlier and one not in of_later]


def _running_handlers(code: CodeType, position: int) -> list[int]:
    """Return the offsets of the handlers that are running at ``position``, the innermost first.

    The compiler covers a handler with an entry of the exception table that restores the previous exception. That entry
    starts at the handler's first instruction. The body of a ``try`` or ``with`` leads to a handler that does not run.
    """
    entries = _exception_table(code)
    found: list[int] = []
    offset = position
    for _ in entries:
        target = next((one.target for one in entries if one.start <= offset < one.end), None)
        if target is None:
            break
        if code.co_code[target] == _PUSH_EXC_INFO:  # in the body: what encloses it also encloses the handler's end
            target = next((one.target for one in entries if one.start <= target < one.end), None)
            if target is None:
                break
        else:
            start: int = min(one.start for one in entries if one.target == target)
            if code.co_code[start] == _PUSH_EXC_INFO:
                found.append(start)
        offset = target
    return found


def _catches(code: CodeType, handler: int) -> bool:
    """Return whether a handler is that of an ``except``."""
    if code.co_code[handler + _INSTRUCTION_BYTES] == _POP_TOP:  # without a class
        return True
    entries = _exception_table(code)
    target = next(one.target for one in entries if one.start == handler)
    return any(
        code.co_code[offset] in _MATCHES
        for one in entries
        if one.target == target
        for offset in range(one.start, one.end, _INSTRUCTION_BYTES)
    )


def _exception_table(code: CodeType) -> list[Any]:
    return list(getattr(dis.Bytecode(code), "exception_entries", ()))
