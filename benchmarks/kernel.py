"""A kernel of the measured server, spoken to as JupyterLab does: over the server's websocket."""

from __future__ import annotations

import json
import socket
import uuid
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

import websocket
from stage import Server

TIMEOUT = 60  # seconds


class Kernel:
    """Started when the ``with`` block begins, ended with it."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def __enter__(self) -> Self:
        server = self._server
        reply = server.session.post(f"{server.root}api/kernels", json={"name": "python3"}, timeout=TIMEOUT)
        reply.raise_for_status()
        address = f"{server.root}api/kernels/{reply.json()['id']}"
        with ExitStack() as stack:
            stack.callback(server.session.delete, address, timeout=TIMEOUT)
            self._socket = websocket.create_connection(
                f"ws{address.removeprefix('http')}/channels",
                header=[f"Authorization: {server.session.headers['Authorization']!s}"],
                timeout=TIMEOUT,
            )
            stack.callback(self._socket.close)
            self.ask()  # it has started
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def ask(self) -> None:
        """One ``kernel_info_request``, and the reply to it."""
        number = uuid.uuid4().hex
        header = {"msg_id": number, "msg_type": "kernel_info_request", "session": "bench", "username": ""}
        message = {"header": {**header, "version": "5.3"}, "parent_header": {}, "metadata": {}, "content": {}}
        self._socket.send(json.dumps({"channel": "shell", **message}))
        while True:
            # Else TCP on our side would hold the second of the server's small messages up by 40 ms.
            self._socket.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
            reply: dict[str, Any] = json.loads(self._socket.recv())
            if reply["msg_type"] == "kernel_info_reply" and reply["parent_header"].get("msg_id") == number:
                return
