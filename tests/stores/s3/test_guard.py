"""What the policy refuses, for every call of the S3 store: no request of it is sent."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from odhtec_jupyter.errors import OdhTecError, PolicyDenied
from odhtec_jupyter.models import DetailsChange
from odhtec_jupyter.network import Network
from odhtec_jupyter.policy import Policy
from odhtec_jupyter.settings import S3Connection
from odhtec_jupyter.stores.s3.store import S3Store
from odhtec_jupyter.stores.step import Step
from tests.odd_store import OddStore, Stored

ETAG = Stored(b"content").etag
# Arguments of the calls of a store, by the names of the parameters.
VALUES: dict[str, Any] = {
    "blocks": [memoryview(b"content")],
    "change": DetailsChange(etag=ETAG, ContentType="text/plain"),
    "delimiter": "",
    "disposition": "inline",
    "end": 4,
    "etag": ETAG,
    "etags": [ETAG],
    "expires_in": 60,
    "head": {"ContentLength": 7, "ETag": ETAG},
    "in_parts": False,
    "key": "a",
    "keys": ["a"],
    "max_keys": 10,
    "method": "GET",
    "mode": "contains",
    "number": 1,
    "pin": ETAG,
    "prefix": "",
    "query": "a",
    "recursive": True,
    "size": 7,
    "source_key": "a",
    "start": 0,
    "step": Step(Event()),
    "tags": [],
    "token": None,
    "upload_id": "1",
    "version_id": "1",
}
# These send no request themselves, or for no bucket.
OTHER = {"uri", "client", "source", "probe", "require_bucket", "is_hidden", "require_guard"}


def calls() -> dict[str, Callable[..., Any]]:
    """Return the public methods of the store that need a bucket."""
    found = inspect.getmembers(S3Store, inspect.isfunction)
    return {
        name: method
        for name, method in found
        if not name.startswith("_") and "bucket" in inspect.signature(method).parameters and name not in OTHER
    }


def run(store: S3Store, name: str, **values: Any) -> Any:
    """Call a method with the values of its required parameters, and read the result if it is an iterator."""
    parameters = list(inspect.signature(calls()[name]).parameters.values())[1:]
    known = VALUES | {"bucket": "bucket", "source_bucket": "bucket", "is_stopped": lambda: False} | values
    given = {
        one.name: known[one.name]
        for one in parameters
        if one.kind is not inspect.Parameter.VAR_KEYWORD and (one.default is inspect.Parameter.empty)
    }
    found = getattr(store, name)(**given)
    return list(found) if isinstance(found, Iterator) else found


@pytest.fixture
def odd() -> Iterator[OddStore]:
    with OddStore() as running:
        running.buckets["other"] = {}
        running.put("a", b"content")
        yield running


def with_policy(odd: OddStore, policy: Policy, name: str = "") -> S3Store:
    return S3Store(S3Connection(odd.endpoint, None, None, "key", "secret"), Network(policy=policy), name=name)


def test_every_call_is_known() -> None:
    assert {"put", "copy", "copy_part", "presign", "walk", "head", "delete", "abort_multipart"} <= set(calls())


@pytest.mark.parametrize("name", sorted(calls()))
def test_call_for_a_denied_bucket_sends_nothing(name: str, odd: OddStore) -> None:
    store = with_policy(odd, Policy(allowed_buckets=("default@other", "name@bucket")))
    with pytest.raises(PolicyDenied, match=r"\(policy: allowed_buckets\)"):
        run(store, name)
    assert odd.requests == []
    with suppress(OdhTecError):
        run(odd.store, name)
    # Otherwise the test shows nothing. A link is signed without a request.
    assert odd.requests != [] or name == "presign"
    store.close()


@pytest.mark.parametrize("name", sorted(calls()))
def test_call_without_permission_to_write_sends_no_write(name: str, odd: OddStore) -> None:
    store = with_policy(odd, Policy(read_only=True))
    refused = False
    try:
        run(store, name)
    except PolicyDenied as error:
        refused = "(policy: read_only)" in str(error)
    except OdhTecError:
        pass
    assert [one for one in odd.requests if one.method not in {"GET", "HEAD"}] == []
    writes = {"put", "copy", "copy_part", "put_part", "create_multipart", "complete_multipart", "delete"}
    assert refused or name not in writes | {"delete_exactly", "abort_multipart", "create_bucket", "delete_bucket"}
    store.close()


@pytest.mark.parametrize("name", ["copy", "copy_part"])
def test_copy_from_a_denied_bucket_sends_no_copy(name: str, odd: OddStore) -> None:
    store = with_policy(odd, Policy(allowed_buckets=("other",)))
    for source in ("bucket", "", "other/../bucket", "/bucket"):
        with pytest.raises(PolicyDenied):
            run(store, name, bucket="other", source_bucket=source)
    # A key that begins with the name of another bucket is a key.
    with suppress(OdhTecError):
        run(store, name, bucket="other", source_bucket="other", source_key="bucket/a")
    assert [one for one in odd.requests if "bucket" in {one.bucket, one.headers.get("x-amz-copy-source", "")[:6]}] == []
    store.close()


def test_call_of_botocore_that_nothing_else_checks_is_refused(odd: OddStore) -> None:
    # As a later feature could write it.
    store = with_policy(odd, Policy(read_only=True, allowed_buckets=("other",)))
    client: Any = store.client()
    with pytest.raises(PolicyDenied):
        client.get_bucket_policy(Bucket="bucket")
    with pytest.raises(PolicyDenied):
        client.copy_object(Bucket="other", Key="a", CopySource="bucket/a")
    with pytest.raises(PolicyDenied):
        client.copy_object(Bucket="other", Key="a", CopySource="/bucket%2Fa")
    with pytest.raises(PolicyDenied):
        client.put_bucket_acl(Bucket="other", ACL="private")
    headers = {"x-amz-copy-source": "/bucket%2Fa"}
    writing = with_policy(odd, Policy(allowed_buckets=("other",)))
    with pytest.raises(PolicyDenied):
        writing._requests.send("CopyObject", "PUT", "other", "a", headers=headers)
    writing.close()
    with pytest.raises(PolicyDenied):
        client.generate_presigned_url("get_object", Params={"Bucket": "bucket", "Key": "a"})
    assert odd.requests == []
    store.close()


def test_list_of_buckets_has_only_allowed_ones(odd: OddStore) -> None:
    connection = S3Connection(odd.endpoint, None, "bucket", "key", "secret")
    store = S3Store(connection, Network(policy=Policy(allowed_buckets=("oth*",))))
    listed = store.list_buckets()
    assert ([one.Name for one in listed.buckets], listed.default_bucket) == (["other"], None)
    store.close()


def test_store_of_a_denied_endpoint_does_not_exist(odd: OddStore) -> None:
    with pytest.raises(PolicyDenied, match="allowed_endpoints"):
        with_policy(odd, Policy(allowed_endpoints=("s3.example.com",)))
    allowed = with_policy(odd, Policy(allowed_endpoints=("127.0.0.1",)))
    assert allowed.head("bucket", "a") is not None
    assert allowed.list_buckets().listable
    allowed.close()


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "endpoint_url"])
def test_configuration_of_boto3_cannot_name_another_endpoint(
    variable: str, odd: OddStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if variable == "endpoint_url":
        (tmp_path / "config").write_text(f"[default]\nendpoint_url = {odd.endpoint}\n")
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    else:
        monkeypatch.setenv(variable, odd.endpoint)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # nothing is sent to Amazon either
    connection = S3Connection(None, "us-east-1", None, "key", "secret")
    network = Network(https_proxy="http://127.0.0.1:9", policy=Policy(allowed_endpoints=("s3.amazonaws.com",)))
    store = S3Store(connection, network)
    for ask in (store.list_buckets, lambda: store.head("bucket", "a"), lambda: store.put("bucket", "b", [], 0)):
        with pytest.raises(OdhTecError) as refused:
            ask()
        assert variable != "endpoint_url" or isinstance(refused.value, PolicyDenied)
    assert odd.requests == []
    store.close()


def test_object_can_have_as_many_bytes_as_allowed(odd: OddStore) -> None:
    store = with_policy(odd, Policy(max_object_bytes=7))
    store.put("bucket", "b", [memoryview(b"1234567")], 7)
    store.copy("bucket", "c", "bucket", "a", etag=ETAG, size=7)
    store.copy("bucket", "c", "bucket", "a", etag=ETAG)
    assert set(odd.objects) == {"a", "b", "c"}
    odd.put("larger", b"12345678")
    larger = odd.objects["larger"].etag
    with pytest.raises(PolicyDenied):  # the size is found out
        store.copy("bucket", "d", "bucket", "larger", etag=larger)
    assert odd.count("PUT", key="d") == 0
    before = len(odd.requests)
    for ask in (
        lambda: store.put("bucket", "d", [memoryview(b"12345678")], 8),
        lambda: store.copy("bucket", "d", "bucket", "a", etag=ETAG, size=8),
        lambda: store.copy_part("bucket", "d", "1", 2, "bucket", "a", start=4, end=8, etag=ETAG),
    ):
        with pytest.raises(PolicyDenied, match=r"more than 7 bytes .*\(policy: max_object_bytes\)"):
            ask()
    assert len(odd.requests) == before
    store.close()
