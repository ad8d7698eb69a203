"""A transfer as an object: looked at, waited for, steered; it draws itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from typing import Any, Self

from odhtec_jupyter import models
from odhtec_jupyter.client import drawing
from odhtec_jupyter.client.api import Api
from odhtec_jupyter.errors import Cancelled, Conflict, error_for

SOON, LATER = 0.05, 0.5  # seconds between two looks, at first and later
FILES = 1000  # in one window


class Transfer:
    """What the server does for us. It goes on whether or not anybody looks, also when this kernel ends."""

    def __init__(self, api: Api, seen: models.Transfer) -> None:
        self._api = api
        self._seen = seen

    # --- looking --------------------------------------------------------------------------------------------------

    @property
    def id(self) -> str:
        """The server's name for it."""
        return self._seen.id

    @property
    def status(self) -> models.Transfer:
        """All about it, as it is now."""
        if self._seen.state not in drawing.ENDED:
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
        """Its files, or those in one state; asked for as they are needed."""
        offset = 0
        while True:
            query = {"state": state, "offset": offset, "limit": FILES}
            window = self._api.list_transfer_files(self.id, query)
            yield from window.files
            offset += len(window.files)
            if not window.files or offset >= window.total:
                return

    # --- waiting --------------------------------------------------------------------------------------------------

    def wait(self, timeout: float | None = None, *, progress: bool = True) -> Self:
        """Return when it is completed, and show how far it is meanwhile. A server that restarts is waited for.

        Raises the error it failed with, :class:`Cancelled`, ``TimeoutError``, or :class:`Conflict` when it is paused
        for something that only you can give it. Interrupting the wait does not stop the transfer.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        with closing(drawing.bar() if progress else _Nothing()) as bar:
            pauses = _pauses()
            while True:
                status = self.status
                bar.show(status)
                if self._is_over(status):
                    return self
                if deadline is not None and time.monotonic() > deadline:
                    raise TimeoutError(f"After {timeout:.0f} s: {drawing.line(status)}")
                time.sleep(next(pauses))

    def __await__(self) -> Generator[Any, None, Self]:
        return self._completed().__await__()

    async def _completed(self) -> Self:
        """As :meth:`wait`, and other tasks go on meanwhile."""
        with closing(drawing.bar()) as bar:
            for pause in _pauses():
                status = await asyncio.to_thread(lambda: self.status)
                bar.show(status)
                if self._is_over(status):
                    break
                await asyncio.sleep(pause)
        return self

    def _is_over(self, status: models.Transfer) -> bool:
        if status.state == "failed":
            failure = status.error or models.Failure(code="InternalError", message="It failed without a word.")
            raise error_for(failure.code, failure.message)
        if status.state == "cancelled":
            raise Cancelled(f"{drawing.title(status)} was cancelled.")
        if status.state == "paused" and status.needs:
            how = "resume(token=...)" if status.needs == "token" else "set the connection it began with, then resume()"
            code = "NeedsToken" if status.needs == "token" else "NeedsConnection"
            raise Conflict(f"{drawing.title(status)} waits for a {status.needs}: {how}.", code=code)
        return status.state == "completed"

    # --- steering -------------------------------------------------------------------------------------------------

    def pause(self) -> Self:
        """Stop for now; what has arrived is kept."""
        return self._steer("pause")

    def resume(self, token: str | None = None) -> Self:
        """Go on; ``token`` for Hugging Face where it waits for one."""
        return self._steer("resume", token)

    def cancel(self) -> Self:
        """Stop it and leave nothing half-written."""
        return self._steer("cancel")

    def retry(self, token: str | None = None) -> Self:
        """Try what failed again, and nothing else."""
        return self._steer("retry", token)

    def remove(self) -> None:
        """Let the server forget a finished one."""
        self._api.remove_transfer(self.id)

    def _steer(self, verb: str, token: str | None = None) -> Self:
        self._seen = self._api.steer_transfer(self.id, verb, token)
        return self

    # --- showing itself -------------------------------------------------------------------------------------------

    def __repr__(self) -> str:
        return f"<{drawing.line(self._seen)}>"

    def _ipython_display_(self) -> None:
        if drawing.in_notebook():
            drawing.follow(lambda: self.status)
        else:
            print(drawing.line(self.status))  # noqa: T201 - a terminal's way to show a value


class _Nothing:
    """Draws nothing."""

    def show(self, status: models.Transfer) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


def _pauses() -> Iterator[float]:
    pause = SOON
    while True:
        yield pause
        pause = min(pause * 1.5, LATER)
