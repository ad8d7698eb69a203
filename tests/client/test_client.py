"""The client with each S3 server."""

from __future__ import annotations

import asyncio
import json
import pickle
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from odhtec_jupyter.client import Client, Transfer
from odhtec_jupyter.demo.content import SyntheticContent
from odhtec_jupyter.demo.hub.faults import Halt
from odhtec_jupyter.demo.hub.repository import Repository
from odhtec_jupyter.demo.hub.stand_in import HubStandIn
from odhtec_jupyter.demo.jupyter_process import JupyterProcess
from odhtec_jupyter.errors import BadRequest, Cancelled, Conflict, NotFound, OdhTecError, StoreError, VerificationError
from tests.waiting import GIVE_UP_SECONDS

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BIG = bytes(range(256)) * 4096 * 9  # 9 MiB: more than a part


def test_buckets_are_created_listed_and_deleted(client: Client, bucket: str) -> None:
    assert bucket in client.buckets()
    client.create_bucket(f"{bucket}-2")
    assert f"{bucket}-2" in client.buckets()
    client.delete_bucket(f"{bucket}-2")
    assert f"{bucket}-2" not in client.buckets()
    with pytest.raises(StoreError) as refused:
        list(client.ls(f"s3://{bucket}-2/"))
    assert refused.value.code == "NoSuchBucket"
    assert refused.value.status == 404
    assert not client.exists(f"s3://{bucket}-2/")


def test_listing_has_any_key_and_is_read_page_by_page(client: Client, s3_client: S3Client, bucket: str) -> None:
    list_objects = client.api.list_objects

    def two_a_page(bucket: str, prefix: str, query: dict[str, Any]) -> Any:
        page = list_objects(bucket, prefix, {"maxKeys": 2} | query)
        assert len(page.objects) + len(page.prefixes) <= 2
        return page

    client.api.list_objects = two_a_page  # type: ignore[method-assign]
    keys = ["a/日本.txt", "a/b c+%2F.txt", "a/deep/er.txt", "top.txt", *(f"many/{n:04}" for n in range(7))]
    for key in keys:
        s3_client.put_object(Bucket=bucket, Key=key, Body=b"x")
    assert sorted(one.key for one in client.ls(f"s3://{bucket}")) == ["a/", "many/", "top.txt"]
    found = {one.key: one for one in client.ls(f"s3://{bucket}/a")}
    assert set(found) == {"a/日本.txt", "a/b c+%2F.txt", "a/deep/"}
    assert found["a/deep/"].is_folder
    assert found["a/日本.txt"].size == 1
    assert sorted(one.key for one in client.ls(f"s3://{bucket}/", recursive=True)) == sorted(keys)
    assert [one.size for one in client.ls(f"s3://{bucket}/top.txt")] == [1]
    with pytest.raises(StoreError):
        list(client.ls(f"s3://{bucket}/to"))
    first = next(iter(client.ls(f"s3://{bucket}/many/")))
    assert client.exists(first)
    assert "many/0000" in repr(client.ls(f"s3://{bucket}/many/"))
    assert [one.key for one in client.search(f"s3://{bucket}/", "er.TXT")] == ["a/deep/er.txt"]
    usage = client.usage(f"s3://{bucket}/many/")
    assert (usage.objects, usage.bytes) == (7, 7)


def test_stat_and_preview_describe_an_object(client: Client, s3_client: S3Client, bucket: str) -> None:
    s3_client.put_object(Bucket=bucket, Key="t.csv", Body=b"a,b\n1,2\n", ContentType="text/csv", Metadata={"who": "me"})
    uri = f"s3://{bucket}/t.csv"
    about = client.stat(uri)
    assert (about.Size, about.ContentType, about.Metadata) == (8, "text/csv", {"who": "me"})
    assert client.exists(uri)
    assert client.exists(f"s3://{bucket}/")
    assert not client.exists(f"s3://{bucket}/t.cs")
    assert not client.exists(f"s3://{bucket}/t/")
    assert [column.name for column in client.preview(uri).columns] == ["a", "b"]
    with pytest.raises(StoreError) as missing:
        client.open(f"s3://{bucket}/none")
    assert missing.value.code == "NoSuchKey"
    assert missing.value.__traceback__ is not None


def test_presigned_link_works_without_credentials(
    client: Client, s3_client: S3Client, bucket: str, s3_server: object
) -> None:
    s3_client.put_object(Bucket=bucket, Key="a b.txt", Body=b"shared")
    link = client.presign(f"s3://{bucket}/a b.txt", expires_in=60)
    assert requests.get(link, verify=s3_server.ca_bundle or True, timeout=GIVE_UP_SECONDS).content == b"shared"  # type: ignore[attr-defined]


