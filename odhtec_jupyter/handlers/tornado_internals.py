"""The only module that uses parts of Tornado and Jupyter Server that are not public.

Every part is optional. Where a version of Tornado does not have it, the function returns False and the bytes take
Tornado's own path, which copies them more often.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from copy import copy
from typing import Any

# Attributes of http1connection.HTTP1Connection, iostream.IOStream, web.RequestHandler and httputil.HTTPServerRequest.
BODY_READER = ("_read_fixed_body",)
CHUNK_SIZE = ("params",)
REMAINING = ("_expected_content_remaining",)
READ_STATE = ("_state", "_read_buffer_size", "_maybe_add_error_listener")
TRANSFORMS = ("_transforms",)
BODY_END = ("_body_future",)


def has(part: Any, names: tuple[str, ...]) -> bool:
    """Return whether this version of Tornado has all of these attributes."""
    return all(hasattr(part, name) for name in names)


def replace_body_reader(connection: Any, read: Callable[[int], Awaitable[None]]) -> bool:
    """Let ``read`` receive the body of this request from the connection's stream, given its length in bytes."""
    if not has(connection, BODY_READER):
        return False

    async def read_fixed_body(length: int, delegate: Any) -> None:
        await read(length)

    connection._read_fixed_body = read_fixed_body
    return True


def set_chunk_size(connection: Any, size: int) -> bool:
    """Let Tornado pass the body of this connection's requests on in chunks of up to ``size`` bytes."""
    if not has(connection, CHUNK_SIZE) or not hasattr(connection.params, "chunk_size"):
        return False
    connection.params = copy(connection.params)  # all connections share one
    connection.params.chunk_size = connection.stream.read_chunk_size = size
    return True


def counts_content(connection: Any) -> bool:
    """Return whether the connection knows how many bytes of the reply are still to be sent."""
    return has(connection, REMAINING) and isinstance(connection._expected_content_remaining, int)


def count_content(connection: Any, size: int) -> None:
    """Subtract bytes that were sent past Tornado, which would otherwise close the connection at the end of the reply.

    Only where :func:`counts_content` is true.
    """
    connection._expected_content_remaining -= size


def can_stop_reading(stream: Any) -> bool:
    """Return whether :func:`stop_reading` can be called for this stream."""
    return has(stream, READ_STATE)


def stop_reading(stream: Any) -> bool:
    """Stop watching the stream's socket, so that a thread can read from it.

    Returns False when the stream is closed or still holds bytes that it has read.
    """
    if stream.closed() or stream._read_buffer_size:
        return False
    if stream._state is not None:
        stream.io_loop.remove_handler(stream.fileno())
        stream._state = None
    return True


def watch_for_close(stream: Any) -> None:
    """Watch the stream's socket again, to notice a client that disconnects."""
    stream._maybe_add_error_listener()


def is_receiving(request: Any) -> bool:
    """Return whether the body of a request is still being received, so that its verb has not been called."""
    return has(request, BODY_END) and not request._body_future.done()


def skip_transforms(handler: Any) -> bool:
    """Apply no output transforms, such as compression, to the reply: its bytes are written past them.

    Without this, a server that is configured to compress would announce it in the headers only.
    """
    if not has(handler, TRANSFORMS):
        return False
    handler._transforms = []
    return True


class UntrackedHandler:
    """A handler whose requests do not count as activity: an open tab must not keep a workbench from being culled."""

    _track_activity = False  # of jupyter_server's APIHandler
