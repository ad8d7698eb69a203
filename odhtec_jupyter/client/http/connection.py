"""One Jupyter server over HTTP: credentials, retries while it restarts, errors as exceptions.

No redirect is followed: credentials go to the server that was found and to no other host.
"""

from __future__ import annotations

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
from urllib3.exceptions import MaxRetryError, NewConnectionError

from odhtec_jupyter.client.http.body_limit import BodyLimit
from odhtec_jupyter.client.http.replies import error_of
from odhtec_jupyter.client.http.servers import Server
from odhtec_jupyter.errors import Forbidden, NoServer, OdhTecError, Unreachable

TIMEOUT = (10.0, 300.0)  # seconds to connect, and between two bytes: S3 puts a large object together for minutes
PATIENCE = 60.0  # seconds that a server may take to restart
FIRST, LONGEST = 0.1, 2.0  # seconds between two tries
POOL = 16
REPEATABLE = frozenset({"GET", "HEAD", "PUT", "DELETE"})
READING = frozenset({"GET", "HEAD"})


class Connection:
    """Thread-safe; after a fork the child has connections of its own."""

    def __init__(self, server: Server, locate: Callable[[], Server] | None = None) -> None:
        """``locate`` finds the server again when it has restarted: its token may be a new one."""
        self.server = server
        self.patience = PATIENCE
        self.body_limit = BodyLimit()
        self._locate = locate
        self._sessions: dict[int, requests.Session] = {}
        self._lock = threading.Lock()
        self._met = False  # before the first reply, a server that does not answer is none

    def __repr__(self) -> str:
        return f"<Connection to {self.server.url}>"

    @property
    def api(self) -> str:
        """Where the extension's routes begin."""
        return f"{self.server.url}odhtec/api"

    def close(self) -> None:
        """Close what is open; the next request opens anew."""
        session = self._sessions.pop(os.getpid(), None)
        if session is not None:
            session.close()

    @property
    def session(self) -> requests.Session:
        """This process's."""
        with self._lock:
            session = self._sessions.get(os.getpid())
            if session is None:
                session = self._sessions[os.getpid()] = self._new_session()
            return session

    def _new_session(self) -> requests.Session:
        session = requests.Session()
        # Neither ~/.netrc, which would replace our credentials, nor a proxy on the loopback interface.
        session.trust_env = False
        host = urlsplit(self.server.url).hostname or ""
        if host not in {"localhost", "127.0.0.1", "::1"}:
            session.proxies.update(requests.utils.get_environ_proxies(self.server.url))
        session.verify = self.server.verify
        adapter = HTTPAdapter(pool_connections=POOL, pool_maxsize=POOL)
        session.mount("http://", adapter)
        session.mount("https://", adapter)
        return session

    # --- requests -------------------------------------------------------------------------------------------------

    def send(self, method: str, path: str, *, repeatable: bool | None = None, **options: Any) -> requests.Response:
        """A reply with success, or the error it tells of.

        What changes nothing when it is sent twice (``repeatable``) is sent again while the server restarts; anything
        else only when it has certainly not arrived. ``data`` may be a function that makes the body for each try.
        """
        again = method in REPEATABLE if repeatable is None else repeatable
        deadline = time.monotonic() + self.patience
        waits = _waits()
        while True:
            try:
                return self._try(method, path, options)
            except _NotNowError as error:
                wait = next(waits)
                may = (again or error.unsent) and self._met
                if not may or time.monotonic() + wait > deadline:
                    raise error.reason from None
                time.sleep(wait)
                self._look_again()

    def _try(self, method: str, path: str, options: dict[str, Any]) -> requests.Response:
        server = self.server
        try:
            reply = self._once(server, method, path, options)
            if reply.status_code == 403 and _can_be_read_again(options.get("data")) and self._renew(server, method):
                reply.close()
                reply = self._once(self.server, method, path, options)
        except requests.RequestException as error:
            raise _NotNowError(self.unreachable(error), unsent=_is_unsent(error)) from None
        self._met = True
        if reply.ok and not reply.is_redirect:
            return reply
        with reply:
            failure = error_of(reply, self.server.url)
        if isinstance(failure, Unreachable) and failure.code == "BadGateway":
            raise _NotNowError(failure, unsent=False)
        raise failure

    def _once(self, server: Server, method: str, path: str, options: dict[str, Any]) -> requests.Response:
        headers = {"Accept-Encoding": "identity", **options.get("headers", {}), **self._credentials(server, method)}
        options = {"timeout": TIMEOUT, **options, "headers": headers}
        if callable(data := options.get("data")):
            options["data"] = data()
        return self.session.request(method, self.api + path, allow_redirects=False, **options)

    def unreachable(self, error: Exception) -> OdhTecError:
        """The sentence for a connection that failed."""
        if isinstance(error, requests.exceptions.SSLError):
            return NoServer(
                f"The certificate of the Jupyter server at {self.server.url} is not trusted: "
                "name its authority, Client(verify='ca.pem')."
            )
        return NoServer(f"The Jupyter server at {self.server.url} does not answer ({type(error).__name__}).")

    def _look_again(self) -> None:
        """At the same address the server may have another token by now."""
        if self._locate is None:
            return
        with suppress(OdhTecError):
            found = self._locate()
            if found.url == self.server.url:
                self.server = found

    # --- credentials ----------------------------------------------------------------------------------------------

    def _credentials(self, server: Server, method: str) -> dict[str, str]:
        """The token, or without one what shows that the request is no other site's."""
        if server.token:
            return {"Authorization": f"token {server.token}"}
        if method in READING:
            return {"Referer": server.url}
        value = self._xsrf() or self._ask_for_xsrf()
        if value is None:
            raise Forbidden(f"The Jupyter server at {server.url} wants a token.")
        return {"X-XSRFToken": value}

    def _xsrf(self) -> str | None:
        return next((cookie.value for cookie in self.session.cookies if cookie.name == "_xsrf"), None)

    def _ask_for_xsrf(self) -> str | None:
        """Any page of Jupyter's sets the cookie; the one that says that there is none does, too."""
        with self.session.get(f"{self.server.url}odhtec", allow_redirects=False, timeout=TIMEOUT) as reply:
            # Not from the session: another thread may have cleared its cookies.
            return reply.cookies.get("_xsrf") or self._xsrf()

    def _renew(self, refused: Server, method: str) -> bool:
        """Whether a request that was ``refused`` with this server's token has something new to show.

        Another thread may have found the new token since the request was sent.
        """
        if not refused.token and method not in READING:
            self.session.cookies.clear()
            return True
        if self.server.token == refused.token:
            self._look_again()
        return self.server.token != refused.token


class _NotNowError(Exception):
    """The request may fare better later; ``unsent`` when it has certainly not arrived."""

    def __init__(self, reason: OdhTecError, *, unsent: bool) -> None:
        super().__init__(str(reason))
        self.reason = reason
        self.unsent = unsent


def _can_be_read_again(data: Any) -> bool:
    return data is None or isinstance(data, bytes) or callable(data)


def _is_unsent(error: requests.RequestException) -> bool:
    if isinstance(error, requests.ConnectTimeout):
        return True
    cause = error.args[0] if error.args else None
    return isinstance(cause, MaxRetryError) and isinstance(cause.reason, NewConnectionError)


def _waits() -> Iterator[float]:
    wait = FIRST
    while True:
        yield wait * random.uniform(0.75, 1.25)  # noqa: S311 - not for a secret
        wait = min(wait * 2, LONGEST)
