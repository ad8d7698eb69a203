"""Redirects of a store: one request, and an error with the address or a retry in the named region."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from odhtec_jupyter.errors import OdhTecError
from odhtec_jupyter.network import Network
from odhtec_jupyter.settings import S3Connection
from odhtec_jupyter.stores.s3.store import S3Store
from tests.endless import EndlessServer

CALLS: dict[str, Callable[[S3Store], Any]] = {
    "list": lambda store: store.list_objects("bucket", "", max_keys=10, token=None),
    "head": lambda store: store.head("bucket", "k"),
    "get": lambda store: store.open("bucket", "k"),
    "buckets": lambda store: store.list_buckets(),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirect_without_a_region_is_an_error_after_one_request(call: str, status: int) -> None:
    headers = {"Location": "https://elsewhere.example:8443/bucket", "Content-Length": "0"}
    with EndlessServer(lambda _: (status, headers, iter([b""]))) as server:
        store = S3Store(S3Connection(server.url, None, None, "key", "secret"), Network())
        with pytest.raises(OdhTecError, match=r"redirects to elsewhere\.example:8443 .* Check the endpoint") as error:
            CALLS[call](store)
        store.close()
    assert len(server.requests) == 1
    assert not error.value.transient


def test_request_is_signed_again_for_the_region_of_a_redirect() -> None:
    def answer(_: str) -> Any:
        if len(server.requests) == 1:
            return 301, {"x-amz-bucket-region": "eu-west-9", "Content-Length": "0"}, iter([b""])
        return 200, {}, iter([b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"])

    with EndlessServer(answer) as server:
        store = S3Store(S3Connection(server.url, None, None, "key", "secret"), Network())
        assert store.list_objects("bucket", "", max_keys=10, token=None).objects == []
        store.close()
    assert ["eu-west-9" in request for request in server.requests] == [False, True]
