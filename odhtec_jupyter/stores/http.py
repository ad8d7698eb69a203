"""HTTP for object data: urllib3 connections with the configured proxies and certificate authorities.

boto3 and huggingface_hub handle metadata; this module transfers the bytes without copying or decoding them.
"""

from __future__ import annotations

import os
import re
import ssl
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from odhtec_jupyter.errors import BadRequest, Unreachable, clipped
from odhtec_jupyter.network import Network, proxy_refused
from odhtec_jupyter.stores.http_pools import prepared_pools

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

CONNECT_TIMEOUT = 10  # seconds
MAX_IDLE_CONNECTIONS = 64  # to one host; what is opened beside them is closed after its request
CA_PREFIX, CA_SUFFIX = "odhtec-ca-", ".pem"
READ_TIMEOUT = 60  # seconds without a byte

# The file of each combination, with an open descriptor whose lock ends with this process.
_bundles: dict[tuple[str, ...], tuple[str, int]] = {}
_bundles_lock = threading.Lock()


def ca_file(network: Network) -> str | None:
    """Return one PEM file with the public authorities and all bundles of the network; None for the default ones.

    boto3 accepts a single file, so the bundles are joined once for each combination.
    """
    if not network.ca_bundles:
        return None
    with _bundles_lock:
        known, held = _bundles.get(network.ca_bundles, ("", -1))
        if known and Path(known).is_file():
            return known
        import certifi

        texts = [Path(path).read_bytes() for path in (certifi.where(), *network.ca_bundles)]
        handle, name = tempfile.mkstemp(prefix=CA_PREFIX, suffix=CA_SUFFIX)
        _lock(handle, wait=True)  # remove_left_ca_files of another server can be reading it
        with open(handle, "wb", closefd=False) as file:
            file.write(b"\n".join(texts))
        _bundles[network.ca_bundles] = name, handle
        if known:  # the folder for temporary files was cleaned
            os.close(held)
        return name


def remove_ca_files() -> None:
    """Delete the joined bundles that :func:`ca_file` has written."""
    with _bundles_lock:
        for name, handle in _bundles.values():
            Path(name).unlink(missing_ok=True)
            os.close(handle)
        _bundles.clear()