@pytest.mark.tls
def test_files_are_uploaded_and_downloaded(
    client: Client, bucket: str, stored: Callable[[], dict[str, int]], tmp_path: Path
) -> None:
    source = tmp_path / "source"
    (source / "deep").mkdir(parents=True)
    (source / "big.bin").write_bytes(BIG)
    (source / "deep" / "small.txt").write_text("small")
    (source / "empty").touch()
    sent = client.upload(source, f"s3://{bucket}/up/").wait(progress=False)
    assert stored() == {"up/big.bin": len(BIG), "up/deep/small.txt": 5, "up/empty": 0}
    assert sent.state == "completed"
    assert sent.status.bytes_done == len(BIG) + 5
    assert {file.state for file in sent.files()} == {"completed"}

    client.download(f"s3://{bucket}/up/", tmp_path / "down").wait(progress=False)
    assert (tmp_path / "down" / "big.bin").read_bytes() == BIG
    assert (tmp_path / "down" / "deep" / "small.txt").read_text() == "small"
    assert sorted(p.name for p in (tmp_path / "down").rglob("*")) == ["big.bin", "deep", "empty", "small.txt"]


def test_on_conflict_decides_about_existing_files(client: Client, bucket: str, tmp_path: Path) -> None:
    uri = f"s3://{bucket}/one.txt"
    (tmp_path / "one.txt").write_text("first")
    client.upload(tmp_path / "one.txt", uri).wait(progress=False)
    (tmp_path / "one.txt").write_text("second")
    with pytest.raises(OdhTecError) as refused:
        client.upload(tmp_path / "one.txt", uri).wait(progress=False)
    assert refused.value.status == 409
    skipped = client.upload(tmp_path / "one.txt", uri, on_conflict="skip").wait(progress=False).status
    assert (skipped.files_done, skipped.bytes_done, skipped.bytes_total) == (1, 0, 0), "no bytes are transferred"
    with client.open(uri, "r") as text:
        assert text.read() == "first"
    client.upload(tmp_path / "one.txt", f"s3://{bucket}/", on_conflict="rename").wait(progress=False)
    assert client.exists(f"s3://{bucket}/one (1).txt")
    with pytest.raises(Conflict):
        client.download(uri, tmp_path).wait(progress=False)
    client.download(uri, tmp_path, on_conflict="rename").wait(progress=False)
    assert (tmp_path / "one (1).txt").read_text() == "first"
    assert (tmp_path / "one.txt").read_text() == "second"
    client.download(uri, tmp_path, on_conflict="overwrite").wait(progress=False)
    assert (tmp_path / "one.txt").read_text() == "first"


@pytest.mark.parametrize("key", ["x/../../out.txt", "x//etc", "x/.", "x/a/../b"])
def test_key_cannot_leave_the_download_folder(
    client: Client, s3_client: S3Client, bucket: str, key: str, tmp_path: Path
) -> None:
    s3_client.put_object(Bucket=bucket, Key="x/fine", Body=b"fine")
    s3_client.put_object(Bucket=bucket, Key=key, Body=b"evil")
    assert key in {one.key for one in client.ls(f"s3://{bucket}/", recursive=True)}
    client.download(f"s3://{bucket}/x/", tmp_path / "in").wait(progress=False)
    found = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.read_text() for path in found} == {"fine", "evil"}
    assert all(path.is_relative_to(tmp_path / "in") for path in found)
    client.download(f"s3://{bucket}/{key}", tmp_path / "in", on_conflict="overwrite").wait(progress=False)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_server_copies_moves_syncs_and_deletes(
    client: Client, s3_client: S3Client, bucket: str, stored: Callable[[], dict[str, int]]
) -> None:
    for key in ("a/1", "a/2", "ab"):
        s3_client.put_object(Bucket=bucket, Key=key, Body=b"x")
    root = f"s3://{bucket}"
    plan = client.copy(f"{root}/a/", f"{root}/b/", dry_run=True, include="1")
    assert plan.counts == {"create": 1}
    client.copy(f"{root}/a/", f"{root}/b/").wait(progress=False)
    client.move(f"{root}/b/1", f"{root}/c").wait(progress=False)
    client.sync(f"{root}/a/", f"{root}/b/").wait(progress=False)
    assert set(stored()) == {"a/1", "a/2", "ab", "b/1", "b/2", "c"}
    assert client.delete(f"{root}/a/", dry_run=True).files_total == 2
    client.delete(f"{root}/a/").wait(progress=False)
    client.delete(f"{root}/c").wait(progress=False)
    assert set(stored()) == {"ab", "b/1", "b/2"}
    with pytest.raises(StoreError) as missing:
        client.copy("s3://no-such-bucket-here/x", f"{root}/y").wait(progress=False)
    assert missing.value.code in {"NoSuchBucket", "NoSuchKey"}


def test_imported_model_is_awaited_and_listed(
    client: Client, bucket: str, server_hub: HubStandIn, stored: Callable[[], dict[str, int]]
) -> None:
    files = {"config.json": b"{}", "model.safetensors": SyntheticContent(9_000_000, seed=1)}
    server_hub.add(Repository("org/model")).commit(files)
    plan = client.import_model("org/model", f"s3://{bucket}", dry_run=True, include="*.json")
    assert plan.files_total == 1

    async def import_model() -> Transfer:
        return await client.import_model("org/model", f"s3://{bucket}/here/", include=["*.json", "*.safetensors"])

    done = asyncio.run(import_model())
    assert done.state == "completed"
    assert stored() == {"here/config.json": 2, "here/model.safetensors": 9_000_000}
    assert done.id in {one.id for one in client.transfers()}
    assert "completed" in repr(done)
    client.transfer(done.id).remove()
    with pytest.raises(NotFound):
        client.transfer(done.id)


