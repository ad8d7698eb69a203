"""The client's socket, for a thread that reads from it or writes to it without Tornado."""

from __future__ import annotations

import socket
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tornado import iostream


@contextmanager
def client_socket(stream: Any, *, allowed: bool) -> Iterator[socket.socket | None]:
    """Provide a non-blocking duplicate of the stream's socket, or None where the bytes must go through Tornado.

    That is so with TLS, on Windows, on a closed stream, and unless ``allowed``: the caller checks that
    :mod:`tornado_internals` supports what it needs.
    """
    if not allowed or sys.platform == "win32" or type(stream) is not iostream.IOStream or stream.closed():
        yield None
        return
    # A duplicate: when Tornado closes its socket, the number could be reused while the thread still works.
    with stream.socket.dup() as duplicate:
        yield duplicate


def abort_connection(request: Any) -> None:
    """Close the connection so that the client does not take the received bytes for a complete body."""
    stream = request.connection.stream
    if request.version == "HTTP/1.0" and not stream.closed():
        # In HTTP/1.0 the end of the connection is the end of the body, unless the connection is reset.
        stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    stream.close()
