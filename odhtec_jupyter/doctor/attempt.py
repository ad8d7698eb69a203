"""A call that is made once and whose outcome several steps look at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from odhtec_jupyter.errors import OdhTecError

T = TypeVar("T")


@dataclass(frozen=True)
class Attempt(Generic[T]):
    """The result of a call, or the error that it raised."""

    result: T | None = None
    error: OdhTecError | None = None

    @classmethod
    def of(cls, call: Callable[[], T]) -> Attempt[T]:
        """Call, and return what came of it."""
        try:
            return cls(result=call())
        except OdhTecError as error:
            return cls(error=error)
