"""A store with the limits of Hugging Face buckets, as their documentation describes them.

https://huggingface.co/docs/hub/storage-buckets-s3: a namespace in the path of the endpoint, no user metadata, no tags,
no copies of parts, no conditions of a GET, no lists of version 1. A GET of another program than botocore is redirected.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from odhtec_jupyter.demo.content import SyntheticContent
from odhtec_jupyter.services import Services
from odhtec_jupyter.transfers.copying import server_side_copy
from odhtec_jupyter.transfers.runtime.parts import PART_SIZE
from odhtec_jupyter.uris import parse_uri
from tests.marks import on_moto
from tests.odd_store import OddStore, Reply, Request, failure
from tests.transfers.steps import begin, ended

pytestmark = on_moto

NAMESPACE = "organization"
LARGE = SyntheticContent(2 * PART_SIZE + 11, seed=3).read()
IGNORED = ("x-amz-meta-", "if-match", "if-none-match", "x-amz-copy-source-if-match")


class HuggingFaceBuckets(OddStore):
    """Removes the namespace from each request, and refuses or ignores what the gateway does not support."""

    def answer(self, request: Request) -> Reply:
        if request.bucket != NAMESPACE:
            return failure(404, "NoSuchBucket")
        bucket, _, key = request.key.partition("/")
        if "x-amz-tagging" in request.headers or {"tagging", "versions", "versioning"} & set(request.query):
            return failure(501, "NotImplemented")
        if "x-amz-copy-source" in request.headers and "partNumber" in request.query:
            return failure(501, "NotImplemented")
        if bucket and not key and request.method == "GET" and request.query.get("list-type") != "2":
            return failure(501, "NotImplemented")
        if key and request.method == "GET" and "uploadId" not in request.query and not _is_botocore(request):
            return Reply(302, headers={"Location": "https://cdn.example.com/"})
        headers = {name: value for name, value in request.headers.items() if not name.startswith(IGNORED)}
        if source := headers.get("x-amz-copy-source"):
            headers["x-amz-copy-source"] = source.lstrip("/").removeprefix(f"{NAMESPACE}/")
        return super().answer(replace(request, bucket=bucket, key=key, headers=headers))


def _is_botocore(request: Request) -> bool:
    return "botocore" in request.headers.get("user-agent", "").lower()


@pytest.fixture
def store() -> Iterator[HuggingFaceBuckets]:
    with HuggingFaceBuckets() as running:
        yield running


@pytest.fixture
def connected(make_services: Callable[..., Services], store: HuggingFaceBuckets, jp_asyncio_loop: Any) -> Services:
    keys = {"access_key_id": "HFAK", "secret_access_key": "secret", "addressing_style": "path"}
    services = make_services(connections={"hf": {"endpoint": f"{store.endpoint}/{NAMESPACE}", **keys}})
    jp_asyncio_loop.run_until_complete(services.start())
    services.connections.refresh()
    return services


FILES = {"model/config.json": b"{}", "model/large.bin": LARGE}


async def test_folder_is_uploaded_listed_downloaded_and_deleted(
    connected: Services, store: HuggingFaceBuckets, workspace: Path
) -> None:
    (workspace / "model").mkdir()
    for path, body in FILES.items():
        (workspace / path).write_bytes(body)
    for source, target in (
        ("workspace://model/", "s3://hf@bucket/model/"),
        ("s3://hf@bucket/model/", "workspace://m/"),
    ):
        transfer = await ended(connected, await begin(connected, "copy", source, target))
        assert (transfer.state, transfer.error) == ("completed", None)
    assert {key: one.body for key, one in store.objects.items()} == FILES
    assert {path: (workspace / path.replace("model", "m")).read_bytes() for path in FILES} == FILES
    page = connected.known_store("hf").list_page("bucket", "", delimiter="/")
    assert page.folders == ["model/"]
    where = parse_uri("s3://hf@bucket/", "source")
    deletion = connected.deletion([], ["model/"], connection="hf")
    transfer = await connected.transfers.start(connected.transfers.new("delete", where, None, deletion))
    assert ((await ended(connected, transfer)).state, sorted(store.objects)) == ("completed", [])


async def test_copy_that_the_store_cannot_do_is_streamed(
    connected: Services, store: HuggingFaceBuckets, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_side_copy, "MAX_SINGLE_COPY_BYTES", PART_SIZE)
    for key, body in FILES.items():
        store.put(key, body)
    transfer = await ended(connected, await begin(connected, "move", "s3://hf@bucket/model/", "s3://hf@bucket/moved/"))
    assert (transfer.state, transfer.error) == ("completed", None)
    moved = {key.replace("model/", "moved/"): hashlib.sha256(body).hexdigest() for key, body in FILES.items()}
    assert {key: hashlib.sha256(one.body).hexdigest() for key, one in store.objects.items()} == moved


async def test_existing_object_is_not_replaced(connected: Services, store: HuggingFaceBuckets, workspace: Path) -> None:
    store.put("a", b"existing")
    (workspace / "a").write_bytes(b"new")
    transfer = await ended(connected, await begin(connected, "copy", "workspace://a", "s3://hf@bucket/a"))
    assert transfer.state == "failed"
    assert store.objects["a"].body == b"existing"
