"""A proxy in front of the server that limits the size of requests, as nginx does."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from odhtec_jupyter.client import Client
from odhtec_jupyter.demo.jupyter_process import JupyterProcess
from odhtec_jupyter.errors import TooLarge
from tests.content import MIB
from tests.loopback import LoopbackServer, QuietHandler

PAGE = b"<html><head><title>413 Request Entity Too Large</title></head></html>"


@pytest.fixture(params=["moto"])
def s3_server(request: pytest.FixtureRequest, moto_server: Any) -> Any:
    """One server is enough, because only the proxy matters."""
    return moto_server


@contextmanager
def limiting_proxy(server: JupyterProcess, limit: int) -> Iterator[tuple[str, list[int]]]:
    """Yield the address of a proxy, and the sizes of the bodies that it has forwarded."""
    passed: list[int] = []

    class Handler(QuietHandler):
        def forward(self) -> None:
            chunked = "chunked" in self.headers.get("Transfer-Encoding", "")
            length = int(self.headers.get("Content-Length", 0))
            if chunked or length > limit:
                self.answer(413, "text/html", PAGE)
                # The rest of the body is read, so that the sender receives the page and not a reset.
                while chunked and (size := int(self.rfile.readline(), 16)):
                    self.rfile.read(size + 2)
                self.rfile.read(2 if chunked else length)
                return
            body = self.rfile.read(length)
            headers = {k: v for k, v in self.headers.items() if k.lower() not in {"host", "content-length"}}
            url = server.url + self.path.removeprefix("/")
            reply = requests.request(self.command, url, data=body, headers=headers, timeout=600)
            if self.command == "PUT":
                passed.append(length)
            self.answer(reply.status_code, reply.headers.get("Content-Type", ""), reply.content)

        do_GET = do_PUT = do_POST = do_DELETE = forward

        def answer(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with LoopbackServer(Handler) as proxy:
        yield f"{proxy.url}/", passed


def test_uploads_continue_in_smaller_requests(
    moto_jupyter: JupyterProcess, s3_client: Any, bucket: str, tmp_path: Path
) -> None:
    small, large = os.urandom(3 * MIB), os.urandom(9 * MIB + 7)
    (tmp_path / "small").write_bytes(small)
    (tmp_path / "large").write_bytes(large)
    with limiting_proxy(moto_jupyter, 2 * MIB) as (url, passed):
        client = Client(url, moto_jupyter.token)
        for name, content in (("small", small), ("large", large)):
            done = client.upload(tmp_path / name, f"s3://{bucket}/").wait(progress=False)
            assert done.status.bytes_done == len(content)
            assert s3_client.get_object(Bucket=bucket, Key=name)["Body"].read() == content
        assert max(passed) <= 2 * MIB
        assert client.api.connection.body_limit.bytes == max(passed)
        client.api.connection.close()


def test_request_that_cannot_be_split_names_the_proxy_and_its_setting(
    moto_jupyter: JupyterProcess, bucket: str, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(bytes(5000))
    with limiting_proxy(moto_jupyter, 1000) as (url, passed):
        client = Client(url, moto_jupyter.token)
        with pytest.raises(TooLarge, match="proxy-body-size") as refused:
            client.upload(tmp_path / "file", f"s3://{bucket}/").wait(progress=False)
        assert refused.value.code == "ProxyBodyLimit"
        with pytest.raises(TooLarge, match="client_max_body_size"), client.open(f"s3://{bucket}/new", "wb") as file:
            file.write(bytes(2 * MIB))
        assert passed == []
        client.api.connection.close()
