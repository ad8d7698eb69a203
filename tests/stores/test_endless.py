"""Endless replies of a store or a hub become an error before they fill the memory."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest

from odhtec_jupyter.errors import OdhTecError, StoreError
from odhtec_jupyter.network import Network
from odhtec_jupyter.settings import HubConnection, S3Connection
from odhtec_jupyter.stores.bounded import MAX_BODY_BYTES
from odhtec_jupyter.stores.hub import tree as hub_tree
from odhtec_jupyter.stores.hub.store import HubStore
from odhtec_jupyter.stores.s3 import multiparts
from odhtec_jupyter.stores.s3.store import S3Store
from tests.endless import EndlessServer, Reply, endless
from tests.recorder import Recorder
from tests.scripted_store import Answer, ScriptedStore, listing

# More bytes can be in buffers when the reader disconnects.
LIMIT = 2 * MAX_BODY_BYTES
XML = b'<?xml version="1.0"?>'
CONTENTS = b"<Contents><Key>k</Key><Size>1</Size></Contents>"
COMMIT = "0" * 40
INFO = {"id": "org/model", "sha": COMMIT, "private": False, "siblings": [], "tags": [], "downloads": 0}

S3_CALLS: dict[str, tuple[int, bytes, bytes, Callable[[S3Store], Any]]] = {
    "list": (
        200,
        XML + b"<ListBucketResult>",
        CONTENTS,
        lambda store: store.list_objects("bucket", "", max_keys=10, token=None),
    ),
    "buckets": (
        200,
        XML + b"<ListAllMyBucketsResult><Buckets>",
        b"<Bucket><Name>b</Name></Bucket>",
        lambda store: store.list_buckets(),
    ),
    "versions": (
        200,
        XML + b"<ListVersionsResult>",
        b"<Version><Key>k</Key><VersionId>v</VersionId></Version>",
        lambda store: store.list_versions("bucket", "k", max_keys=10, token=None),
    ),
    "uploads": (
        200,
        XML + b"<ListMultipartUploadsResult>",
        b"<Upload><Key>k</Key><UploadId>u</UploadId></Upload>",
        lambda store: store.list_multiparts("bucket", "k"),
    ),
    "deletion": (
        200,
        XML + b"<DeleteResult>",
        b"<Error><Key>k</Key><Code>c</Code></Error>",
        lambda store: store.delete("bucket", ["k"]),
    ),
    "refusal": (403, XML + b"<Error><Message>", b"no ", lambda store: store.open("bucket", "k")),
}


@pytest.mark.parametrize("call", S3_CALLS)
def test_endless_reply_of_the_store_is_an_error(call: str) -> None:
    status, start, entry, call_store = S3_CALLS[call]
    with EndlessServer(lambda _: (status, {}, endless(start, entry))) as server:
        store = S3Store(S3Connection(server.url, "us-east-1", None, "key", "secret"), Network())
        with pytest.raises(OdhTecError, match="more than 16 MB") as error:
            call_store(store)
        store.close()
    assert (error.value.code, error.value.status) == ("ReplyTooLarge", 502)
    assert server.sent < LIMIT


def hub_answer(part: str, headers: dict[str, str], body: Callable[[], Any]) -> Callable[[str], Reply]:
    """Return valid replies of a hub, except for addresses that contain ``part``."""

    def answer(path: str) -> Reply:
        if part in path:
            return 200, headers, body()
        content = INFO if "/tree/" not in path else []
        return 200, {}, iter([json.dumps(content).encode()])

    return answer


HUB_CALLS: dict[str, Callable[[HubStore], Any]] = {
    "/revision/": lambda store: store.repo("org/model", repo_type="model", revision="main"),
    "/tree/": lambda store: store.repo("org/model", repo_type="model", revision="main"),
    "/refs": lambda store: store.refs("org/model", repo_type="model"),
    "/whoami": lambda store: store.whoami(),
}


@pytest.mark.parametrize("part", HUB_CALLS)
@pytest.mark.parametrize("packed", [False, True])
def test_endless_reply_of_the_hub_is_an_error(part: str, packed: bool) -> None:
    headers = {"Content-Encoding": "gzip"} if packed else {}
    bomb = gzip.compress(b"[" + b" " * (64 << 20))  # 64 KB

    def body() -> Any:
        return iter([bomb]) if packed else endless(b"[", b'{"a": 1}, ')

    with EndlessServer(hub_answer(part, headers, body)) as server:
        store = HubStore(HubConnection(server.url, "hf_token"), Network())
        with pytest.raises(OdhTecError, match="more than 16 MB"):
            HUB_CALLS[part](store)
        store.close()
    assert server.sent < LIMIT


def test_compressed_reply_of_the_hub_is_read() -> None:
    files = [{"type": "file", "path": "a.txt", "size": 1, "oid": "1" * 40}]
    packed = gzip.compress(json.dumps(files).encode())
    with EndlessServer(hub_answer("/tree/", {"Content-Encoding": "gzip"}, lambda: iter([packed]))) as server:
        store = HubStore(HubConnection(server.url), Network())
        found = store.repo("org/model", repo_type="model", revision="main")
        store.close()
    assert [file.path for file in found.files] == ["a.txt"]


def tree(link: Callable[[int], str], *, per_page: int) -> tuple[EndlessServer, list[int]]:
    """Return a hub whose list of files continues at ``link`` of the page number, and the numbers of requested pages."""
    pages: list[int] = []

    def answer(path: str) -> Reply:
        if "/tree/" not in path:
            return 200, {}, iter([json.dumps(INFO).encode()])
        pages.append(len(pages))
        files = [
            {"type": "file", "path": f"{len(pages)}/{number}", "size": 1, "oid": "1" * 40} for number in range(per_page)
        ]
        return 200, {"Link": f'<{link(len(pages))}>; rel="next"'}, iter([json.dumps(files).encode()])

    return EndlessServer(answer), pages


def read_repo(server: EndlessServer) -> Any:
    store = HubStore(HubConnection(server.url, "hf_token"), Network())
    try:
        return store.repo("org/model", repo_type="model", revision="main")
    finally:
        store.close()


def test_list_of_files_with_a_loop_is_an_error() -> None:
    server, pages = tree(lambda number: f"/anything?cursor={number % 3}", per_page=0)
    with server, pytest.raises(OdhTecError, match="in a loop"):
        read_repo(server)
    assert len(pages) == 4


@pytest.mark.parametrize("link", ["/anything", "http://[::1/?cursor=2"])
def test_invalid_link_to_the_next_page_is_an_error(link: str) -> None:
    server, pages = tree(lambda number: link, per_page=1)
    with server, pytest.raises(OdhTecError, match="links to a next page of the file list without an address"):
        read_repo(server)
    assert len(pages) == 1


@pytest.mark.parametrize(("per_page", "pages_read"), [(30, 4), (0, 41)])
def test_endless_list_of_files_is_an_error(monkeypatch: pytest.MonkeyPatch, per_page: int, pages_read: int) -> None:
    monkeypatch.setattr(hub_tree, "MAX_FILES", 100)
    monkeypatch.setattr(hub_tree, "MAX_PAGES", 40)
    server, pages = tree(lambda number: f"/anything?cursor={number}", per_page=per_page)
    with server, pytest.raises(OdhTecError, match="more than 100 files"):
        read_repo(server)
    assert len(pages) == pages_read


def test_the_token_does_not_follow_a_link_to_another_host() -> None:
    with Recorder() as other:
        server, pages = tree(lambda number: f"{other.url}/api?cursor={min(number, 2)}", per_page=1)
        with server, pytest.raises(OdhTecError):
            read_repo(server)
    assert len(pages) == 3
    assert other.requests == []


def test_a_page_with_too_many_entries_is_refused(script: Callable[[Answer], ScriptedStore]) -> None:
    for keys in (10_000, 10_001):
        running = script(lambda _, keys=keys: listing(*map(str, range(keys))))
        if keys == 10_000:
            assert len(running.store.list_objects("bucket", "", max_keys=10, token=None).objects) == keys
        else:
            with pytest.raises(StoreError, match="more than 10,000 entries"):
                running.store.list_objects("bucket", "", max_keys=10, token=None)


def test_endless_list_of_parts_is_an_error(script: Callable[[Answer], ScriptedStore]) -> None:
    def answer(query: dict[str, str]) -> str:
        start = int(query.get("part-number-marker", 0))
        parts = "".join(
            f"<Part><PartNumber>{number}</PartNumber><ETag>e</ETag><Size>1</Size></Part>"
            for number in range(start + 1, start + 1001)
        )
        return f"<ListPartsResult><IsTruncated>true</IsTruncated>{parts}</ListPartsResult>"

    running = script(answer)
    with pytest.raises(StoreError, match="more than 10,000 parts"):
        running.store.list_parts("bucket", "k", "u")
    assert len(running.queries) == 11


def test_endless_list_of_unfinished_uploads_is_an_error(
    script: Callable[[Answer], ScriptedStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(multiparts, "MAX_PAGES", 20)

    def answer(query: dict[str, str]) -> str:
        return (
            "<ListMultipartUploadsResult><IsTruncated>true</IsTruncated>"
            f"<NextKeyMarker>k{query.get('key-marker', '')[-3:]}</NextKeyMarker>"
            f"<NextUploadIdMarker>{len(running.queries)}</NextUploadIdMarker></ListMultipartUploadsResult>"
        )

    running = script(answer)
    with pytest.raises(StoreError, match="more than 20 pages"):
        running.store.list_multiparts("bucket", "k")


LONG = "x" * 5000


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, f"<Error><Code>{LONG}</Code><Message>{LONG}</Message></Error>"),
        (200, f"<Error><Code>{LONG}</Code><Message>{LONG}</Message></Error>"),
        (200, f"<Broken{LONG}"),
        (200, f"<{LONG}></{LONG}>"),
    ],
)
def test_message_of_the_store_is_shortened(script: Callable[[Answer], ScriptedStore], status: int, body: str) -> None:
    running = script(lambda _: (status, body))
    with pytest.raises(OdhTecError) as error:
        running.store.list_objects("bucket", "", max_keys=1, token=None)
    assert len(str(error.value)) < 600
    assert len(error.value.code) <= 64


def test_message_of_botocore_is_shortened(script: Callable[[Answer], ScriptedStore]) -> None:
    with pytest.raises(OdhTecError) as error:
        script(lambda _: f"<Broken{LONG}").store.list_multiparts("bucket", "k")
    assert len(str(error.value)) < 600
