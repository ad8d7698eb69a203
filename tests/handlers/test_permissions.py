"""Transfers from or to the workspace require permission for Jupyter's resource ``contents``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from jupyter_server.auth import Authorizer

from odhtec_jupyter.demo.hub.repository import Repository
from odhtec_jupyter.demo.hub.stand_in import HubStandIn

VERBS = ("pause", "cancel")
on_moto = pytest.mark.parametrize("s3_server", ["moto"], indirect=True)


class ScriptedAuthorizer(Authorizer):
    """An authorizer that allows everything except what a test denies."""

    denied: ClassVar[set[tuple[str, str]]] = set()

    def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:
        return (action, resource) not in self.denied


@pytest.fixture
def authorizer(jp_server_config: Any) -> Iterator[type[ScriptedAuthorizer]]:
    jp_server_config.ServerApp.authorizer_class = ScriptedAuthorizer
    yield ScriptedAuthorizer
    ScriptedAuthorizer.denied = set()


@pytest.fixture
def guarded(authorizer: type[ScriptedAuthorizer], api: Any) -> type[ScriptedAuthorizer]:
    return authorizer


def workspace_requests(bucket: str) -> Iterator[tuple[dict[str, Any], set[str]]]:
    """Return transfers from and to the workspace with the permissions for ``contents`` that they require."""
    up = {"source": "workspace://secret.txt", "target": f"s3://{bucket}/taken"}
    down = {"source": f"s3://{bucket}/evil", "target": "workspace://startup.py"}
    for dry_run in (True, False):
        yield {"action": "copy", **up, "dryRun": dry_run}, {"read"}
        yield {"action": "sync", **up, "dryRun": dry_run}, {"read"}
        yield {"action": "move", **up, "dryRun": dry_run}, {"read", "write"}
        yield (
            {"action": "copy", "source": "workspace://", "target": f"s3://{bucket}/", "names": ["secret.txt"]},
            {"read"},
        )
        yield {"action": "copy", **down, "dryRun": dry_run}, {"read", "write"}
        yield {"action": "move", **down, "dryRun": dry_run}, {"read", "write"}
        hub = {"source": "hf://org/model/a.txt", "target": "workspace://startup.py"}
        yield {"action": "copy", **hub, "dryRun": dry_run}, {"read", "write"}


@on_moto
async def test_each_end_in_the_workspace_requires_permission_for_contents(
    guarded: type[ScriptedAuthorizer], hf: HubStandIn, api: Any, bucket: str, jp_root_dir: Path, s3_client: Any
) -> None:
    hf.add(Repository("org/model")).commit({"a.txt": b"evil"})
    (jp_root_dir / "secret.txt").write_bytes(b"secret")
    s3_client.put_object(Bucket=bucket, Key="evil", Body=b"evil")
    for request, needed in workspace_requests(bucket):
        for permission in needed:
            guarded.denied = {(permission, "contents")}
            reply = await api.refused(403, "POST", "transfers", json_body=request)
            assert permission in reply["message"]
            assert "contents" in reply["message"]
    assert await api.ok("GET", "transfers") == {"transfers": []}
    assert [item["Key"] for item in s3_client.list_objects_v2(Bucket=bucket)["Contents"]] == ["evil"]
    assert not (jp_root_dir / "startup.py").exists()


@on_moto
async def test_transfers_within_s3_require_no_permission_for_contents(
    guarded: type[ScriptedAuthorizer], api: Any, bucket: str, s3_client: Any
) -> None:
    s3_client.put_object(Bucket=bucket, Key="a", Body=b"x")
    guarded.denied = {("read", "contents"), ("write", "contents")}
    request = {"action": "copy", "source": f"s3://{bucket}/a", "target": f"s3://{bucket}/b"}
    transfer = await api.ok("POST", "transfers", json_body=request, status=201)
    assert (await api.finished(transfer["id"]))["state"] == "completed"
    assert len((await api.ok("GET", "transfers", transfer["id"], "files"))["files"]) == 1


@on_moto
async def test_resuming_another_users_transfer_requires_permission_for_contents(
    guarded: type[ScriptedAuthorizer], api: Any, bucket: str, jp_root_dir: Path, s3_client: Any
) -> None:
    (jp_root_dir / "there").mkdir()
    s3_client.put_object(Bucket=bucket, Key="evil", Body=b"evil")
    # It fails because its target is a folder.
    request = {"action": "copy", "source": f"s3://{bucket}/evil", "target": "workspace://there"}
    transfer = await api.ok("POST", "transfers", json_body=request, status=201)
    assert (await api.finished(transfer["id"]))["state"] == "failed"
    (jp_root_dir / "there").rmdir()
    for permission in ("read", "write"):
        guarded.denied = {(permission, "contents")}
        for verb in ("retry", "resume"):
            await api.refused(403, "POST", "transfers", transfer["id"], verb)
    guarded.denied = {("read", "contents")}
    await api.refused(403, "GET", "transfers", transfer["id"], "files")
    assert not (jp_root_dir / "there").exists()
    guarded.denied = set()
    await api.ok("POST", "transfers", transfer["id"], "retry")
    assert (await api.finished(transfer["id"]))["state"] == "completed"
    assert (jp_root_dir / "there").read_bytes() == b"evil"


@on_moto
async def test_names_of_users_files_require_permission_for_contents(
    guarded: type[ScriptedAuthorizer], api: Any, bucket: str, jp_root_dir: Path, s3_client: Any
) -> None:
    (jp_root_dir / "payroll").mkdir()
    s3_client.put_object(Bucket=bucket, Key="a", Body=b"x")
    # It fails because its target is a folder, with an error that names the folder.
    request = {"action": "copy", "source": f"s3://{bucket}/a", "target": "workspace://payroll"}
    into = await api.ok("POST", "transfers", json_body=request, status=201)
    await api.finished(into["id"])
    request = {"action": "copy", "source": "workspace://payroll/", "target": f"s3://{bucket}/b/"}
    out_of = await api.ok("POST", "transfers", json_body=request, status=201)
    await api.finished(out_of["id"])

    async def all_replies() -> list[str]:
        replies = [str(await api.ok("GET", "transfers", one["id"])) for one in (into, out_of)]
        for one in (into, out_of):
            replies += [(await api.send("POST", "transfers", one["id"], verb)).body.decode() for verb in VERBS]
        replies.append(str(await api.ok("GET", "transfers")))
        stream = await api.events("GET", "transfers/events")
        seen: dict[str, str] = {}
        async for _, data in stream:
            seen[data["id"]] = str(data)
            if len(seen) == 2:
                break
        await stream.close()
        return replies + list(seen.values())

    assert "payroll" in str(await api.ok("GET", "transfers"))
    guarded.denied = {("read", "contents")}
    listed = {one["id"]: one for one in (await api.ok("GET", "transfers"))["transfers"]}
    for text in await all_replies():  # last, because cancelling removes the error
        assert "payroll" not in text
    assert (listed[into["id"]]["source"], listed[into["id"]]["target"]) == (f"s3://{bucket}/a", "workspace://")
    assert (listed[out_of["id"]]["source"], listed[out_of["id"]]["target"]) == ("workspace://", f"s3://{bucket}/b/")
    assert "permission" in listed[into["id"]]["error"]["message"]
