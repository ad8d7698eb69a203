"""Writing without permission to list the bucket: S3 then replies 403 to a HEAD of a missing object."""

from __future__ import annotations

import dataclasses
import json
import subprocess
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from odhtec_jupyter.demo.content import SyntheticContent
from odhtec_jupyter.demo.hub.repository import Repository
from odhtec_jupyter.demo.hub.stand_in import HubStandIn
from odhtec_jupyter.errors import Forbidden, StoreError
from odhtec_jupyter.keys import encode_key
from odhtec_jupyter.network import Network
from odhtec_jupyter.settings import S3Connection
from odhtec_jupyter.stores.s3.store import S3Store
from tests.marks import on_rgw
from tests.odd_store import OddStore, Reply, Request, failure

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SMALL, LARGE = b"small", bytes(20 * 1024 * 1024)
Limit = Callable[..., None]


@pytest.fixture
def limit(odd_store: OddStore) -> Limit:
    """A function that removes permissions. ``ignores``: methods for which the store ignores If-None-Match."""

    def take(*, lists: bool = False, reads: bool = True, deletes: bool = True, ignores: str = "") -> None:
        def refuse(request: Request) -> Reply | None:
            denied = failure(403, "AccessDenied")
            if request.method == "DELETE" and not deletes:
                return denied
            if "list-type" in request.query and not lists:
                return denied
            if request.method in {"GET", "HEAD"} and request.key and "uploadId" not in request.query:
                return denied if not reads or request.key not in odd_store.objects else None
            if request.method in ignores.split():
                request.headers.pop("if-none-match", None)
            return None

        odd_store.refuse = refuse

    return take


async def send(odd_api: Any, key: str, body: bytes, policy: str, bucket: str = "bucket") -> Any:
    path = ("objects/upload", bucket, encode_key(key))
    return await odd_api.send("PUT", *path, body=body, params={"onConflict": policy})


async def send_in_parts(odd_api: Any, key: str, body: bytes, policy: str, bucket: str = "bucket") -> Any:
    request = {"bucket": bucket, "key": key, "size": len(body), "contentType": "text/plain", "onConflict": policy}
    created = await odd_api.send("POST", "uploads", json_body=request)
    if created.code != 201:
        return created
    upload = json.loads(created.body)
    for number in range(1, upload["partCount"] + 1):
        part = body[(number - 1) * upload["partSize"] : number * upload["partSize"]]
        assert (await odd_api.send("PUT", "uploads", upload["uploadId"], str(number), body=part)).code == 200
    return await odd_api.send("POST", "uploads", upload["uploadId"], "complete", json_body={})


def keys_of(odd_store: OddStore) -> list[str]:
    return sorted(odd_store.objects)


# A store that honours If-None-Match, one that honours it on PUT only (Ceph RGW), one that ignores it.
@pytest.mark.parametrize("ignores", ["", "POST", "POST PUT"])
@pytest.mark.parametrize("policy", ["fail", "skip", "rename", "overwrite"])
@pytest.mark.parametrize("body", [SMALL, LARGE], ids=["small", "large"])
async def test_new_key_is_uploaded_without_permission_to_list(
    odd_api: Any, odd_store: OddStore, limit: Limit, ignores: str, policy: str, body: bytes
) -> None:
    limit(ignores=ignores)
    reply = await send(odd_api, "folder/new.txt", body, policy)
    if policy != "overwrite" and (body is LARGE or "PUT" in ignores):  # S3 could replace a hidden object
        assert (reply.code, b"s3:ListBucket" in reply.body, keys_of(odd_store)) == (403, True, [])
        assert not odd_store.uploads
        return
    assert reply.code == 201, reply.body
    assert (keys_of(odd_store), odd_store.objects["folder/new.txt"].body == body) == (["folder/new.txt"], True)


async def test_resumable_upload_copy_and_import_work_without_permission_to_list(
    hf: HubStandIn, odd_api: Any, odd_store: OddStore, limit: Limit
) -> None:
    limit(ignores="POST")
    hf.add(Repository("org/model")).commit({"config.json": SyntheticContent(100, seed=1)})
    assert (await send_in_parts(odd_api, "up/new.bin", LARGE, "fail")).code == 403
    reply = await send_in_parts(odd_api, "up/new.bin", SMALL, "overwrite")
    assert reply.code in {200, 201}, reply.body
    from_hub = "hf://org/model/config.json"
    for source, target in (("s3://bucket/up/new.bin", "copy/new.bin"), (from_hub, "hub/config.json")):
        request = {"action": "copy", "source": source, "target": f"s3://bucket/{target}", "onConflict": "fail"}
        transfer = await odd_api.ok("POST", "transfers", status=201, json_body=request)
        ended = await odd_api.finished(transfer["id"])
        assert (ended["state"], ended["error"]) == ("completed", None)
    assert keys_of(odd_store) == ["copy/new.bin", "hub/config.json", "up/new.bin"]
    assert odd_store.objects["copy/new.bin"].body == SMALL


