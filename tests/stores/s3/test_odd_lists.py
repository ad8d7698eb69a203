"""Lists of stores without tokens, without ListObjectsV2 or with invalid entries."""

from __future__ import annotations

import re
from typing import Any

import pytest

from odhtec_jupyter.errors import OdhTecError, StoreError
from odhtec_jupyter.stores.s3.search import Search
from odhtec_jupyter.stores.step import Step
from tests.odd_store import Oddity, OddStore, Refusal, Reply, Request, failure


def test_invalid_date_of_one_bucket_does_not_hide_others(odd: OddStore) -> None:
    listed = (
        "<ListAllMyBucketsResult><Buckets>"
        "<Bucket><Name>a</Name><CreationDate>2024-01-02T03:04:05Z</CreationDate></Bucket>"
        "<Bucket><Name>b</Name><CreationDate>unknown</CreationDate></Bucket>"
        "<Bucket><CreationDate>2024-01-02T03:04:05Z</CreationDate></Bucket>"
        "<Bucket><Name>c</Name></Bucket></Buckets></ListAllMyBucketsResult>"
    )
    odd.refuse = lambda request: None if request.bucket else Reply(200, listed.encode())
    found = odd.store.list_buckets()
    assert [(one.Name, one.CreationDate is not None) for one in found.buckets] == [
        *(("a", True), ("b", False), ("c", False)),
    ]


def test_entry_with_an_invalid_date_or_number_does_not_hide_others(odd: OddStore) -> None:
    version = "<Key>key</Key><VersionId>{0}</VersionId><LastModified>{1}</LastModified><Size>{2}</Size>"
    upload = "<Key>key</Key><UploadId>{0}</UploadId><Initiated>{1}</Initiated>"
    part = "<PartNumber>{0}</PartNumber><ETag>e</ETag><Size>{1}</Size>"
    good, bad = "2024-01-02T03:04:05Z", "31 Foo"
    replies = {
        "versions": f"<Version>{version.format(1, bad, 'x')}</Version><Version>{version.format(2, good, 3)}</Version>",
        "uploads": f"<Upload>{upload.format(1, bad)}</Upload><Upload>{upload.format(2, good)}</Upload>",
        "uploadId": "".join(f"<Part>{part.format(*one)}</Part>" for one in ((1, "x"), ("x", 1), (3, 4))),
    }

    def answer(request: Request) -> Reply | None:
        found = [text for name, text in replies.items() if name in request.query]
        return Reply(200, f"<Result>{found[0]}</Result>".encode()) if found else None

    odd.refuse = answer
    assert {one.VersionId: one.Size for one in odd.store.list_versions("bucket", "key").versions} == {"1": None, "2": 3}
    listed = odd.store.list_unfinished("bucket", "", token=None).uploads
    assert [one.UploadId for one in listed] == ["1", "2"]
    assert [one.upload_id for one in odd.store.list_multiparts("bucket", "key")] == ["2"]
    assert {number: one.size for number, one in odd.store.list_parts("bucket", "key", "upload").items()} == {3: 4}


def handle_as_first_version(request: Request) -> None:
    """Handle a list request as a store without ListObjectsV2, which ignores unknown parameters."""
    for name in ("list-type", "continuation-token", "start-after"):
        request.query.pop(name, None)


def refuse_the_second_version(request: Request) -> Reply | None:
    return failure(501, "NotImplemented") if "list-type" in request.query else None


def without_tokens(request: Request, reply: Reply) -> None:
    """Handle a list request as a store that supports ``start-after`` and returns no token."""
    if request.query.get("list-type") == "2":
        request.query.pop("marker", None)
        reply.body = re.sub(b"<NextContinuationToken>.*</NextContinuationToken>", b"", reply.body)


OLD_STORES: dict[str, tuple[Refusal | None, Oddity | None]] = {
    "version 1": (handle_as_first_version, None),
    "version 2 refused": (refuse_the_second_version, None),
    "no token": (None, without_tokens),
}


@pytest.fixture(params=OLD_STORES)
def old(request: pytest.FixtureRequest, odd: OddStore) -> OddStore:
    odd.refuse, odd.oddity = OLD_STORES[request.param]
    for key in ("a/1", "a/2", "a0", "b", "c/d/e", "c/f", "é+&%/x", "😀"):
        odd.put(key, b"body of " + key.encode())
    return odd


@pytest.mark.parametrize("size", [1, 2, 3])
def test_list_without_tokens_is_complete(old: OddStore, size: int) -> None:
    for prefix, level in (("", ["a/", "a0", "b", "c/", "é+&%/", "😀"]), ("c/", ["c/d/", "c/f"])):
        found: list[str] = []
        token: str | None = None
        while True:
            page = old.store.list_objects("bucket", prefix, max_keys=size, token=token)
            found += sorted([one.Prefix for one in page.prefixes] + [one.Key for one in page.objects], key=str.encode)
            token = page.next_continuation_token
            if token is None:
                break
        assert found == level


