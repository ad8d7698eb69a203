"""Options of a connection: no signatures, costs of the requester, read-only, addressing style, profiles."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from odhtec_jupyter.errors import Forbidden
from odhtec_jupyter.network import Network
from odhtec_jupyter.settings import S3Connection
from odhtec_jupyter.stores.s3.store import S3Store
from tests.odd_store import OddStore
from tests.stores.s3.writing import put

ConnectedStore = Callable[..., S3Store]


@pytest.fixture
def connected(odd: OddStore) -> Iterator[ConnectedStore]:
    """A function that returns a store with these options, connected to ``odd``."""
    made: list[S3Store] = []

    def connect(**options: Any) -> S3Store:
        made.append(S3Store(replace(odd.store.connection, **options), Network()))
        return made[-1]

    odd.put("a.txt", b"text")
    yield connect
    for store in made:
        store.close()


def read_everything(store: S3Store) -> None:
    """Send each kind of reading request."""
    store.list_buckets()
    store.list_page("bucket", "")
    assert store.head("bucket", "a.txt")
    store.open("bucket", "a.txt").close()
    store.source("bucket", "a.txt", 4, odd_pin(store)).open_range(0, 4).close()


def odd_pin(store: S3Store) -> str:
    head = store.head("bucket", "a.txt")
    assert head
    return str(head.etag)


def test_anonymous_requests_are_not_signed(connected: ConnectedStore, odd: OddStore) -> None:
    store = connected(access_key_id=None, secret_access_key=None, anonymous=True)
    read_everything(store)
    put(store, "bucket", "b.txt", b"b")
    assert len(odd.requests) >= 6
    assert [one for one in odd.requests if "authorization" in one.headers or "x-amz-date" in one.headers] == []
    url = store.presign("bucket", "a.txt", "GET", 60, disposition="inline").url
    assert "anonymous" not in url
    assert "Signature" not in url


def test_anonymous_connection_does_not_look_for_credentials(
    connected: ConnectedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Any) -> None:
        raise AssertionError

    monkeypatch.setattr("botocore.credentials.CredentialResolver.load_credentials", fail)
    read_everything(connected(access_key_id=None, secret_access_key=None, anonymous=True))


def test_requester_accepts_costs_with_every_request_and_link(connected: ConnectedStore, odd: OddStore) -> None:
    store = connected(requester_pays=True)
    read_everything(store)
    put(store, "bucket", "b.txt", b"b")
    assert {one.headers.get("x-amz-request-payer") for one in odd.requests} == {"requester"}
    signed = [one.headers["authorization"] for one in odd.requests]
    assert all("x-amz-request-payer" in one for one in signed)
    link = store.presign("bucket", "a.txt", "GET", 60, disposition="inline").url
    query = parse_qs(urlsplit(link).query)
    assert query["x-amz-request-payer"] == ["requester"]
    assert query["X-Amz-SignedHeaders"] == ["host"]


def test_other_connections_do_not_accept_costs(connected: ConnectedStore, odd: OddStore) -> None:
    read_everything(connected())
    assert {one.headers.get("x-amz-request-payer") for one in odd.requests} == {None}


WRITES: dict[str, Callable[[S3Store], object]] = {
    "create bucket": lambda store: store.create_bucket("new"),
    "delete bucket": lambda store: store.delete_bucket("bucket"),
    "put": lambda store: put(store, "bucket", "b.txt", b"b"),
    "delete": lambda store: store.delete_exactly("bucket", "a.txt"),
    "delete many": lambda store: store.delete("bucket", ["a.txt"]),
    "start a multipart upload": lambda store: store.create_multipart("bucket", "b.txt"),
    "abort a multipart upload": lambda store: store.abort_multipart("bucket", "b.txt", "id"),
    "copy": lambda store: store.copy("bucket", "b.txt", "bucket", "a.txt", etag=odd_pin(store)),
    "tags": lambda store: store.set_tags("bucket", "a.txt", []),
    "link": lambda store: store.presign("bucket", "b.txt", "PUT", 60, disposition=""),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES.keys())
def test_read_only_connection_refuses_every_write(
    connected: ConnectedStore, odd: OddStore, write: Callable[[S3Store], object]
) -> None:
    store = connected(read_only=True)
    with pytest.raises(Forbidden, match="is read-only") as refused:
        write(store)
    assert (refused.value.code, refused.value.status) == ("ReadOnly", 403)
    assert {one.method for one in odd.requests} <= {"GET", "HEAD"}


def test_read_only_connection_reads(connected: ConnectedStore) -> None:
    store = connected(read_only=True)
    read_everything(store)
    assert store.presign("bucket", "a.txt", "GET", 60, disposition="inline").url


def test_addressing_style_is_that_of_the_connection() -> None:
    for style, host in (("virtual", "bucket.s3.example.com"), ("path", "s3.example.com"), (None, "s3.example.com")):
        store = S3Store(
            S3Connection("https://s3.example.com", None, None, "id", "s", addressing_style=style),  # type: ignore[arg-type]
            Network(),
        )
        assert urlsplit(store.presign("bucket", "a", "GET", 60, disposition="inline").url).hostname == host
        store.close()


def test_profile_has_the_credentials(
    connected: ConnectedStore, odd: OddStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config"
    config.write_text(
        "[profile made]\ncredential_process = echo"
        ' \'{"Version": 1, "AccessKeyId": "made-id", "SecretAccessKey": "s", "SessionToken": "t"}\'\n'
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of-the-server")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    store = connected(access_key_id=None, secret_access_key=None, profile="made")
    store.list_buckets()
    assert "Credential=made-id/" in odd.requests[-1].headers["authorization"]
    assert odd.requests[-1].headers["x-amz-security-token"] == "t"