@pytest.mark.parametrize("body", [SMALL, LARGE], ids=["small", "large"])
@pytest.mark.parametrize("ignores", ["", "POST", "POST PUT"])
async def test_hidden_object_is_never_overwritten(
    odd_api: Any, odd_store: OddStore, limit: Limit, ignores: str, body: bytes
) -> None:
    for rights in ({"reads": False}, {"reads": False, "deletes": False}):
        odd_store.put("folder/kept.txt", b"another user's")
        limit(ignores=ignores, **rights)
        for policy in ("fail", "skip", "rename"):
            for upload in (send,) if policy == "skip" else (send, send_in_parts):
                reply = await upload(odd_api, "folder/kept.txt", body, policy)
                assert reply.code in {403, 409, 412}, (upload, policy, reply.body)
        assert keys_of(odd_store) == ["folder/kept.txt"]
        assert odd_store.objects["folder/kept.txt"].body == b"another user's"
        assert not odd_store.uploads
    assert (await send(odd_api, "folder/kept.txt", body, "overwrite")).code == 201
    assert odd_store.objects["folder/kept.txt"].body == body


async def test_existing_object_is_found_with_permission_to_read(
    odd_api: Any, odd_store: OddStore, limit: Limit
) -> None:
    odd_store.put("folder/kept.txt", b"kept")
    limit()
    assert (await send(odd_api, "folder/kept.txt", SMALL, "fail")).code == 409
    assert (await send(odd_api, "folder/kept.txt", SMALL, "rename")).code == 201
    assert odd_store.objects["folder/kept.txt"].body == b"kept"
    assert len(keys_of(odd_store)) == 2


async def test_dry_run_writes_nothing_without_permission_to_list(
    odd_api: Any, odd_store: OddStore, limit: Limit
) -> None:
    odd_store.put("a.txt", b"a")
    limit()
    request = {"action": "copy", "source": "s3://bucket/a.txt", "target": "s3://bucket/new/a.txt", "dryRun": True}
    await odd_api.ok("POST", "transfers", json_body=request)
    assert odd_store.count("PUT") == odd_store.count("DELETE") == 0


@pytest.fixture
def guest(
    s3_server: Any, s3_client: S3Client, bucket: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[S3Store]:
    """A store of another Ceph user, who can write to the bucket and read one folder, but not list it."""
    conf = next(tmp_path_factory.getbasetemp().glob("rgw*/cluster/ceph.conf"))
    user = ("user", "create", "--uid=guest", "--display-name=guest", "--access-key=guest", "--secret-key=guest-secret")
    subprocess.run(["radosgw-admin", "-c", conf, *user], check=True, capture_output=True, timeout=60)
    rights = {"s3:PutObject": "*", "s3:DeleteObject": "*", "s3:GetObject": "folder/*"}
    policy = [
        {
            "Effect": "Allow",
            "Principal": {"AWS": ["arn:aws:iam:::user/guest"]},
            "Action": action,
            "Resource": f"arn:aws:s3:::{bucket}/{where}",
        }
        for action, where in rights.items()
    ]
    document = json.dumps({"Version": "2012-10-17", "Statement": policy})
    s3_client.put_bucket_policy(Bucket=bucket, Policy=document)
    store = S3Store(S3Connection(s3_server.endpoint_url, None, s3_server.region, "guest", "guest-secret"), Network())
    yield store
    store.close()
    s3_client.delete_bucket_policy(Bucket=bucket)


@on_rgw
def test_ceph_accepts_new_keys_and_replaces_none_without_permission_to_list(
    guest: S3Store, bucket: str, s3_client: S3Client
) -> None:
    for key in ("folder/kept", "secret/kept"):
        s3_client.put_object(Bucket=bucket, Key=key, Body=b"kept")
    with pytest.raises(StoreError) as denied:
        guest.head(bucket, "folder/new")
    assert denied.value.status == 403
    assert guest.existing(bucket, "folder/new") is None
    assert guest.existing(bucket, "folder/kept") is not None
    assert guest.existing(bucket, "secret/kept") is None
    with pytest.raises(StoreError) as refused:
        guest.put(bucket, "secret/kept", [memoryview(SMALL)], len(SMALL), if_absent=True)
    assert refused.value.code == "PreconditionFailed"
    with pytest.raises(Forbidden, match="s3:ListBucket"):  # Ceph would complete the upload anyway
        guest.existing(bucket, "secret/kept", in_parts=True)
    listed = s3_client.list_objects_v2(Bucket=bucket)["Contents"]
    assert [(one["Key"], one["Size"]) for one in listed] == [("folder/kept", 4), ("secret/kept", 4)]


@pytest.fixture
def amazon(odd_store: OddStore) -> Iterator[S3Store]:
    """A store that treats the odd store as Amazon S3."""
    connection = dataclasses.replace(odd_store.store.connection, endpoint="http://s3.amazonaws.com")
    store = S3Store(connection, Network(http_proxy=odd_store.endpoint))
    yield store
    store.close()


def test_condition_of_amazon_is_trusted(amazon: S3Store, odd_store: OddStore, limit: Limit) -> None:
    limit(reads=False)
    assert amazon.existing("bucket", "folder/new.txt", in_parts=True) is None
    assert odd_store.count("PUT") == 0


def test_copy_onto_a_hidden_key_is_refused_by_amazon(amazon: S3Store, odd_store: OddStore, limit: Limit) -> None:
    etag = odd_store.put("a.txt", b"a").etag
    odd_store.put("folder/kept.txt", b"another user's")
    limit(reads=False)
    with pytest.raises(StoreError):
        amazon.copy("bucket", "folder/kept.txt", "bucket", "a.txt", etag=etag, if_absent=True)
    assert odd_store.objects["folder/kept.txt"].body == b"another user's"
    assert [one.headers["if-none-match"] for one in odd_store.requests if one.method == "PUT"] == ["*"]
