"""How many requests a copy within S3 takes, and what is compared after it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest

from odhtec_jupyter.errors import VerificationError
from odhtec_jupyter.network import Network
from odhtec_jupyter.stores.s3.store import S3Store
from odhtec_jupyter.transfers.copying.server_side_copy import copy_in_store
from odhtec_jupyter.transfers.runtime.engine import Engine
from odhtec_jupyter.transfers.targets.s3_target import S3Target
from odhtec_jupyter.uris import S3Uri
from tests.odd_store import OddStore, Reply, Request

OTHER_ETAG = b"<CopyObjectResult><ETag>&quot;other&quot;</ETag></CopyObjectResult>"


@pytest.fixture
def odd() -> Iterator[OddStore]:
    with OddStore() as running:
        running.store.list_page("bucket", "")
        running.requests.clear()
        yield running


def other_etag(request: Request, reply: Reply) -> None:
    """As for an object that was uploaded in parts, or that is encrypted."""
    if request.method == "PUT":
        reply.body = OTHER_ETAG


async def copy(engine: Engine, store: S3Store, pin: str, size: int) -> list[int]:
    moved: list[int] = []
    target = S3Target(store, "bucket", "copy", if_absent=True)
    options: dict[str, Any] = {"on_bytes": moved.append, "owner": "test"}
    assert await copy_in_store(engine, S3Uri("bucket", "key"), size, pin, target, **options)
    return moved


def sent(odd: OddStore) -> list[tuple[str, str]]:
    return [(one.method, one.key) for one in odd.requests]


async def test_copy_with_the_etag_of_its_source_is_not_checked_again(odd: OddStore, engine: Engine) -> None:
    etag = odd.put("key", b"bytes").etag
    assert await copy(engine, odd.store, etag, 5) == [5]
    assert sent(odd) == [("HEAD", "copy"), ("PUT", "copy")]


async def test_copy_with_another_etag_is_compared_with_source_and_size(odd: OddStore, engine: Engine) -> None:
    etag = odd.put("key", b"bytes").etag
    odd.oddity = other_etag
    assert await copy(engine, odd.store, etag, 5) == [5]
    assert sent(odd) == [("HEAD", "copy"), ("PUT", "copy"), ("HEAD", "key"), ("HEAD", "copy")]
    del odd.objects["copy"]

    def shortened(request: Request, reply: Reply) -> None:
        other_etag(request, reply)
        if request.method == "PUT":
            odd.objects["copy"].body = b"byte"

    odd.oddity = shortened
    with pytest.raises(VerificationError, match="has 4 bytes after 5 bytes"):
        await copy(engine, odd.store, etag, 5)


async def test_copy_on_amazon_is_one_request(odd: OddStore, engine: Engine) -> None:
    etag = odd.put("key", b"bytes").etag
    odd.oddity = other_etag
    connection = dataclasses.replace(odd.store.connection, endpoint="http://s3.amazonaws.com")
    amazon = S3Store(connection, Network(http_proxy=odd.endpoint))
    amazon.client("bucket")  # asks for the region
    odd.requests.clear()
    assert await copy(engine, amazon, etag, 5) == [5]
    assert sent(odd) == [("PUT", "copy")]
    amazon.close()


@pytest.mark.parametrize("is_stored", [True, False])
async def test_copy_on_amazon_without_an_etag_is_compared_by_its_size(
    odd: OddStore, engine: Engine, is_stored: bool
) -> None:
    """A gateway or a proxy in front of it can reply without a result."""
    etag = odd.put("key", b"bytes").etag

    def empty(request: Request, reply: Reply) -> None:
        if request.method == "PUT":
            reply.body = b""
            if not is_stored:
                del odd.objects["copy"]

    odd.oddity = empty
    connection = dataclasses.replace(odd.store.connection, endpoint="http://s3.amazonaws.com")
    amazon = S3Store(connection, Network(http_proxy=odd.endpoint))
    amazon.client("bucket")  # asks for the region
    odd.requests.clear()
    if is_stored:
        assert await copy(engine, amazon, etag, 5) == [5]
        assert sent(odd) == [("PUT", "copy"), ("HEAD", "copy")]
    else:
        with pytest.raises(VerificationError, match="has nothing after 5 bytes"):
            await copy(engine, amazon, etag, 5)
    amazon.close()
