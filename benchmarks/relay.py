"""The least that any server in the middle does: read into one buffer, write it out. Used where there is no socat.

``relay.py FD PORT`` joins the connected socket ``FD`` with ``127.0.0.1:PORT`` until both sides are done.
"""

from __future__ import annotations

import socket
import sys
import threading

BUFFER = 256 * 1024


def pump(source: socket.socket, target: socket.socket) -> None:
    """Everything from one side to the other."""
    buffer = memoryview(bytearray(BUFFER))
    try:
        while count := source.recv_into(buffer):
            target.sendall(buffer[:count])
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # the other direction has ended the connection


def main() -> None:
    """Both directions at once."""
    client = socket.socket(fileno=int(sys.argv[1]))
    server = socket.create_connection(("127.0.0.1", int(sys.argv[2])))
    back = threading.Thread(target=pump, args=(server, client))
    back.start()
    pump(client, server)
    back.join()


if __name__ == "__main__":
    main()
