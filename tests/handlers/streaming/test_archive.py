"""``/archive``: its content, its name, and that an incomplete archive never looks complete."""

from __future__ import annotations

import asyncio
import logging
import shutil
import subprocess
import threading
import zipfile
from collections.abc import Awaitable, Callable
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from odhtec_jupyter.handlers.streaming import archive
from odhtec_jupyter.keys import encode_key
from odhtec_jupyter.services import Services
from odhtec_jupyter.stores.s3.source import S3Source
from odhtec_jupyter.stores.s3.store import S3Store
from odhtec_jupyter.transfers.downloads.read_ahead import Block
from tests.content import MIB, noise
from tests.marks import on_moto, over_http
from tests.odd_store import OddStore, Reply, Request
from tests.waiting import GIVE_UP_SECONDS

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


Eventually = Callable[[Callable[[], bool]], Awaitable[None]]


def query(base: str | None = None, keys: tuple[str, ...] = (), prefixes: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    pairs = [("key", key) for key in keys] + [("prefix", prefix) for prefix in prefixes]
    pairs += [] if base is None else [("base", base)]
    return [(name, encode_key(value) if value else "") for name, value in pairs]


async def fetch(api: Any, bucket: str, **wanted: Any) -> Any:
    """Return status, headers and body of the reply, and whether the body is complete."""
    reader, writer = await api.raw("GET", f"archive/{bucket}?{urlencode(query(**wanted))}", {})
    try:
        async with asyncio.timeout(GIVE_UP_SECONDS):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            headers = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
            if "content-length" in headers:
                return int(head.split()[1]), headers, await reader.readexactly(int(headers["content-length"])), True
            body = b""
            try:
                while size := int(await reader.readuntil(b"\r\n"), 16):
                    body += (await reader.readexactly(size + 2))[:-2]
            except (asyncio.IncompleteReadError, ConnectionResetError):
                return int(head.split()[1]), headers, body, False
            return int(head.split()[1]), headers, body, True
    finally:
        writer.close()


async def unpacked(api: Any, bucket: str, **wanted: Any) -> dict[str, bytes]:
    status, _, body, complete = await fetch(api, bucket, **wanted)
    assert (status, complete) == (200, True), body
    with zipfile.ZipFile(BytesIO(body)) as opened:
        assert opened.testzip() is None
        assert len(set(opened.namelist())) == len(opened.namelist())
        return {name: opened.read(name) for name in opened.namelist()}


KEYS = {
    "data/a.txt": b"a",
    "data/big.bin": noise(3 * MIB + 1),
    "data/sub/b c+d%2F.txt": b"b",
    "data/sub/日本.txt": "日本".encode(),
    "data/empty": b"",
    "data/folder/": b"",
    "database.txt": b"not below data/",
    "other/x": b"x",
    "top": b"t",
}


@pytest.fixture
def filled(s3_client: S3Client, bucket: str) -> str:
    for key, body in KEYS.items():
        s3_client.put_object(Bucket=bucket, Key=key, Body=body)
    return bucket


def below(prefix: str, cut: str = "") -> dict[str, bytes]:
    return {key.removeprefix(cut): body for key, body in KEYS.items() if key.startswith(prefix) and key != cut}


@pytest.mark.tls
async def test_archive_of_a_folder_has_exactly_its_objects(api: Any, filled: str) -> None:
    assert await unpacked(api, filled, prefixes=("data/",)) == below("data/")
    assert await unpacked(api, filled, prefixes=("data/",), base="data/") == below("data/", "data/")
    assert await unpacked(api, filled, prefixes=("data/sub/",)) == below("data/sub/", "data/")
    assert await unpacked(api, filled, prefixes=("",)) == KEYS


async def test_overlapping_selection_has_each_object_once(api: Any, filled: str) -> None:
    wanted = {"keys": ("top", "data/a.txt", "top"), "prefixes": ("data/sub/", "data/")}
    assert await unpacked(api, filled, **wanted, base="") == below("data/") | {"top": b"t"}
    assert await unpacked(api, filled, keys=("data/sub/日本.txt",)) == {"日本.txt": "日本".encode()}


async def test_unzip_accepts_the_archive_with_the_times_of_the_objects(
    api: Any, filled: str, s3_client: S3Client, tmp_path: Path
) -> None:
    path = tmp_path / "data.zip"
    path.write_bytes((await fetch(api, filled, prefixes=("",)))[2])
    if shutil.which("unzip"):
        await asyncio.to_thread(subprocess.run, ["unzip", "-tq", path], check=True, capture_output=True)
    modified = s3_client.head_object(Bucket=filled, Key="data/a.txt")["LastModified"]
    with zipfile.ZipFile(path) as opened:
        info = opened.getinfo("data/a.txt")
        assert info.date_time == (*modified.timetuple()[:5], modified.second // 2 * 2)
        assert {one.filename for one in opened.infolist() if one.is_dir()} == {"data/folder/"}


HOSTILE = ["../../evil", "/abs", "a\\b", "a_b", "a//b", "a/b", "a", "..", "k" * 900, "tab\there", "C:/x"]


@over_http
async def test_dangerous_names_are_changed_and_no_file_is_lost(
    api: Any, bucket: str, s3_server: Any, s3_client: S3Client, tmp_path: Path
) -> None:
    keys = [key for key in HOSTILE if s3_server.name != "moto" or "\t" not in key]
    for key in keys:
        s3_client.put_object(Bucket=bucket, Key=key, Body=key.encode())
    found = await unpacked(api, bucket, prefixes=("",))
    assert sorted(found.values()) == sorted(key.encode() for key in keys)
    folder = tmp_path / "folder"
    folder.mkdir()
    path, out = folder / "a.zip", folder / "out"
    path.write_bytes((await fetch(api, bucket, prefixes=("",)))[2])
    if shutil.which("unzip"):
        command = ["unzip", "-q", path, "-d", out]
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
    else:
        with zipfile.ZipFile(path) as opened:
            opened.extractall(out)
    assert sorted(one.read_bytes() for one in out.rglob("*") if one.is_file()) == sorted(found.values())
    assert [one.name for one in sorted(folder.iterdir())] == ["a.zip", "out"]


@on_moto
async def test_archive_is_named_after_its_content(api: Any, bucket: str, s3_client: S3Client) -> None:
    for key in ('a/dä"ta/x', "a/y", "z"):
        s3_client.put_object(Bucket=bucket, Key=key, Body=b"x")
    for wanted, name in (
        ({"prefixes": ('a/dä"ta/',)}, "d%C3%A4%22ta.zip"),
        ({"keys": ("a/y",)}, "a.zip"),
        ({"prefixes": ("a/",), "keys": ("z",)}, f"{bucket}.zip"),
        ({"prefixes": ("",)}, f"{bucket}.zip"),
    ):
        _, headers, _, _ = await fetch(api, bucket, **wanted)
        assert headers["content-disposition"].endswith(f"filename*=utf-8''{name.lower()}"), wanted
        assert headers["content-type"] == "application/zip"


async def test_invalid_archive_request_is_an_error(api: Any, filled: str) -> None:
    for status, code, bucket, params in (
        (404, "NoSuchBucket", f"absent-{filled}", query(prefixes=("a/",))),
        (404, "NoSuchBucket", f"absent-{filled}", query(keys=("a",))),
        (404, "NoSuchKey", filled, query(keys=("top", "absent"))),
        (404, "NoSuchKey", filled, query(prefixes=("absent/",))),
        (400, "InvalidRequest", filled, query()),
        (400, "InvalidRequest", filled, query(prefixes=("data",))),
        (400, "InvalidRequest", filled, query(prefixes=("data/",), base="other/")),
        (400, "InvalidRequest", filled, query(prefixes=("data/",), base="dat")),
        (400, "InvalidKey", filled, [("key", "****")]),
    ):
        assert (await api.refused(status, "GET", "archive", bucket, params=params))["error"] == code, params


def before_reading(monkeypatch: pytest.MonkeyPatch, key: str, action: Callable[[], Any]) -> None:
    """Call ``action`` between the listing and the GET of a key."""
    source = S3Store.source

    def open_source(store: S3Store, bucket: str, name: str, size: int, etag: str) -> Any:
        if name == key:
            action()
        return source(store, bucket, name, size, etag)

    monkeypatch.setattr(S3Store, "source", open_source)


async def test_archive_ends_when_an_object_changes(
    api: Any,
    filled: str,
    s3_client: S3Client,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def change() -> None:
        s3_client.put_object(Bucket=filled, Key="data/sub/日本.txt", Body=b"654321")

    before_reading(monkeypatch, "data/sub/日本.txt", change)
    with caplog.at_level(logging.WARNING):
        status, headers, body, complete = await fetch(api, filled, prefixes=("data/",))
    assert (status, complete) == (200, False)
    assert "content-length" not in headers
    assert not zipfile.is_zipfile(BytesIO(body))
    assert any("ended early" in record.getMessage() and "changed" in record.getMessage() for record in caplog.records)


@on_moto
async def test_incomplete_archive_over_http_1_0_resets_the_connection(
    api: Any, filled: str, s3_client: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy can use HTTP/1.0, as nginx does by default. It would turn a normal end into a complete reply."""
    target = f"{api.path}/archive/{filled}?{urlencode(query(prefixes=('data/',)))}"
    request = f"GET {target} HTTP/1.0\r\nAuthorization: token {api.token}\r\n\r\n".encode()

    async def ask() -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
        try:
            writer.write(request)
            async with asyncio.timeout(GIVE_UP_SECONDS):
                return await reader.read()
        finally:
            writer.close()

    whole = await ask()
    assert zipfile.is_zipfile(BytesIO(whole))
    other = {"Bucket": filled, "Key": "data/sub/日本.txt", "Body": b"654321"}
    before_reading(monkeypatch, "data/sub/日本.txt", lambda: s3_client.put_object(**other))
    with pytest.raises(ConnectionResetError):
        await ask()


@over_http
async def test_object_deleted_in_the_meantime_is_named_in_the_archive(
    api: Any, filled: str, s3_client: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = await unpacked(api, filled, prefixes=("data/",))
    before_reading(
        monkeypatch, "data/sub/日本.txt", lambda: s3_client.delete_object(Bucket=filled, Key="data/sub/日本.txt")
    )
    found = await unpacked(api, filled, prefixes=("data/",))
    (missing,) = set(whole) - set(found)
    (note,) = set(found) - set(whole)
    assert missing.endswith("日本.txt")
    assert "1 of the selected objects" in found[note].decode()
    assert "data/sub/日本.txt: " in found[note].decode()
    assert {name: whole[name] for name in whole if name != missing} == {
        name: found[name] for name in found if name != note
    }


@over_http
async def test_object_deleted_before_the_first_byte_is_an_error(
    api: Any, filled: str, s3_client: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    before_reading(monkeypatch, "other/x", lambda: s3_client.delete_object(Bucket=filled, Key="other/x"))
    error = await api.refused(404, "GET", "archive", filled, params=query(prefixes=("other/",)))
    assert error["error"] == "NoSuchKey"


@on_moto
async def test_archive_counts_as_activity_and_ends_when_the_client_disconnects(
    api: Any, bucket: str, s3_client: S3Client, jp_serverapp: Any, services: Services, eventually: Eventually
) -> None:
    for number in range(6):
        s3_client.put_object(Bucket=bucket, Key=f"{number}", Body=noise(4 * MIB))
    assert services.active == 0
    reader, writer = await api.raw("GET", f"archive/{bucket}?prefix=", {})
    await reader.readuntil(b"\r\n\r\n")
    await reader.readexactly(MIB)
    assert services.active == 1
    assert "odhtec_last_activity" in jp_serverapp.web_app.settings
    writer.close()
    await eventually(lambda: services.active == 0)


@on_moto
async def test_archives_end_when_the_server_stops(
    api: Any, bucket: str, s3_client: S3Client, services: Services, eventually: Eventually
) -> None:
    for number in range(6):
        s3_client.put_object(Bucket=bucket, Key=f"{number}", Body=noise(4 * MIB))
    reader, writer = await api.raw("GET", f"archive/{bucket}?prefix=", {})
    await reader.readuntil(b"\r\n\r\n")
    for abort in list(services.open_streams):
        await abort()
    await eventually(lambda: services.active == 0)
    assert not (await reader.read()).endswith(b"0\r\n\r\n")
    writer.close()


async def test_download_continues_after_a_broken_connection(
    api: Any, filled: str, s3_client: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    from odhtec_jupyter.errors import Unreachable
    from odhtec_jupyter.stores.s3.object import ObjectBody
    from odhtec_jupyter.transfers.runtime import retry

    monkeypatch.setattr(retry, "FIRST_DELAY_SECONDS", 0.01)
    monkeypatch.setattr(archive, "BUFFER_BYTES", 256 * 1024)
    readinto, torn = ObjectBody.readinto, []

    def tear(body: ObjectBody, buffer: memoryview) -> int:
        if body.total == 3 * MIB + 1 and len(torn) < 3 and body._taken > 512 * 1024:
            torn.append(body)
            raise Unreachable("The connection was torn by the test.")
        return readinto(body, buffer)

    monkeypatch.setattr(ObjectBody, "readinto", tear)
    assert await unpacked(api, filled, prefixes=("data/",)) == below("data/")
    assert len(torn) == 3


@pytest.mark.parametrize("size", [1000, 300 * 1024])
async def test_small_objects_are_read_while_earlier_ones_are_sent(
    odd_api: Any, odd_store: OddStore, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    kept = {f"d/{number:03}": noise(size + number) for number in range(60)}
    for key, body in kept.items():
        odd_store.put(key, body)
    open_range, together = S3Source.open_range, threading.Barrier(12, timeout=GIVE_UP_SECONDS)

    def meeting(source: S3Source, start: int, end: int) -> Any:
        together.wait()  # breaks if fewer objects are requested at the same time
        return open_range(source, start, end)

    monkeypatch.setattr(S3Source, "open_range", meeting)
    assert await unpacked(odd_api, "bucket", prefixes=("d/",), base="") == kept
    # What the list says is not requested again.
    assert [odd_store.count("GET", key=key) for key in kept] == [1] * len(kept)
    assert odd_store.count("HEAD") == 0


async def test_object_whose_memory_was_released_is_requested_again(
    odd_api: Any, odd_store: OddStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = {f"d/{number}": noise(300_000 + number) for number in range(20)}
    for key, body in kept.items():
        odd_store.put(key, body)
    copy, calls = Block.copy, []

    def lost(block: Block, start: int, target: memoryview) -> int:
        calls.append(block)
        return 0 if len(calls) % 3 == 0 else copy(block, start, target[:100_000])

    monkeypatch.setattr(Block, "copy", lost)
    assert await unpacked(odd_api, "bucket", prefixes=("d/",), base="") == kept
    assert odd_store.count("GET", key="d/0") + odd_store.count("GET", key="d/1") > 2


async def test_archive_is_whole_without_memory_to_read_ahead(
    odd_api: Any, odd_store: OddStore, jp_serverapp: Any
) -> None:
    kept = {f"d/{number}": noise(1000 * number) for number in range(50)}
    for key, body in kept.items():
        odd_store.put(key, body)
    budget = jp_serverapp.extension_manager.extension_points["odhtec_jupyter"].app.services.engine.budget
    with await budget.lease(budget.largest, "copy"):
        assert await unpacked(odd_api, "bucket", prefixes=("d/",), base="") == kept
        assert budget.used == budget.largest
    assert budget.used == 0


async def test_object_read_ahead_over_a_broken_connection_is_whole(odd_api: Any, odd_store: OddStore) -> None:
    kept = {f"d/{number}": noise(50_000) for number in range(10)}
    for key, body in kept.items():
        odd_store.put(key, body)

    def tear(request: Request, reply: Reply) -> Reply:
        if request.key == "d/5" and odd_store.count("GET", key="d/5") < 3:
            reply.torn_after = 10_000
        return reply

    odd_store.oddity = tear
    assert await unpacked(odd_api, "bucket", prefixes=("d/",), base="") == kept
    assert odd_store.count("GET", key="d/5") == 3


async def test_memory_is_free_again_after_the_client_disconnects(
    odd_api: Any, odd_store: OddStore, jp_serverapp: Any, eventually: Eventually
) -> None:
    for number in range(40):
        odd_store.put(f"d/{number}", noise(MIB))
    services = jp_serverapp.extension_manager.extension_points["odhtec_jupyter"].app.services
    reader, writer = await odd_api.raw("GET", f"archive/bucket?prefix={encode_key('d/')}", {})
    await reader.readuntil(b"\r\n\r\n")
    assert services.engine.budget.used > 0
    writer.close()
    await eventually(lambda: services.active == 0 and services.engine.budget.used == 0)


@on_moto
async def test_refused_archive_keeps_no_memory(api: Any, services: Services, filled: str) -> None:
    for status, wanted in ((400, {"keys": ("top",), "base": "data/"}), (404, {"keys": ("missing",)})):
        assert (await fetch(api, filled, **wanted))[0] == status
        assert services.engine.budget.used == 0
