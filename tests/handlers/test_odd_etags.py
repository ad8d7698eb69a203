"""Stores without ETags, or with ETags in another form than that of Amazon S3."""

from __future__ import annotations

import asyncio
import io
import json
import re
import zipfile
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote
from xml.sax.saxutils import escape

import pytest

from odhtec_jupyter.client import Client
from odhtec_jupyter.client.files.ranges import open_whole
from odhtec_jupyter.errors import VerificationError
from odhtec_jupyter.keys import encode_key
from tests.odd_store import Oddity, OddStore, Reply, Request, failure

BODY = bytes(range(256)) * 400  # 102,400 bytes


async def test_upload_to_a_store_without_etags_succeeds(odd_api: Any, odd_store: OddStore) -> None:
    def hide(request: Request, reply: Reply) -> Reply:
        if request.method == "PUT":
            reply.headers.pop("ETag", None)
        return reply

    odd_store.oddity = hide
    for key, body in (("small", BODY), ("large", BODY * 100)):
        stored = await odd_api.put("bucket", key, body)
        assert (stored["size"], odd_store.objects[key].body == body) == (len(body), True)
    assert (await odd_api.put("bucket", "small", b"new"))["ETag"] == odd_store.objects["small"].etag


def write_etags(form: Callable[[str], str | None], listed: Callable[[str], str | None]) -> Oddity:
    """Return an oddity that changes the ETags of objects and those in lists."""

    def change(request: Request, reply: Reply) -> Reply:
        etag = reply.headers.pop("ETag", None)
        if etag and (written := form(etag)) is not None:
            reply.headers["ETag"] = written
        if "list-type" in request.query:

            def entry(match: re.Match[str]) -> str:
                other = listed(match[1])
                return "" if other is None else f"<ETag>{escape(other)}</ETag>"

            reply.body = re.sub("<ETag>([^<]*)</ETag>", entry, reply.body.decode()).encode()
        return reply

    return change


def bare(etag: str) -> str:
    return etag.strip('"')


def compare_literally(odd_store: OddStore, form: Callable[[str], str | None]) -> None:
    """Let the store compare ETags of conditions literally with the form that it sends."""

    def refuse(request: Request) -> Reply | None:
        if etag := request.headers.pop("if-match", None):
            return failure(412, "PreconditionFailed") if etag != form(odd_store.objects[request.key].etag) else None
        if etag := request.headers.pop("x-amz-copy-source-if-match", None):
            key = unquote(request.headers["x-amz-copy-source"]).lstrip("/").partition("/")[2]
            return failure(412, "PreconditionFailed") if etag != form(odd_store.objects[key].etag) else None
        return None

    odd_store.refuse = refuse


FORMS: dict[str, tuple[Callable[[str], str | None], Callable[[str], str | None]]] = {
    "unquoted": (bare, bare),
    "weak": (lambda etag: f"W/{etag}", lambda etag: f"W/{etag}"),
    "missing": (lambda _: None, lambda _: None),
    "missing in the list": (str, lambda _: None),
    "other in the list": (str, lambda etag: f'"{bare(etag)[:8]}"'),
    "weak by HEAD": (lambda etag: f"W/{etag}", str),
}


@pytest.fixture(params=FORMS)
def etags(request: pytest.FixtureRequest, odd_store: OddStore) -> str:
    form, listed = FORMS[request.param]
    compare_literally(odd_store, form)
    odd_store.oddity = write_etags(form, listed)
    return str(request.param)


