"""A transfer as an object: its status, waiting for it, controlling it, and its display."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from typing import Any, Self

from odhtec_jupyter import models
from odhtec_jupyter.client import display
from odhtec_jupyter.client.api import Api
from odhtec_jupyter.errors import Cancelled, Conflict, error_for

MIN_POLL_SECONDS, MAX_POLL_SECONDS = 0.05, 0.5
FILES_PER_REQUEST = 1000


class Transfer:
    """A transfer that the server runs. It continues when this object is gone and when the kernel ends."""

    def __init__(self, api: Api, seen: models.Transfer) -> None:
        self._api = api
        self._seen = seen

    # --- status ---------------------------------------------------------------------------------------------------

    @property
    def id(self) -> str:
        """The server's id of the transfer."""
        return self._seen.id

    @property
    def status(self) -> models.Transfer:
        """The current state, progress and error."""
        if self._seen.state not in display.ENDED:
            self._seen = self._api.get_transfer(self.id)
        return self._seen

    @property
    def state(self) -> models.TransferState:
        """``queued``, ``running``, ``paused``, ``completed``, ``failed`` or ``cancelled``."""
        return self.status.state

    @property
    def error(self) -> models.Failure | None:
        """Why it failed."""
        return self.status.error

    def files(self, state: models.FileState | None = None) -> Iterator[models.TransferFile]:
        """Yield its files, or those in one state. They are requested as they are needed."""
        offset = 0
        while True:
            query = {"state": state, "offset": offset, "limit": FILES_PER_REQUEST}
            window = self._api.list_transfer_files(self.id, query)
            yield from window.files
            offset += len(window.files)
            if not window.files or offset >= window.total:
                return

    # --- waiting --------------------------------------------------------------------------------------------------

    def wait(self, timeout: float | None = None, *, progress: bool = True) -> Self:
        """Wait until the transfer is completed, and show its progress. A restart of the server is waited for.

        ``timeout`` is in seconds. Raises the error of a failed transfer, :class:`Cancelled`, ``TimeoutError``, or
        :class:`Conflict` if the transfer is paused until you provide a token or the S3 keys. An interrupt does not
        stop the transfer.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        with closing(display.bar() if progress else _NoBar()) as bar:
            pauses = _pauses()
            while True:
                status = self.status
                bar.show(status)
                if self._is_over(status):
                    return self
                if deadline is not None and time.monotonic() > deadline:
                    raise TimeoutError(f"After {timeout:.0f} s: {display.line(status)}")
                time.sleep(next(pauses))

    def __await__(self) -> Generator[Any, None, Self]:
        return self._completed().__await__()

    async def _completed(self) -> Self:
        """Wait as :meth:`wait` does, while other tasks run."""
        with closing(display.bar()) as bar:
            for pause in _pauses():
                status = await asyncio.to_thread(lambda: self.status)
                bar.show(status)
                if self._is_over(status):
                    break
                await asyncio.sleep(pause)
        return self

    def _is_over(self, status: models.Transfer) -> bool:
        if status.state == "failed":
            failure = status.error or models.Failure(code="InternalError", message="The server reported no reason.")
            raise error_for(failure.code, failure.message)
        if status.state == "cancelled":
            raise Cancelled(f"{display.title(status)} was cancelled.")
        if status.state == "paused" and status.needs:
            needs_token = status.needs == "token"
            advice = "Call resume(token=...)" if needs_token else "Restore that connection and call resume()"
            needed = "a token" if needs_token else "the connection it was started with"
            code = "NeedsToken" if needs_token else "NeedsConnection"
            raise Conflict(f"{display.title(status)} is paused and needs {needed}. {advice}.", code=code)
        return status.state == "completed"

    # --- control --------------------------------------------------------------------------------------------------

    def pause(self) -> Self:
        """Pause. The data that was transferred is kept."""
        return self._control("pause")

    def resume(self, token: str | None = None) -> Self:
        """Continue. ``token`` is for Hugging Face, if the transfer waits for one."""
        return self._control("resume", token)

    def cancel(self) -> Self:
        """Stop, and leave no incomplete file."""
        return self._control("cancel")

    def retry(self, token: str | None = None) -> Self:
        """Retry only the files that failed."""
        return self._control("retry", token)

    def remove(self) -> None:
        """Remove a finished transfer from the server's list."""
        self._api.remove_transfer(self.id)

    def _control(self, verb: str, token: str | None = None) -> Self:
        self._seen = self._api.control_transfer(self.id, verb, token)
        return self

    # --- display -------------------------------------------------------------------------------------------------

    def __repr__(self) -> str:
        return f"<{display.line(self._seen)}>"

    def _ipython_display_(self) -> None:
        if display.in_notebook():
            display.show_in_background(lambda: self.status)
        else:
            print(display.line(self.status))  # noqa: T201 - how a terminal shows a value


class _NoBar:
    """A display that shows nothing."""

    def show(self, status: models.Transfer) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


def _pauses() -> Iterator[float]:
    pause = MIN_POLL_SECONDS
    while True:
        yield pause
        pause = min(pause * 1.5, MAX_POLL_SECONDS)
