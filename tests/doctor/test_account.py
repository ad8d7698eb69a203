"""Credentials and regions: each refusal of the store has its own sentence."""

from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from odhtec_jupyter.doctor.account import _until
from tests.conftest import S3Server
from tests.doctor.conftest import Examine
from tests.marks import on_rgw
from tests.odd_store import OddStore, Reply, Request, failure


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (
            "InvalidAccessKeyId",
            "The store does not know the access key ID key-id. Enter it again, and check that the keys belong to"
            " {host} and were not deleted.",
        ),
        (
            "SignatureDoesNotMatch",
            "The secret access key does not belong to the access key ID key-id. Enter the secret access key again,"
            " without spaces and line ends.",
        ),
        ("ExpiredToken", "The credentials have expired. Renew the data connection, or enter new ones."),
        (
            "InvalidToken",
            "The store does not accept the session token. Renew the temporary credentials, or remove the token if the"
            " keys are long-term ones.",
        ),
        (
            "RequestTimeTooSkewed",
            "The store refuses requests because the clocks differ by more than 15 minutes. Correct the clock of this"
            " server or of the store, then test again.",
        ),
    ],
)
def test_refused_credentials_are_named(examine: Examine, odd_store: OddStore, code: str, sentence: str) -> None:
    odd_store.refuse = lambda request: failure(403, code, "HIDDEN words of the store")
    found = examine(odd_store.endpoint, bucket="bucket", session_token="HIDDEN-token", write=True)
    assert found.line("credentials") == ("failed", sentence.format(host=odd_store.endpoint[7:]))
    assert found.failed == ["credentials"]
    assert found.line("list") == ("skipped", "Not tested, because “Credentials” failed.")
    assert odd_store.count("PUT") == 0


def test_access_key_id_is_only_shown_to_users_who_can_see_it(examine: Examine, odd_store: OddStore) -> None:
    assert "key-id" in examine(odd_store.endpoint).test.text
    assert "key-id" not in examine(odd_store.endpoint, with_account=False).test.text
    odd_store.refuse = lambda request: failure(403, "InvalidAccessKeyId")
    assert "key-id" not in examine(odd_store.endpoint, with_account=False).test.text


def test_connection_without_signatures_has_no_credentials_to_test(examine: Examine, odd_store: OddStore) -> None:
    odd_store.put("a", b"1")
    odd_store.refuse = lambda request: None if request.bucket else failure(403, "AccessDenied")
    found = examine(odd_store.endpoint, bucket="bucket", anonymous=True, access_key_id=None, secret_access_key=None)
    assert found["credentials"].status == "skipped"
    assert found.line("read") == ("ok", "Objects of bucket can be read.")
    assert found.failed == []


def test_expiry_of_temporary_credentials_is_shown() -> None:
    assert _until("Accepted.", False, None).message == "Accepted."
    assert _until("Accepted.", True, None).message == "Accepted. They are temporary; until when is not known."
    end = datetime(2999, 1, 2, 3, 4, tzinfo=UTC)
    found = _until("Accepted.", True, end)
    assert (found.status, found.message) == ("ok", "Accepted. They are temporary, until 2999-01-02 03:04 UTC.")
    soon = _until("Accepted.", True, datetime.now(UTC) + timedelta(minutes=5))
    assert soon.status == "warning"


def test_keys_are_tested_with_the_bucket_if_buckets_cannot_be_listed(examine: Examine, odd_store: OddStore) -> None:
    odd_store.refuse = lambda request: None if request.bucket else failure(403, "AccessDenied")
    assert examine(odd_store.endpoint, bucket="bucket").line("credentials") == (
        "ok",
        "The store accepts the access key ID key-id.",
    )
    odd_store.refuse = lambda request: failure(403, "InvalidAccessKeyId" if request.bucket else "AccessDenied")
    assert examine(odd_store.endpoint, bucket="bucket")["credentials"].status == "failed"
    odd_store.refuse = lambda request: failure(403, "AccessDenied")
    assert examine(odd_store.endpoint, bucket="bucket").line("credentials") == (
        "ok",
        "The store does not reject the credentials, but refuses the requests (AccessDenied).",
    )


