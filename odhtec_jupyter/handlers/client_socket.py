"""The client's socket once more, for a thread that reads or sends past tornado, where that can be done.

What is not public in tornado is named by who needs it and asked for first; without it all works, at a higher cost.
"""

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
    """A socket that does not block, while the context lasts; None where the bytes must go through tornado, as with TLS.

    ``allowed`` says whether tornado has what the caller needs of it.
    """
    if not allowed or sys.platform == "win32" or type(stream) is not iostream.IOStream or stream.closed():
        yield None
        return
    # Not tornado's own, whose number it may give away while the thread works.
    with stream.socket.dup() as once_more:
        yield once_more


def break_off(request: Any) -> None:
    """Close the connection so that nobody takes what has come for a whole body."""
    stream = request.connection.stream
    if request.version == "HTTP/1.0" and not stream.closed():
        # There the end of the connection is the end of the body, unless it is reset.
        stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    stream.close()


def can_let_go(stream: Any) -> bool:
    """Whether :func:`let_go` knows its way about this stream."""
    return all(hasattr(stream, name) for name in ("_state", "_read_buffer_size", "_maybe_add_error_listener"))


def let_go(stream: Any) -> bool:
    """Whether another may read the stream's socket: it has nothing of it, and from now on will not look there."""
    if stream.closed() or stream._read_buffer_size:
        return False
    if stream._state is not None:
        stream.io_loop.remove_handler(stream.fileno())
        stream._state = None
    return True


def watch_again(stream: Any) -> None:
    """Notice a client that goes away from now on."""
    stream._maybe_add_error_listener()
