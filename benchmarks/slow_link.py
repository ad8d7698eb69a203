"""A link to a server: replies come later, and each connection gets so many bytes per second and no more.

``slow_link.py PORT LATENCY BYTES_PER_SECOND`` prints its own port on the first line, relays every connection to
``127.0.0.1:PORT``, and ends with standard input. The latency is in seconds.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from contextlib import suppress

PIECE_BYTES = 64 * 1024
MAX_PIECES_ON_THE_WAY = 64


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Relay requests."""
    with suppress(OSError):
        while piece := await reader.read(PIECE_BYTES):
            writer.write(piece)
            await writer.drain()
    writer.close()


async def pump_slowly(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, latency: float, bytes_per_second: float
) -> None:
    """Relay replies."""
    loop = asyncio.get_running_loop()
    on_the_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(MAX_PIECES_ON_THE_WAY)

    async def deliver() -> None:
        ready = 0.0
        while (found := await on_the_way.get())[1]:
            due, piece = found
            # What could have been sent while there was nothing to send is not made up for.
            ready = max(ready, due) + len(piece) / bytes_per_second
            await asyncio.sleep(max(0.0, ready - loop.time()))
            writer.write(piece)
            await writer.drain()

    delivering = asyncio.ensure_future(deliver())
    with suppress(OSError):
        piece = b"-"
        while piece and not delivering.done():
            piece = await reader.read(PIECE_BYTES)
            await on_the_way.put((loop.time() + latency, piece))
        await delivering
    delivering.cancel()
    writer.close()


async def main() -> None:
    """Serve until standard input ends."""
    port, latency, bytes_per_second = int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
    connections: set[asyncio.Task[None]] = set()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port, limit=PIECE_BYTES)
        requests = asyncio.ensure_future(pump(reader, far_writer))
        await pump_slowly(far_reader, writer, latency, bytes_per_second)
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