async def test_folder_is_copied_moved_and_archived_with_any_etags(
    odd_api: Any, odd_store: OddStore, jp_root_dir: Any, etags: str
) -> None:
    odd_store.put("folder/a", BODY)
    odd_store.put("folder/b/c", b"c")
    want = {"a": BODY, "b/c": b"c"}
    packed = await odd_api.send("GET", "archive/bucket", params={"prefix": encode_key("folder/")})
    with zipfile.ZipFile(io.BytesIO(packed.body)) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {
            f"folder/{key}": body for key, body in want.items()
        }
    for action, target in (
        ("copy", "s3://bucket/copy/"),
        ("copy", "workspace://copy/"),
        ("move", "s3://bucket/moved/"),
    ):
        transfer = await odd_api.ok(
            "POST",
            "transfers",
            status=201,
            json_body={"action": action, "source": "s3://bucket/folder/", "target": target},
        )
        ended = await odd_api.finished(transfer["id"])
        assert (ended["state"], ended["error"]) == ("completed", None), (action, target)
    assert {key: one.body for key, one in odd_store.objects.items()} == {
        f"{folder}/{key}": body for folder in ("copy", "moved") for key, body in want.items()
    }
    assert {key: (jp_root_dir / "copy" / key).read_bytes() for key in want} == want


async def test_object_is_previewed_and_read_with_any_etags(
    odd_api: Any, odd_store: OddStore, odd_client: Client, etags: str
) -> None:
    odd_store.put("data.csv", b"a,b\n" + b"1,2\n" * 100_000)
    preview = await odd_api.ok("GET", "objects/preview/bucket", encode_key("data.csv"))
    assert preview["kind"] == "table"

    def read() -> bytes:
        with odd_client.open("s3://bucket/data.csv") as file:
            file.seek(300_000)
            return file.read(4)

    assert await asyncio.to_thread(read) == b"1,2\n"


async def test_conditional_upload_replaces_only_the_object_that_was_read(
    odd_api: Any, odd_store: OddStore, etags: str
) -> None:
    odd_store.put("notes.txt", b"first")

    async def save(etag: str, body: bytes) -> Any:
        segments = ("objects/upload/bucket", encode_key("notes.txt"))
        return await odd_api.send("PUT", *segments, body=body, headers={"If-Match": etag})

    seen = (await odd_api.download("bucket", "notes.txt", "HEAD")).headers["ETag"]
    assert re.fullmatch('"[^"]+"', seen)
    assert (await odd_api.download("bucket", "notes.txt")).headers["ETag"] == seen
    assert (await odd_api.download("bucket", "notes.txt", If_None_Match=seen)).code in {200, 304}
    saved = await save(seen, b"second one")
    assert saved.code == 201
    assert (await save(f"W/{json.loads(saved.body)['ETag']}", b"the third")).code == 201  # as some proxies change it
    assert (await save(seen, b"by a user who has read the first")).code == 412
    assert odd_store.objects["notes.txt"].body == b"the third"


async def test_changed_source_is_detected_with_any_etags(odd_api: Any, odd_store: OddStore, etags: str) -> None:
    odd_store.put("data.bin", BODY)
    change = odd_store.oddity
    assert change is not None

    def write_after_the_first_range(request: Request, reply: Reply) -> Reply | None:
        if (request.method, request.key, reply.status) == ("GET", "data.bin", 206):
            now = odd_store.put("data.bin", BODY[::-1])
            now.modified = datetime(2025, 1, 1, tzinfo=UTC)
        return change(request, reply)

    seen = odd_store.store.head("bucket", "data.bin")
    assert seen is not None
    source = odd_store.store.source("bucket", "data.bin", len(BODY), seen.etag or "")
    odd_store.oddity = write_after_the_first_range
    source.open_range(0, 10).close()
    odd_store.oddity = change
    with pytest.raises(VerificationError):
        source.open_range(10, 20)


async def test_only_the_etags_of_a_store_allow_ranges_in_parallel(
    odd_api: Any, odd_store: OddStore, odd_client: Client, etags: str
) -> None:
    odd_store.put("data.bin", BODY)

    def is_pinned() -> bool:
        with closing(open_whole(odd_client.api, "bucket", "data.bin", len(BODY))) as stream:
            return stream.source.is_pinned

    # An object that is replaced in the same second keeps an ETag that is made of the date.
    assert await asyncio.to_thread(is_pinned) == (etags not in {"weak", "weak by HEAD", "missing"})
