"""The REST API as a client sees it, with each S3 server, and with a hub for tests that need one."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pytest
from tornado.httpclient import HTTPResponse

from odhtec_jupyter.client import Client
from odhtec_jupyter.demo.hub.repository import Repository
from odhtec_jupyter.demo.hub.stand_in import HubStandIn
from odhtec_jupyter.keys import encode_key
from odhtec_jupyter.services import Services
from tests.handlers.importing import FILES, TOKEN
from tests.odd_store import OddStore
from tests.waiting import GIVE_UP_SECONDS

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

FINAL = {"completed", "failed", "cancelled"}


class EventReader:
    """A raw connection on which the API sends server-sent events."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._text = b""
        self.status = 0
        self.headers: dict[str, str] = {}

    async def read_head(self) -> None:
        """Read status and headers of the reply."""
        lines = (await self._reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        self.status = int(lines[0].split()[1])
        self.headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:] if line)}

    async def next(self) -> dict[str, str]:
        """Return the fields of the next event. A comment is ``{"": text}``. Raises IncompleteReadError at the end."""
        while b"\n\n" not in self._text:
            async with asyncio.timeout(GIVE_UP_SECONDS):
                size = int(await self._reader.readuntil(b"\r\n"), 16)
                chunk = await self._reader.readexactly(size + 2)
            if not size:
                raise asyncio.IncompleteReadError(b"", None)
            self._text += chunk[:-2]
        block, _, self._text = self._text.partition(b"\n\n")
        return {
            name: value.removeprefix(" ") for name, _, value in (x.partition(":") for x in block.decode().split("\n"))
        }

    async def __aiter__(self) -> AsyncIterator[tuple[str, Any]]:
        """Yield name and data of each event, without comments."""
        while True:
            try:
                event = await self.next()
            except asyncio.IncompleteReadError:
                return
            if "data" in event:
                yield event.get("event", "message"), json.loads(event["data"])

    async def close(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()


class Api:
    """A client of the REST API. Error replies are returned, not raised."""

    def __init__(self, fetch: Callable[..., Awaitable[HTTPResponse]], port: int, base: str, token: str) -> None:
        self._fetch, self.port, self.token = fetch, port, token
        self.path = f"{base}odhtec/api"

    async def send(self, method: str, *parts: str, json_body: object = None, **options: Any) -> HTTPResponse:
        """Send a request and return the reply, whatever its status is."""
        if json_body is not None:
            options["body"] = json.dumps(json_body)
        return await self._fetch(
            "odhtec/api", *parts, method=method, raise_error=False, allow_nonstandard_methods=True, **options
        )

    async def ok(self, method: str, *parts: str, status: int = 200, **options: Any) -> Any:
        """Send a request, require this status, and return the body."""
        reply = await self.send(method, *parts, **options)
        assert reply.code == status, (reply.code, reply.body)
        return json.loads(reply.body) if reply.body else None

    async def refused(self, status: int, method: str, *parts: str, **options: Any) -> dict[str, str]:
        """Send a request, require an error with this status, and return its code and message."""
        reply = await self.send(method, *parts, **options)
        assert reply.code == status, (reply.code, reply.body)
        assert reply.headers["Content-Type"].startswith("application/json")
        body: dict[str, str] = json.loads(reply.body)
        assert set(body) == {"error", "message"}
        assert body["error"]
        assert body["message"]
        return body

    async def put(self, bucket: str, key: str, body: bytes, **options: Any) -> Any:
        """Upload one object as a raw body."""
        return await self.ok("PUT", "objects/upload", bucket, encode_key(key), status=201, body=body, **options)

    async def download(self, bucket: str, key: str, method: str = "GET", **headers: str) -> HTTPResponse:
        """Download an object. Names of ``headers`` have underscores instead of hyphens."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.send(method, "objects/download", bucket, encode_key(key), headers=named)

    async def raw(self, method: str, target: str, headers: Mapping[str, str]) -> tuple[Any, asyncio.StreamWriter]:
        """Open a connection and send only the head of a request."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        every = {"Host": f"127.0.0.1:{self.port}", "Authorization": f"token {self.token}", **headers}
        lines = [f"{method} {self.path}/{target} HTTP/1.1", *(f"{name}: {value}" for name, value in every.items())]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        await writer.drain()
        return reader, writer

    async def events(self, method: str, target: str, body: object = None, **headers: str) -> EventReader:
        """Open an event stream."""
        content = b"" if body is None else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        reader, writer = await self.raw(
            method, target, {"Accept": "text/event-stream", "Content-Length": str(len(content)), **named}
        )
        writer.write(content)
        stream = EventReader(reader, writer)
        await stream.read_head()
        return stream

    async def finished(self, transfer_id: str) -> Any:
        """Wait for the end of a transfer and return it."""
        stream = await self.events("GET", "transfers/events")
        try:
            async for kind, data in stream:
                if kind == "transfer" and data["id"] == transfer_id and data["state"] in FINAL:
                    return data
        finally:
            await stream.close()
        raise AssertionError("the event stream ended before the transfer")


@pytest.fixture(autouse=True)
def untimed_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let steps of searches and counts end after a number of pages only, not after a time."""
    monkeypatch.setattr("odhtec_jupyter.stores.step.STEP_SECONDS", float("inf"))


@pytest.fixture
def api(
    s3_server: Any,
    clean_environment_variables: None,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> Api:
    """The API with the data connection of ``s3_server`` in the environment."""
    for name, value in s3_server.env.items():
        monkeypatch.setenv(name, value)
    fetch = request.getfixturevalue("jp_fetch")
    port = request.getfixturevalue("http_server_port")[1]
    token = request.getfixturevalue("jp_serverapp").identity_provider.token
    return Api(fetch, port, request.getfixturevalue("jp_base_url"), token)


@pytest.fixture
def services(api: Api, jp_serverapp: Any) -> Services:
    """The services of the server."""
    found: Services = jp_serverapp.extension_manager.extension_points["odhtec_jupyter"].app.services
    return found


@pytest.fixture
def hf(hub: HubStandIn, clean_environment_variables: None, monkeypatch: pytest.MonkeyPatch) -> HubStandIn:
    """The hub, whose address is in HF_ENDPOINT."""
    monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
    return hub


@pytest.fixture
def form() -> Callable[..., tuple[bytes, dict[str, str]]]:
    """A function that returns body and headers of a form with these files, as browsers write it."""

    def build(*files: tuple[str, bytes]) -> tuple[bytes, dict[str, str]]:
        body = b""
        for name, content in files:
            shown = name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
            body += (
                b'--limit\r\nContent-Disposition: form-data; name="file"; filename="'
                + shown.encode()
                + b'"\r\nContent-Type: application/octet-stream\r\n\r\n'
                + content
                + b"\r\n"
            )
        return body + b"--limit--\r\n", {"Content-Type": "multipart/form-data; boundary=limit"}

    return build


@pytest.fixture
def multiparts(s3_client: S3Client, bucket: str) -> Callable[[], int]:
    """A function that returns the number of unfinished multipart uploads in the bucket."""

    def count() -> int:
        return len(s3_client.list_multipart_uploads(Bucket=bucket).get("Uploads", []))

    return count


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], Awaitable[None]]:
    """A function that checks a condition until it holds, for effects without a reply or an event."""

    async def wait(condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + GIVE_UP_SECONDS
        while not await asyncio.to_thread(condition):
            assert time.monotonic() < deadline, "the condition did not become true"
            await asyncio.sleep(0.02)

    return wait


@pytest.fixture
def odd_store() -> Iterator[OddStore]:
    """An S3 server whose replies a test can change."""
    with OddStore() as running:
        yield running


@pytest.fixture
def odd_api(
    odd_store: OddStore,
    clean_environment_variables: None,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> Api:
    """The API in front of ``odd_store``."""
    monkeypatch.setattr("odhtec_jupyter.transfers.runtime.retry.FIRST_DELAY_SECONDS", 0.01)
    monkeypatch.setenv("AWS_S3_ENDPOINT", odd_store.endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    fetch = request.getfixturevalue("jp_fetch")
    port = request.getfixturevalue("http_server_port")[1]
    token = request.getfixturevalue("jp_serverapp").identity_provider.token
    return Api(fetch, port, request.getfixturevalue("jp_base_url"), token)


@pytest.fixture
def odd_client(odd_api: Api) -> Client:
    """A client of the server in front of ``odd_store``."""
    return Client(f"http://127.0.0.1:{odd_api.port}{odd_api.path.removesuffix('odhtec/api')}", token=odd_api.token)


@pytest.fixture
def repo(hf: HubStandIn) -> Repository:
    """The repository ``org/model`` with the files of :mod:`tests.handlers.importing`."""
    repository = hf.add(Repository("org/model"))
    repository.commit(FILES)
    return repository


@pytest.fixture
def gated(hf: HubStandIn) -> Repository:
    """A gated repository that accepts one token."""
    hf.service.tokens["hf_other"] = "another"
    repository = hf.add(Repository("org/gated", gated="manual", accepted=frozenset({TOKEN})))
    repository.commit({"a.txt": b"secret"})
    return repository
