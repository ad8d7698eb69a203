"""What the S3 store makes of stores, and mirrors of the hub, that answer otherwise than Amazon or Hugging Face."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from odhtec_jupyter.models import HubFile
from odhtec_jupyter.network import Network
from odhtec_jupyter.stores.http import Http
from odhtec_jupyter.stores.hub_source import HubSource
from odhtec_jupyter.stores.source import RangedSource
from tests.odd_store import Asked, OddStore, Reply, Stored, failure

BODY = bytes(range(256)) * 400  # 102,400 bytes


@pytest.fixture
def odd() -> Iterator[OddStore]:
    with OddStore() as running:
        yield running


def chunked(asked: Asked, reply: Reply) -> Reply:
    reply.framing = "chunked"
    return reply


def read(source: RangedSource, start: int, end: int) -> bytes:
    found = memoryview(bytearray(end - start))
    reader = source.open_range(start, end)
    done = 0
    while done < len(found):
        count = reader.readinto(found[done:])
        assert count, "the range ended too early"
        done += count
    reader.close()
    return bytes(found)


def test_connection_of_a_chunked_range_is_not_reused_before_its_end(odd: OddStore) -> None:
    odd.put("data.bin", BODY)
    odd.buckets["org"] = {"model/resolve/commit/data.bin": odd.objects["data.bin"]}
    odd.oddity = chunked
    http = Http(Network())
    file = HubFile(path="data.bin", size=len(BODY), etag="0", lfs=True)
    from_hub = HubSource(http, odd.endpoint, "org/model", "model", "commit", file, None)
    from_s3 = odd.store.source("bucket", "data.bin", len(BODY), odd.objects["data.bin"].etag)
    for source in (from_hub, from_s3):
        for start, end in ((0, 1000), (1000, 90_000), (0, len(BODY))):
            assert read(source, start, end) == BODY[start:end]
    http.close()


@pytest.mark.parametrize(
    ("status", "code"), [(501, "NotImplemented"), (405, "MethodNotAllowed"), (400, "XNotImplemented")]
)
def test_keys_are_deleted_one_by_one_where_delete_objects_is_unknown(odd: OddStore, status: int, code: str) -> None:
    keys = [f"folder/{number}" for number in range(1500)]
    for key in (*keys, "kept"):
        odd.put(key, b"")
    odd.refuse = lambda asked: failure(status, code) if "delete" in asked.query else None
    reply = odd.store.delete("bucket", keys[:1200])
    assert (sorted(reply.deleted), reply.errors) == (sorted(keys[:1200]), [])
    assert odd.count("POST") == 1  # what the store cannot do is asked once for a connection
    odd.store.delete("bucket", keys[1200:])
    assert (odd.count("POST"), list(odd.objects)) == (1, ["kept"])


def test_single_deletion_that_is_refused_is_listed(odd: OddStore) -> None:
    odd.put("a", b"")
    odd.put("b", b"")

    def refuse(asked: Asked) -> Reply | None:
        if "delete" in asked.query:
            return failure(501, "NotImplemented")
        return failure(403, "AccessDenied") if (asked.method, asked.key) == ("DELETE", "a") else None

    odd.refuse = refuse
    reply = odd.store.delete("bucket", ["a", "b"])
    assert (reply.deleted, [(one.Key, one.Code) for one in reply.errors]) == (["b"], [("a", "AccessDenied")])


def test_put_without_an_etag_is_stored(odd: OddStore) -> None:
    def hide(asked: Asked, reply: Reply) -> Reply:
        if asked.method == "PUT":
            reply.headers.pop("ETag", None)
        return reply

    odd.oddity = hide
    etag = odd.store.put("bucket", "data.bin", [memoryview(BODY)], len(BODY), if_absent=True)
    assert etag == odd.objects["data.bin"].etag
    assert odd.count("PUT") == 1
    upload_id = odd.store.create_multipart("bucket", "parts")
    etags = [
        odd.store.put_part("bucket", "parts", upload_id, number, [memoryview(part)], len(part))
        for number, part in ((1, BODY), (2, b"end"))
    ]
    odd.store.complete_multipart("bucket", "parts", upload_id, etags)
    assert odd.objects["parts"].body == BODY + b"end"
    assert etags == [Stored(BODY).etag, Stored(b"end").etag]


def test_put_without_an_etag_is_stored_where_looking_is_not_allowed(odd: OddStore) -> None:
    odd.refuse = lambda asked: failure(403, "AccessDenied") if asked.method == "HEAD" else None
    odd.oddity = lambda asked, reply: Reply(200) if asked.method == "PUT" else reply
    assert odd.store.put("bucket", "data.bin", [memoryview(BODY)], len(BODY)) is None
    assert odd.objects["data.bin"].body == BODY