def test_policy_of_the_server_can_be_read(client: Client) -> None:
    policy = client.policy()
    assert (policy.read_only, policy.allowed_buckets, policy.allow_presign) == (False, [], True)


def test_bandwidth_limit_can_be_read_and_changed(client: Client) -> None:
    assert client.max_bandwidth() == 0
    try:
        assert client.max_bandwidth(20_000_000) == client.max_bandwidth() == 20_000_000
        for value in (-1, 9999):
            with pytest.raises(BadRequest):
                client.max_bandwidth(value)
    finally:
        assert client.max_bandwidth(0) == 0


def test_waiting_for_a_cancelled_transfer_raises_cancelled(
    client: Client, bucket: str, server_hub: HubStandIn, stored: Callable[[], dict[str, int]], tmp_path: Path
) -> None:
    server_hub.add(Repository("org/slow")).commit({"w.bin": SyntheticContent(20_000_000, seed=1)})
    server_hub.inject(Halt(0), "*w.bin", host="cdn", times=None)
    transfer = client.import_model("org/slow", f"s3://{bucket}/").pause()
    assert transfer.state == "paused"
    transfer.cancel()
    with pytest.raises(Cancelled):
        transfer.wait(progress=False)
    server_hub.service.faults.clear()
    (tmp_path / "big").write_bytes(BIG)
    begin_upload, started, may_continue = client.api.begin_upload, threading.Event(), threading.Event()

    def held(*args: Any) -> Any:
        started.set()
        assert may_continue.wait(GIVE_UP_SECONDS)
        return begin_upload(*args)

    client.api.begin_upload = held  # type: ignore[method-assign]
    local = client.upload(tmp_path / "big", f"s3://{bucket}/big")
    assert started.wait(GIVE_UP_SECONDS)
    assert local.pause().state == "paused"
    local.cancel()
    may_continue.set()
    with pytest.raises(Cancelled):
        local.wait(progress=False)
    assert stored() == {}


def test_retry_sends_only_failed_files(
    client: Client, s3_client: S3Client, bucket: str, stored: Callable[[], dict[str, int]], tmp_path: Path
) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
    s3_client.put_object(Bucket=bucket, Key="to/b", Body=b"existing")
    sent: list[str] = []
    put_object = client.api.put_object

    def once_refused(bucket: str, key: str, *args: Any, **options: Any) -> Any:
        sent.append(key)
        if key == "to/b" and sent.count(key) == 1:
            raise StoreError("The store has no room.", code="QuotaExceeded", status=403)
        return put_object(bucket, key, *args, **options)

    client.api.put_object = once_refused  # type: ignore[method-assign]
    transfer = client.upload(tmp_path, f"s3://{bucket}/to/", on_conflict="overwrite")
    with pytest.raises(StoreError, match="1 of 2 files failed"):
        transfer.wait(progress=False)
    assert transfer.status.files_failed == 1
    transfer.retry().wait(progress=False)
    assert sorted(sent) == ["to/a", "to/b", "to/b"]
    assert stored() == {"to/a": 1, "to/b": 1}


def test_file_changed_during_the_upload_is_not_stored(
    client: Client, bucket: str, stored: Callable[[], dict[str, int]], tmp_path: Path
) -> None:
    file = tmp_path / "growing"
    file.write_bytes(BIG)
    put_part = client.api.put_part

    def grows(*args: Any) -> Any:
        with file.open("ab") as more:
            more.write(b"more")
        return put_part(*args)

    client.api.put_part = grows  # type: ignore[method-assign]
    with pytest.raises(VerificationError, match="changed while"):
        client.upload(file, f"s3://{bucket}/growing").wait(progress=False)
    assert stored() == {}


def test_token_is_neither_printed_nor_pickled(client: Client, server: JupyterProcess, bucket: str) -> None:
    transfer = client.delete(f"s3://{bucket}/none")
    for shown in (client, client.api.connection, client.api.connection.server, transfer):
        assert server.token not in repr(shown)
    assert server.token.encode() not in pickle.dumps(client)
    assert server.token.encode() not in pickle.dumps(client.api.connection.server)
    assert server.token not in json.dumps(client.api.list_transfers().model_dump(mode="json"))


def test_connection_is_tested_step_by_step(client: Client, bucket: str) -> None:
    found = client.test_connection(write=True, bucket=bucket)
    assert (found.connection, found.bucket) == ("default", bucket)
    assert next(one.status for one in found.checks if one.id == "delete") == "ok"
    assert [*client.ls(f"s3://{bucket}/")] == []
    with pytest.raises(NotFound, match="There is no connection 'missing'"):
        client.test_connection("missing")