def test_walk_count_and_search_of_a_list_without_tokens_are_complete(
    old: OddStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = list(old.objects)
    page = old.store.list_page
    monkeypatch.setattr(old.store, "list_page", lambda *args, **named: page(*args, **named | {"max_keys": 3}))
    assert [one.Key for objects in old.store.walk("bucket", "") for one in objects] == every
    usage = old.store.usage("bucket", "", token=None, step=Step())
    assert (usage.objects, usage.bytes) == (len(every), sum(len(one.body) for one in old.objects.values()))
    found = old.store.search(Search("bucket", "", "/", "contains", True), max_keys=100, token=None, step=Step())
    assert [one.Key for one in found.objects] == [key for key in every if "/" in key]
    assert old.store.unchanged("bucket", "b", old.objects["b"].etag) is not None


def test_version_of_the_list_is_detected_once(odd: OddStore) -> None:
    odd.refuse = refuse_the_second_version
    for _ in range(3):
        odd.store.list_page("bucket", "")
    assert ["list-type" in one.query for one in odd.requests] == [True, False, False, False]


def test_refused_list_keeps_its_reason_in_both_versions(odd: OddStore) -> None:
    odd.refuse = lambda request: failure(400, "InvalidRequest", "Not like this.")
    with pytest.raises(StoreError, match="Not like this") as refused:
        odd.store.list_page("bucket", "")
    assert refused.value.status == 400
    odd.refuse = lambda request: failure(400, "InvalidArgument") if "continuation-token" in request.query else None
    with pytest.raises(StoreError):  # the first version of the call cannot continue by a token
        odd.store.list_page("bucket", "", token="of the store")
    assert odd.store.abilities.lists_v2


def test_store_that_ignores_list_positions_is_an_error(odd: OddStore) -> None:
    for key in "abc":
        odd.put(key, b"")

    def restart_list(request: Request) -> None:
        handle_as_first_version(request)
        request.query.pop("marker", None)

    odd.refuse = restart_list
    token = odd.store.list_page("bucket", "", max_keys=2).next_token
    with pytest.raises(StoreError, match="same continuation token"):
        odd.store.list_page("bucket", "", max_keys=2, token=token)


def test_lists_of_uploads_and_versions_continue_after_the_last_entry(script: Any) -> None:
    """The store says that there are more entries and returns no marker."""

    def answer(query: dict[str, str]) -> str:
        first = not query.get("key-marker")
        if "uploads" in query:
            number = 1 if first else 2
            entry = f"<Upload><Key>k</Key><UploadId>{number}</UploadId>"
            entry += "<Initiated>2024-01-01T00:00:00Z</Initiated></Upload>"
            return f"<R><IsTruncated>{str(first).lower()}</IsTruncated>{entry}</R>"
        if "versions" in query:
            name = "new" if first else "old"
            entry = f"<Version><Key>k</Key><VersionId>{name}</VersionId><IsLatest>false</IsLatest></Version>"
            return f"<R><IsTruncated>{str(first).lower()}</IsTruncated>{entry}</R>"
        return "<R></R>"

    started = script(answer)
    store = started.store
    assert [one.upload_id for one in store.list_multiparts("bucket", "k")] == ["1", "2"]
    page = store.list_unfinished("bucket", "", None)
    rest = store.list_unfinished("bucket", "", page.next_continuation_token)
    assert [one.UploadId for one in (*page.uploads, *rest.uploads)] == ["1", "2"]
    assert rest.next_continuation_token is None
    versions = store.list_versions("bucket", "k")
    rest = store.list_versions("bucket", "k", versions.next_continuation_token)
    assert [one.VersionId for one in (*versions.versions, *rest.versions)] == ["new", "old"]
    assert started.queries[-2]["version-id-marker"] == "new"


@pytest.mark.parametrize("status", [200, 202, 204, 206])
def test_reply_that_is_no_list_is_an_error(odd: OddStore, status: int) -> None:
    odd.refuse = lambda request: Reply(status) if request.method == "GET" else None
    with pytest.raises(StoreError, match="no XML"):
        odd.store.list_page("bucket", "")
    with pytest.raises(OdhTecError, match="it is not an S3 service"):
        odd.store.list_buckets()


@pytest.mark.parametrize("status", [200, 204])
def test_batch_whose_reply_does_not_say_what_was_deleted_is_deleted_one_by_one(odd: OddStore, status: int) -> None:
    odd.refuse = lambda request: Reply(status) if request.method == "POST" else None
    for key in ("a", "b", "kept"):
        odd.put(key, b"content")
    reply = odd.store.delete("bucket", ["a", "b"])
    assert (reply.deleted, reply.errors) == (["a", "b"], [])
    assert list(odd.objects) == ["kept"]
