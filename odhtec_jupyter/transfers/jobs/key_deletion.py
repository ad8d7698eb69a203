"""The deletion of some keys: those that S3 cannot delete at the moment are sent again, and only those."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from odhtec_jupyter.errors import CODES, OdhTecError, Unreachable, error_for
from odhtec_jupyter.models import KeyFailure
from odhtec_jupyter.stores.s3.store import S3Store
from odhtec_jupyter.transfers.runtime.retry import MAX_ATTEMPTS, Retries

# For keys that S3 refuses while it deletes others, about eight seconds: one that always fails must not stop the rest.
KEY_ATTEMPTS = 5
Call = Callable[[Callable[[], None]], Awaitable[None]]


class KeyDeletion:
    """Keys that are deleted together. After each request, the attributes say what is known about each key."""

    def __init__(self, store: S3Store, bucket: str, keys: Sequence[str]) -> None:
        self.left = list(keys)  # not deleted, or without an answer
        self.failures: list[KeyFailure] = []
        self.refused: list[KeyFailure] = []  # keys in ``left`` that the last request could not delete at that moment
        self._store = store
        self._bucket = bucket

    def send(self) -> None:
        """Delete the keys that are left. Raises the error of one that a later request can delete. Blocks."""
        self.refused = []
        answer = self._store.delete(self._bucket, self.left)
        sent = set(self.left)
        again: dict[str, KeyFailure] = {}
        error: OdhTecError | None = None
        for failure in {failure.Key: failure for failure in answer.errors}.values():
            # Some stores return a key in another form than requested, which cannot be matched.
            if (temporary := _temporary(failure)) and failure.Key in sent:
                again[failure.Key] = failure
                error = temporary if error is None or isinstance(temporary, Unreachable) else error
            else:
                self.failures.append(failure)
        self.left = [key for key in self.left if key in again]
        self.refused = list(again.values())
        if error:
            raise error

    def give_up(self) -> None:
        """Count the refused keys as failed."""
        self.failures += self.refused
        self.left, self.refused = [], []


async def delete_keys(call: Call, deletion: KeyDeletion, attempts: int = MAX_ATTEMPTS) -> None:
    """Send requests until each key is deleted or has failed, up to ``attempts`` times. ``call`` runs them in a thread.

    Raises the error of the last request if S3 refused it as a whole, or did not answer for some keys.
    """
    requests, keys = Retries(attempts), Retries(min(attempts, KEY_ATTEMPTS))
    while deletion.left:
        try:
            await call(deletion.send)
        except OdhTecError as error:
            answered = deletion.refused and not isinstance(error, Unreachable)
            try:
                await (keys if answered else requests).sleep(error)
            except OdhTecError:
                if not answered:
                    raise
                deletion.give_up()


def _temporary(failure: KeyFailure) -> OdhTecError | None:
    """Return the error of a key that the same request can delete later; None if S3 has refused it for good."""
    if failure.Code not in CODES and not failure.Code.startswith("Status"):
        return None
    # Without a status, InternalError would be an error of this server.
    error = error_for(failure.Code, failure.Message, 502 if failure.Code == "InternalError" else None)
    return error if error.transient else None