class OneRegion:
    """Refuses signatures for all regions but one, as Amazon and MinIO do."""

    def __init__(self, region: str, *, only_buckets: bool = False) -> None:
        self.region, self.only_buckets = region, only_buckets

    def __call__(self, request: Request) -> Reply | None:
        signed = request.headers.get("authorization", "")
        if not signed or f"/{self.region}/s3/" in signed or (self.only_buckets and not request.bucket):
            return None
        return Reply(
            400,
            "<Error><Code>AuthorizationHeaderMalformed</Code><Message>The authorization header is malformed; the"
            f" region is wrong; expecting '{self.region}'</Message><Region>{self.region}</Region></Error>".encode(),
        )


def test_region_that_the_store_expects_is_named(examine: Examine, odd_store: OddStore) -> None:
    odd_store.put("a", b"1")
    odd_store.refuse = OneRegion("home-1")
    found = examine(odd_store.endpoint, bucket="bucket", region="wrong-1", write=True)
    assert found.line("region") == (
        "failed",
        "The store expects the region home-1, but the connection has wrong-1. Change the region to home-1, because"
        " other programs do not find it out by themselves.",
    )
    assert found.failed == ["region"]
    assert {found[name].status for name in ("credentials", "buckets", "read", "write")} == {"ok"}


def test_region_of_a_bucket_that_is_elsewhere_is_named(examine: Examine, odd_store: OddStore) -> None:
    odd_store.refuse = OneRegion("home-1", only_buckets=True)
    found = examine(odd_store.endpoint, bucket="bucket", region="wrong-1")
    assert found.line("region") == (
        "warning",
        "The bucket bucket expects the region home-1, but the connection has wrong-1. Change the region to home-1,"
        " because other programs do not find it out by themselves.",
    )


def test_redirect_to_another_endpoint_is_named(examine: Examine, odd_store: OddStore) -> None:
    def elsewhere(request: Request) -> Reply | None:
        return Reply(301, b"", {"Location": "https://other.example.com/bucket"}) if request.bucket else None

    odd_store.refuse = elsewhere
    found = examine(odd_store.endpoint, bucket="bucket")
    assert found["region"].status == "failed"
    assert "redirects to other.example.com (301)" in found["region"].message


def test_bucket_in_a_host_name_that_does_not_exist_is_named(
    examine: Examine, odd_store: OddStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def resolve(host: str, *rest: Any, **options: Any) -> Any:
        if host.startswith("bucket."):
            raise socket.gaierror("unknown")
        return known(host, *rest, **options)

    known = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    found = examine(f"http://localhost:{odd_store.port}", bucket="bucket", addressing_style="virtual")
    assert found.line("region") == (
        "failed",
        "Requests go to bucket.localhost, which cannot be resolved. Change the addressing style of the connection to"
        " “path”.",
    )


def test_hostile_region_is_not_shown(examine: Examine, odd_store: OddStore) -> None:
    odd_store.refuse = OneRegion("x\u202e evil")
    found: Any = examine(odd_store.endpoint, bucket="bucket")
    assert "\u202e" not in found.test.text


@on_rgw
def test_refusals_of_a_real_store_are_named(examine: Examine, s3_server: S3Server) -> None:
    valid = {"access_key_id": s3_server.access_key_id, "secret_access_key": s3_server.secret_access_key}
    url = s3_server.endpoint_url
    assert examine(url, **valid)["credentials"].status == "ok"
    unknown = examine(url, **valid | {"access_key_id": "unknown"})["credentials"].message
    assert unknown.startswith("The store does not know the access key ID unknown.")
    wrong = examine(url, **valid | {"secret_access_key": "HIDDEN"})["credentials"].message
    assert wrong.startswith("The secret access key does not belong to the access key ID odhtec.")
