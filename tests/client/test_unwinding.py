"""Exceptions that discard a file: those that leave a block, not those that were caught."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING, Self

import pytest

from odhtec_jupyter.client.files import unwinding

if TYPE_CHECKING:
    from collections.abc import Iterator


class File:
    """A file that records, when it is closed, whether an exception is leaving a block."""

    def __init__(self) -> None:
        self._before = unwinding.current_exits()
        self.is_left: bool | None = None

    def close(self) -> None:
        self.is_left = unwinding.new_exit(self._before) is not None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def with_block(file: File) -> None:
    with suppress(KeyError), file:
        raise KeyError


def exit_stack(file: File) -> None:
    with suppress(KeyError), ExitStack() as stack:
        stack.enter_context(file)
        raise KeyError


def finally_block(file: File) -> None:
    with suppress(KeyError):
        try:
            raise KeyError
        finally:
            file.close()


def context_manager(file: File) -> None:
    @contextmanager
    def closing() -> Iterator[None]:
        try:
            yield
        finally:
            file.close()

    with suppress(KeyError), closing():
        raise KeyError


def raised_again(file: File) -> None:
    with suppress(KeyError), file:
        try:
            raise KeyError
        except KeyError:
            raise


def with_in_except_block_that_raises_again(file: File) -> None:
    with suppress(KeyError):
        try:
            raise KeyError
        except KeyError:
            with file:
                raise


def try_in_a_finally_block(file: File) -> None:
    with suppress(KeyError):
        try:
            raise KeyError
        finally:
            try:  # noqa: SIM105
                file.close()
            except OSError:
                pass


def with_in_a_finally_block(file: File) -> None:
    with suppress(KeyError):
        try:
            raise KeyError
        finally:
            with suppress(OSError):
                file.close()


def except_in_a_finally_block(file: File) -> None:
    with suppress(KeyError):
        try:
            raise KeyError
        finally:
            try:
                raise ValueError
            except ValueError:
                file.close()


def try_in_exit(file: File) -> None:
    class Closing:
        def __enter__(self) -> None:
            """Nothing."""

        def __exit__(self, *_: object) -> None:
            with suppress(OSError):
                file.close()

    with suppress(KeyError), Closing():
        raise KeyError


def finished_block(file: File) -> None:
    with file:
        pass


def except_block(file: File) -> None:
    try:
        raise KeyError
    except KeyError:
        file.close()


def except_star(file: File) -> None:
    try:
        raise ExceptionGroup("several", [KeyError()])
    except* KeyError:
        file.close()


def function_in_except_block(file: File) -> None:
    try:
        raise KeyError
    except (ValueError, KeyError):
        except_block(file)


def with_in_except_block(file: File) -> None:
    try:
        raise KeyError
    except KeyError:
        with nullcontext():
            file.close()


def try_in_except_block(file: File) -> None:
    try:
        raise KeyError
    except KeyError as error:
        try:
            file.close()
        finally:
            del error


def opened_and_closed_in_a_finally_block(outer: File) -> None:
    with suppress(KeyError):
        try:
            raise KeyError
        finally:
            file = File()
            try:
                raise ValueError
            except ValueError:
                file.close()
            outer.is_left = file.is_left


LEFT = [
    *(with_block, exit_stack, finally_block, context_manager, raised_again),
    *(try_in_a_finally_block, with_in_a_finally_block, except_in_a_finally_block, try_in_exit),
    with_in_except_block_that_raises_again,
]
CAUGHT = [
    *(finished_block, except_block, except_star, function_in_except_block),
    *(with_in_except_block, try_in_except_block, opened_and_closed_in_a_finally_block),
]


@pytest.mark.parametrize("block", LEFT)
def test_exception_that_leaves_a_block_is_found(block: Callable[[File], None]) -> None:
    file = File()
    block(file)
    assert file.is_left is True


@pytest.mark.parametrize("block", CAUGHT)
def test_exception_that_was_caught_does_not_count(block: Callable[[File], None]) -> None:
    file = File()
    block(file)
    assert file.is_left is False


def test_any_exception_counts_where_the_bytecode_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unwinding, "_IS_READABLE", False)
    file = File()
    except_block(file)
    assert file.is_left is True
