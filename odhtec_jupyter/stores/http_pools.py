"""Pools of urllib3 connections as this server needs them: interruptible, strict about replies, and true to keys."""

from __future__ import annotations

import re
import ssl
import threading
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

from odhtec_jupyter.errors import clipped
from odhtec_jupyter.stores.interruption import interruptible_pool


def prepared_pools(pools: Mapping[str, Any]) -> dict[str, Any]:
    """Return pool classes of urllib3, by scheme, that a stop can interrupt and that load the authorities once."""
    return {scheme: _prepared_pool(pool) for scheme, pool in pools.items()}


@cache
def _prepared_pool(pool: Any) -> Any:
    from urllib3.connection import HTTPSConnection

    made = interruptible_pool(pool)
    mixins: tuple[type, ...] = (_RefusesUnreadable,)
    if issubclass(made.ConnectionCls, HTTPSConnection):
        mixins = (*mixins, _LoadsAuthoritiesOnce)
    connection = type(made.ConnectionCls.__name__, (*mixins, made.ConnectionCls), {})
    return type(made.__name__, (_KeepsDots, made), {"ConnectionCls": connection})


class _KeepsDots:
    """A mixin for pools of urllib3, which remove "." and ".." from a whole URL, as a request to a proxy has it."""

    def urlopen(self, method: str, url: str, *args: Any, **options: Any) -> Any:
        if not url.startswith("/"):
            path, mark, query = url.partition("?")
            url = re.sub(r"(?<=/)\.{1,2}(?=/|$)", lambda found: found[0].replace(".", "%2E"), path) + mark + query
        return super().urlopen(method, url, *args, **options)  # type: ignore[misc]


class _RefusesUnreadable:
    """A mixin for connections of urllib3: raises an error for replies whose end http.client does not find."""

    def getresponse(self, *args: Any, **options: Any) -> Any:
        from urllib3.exceptions import ProtocolError

        response = super().getresponse(*args, **options)  # type: ignore[misc]
        if response.status < 200:
            # The reply itself follows, and would be taken for that to the next request over this connection.
            response.close()
            raise ProtocolError(f"An interim reply ({response.status}) is not supported")
        coding = response.headers.get("Transfer-Encoding", "").strip().lower()
        if coding not in {"", "identity"} and not getattr(response, "_fp", response).chunked:
            # The marks between the chunks would be taken for bytes of the body.
            response.close()
            raise ProtocolError(f"The transfer encoding {clipped(coding, 40)!r} is not supported")
        return response


class _LoadsAuthoritiesOnce:
    """A mixin for connections of urllib3, which load the same file again for each connection, in some 30 ms."""

    _loaded: ClassVar[WeakKeyDictionary[ssl.SSLContext, str]] = WeakKeyDictionary()
    _loading: ClassVar[threading.Lock] = threading.Lock()
    ssl_context: ssl.SSLContext | None
    ca_certs: str | None
    proxy: Any

    def connect(self) -> None:
        context, authorities = self.ssl_context, self.ca_certs
        is_for_proxy = self.proxy is not None and self.proxy.scheme == "https"  # it is verified with the same file
        if context is not None and authorities and not is_for_proxy:
            with self._loading, suppress(OSError):  # urllib3 loads the file again then, and raises its own error
                if self._loaded.get(context) != authorities:
                    context.load_verify_locations(authorities)
                    self._loaded[context] = authorities
                self.ca_certs = None
        super().connect()  # type: ignore[misc]
