"""Writing: only on request, under one key, and nothing stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from odhtec_jupyter.network import Network
from odhtec_jupyter.policy import Policy
from odhtec_jupyter.stores.s3.connection.probe import PROBE_PREFIX
from tests.conftest import S3Server
from tests.doctor.conftest import Examine
from tests.marks import over_http
from tests.odd_store import OddStore, Reply, Request, failure

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

WRITES = ("write", "multipart", "checksum", "condition", "delete")


@pytest.mark.parametrize("options", [{}, {"write": True, "read_only": True}])
def test_nothing_is_written_unless_it_is_wanted(
    examine: Examine, odd_store: OddStore, options: dict[str, bool]
) -> None:
    found = examine(odd_store.endpoint, bucket="bucket", **options)
    assert [found[name].status for name in WRITES] == ["skipped"] * 5
    assert {one.method for one in odd_store.requests} <= {"GET", "HEAD"}


def test_writes_use_one_hidden_key_that_is_removed(examine: Examine, odd_store: OddStore) -> None:
    found = examine(odd_store.endpoint, bucket="bucket", write=True)
    assert [found[name].status for name in WRITES] == ["ok"] * 5
    written = {one.key for one in odd_store.requests if one.method in {"PUT", "POST", "DELETE"}}
    assert written == {found.subject.probe_key}
    assert found.subject.probe_key.startswith(PROBE_PREFIX)
    assert odd_store.objects == {}
    assert odd_store.uploads == {}
    assert found.subject.refuses_put is True


def test_read_only_keys_are_named(examine: Examine, odd_store: OddStore) -> None:
    odd_store.refuse = lambda request: None if request.method in {"GET", "HEAD"} else failure(403, "AccessDenied")
    found = examine(odd_store.endpoint, bucket="bucket", write=True)
    assert found.line("write") == (
        "failed",
        "These credentials are not allowed to write to bucket (s3:PutObject). Request this permission from its owner,"
        " or mark the connection as read-only.",
    )
    assert found.failed == ["write"]
    assert found.line("multipart") == ("skipped", "Not tested, because “Write objects” failed.")
    assert found.line("delete") == ("skipped", "Nothing was written, so there is nothing to delete.")


def test_policy_that_denies_writing_leaves_nothing_to_delete(examine: Examine, odd_store: OddStore) -> None:
    found = examine(odd_store.endpoint, bucket="bucket", write=True, network=Network(policy=Policy(read_only=True)))
    assert found.line("write") == (
        "failed",
        "Writing to S3 is not allowed here (policy: read_only). Ask the administrator.",
    )
    assert found.line("delete") == ("skipped", "Nothing was written, so there is nothing to delete.")
    assert {one.method for one in odd_store.requests} <= {"GET", "HEAD"}


def test_object_that_cannot_be_deleted_is_named(examine: Examine, odd_store: OddStore) -> None:
    odd_store.refuse = lambda request: failure(403, "AccessDenied") if request.method == "DELETE" else None
    found = examine(odd_store.endpoint, bucket="bucket", write=True)
    assert found.line("delete") == (
        "warning",
        "These credentials are not allowed to delete (s3:DeleteObject). Ask the owner of the bucket to delete"
        f" {found.subject.probe_key} in bucket.",
    )
    assert found["multipart"].status == "warning"
    assert found.subject.left_upload in odd_store.uploads


def test_upload_whose_abortion_failed_is_aborted_in_the_end(examine: Examine, odd_store: OddStore) -> None:
    def busy_once(request: Request) -> Reply | None:
        aborts = sum(one.method == "DELETE" and "uploadId" in one.query for one in odd_store.requests)
        is_first = request.method == "DELETE" and "uploadId" in request.query and aborts == 1
        return failure(503, "SlowDown") if is_first else None

    odd_store.refuse = busy_once
    found = examine(odd_store.endpoint, bucket="bucket", write=True)
    assert (found["multipart"].status, found["delete"].status) == ("warning", "ok")
    assert odd_store.uploads == {}
    assert found.subject.left_upload is None


def test_damaged_object_is_named(examine: Examine, odd_store: OddStore) -> None:
    def damaged(request: Request, reply: Reply) -> Reply | None:
        return Reply(200, b"damaged", reply.headers) if request.method == "GET" and request.key else None

    odd_store.oddity = damaged
    found = examine(odd_store.endpoint, bucket="bucket", write=True)
    assert found["write"].status == "failed"
    assert "has other bytes when it is read" in found["write"].message
    assert odd_store.objects == {}


def test_ignored_conditions_and_foreign_etags_are_warnings(examine: Examine, odd_store: OddStore) -> None:
    def ignorant(request: Request, reply: Reply) -> Reply | None:
        return Reply(headers={"ETag": '"foreign"'}) if request.method == "PUT" else None

    odd_store.oddity = ignorant
    found = examine(odd_store.endpoint, bucket="bucket", write=True)
    assert found["condition"].status == found["checksum"].status == "warning"
    assert found["condition"].message.startswith("The store ignores If-None-Match.")
    assert found["checksum"].message.startswith("ETags are not MD5 checksums,")
    assert found.subject.refuses_put is False


def test_refused_conditions_and_checksums_are_shown(examine: Examine, odd_store: OddStore) -> None:
    def refuse(request: Request) -> Reply | None:
        if "if-none-match" in request.headers:
            return failure(501, "NotImplemented")
        return failure(400, "BadDigest") if "content-md5" in request.headers else None

    odd_store.refuse = refuse
    found = examine(odd_store.endpoint, bucket="bucket", write=True)
    assert found["condition"].message.startswith("The store does not support If-None-Match (NotImplemented).")
    assert found.line("checksum") == (
        "ok",
        "ETags are MD5 checksums, and the store refuses bytes that do not match Content-MD5.",
    )


@over_http
@pytest.mark.parametrize("versioned", [False, True])
def test_nothing_stays_in_a_bucket_of_a_real_store(
    examine: Examine, s3_server: S3Server, s3_client: S3Client, bucket: str, versioned: bool
) -> None:
    if versioned:
        s3_client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3_client.put_object(Bucket=bucket, Key="a", Body=b"1")
    found = examine(
        s3_server.endpoint_url,
        access_key_id=s3_server.access_key_id,
        secret_access_key=s3_server.secret_access_key,
        region=s3_server.region,
        default_bucket=bucket,
        write=True,
    )
    assert found.failed == []
    assert {one.id for one in found.test.checks if one.status == "skipped"} == {"tls"}
    versions = s3_client.list_object_versions(Bucket=bucket)
    assert [one["Key"] for one in versions["Versions"]] == ["a"]
    assert "DeleteMarkers" not in versions
    assert "Uploads" not in s3_client.list_multipart_uploads(Bucket=bucket)
