"""The keys that the requests of one store are signed with. They can be replaced while requests run.

Temporary keys expire during a long transfer. botocore renews those that it gets itself, such as those of a role or a
web identity; those in a mounted Secret or an AWS profile have to be read again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from odhtec_jupyter.settings import S3Connection

if TYPE_CHECKING:
    from botocore.credentials import Credentials

LOOK_SECONDS = 1.0  # between two looks for other keys, when many requests are refused
# The codes of refusals that other keys can remove: keys that expired, were deleted, or were read while they changed.
REFUSED_KEYS = {
    *("ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "InvalidToken", "InvalidTokenId"),
    *("InvalidAccessKeyId", "SignatureDoesNotMatch"),
}


class SigningKeys:
    """The keys of a connection, or those that botocore finds for it; thread-safe."""

    def __init__(
        self,
        connection: S3Connection,
        load: Callable[[], Credentials | None],
        look: Callable[[], None],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``load`` returns the credentials that botocore finds.

        ``look`` calls :meth:`replace` if there are new keys.
        """
        self._connection = connection
        self._load = load
        self._look = look
        self._clock = clock
        self._found: Credentials | None = None  # by botocore
        self._looked: float | None = None
        self._looking = threading.Lock()
        #: Counts replacements: a request that was signed with another version can succeed now.
        self.version = 0

    def replace(self, connection: S3Connection) -> None:
        """Sign further requests with the keys of ``connection``."""
        # Without the lock, which the thread that looks for keys holds.
        self._connection = connection
        self.version += 1

    def renew(self, version: int) -> bool:
        """Look for other keys after a refusal, and return whether there are others than the refused ``version``.

        Requests that are refused at the same time wait for one look.
        """
        with self._looking:
            if self.version != version:
                return True
            now = self._clock()
            if self._looked is not None and now - self._looked < LOOK_SECONDS:
                return False
            if self._connection.access_key_id is None:
                self._load_again()
            else:
                self._look()
            self._looked = self._clock()
            return self.version != version

    def _load_again(self) -> None:
        known, found = self._found, self._load()
        if found and (known is None or found.get_frozen_credentials() != known.get_frozen_credentials()):
            self._found = found
            self.version += 1

    def load(self) -> None:
        """Let botocore look for credentials unless the connection has keys. Raises errors of botocore."""
        if self._connection.access_key_id is None and not self._connection.anonymous and self._found is None:
            self._found = self._load()

    def frozen(self) -> Any:
        """Return the keys to sign one request with, as botocore's signers expect them; None if there are none."""
        from botocore.credentials import Credentials

        now = self._connection
        if now.access_key_id is None:
            return self._found.get_frozen_credentials() if self._found else None
        return Credentials(now.access_key_id, now.secret_access_key or "", now.session_token).get_frozen_credentials()

    def end(self) -> tuple[bool, datetime | None]:
        """Return whether the keys are temporary, and their expiry if it is known."""
        if self._connection.access_key_id or self._connection.anonymous:
            return bool(self._connection.session_token), None
        # Not public in botocore; without it the expiry is not known.
        end = getattr(self._found, "_expiry_time", None)
        return bool(getattr(self._found, "token", None)), end if isinstance(end, datetime) else None

    def load_credentials(self) -> Any:
        """Return credentials for botocore's sessions, which ask for the keys again for each signature."""
        from botocore.credentials import Credentials

        keys = self

        class CurrentCredentials(Credentials):
            def get_frozen_credentials(self) -> Any:
                return keys.frozen()

        return CurrentCredentials("current", "current")