def remove_left_ca_files() -> None:
    """Delete the joined bundles of killed servers, which no running process has locked."""
    try:
        folder = Path(tempfile.gettempdir())
    except OSError:  # there is no writable folder for temporary files
        return
    for path in folder.glob(f"{CA_PREFIX}*{CA_SUFFIX}"):
        with suppress(OSError):  # owned by another user, or already deleted
            handle = os.open(path, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
            try:
                if _lock(handle) and os.fstat(handle).st_size:  # an empty file is being written
                    path.unlink()
            finally:
                os.close(handle)


def _lock(handle: int, *, wait: bool = False) -> bool:
    """Lock a file until its descriptor is closed. Returns whether that succeeded; never on Windows."""
    try:
        import fcntl
    except ImportError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


@contextmanager
def http_errors(url: str) -> Iterator[None]:
    """Translate errors of urllib3 and sockets to :class:`Unreachable`, with the host and the reason."""
    from http.client import HTTPException

    from urllib3.exceptions import HTTPError

    try:
        yield
    except ValueError as error:
        if isinstance(error, HTTPError):
            raise Unreachable(f"{urlsplit(url).hostname} cannot be reached: {reason(error)}.") from error
        # The message of http.client contains the header's value, which can be a token.
        raise BadRequest("A request header contains characters that are not allowed.") from None
    except (HTTPError, HTTPException, OSError) as error:
        raise Unreachable(f"{urlsplit(url).netloc} cannot be reached: {reason(error)}.") from error


def reason(error: BaseException) -> str:
    """Return the innermost cause in a few words, without addresses of Python objects."""
    inner: Any = error
    while True:
        following = getattr(inner, "reason", None) or inner.__cause__ or inner.__context__
        if not isinstance(following, BaseException) or following is inner:
            break
        inner = following
    if isinstance(inner, OSError) and inner.strerror:
        return clipped(str(inner.strerror))
    text = str(inner).split(">: ")[-1].strip().rstrip(".")
    return clipped(text) or type(inner).__name__


def is_proxy_refusal(error: BaseException) -> bool:
    """Return whether a proxy refused the connection because it requires authentication.

    Libraries say this only in the message.
    """
    return re.search(r"\b407\b.*[Pp]roxy|[Pp]roxy.*\b407\b", str(error)) is not None


def is_web_page(body: bytes) -> bool:
    """Return whether a reply, or its beginning, is HTML: a page of a console, a login or a proxy instead of an API."""
    start = body[:256].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return start.startswith((b"<!doctype html", b"<html", b"<head", b"<body"))


def http_date(text: str) -> datetime | None:
    """Parse a time in a header; None for an invalid one, which RFC 9110 says to ignore."""
    try:
        when = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def read_into(response: Any, buffer: memoryview) -> int:
    """Read up to ``len(buffer)`` bytes from a urllib3 response; 0 at its end, even if that comes too early.

    urllib3's own ``readinto`` copies, so the response of http.client below it is used where it is accessible.
    """
    raw = getattr(response, "_fp", None)
    below: Any = raw if hasattr(raw, "readinto") else response
    stream = getattr(raw, "fp", None)
    if type(stream) is BufferedReader and not below.chunked:  # not yet, because chunks need its readline
        connected = getattr(stream.raw, "_sock", None)
        if isinstance(connected, ssl.SSLSocket):
            below.fp = _TlsBody(stream, connected)
    count: int = below.readinto(buffer)
    return count


def release(response: Any) -> None:
    """Return the connection of a urllib3 response whose body was read to its end, or is empty."""
    response.read()  # http.client takes an empty body for unread, and then no other reply over the connection
    response.release_conn()


class _TlsBody:
    """The body of a response over TLS, which reads a TLS record with one call; BufferedReader needs three."""

    def __init__(self, stream: BufferedReader, connected: ssl.SSLSocket) -> None:
        self._stream = stream
        self._connected = connected
        self._is_ahead = True  # the stream can have bytes that it read together with the headers

    def readinto(self, buffer: memoryview) -> int:
        """Fill the buffer, except at the end and with the bytes that the stream has."""
        if self._is_ahead:
            ahead = len(self._stream.peek())
            count = self._stream.readinto(buffer[:ahead])
            self._is_ahead = count < ahead
            return count
        done, size = 0, len(buffer)
        read: Any = self._connected.read
        try:
            while done < size and (count := read(size - done, buffer[done:])):
                done += count
        except ValueError as error:  # another thread has closed the connection
            raise ConnectionAbortedError(str(error)) from error
        return done

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class Http:
    """Keep-alive connections to any host; thread-safe."""

    def __init__(self, network: Network, *, connections: int = MAX_IDLE_CONNECTIONS) -> None:
        import certifi
        import urllib3
        from urllib3.util import create_urllib3_context

        self._network = network
        self._options: dict[str, Any] = {
            "maxsize": connections,
            "ssl_context": create_urllib3_context(),
            "ca_certs": ca_file(network) or certifi.where(),
            "timeout": _timeout(READ_TIMEOUT),
        }
        self._direct = _prepared(urllib3.PoolManager(**self._options))
        self._proxied: dict[str, Any] = {}

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        timeout: float | None = None,
    ) -> BaseHTTPResponse:
        """Send one request without redirects and retries. The body of the reply is not read yet.

        ``timeout`` is how many seconds can pass without a byte of the reply, if not :data:`READ_TIMEOUT`. Raises
        :class:`Unreachable`. The caller reads the response to its end or closes it.
        """
        proxy = self._network.proxy_for(url)
        try:
            response = self._send(method, url, proxy, headers, body, timeout)
        except Unreachable as error:
            if proxy and is_proxy_refusal(error):
                raise proxy_refused(proxy) from error
            raise
        if proxy and response.status == 407:
            response.close()
            raise proxy_refused(proxy)
        return response

    def _send(
        self,
        method: str,
        url: str,
        proxy: str | None,
        headers: Mapping[str, str] | None,
        body: Any,
        timeout: float | None,
    ) -> BaseHTTPResponse:
        parts = urlsplit(url)
        with http_errors(url):
            manager = self._manager(proxy)
            pool = manager.connection_from_host(parts.hostname, port=parts.port, scheme=parts.scheme)
            # PoolManager.urlopen would normalize the path, and a key can be "..".
            start = url.index(parts.netloc, len(parts.scheme) + 3)  # "https" can contain the name of the host
            target = url[start + len(parts.netloc) :] or "/"
            headers = dict(headers or {})
            if proxy and parts.scheme == "http":  # an http proxy requires the whole URL and its own credentials
                target, headers = url, {**manager.proxy_headers, **headers}
            options = {} if timeout is None else {"timeout": _timeout(timeout)}
            response: BaseHTTPResponse = pool.urlopen(
                method,
                target,
                body=body,
                headers=headers,
                retries=False,
                redirect=False,
                assert_same_host=False,
                preload_content=False,
                decode_content=False,
                **options,
            )
            return response

    def _manager(self, proxy: str | None) -> Any:
        if proxy is None:
            return self._direct
        if proxy not in self._proxied:
            import urllib3

            userinfo = urlsplit(proxy)
            headers = None
            if userinfo.username:
                from urllib.parse import unquote

                headers = urllib3.make_headers(
                    proxy_basic_auth=f"{unquote(userinfo.username)}:{unquote(userinfo.password or '')}"
                )
            made = urllib3.ProxyManager(proxy, proxy_headers=headers, **self._options)
            self._proxied[proxy] = _prepared(made)
        return self._proxied[proxy]

    def close(self) -> None:
        """Close idle connections."""
        for manager in (self._direct, *self._proxied.values()):
            manager.clear()


def _timeout(read: float) -> Any:
    """Return urllib3's limits for a connection; ``read`` is in seconds."""
    import urllib3

    return urllib3.Timeout(connect=CONNECT_TIMEOUT, read=read)


def _prepared(manager: Any) -> Any:
    """Let a stop interrupt the requests of a urllib3 pool manager, and load its authorities once."""
    manager.pool_classes_by_scheme = prepared_pools(manager.pool_classes_by_scheme)
    return manager
