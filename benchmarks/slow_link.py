"""A link to a server that gives each connection so many bytes per second from there, and no more.

``slow_link.py PORT BYTES_PER_SECOND`` prints its own port on the first line, relays every connection to
``127.0.0.1:PORT``, and ends with standard input.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from contextlib import suppress
from math import inf

PIECE_BYTES = 64 * 1024


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, bytes_per_second: float) -> None:
    """Relay one direction. What could have been sent while there was nothing to send is not made up for."""
    loop = asyncio.get_running_loop()
    ready = 0.0
    with suppress(OSError):
        while piece := await reader.read(PIECE_BYTES):
            ready = max(ready, loop.time()) + len(piece) / bytes_per_second
            writer.write(piece)
            await writer.drain()
            if (early := ready - loop.time()) > 0:
                await asyncio.sleep(early)
    writer.close()


async def main() -> None:
    """Serve until standard input ends."""
    port, bytes_per_second = int(sys.argv[1]), float(sys.argv[2])
    connections: set[asyncio.Task[None]] = set()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port, limit=PIECE_BYTES)
        requests = asyncio.ensure_future(pump(reader, far_writer, inf))
        await pump(far_reader, writer, bytes_per_second)
        requests.cancel()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(relay(reader, writer))
        connections.add(task)
        task.add_done_callback(connections.discard)

    server = await asyncio.start_server(connected, "127.0.0.1", 0, limit=PIECE_BYTES)
    print(server.sockets[0].getsockname()[1], flush=True)
    loop, ended = asyncio.get_running_loop(), asyncio.Event()

    def wait_for_end() -> None:
        sys.stdin.read()
        loop.call_soon_threadsafe(ended.set)

    threading.Thread(target=wait_for_end, daemon=True).start()
    await ended.wait()


if __name__ == "__main__":
    asyncio.run(main())
