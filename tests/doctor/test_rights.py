"""What the credentials are allowed to read: each missing permission has its own sentence."""

from __future__ import annotations

from tests.doctor.conftest import Examine
from tests.odd_store import OddStore, Reply, Request, failure


def no_list_of_buckets(request: Request) -> Reply | None:
    return None if request.bucket else failure(403, "AccessDenied", "HIDDEN")


def test_missing_permission_to_list_buckets_is_named(examine: Examine, odd_store: OddStore) -> None:
    odd_store.put("a", b"1")
    odd_store.refuse = no_list_of_buckets
    found = examine(odd_store.endpoint, default_bucket="bucket")
    assert found.line("buckets") == (
        "warning",
        "These credentials are not allowed to list buckets (s3:ListAllMyBuckets). The panel shows bucket only.",
    )
    assert found.failed == []
    assert found["read"].status == "ok"
    without = examine(odd_store.endpoint)
    assert without.line("buckets") == (
        "warning",
        "These credentials are not allowed to list buckets (s3:ListAllMyBuckets). Set the default bucket of the"
        " connection.",
    )
    assert without.line("list") == (
        "skipped",
        "There is no bucket to test. Name one, or set the default bucket of the connection.",
    )


def test_missing_permission_to_list_a_bucket_is_named(examine: Examine, odd_store: OddStore) -> None:
    odd_store.refuse = lambda request: failure(403, "AccessDenied") if request.bucket else None
    found = examine(odd_store.endpoint, bucket="bucket")
    assert found.line("list") == (
        "failed",
        "These credentials are not allowed to list the objects of bucket (s3:ListBucket). Request this permission from"
        " the owner of the bucket.",
    )
    assert found["credentials"].status == "ok"


def test_bucket_of_another_data_connection_is_named(examine: Examine, odd_store: OddStore) -> None:
    found = examine(odd_store.endpoint, bucket="other")
    assert found.line("list") == (
        "failed",
        f"The bucket other does not exist at {odd_store.endpoint[7:]}. The credentials are valid, but it is not among"
        " the buckets of this account (bucket): the bucket can be of another data connection. Change the bucket, or the"
        " keys and the endpoint.",
    )
    odd_store.refuse = no_list_of_buckets
    assert examine(odd_store.endpoint, bucket="other").line("list") == (
        "failed",
        f"The bucket other does not exist at {odd_store.endpoint[7:]}. Correct the name of the bucket, or create it.",
    )


def test_missing_permission_to_read_is_named(examine: Examine, odd_store: OddStore) -> None:
    odd_store.put("a.txt", b"1")
    odd_store.refuse = lambda request: failure(403, "AccessDenied") if request.key else None
    found = examine(odd_store.endpoint, bucket="bucket")
    assert found.line("read") == (
        "failed",
        "These credentials are not allowed to read a.txt (s3:GetObject). Request this permission from the owner of"
        " bucket.",
    )
    assert found.failed == ["read"]


def test_archived_object_is_a_warning(examine: Examine, odd_store: OddStore) -> None:
    odd_store.put("a.txt", b"1")
    odd_store.refuse = lambda request: (
        failure(403, "InvalidObjectState", "Archived") if request.key and request.method == "GET" else None
    )
    assert examine(odd_store.endpoint, bucket="bucket")["read"].status == "warning"


def test_first_bucket_is_read_if_none_is_named(examine: Examine, odd_store: OddStore) -> None:
    found = examine(odd_store.endpoint, write=True)
    assert found.test.bucket == "bucket"
    assert found.line("read") == ("skipped", "bucket is empty, so there is no object to read.")
    assert found.line("write") == (
        "skipped",
        "Writing is only tested in a bucket that you name, or in the default bucket of the connection.",
    )
    assert odd_store.count("PUT") == 0


def test_names_of_a_store_are_shown_with_visible_characters(examine: Examine, odd_store: OddStore) -> None:
    odd_store.buckets = {"x\u202egpj": {"\u202ename\n": []}}  # type: ignore[dict-item]
    text = examine(odd_store.endpoint).test.text
    assert r"x\u{202E}gpj" in text
    assert "\u202e" not in text
