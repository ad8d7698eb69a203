"""One Jupyter server over HTTP: credentials, retries while it restarts, errors as exceptions.

Redirects are not followed, so that credentials are sent to no other host.
"""

from __future__ import annotations

import copy
import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError, MaxRetryError, NewConnectionError

from odhtec_jupyter.client.http.body_limit import BodyLimit
from odhtec_jupyter.client.http.replies import error_of
from odhtec_jupyter.client.http.servers import Server
from odhtec_jupyter.errors import Forbidden, NoServer, OdhTecError, Unreachable

TIMEOUT_SECONDS = (10.0, 300.0)  # to connect, and between two bytes: S3 takes minutes to complete a large object
RESTART_SECONDS = 60.0  # that a server may take to restart
MIN_RETRY_SECONDS, MAX_RETRY_SECONDS = 0.1, 2.0  # between two tries
MAX_POOLED_CONNECTIONS = 40  # more than a transfer uses in parallel
IDEMPOTENT_METHODS = frozenset({"GET", "HEAD", "PUT", "DELETE"})
SAFE_METHODS = frozenset({"GET", "HEAD"})


class Connection:
    """A connection to a server. Thread-safe; after a fork, the child opens its own connections."""

    def __init__(self, server: Server, locate: Callable[[], Server] | None = None) -> None:
        """``locate`` finds the server again after a restart, when it may have another token."""
        self.server = server
        #: The name of the connection to S3 that requests use; empty for the default one of the server.
        self.store = ""
        self.restart_seconds = RESTART_SECONDS
        self.body_limit = BodyLimit()
        self._locate = locate
        self._sessions: dict[int, requests.Session] = {}
        self._lock, self._xsrf_lock = threading.Lock(), threading.Lock()
        self._has_replied = False  # requests are retried only after the first reply

    def __repr__(self) -> str:
        return f"<Connection to {self.server.url}>"

    @property
    def api(self) -> str:
        """The URL of the extension's REST API."""
        return f"{self.server.url}odhtec/api"

    def on(self, store: str) -> Connection:
        """Return a connection whose requests use another store of the server; both share their sessions."""
        other = copy.copy(self)
        other.store = store
        return other

    def close(self) -> None:
        """Close open connections. The next request opens a new one."""
        session = self._sessions.pop(os.getpid(), None)
        if session is not None:
            session.close()

    @property
    def session(self) -> requests.Session:
        """The session of this process."""
        with self._lock:
            session = self._sessions.get(os.getpid())
            if session is None:
                session = self._sessions[os.getpid()] = self._new_session()
            return session

    def _new_session(self) -> requests.Session:
        session = requests.Session()
        # Ignore ~/.netrc, which would replace the credentials, and proxies for the loopback interface.
        session.trust_env = False
        host = urlsplit(self.server.url).hostname or ""
        if host not in {"localhost", "127.0.0.1", "::1"}:
            session.proxies.update(requests.utils.get_environ_proxies(self.server.url))
        session.verify = self.server.verify
        adapter = HTTPAdapter(pool_connections=MAX_POOLED_CONNECTIONS, pool_maxsize=MAX_POOLED_CONNECTIONS)
        session.mount("http://", adapter)
        session.mount("https://", adapter)
        return session

    # --- requests -------------------------------------------------------------------------------------------------

    def send(self, method: str, path: str, *, repeatable: bool | None = None, **options: Any) -> requests.Response:
        """Send a request, and return the reply. Raises :class:`OdhTecError` for a reply that reports an error.

        While the server restarts, an idempotent request (``repeatable``) is retried. Any other request is retried only
        if it was certainly not received. ``data`` can be a function that returns the body for each try.
        """
        again = method in IDEMPOTENT_METHODS if repeatable is None else repeatable
        deadline = time.monotonic() + self.restart_seconds
        delays = _retry_delays()
        while True:
            try:
                return self._try(method, path, options)
            except _RetryableError as error:
                delay = next(delays)
                can_retry = (again or error.unsent) and self._has_replied
                if not can_retry or time.monotonic() + delay > deadline:
                    raise error.reason from None
                time.sleep(delay)
                self._locate_again()

    def _try(self, method: str, path: str, options: dict[str, Any]) -> requests.Response:
        server = self.server
        try:
            reply = self._once(server, method, path, options)
            if reply.status_code == 403 and _can_be_read_again(options.get("data")) and self._renew(server, method):
                reply.close()
                reply = self._once(self.server, method, path, options)
        except (requests.RequestException, HTTPError) as error:  # HTTPError: requests passes on some of urllib3's
            raise _RetryableError(self.unreachable(error), unsent=_is_unsent(error)) from None
        self._has_replied = True
        if reply.ok and not reply.is_redirect:
            return reply
        with reply:
            failure = error_of(reply, self.server.url)
        if isinstance(failure, Unreachable) and failure.code == "BadGateway":
            raise _RetryableError(failure, unsent=False)
        raise failure

    def _once(self, server: Server, method: str, path: str, options: dict[str, Any]) -> requests.Response:
        headers = {"Accept-Encoding": "identity", **options.get("headers", {}), **self._credentials(server, method)}
        options = {"timeout": TIMEOUT_SECONDS, **options, "headers": headers}
        if self.store:
            options["params"] = {**(options.get("params") or {}), "connection": self.store}
        if callable(data := options.get("data")):
            options["data"] = data()
        return self.session.request(method, self.api + path, allow_redirects=False, **options)

    def unreachable(self, error: Exception) -> OdhTecError:
        """Return the error for a failed connection."""
        if isinstance(error, requests.exceptions.SSLError):
            return NoServer(
                f"The certificate of the Jupyter server at {self.server.url} is not trusted. "
                "Name the file with its CA certificate: Client(verify='ca.pem')."
            )
        return NoServer(f"The Jupyter server at {self.server.url} does not respond ({type(error).__name__}).")

    def _locate_again(self) -> None:
        """Find the server again: at the same URL it may have a new token."""
        if self._locate is None:
            return
        with suppress(OdhTecError):
            found = self._locate()
            if found.url == self.server.url:
                self.server = found

    # --- credentials ----------------------------------------------------------------------------------------------

    def _credentials(self, server: Server, method: str) -> dict[str, str]:
        """Return the headers with the token or, without a token, those that prevent cross-site requests."""
        if server.token:
            return {"Authorization": f"token {server.token}"}
        if method in SAFE_METHODS:
            return {"Referer": server.url}
        with self._xsrf_lock:  # each request without a cookie would set another value
            value = self._xsrf() or self._ask_for_xsrf()
        if value is None:
            raise Forbidden(f"The Jupyter server at {server.url} requires a token.")
        return {"X-XSRFToken": value}

    def _xsrf(self) -> str | None:
        return next((cookie.value for cookie in self.session.cookies if cookie.name == "_xsrf"), None)

    def _ask_for_xsrf(self) -> str | None:
        """Request a page of the server: each one sets the XSRF cookie, also an error page."""
        with self.session.get(f"{self.server.url}odhtec", allow_redirects=False, timeout=TIMEOUT_SECONDS) as reply:
            # Not from the session: another thread may have cleared its cookies.
            return reply.cookies.get("_xsrf") or self._xsrf()

    def _renew(self, refused: Server, method: str) -> bool:
        """Find new credentials after a request was refused. Return whether there are any.

        Another thread may have found the new token since the request was sent.
        """
        if not refused.token and method not in SAFE_METHODS:
            self.session.cookies.clear()
            return True
        if self.server.token == refused.token:
            self._locate_again()
        return self.server.token != refused.token


class _RetryableError(Exception):
    """A request that can succeed later. ``unsent``: it was certainly not received."""

    def __init__(self, reason: OdhTecError, *, unsent: bool) -> None:
        super().__init__(str(reason))
        self.reason = reason
        self.unsent = unsent


def _can_be_read_again(data: Any) -> bool:
    return data is None or isinstance(data, bytes) or callable(data)


def _is_unsent(error: Exception) -> bool:
    if isinstance(error, requests.ConnectTimeout):
        return True
    cause = error.args[0] if error.args else None
    return isinstance(cause, MaxRetryError) and isinstance(cause.reason, NewConnectionError)


def _retry_delays() -> Iterator[float]:
    delay = MIN_RETRY_SECONDS
    while True:
        yield delay * random.uniform(0.75, 1.25)  # noqa: S311 - not for a secret
        delay = min(delay * 2, MAX_RETRY_SECONDS)
