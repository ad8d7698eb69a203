"""Hidden files of the workspace: the rules are those of Jupyter's file browser, and omitted files are reported."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from odhtec_jupyter.demo.hub.repository import Repository
from odhtec_jupyter.demo.hub.stand_in import HubStandIn

on_moto = pytest.mark.parametrize("s3_server", ["moto"], indirect=True)

FILES = ("a.txt", ".env", ".ssh/id_rsa", "sub/.hidden", "sub/b.txt", "sub/__pycache__/c.pyc", "draft.txt~")
SEEN = {"a.txt", "sub/b.txt"}


def fill(root: Path) -> None:
    for name in FILES:
        (root / "d" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "d" / name).write_text(name)


def below(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def omitted(plan: Any) -> set[str]:
    return {file["source"].partition("://")[2] for file in plan["files"] if file["what"] == "omit"}


async def transferred(api: Any, action: str, source: str, target: str, **more: Any) -> Any:
    request = {"action": action, "source": source, "target": target, **more}
    return await api.finished((await api.ok("POST", "transfers", json_body=request, status=201))["id"])


async def left_out(api: Any, transfer_id: str) -> set[str]:
    """Return the files of a transfer that were omitted because they are hidden."""
    files = (await api.ok("GET", "transfers", transfer_id, "files", params={"state": "skipped"}))["files"]
    assert {file["error"]["code"] for file in files} <= {"HiddenFile"}
    return {file["path"] for file in files}


@on_moto
@pytest.mark.parametrize("action", ["copy", "move"])
async def test_hidden_files_stay_in_the_workspace(
    api: Any, bucket: str, jp_root_dir: Path, stored: Callable[[], dict[str, int]], action: str
) -> None:
    fill(jp_root_dir)
    expected = {".env", ".ssh/", "sub/.hidden", "sub/__pycache__/", "draft.txt~"}
    ends = {"source": "workspace://d/", "target": f"s3://{bucket}/up/"}
    plan = await api.ok("POST", "transfers", json_body={"action": action, **ends, "dryRun": True})
    assert (plan["counts"], plan["filesTotal"]) == ({"create": 2, "omit": 5}, 7)
    assert omitted(plan) == {f"d/{path}" for path in expected}
    assert plan["bytesTotal"] == sum(map(len, SEEN))
    done = await transferred(api, action, **ends)
    assert (done["state"], done["filesOmitted"], done["bytesTotal"]) == ("completed", 5, sum(map(len, SEEN)))
    assert set(stored()) == {f"up/{path}" for path in SEEN}
    assert await left_out(api, done["id"]) == expected
    moved = SEEN if action == "move" else set()
    assert below(jp_root_dir / "d") == set(FILES) - moved


@on_moto
async def test_hidden_files_are_not_written_to_the_workspace(
    api: Any, hf: HubStandIn, bucket: str, jp_root_dir: Path, s3_client: Any, stored: Callable[[], dict[str, int]]
) -> None:
    hf.add(Repository("org/evil")).commit({name: name.encode() for name in FILES})
    for name in FILES:
        s3_client.put_object(Bucket=bucket, Key=f"d/{name}", Body=name.encode())
    for action, source in (("copy", "hf://org/evil/"), ("move", f"s3://{bucket}/d/")):
        ends = {"source": source, "target": f"workspace://{action}/"}
        plan = await api.ok("POST", "transfers", json_body={"action": action, **ends, "dryRun": True})
        assert plan["counts"] == {"create": 2, "omit": 5}
        done = await transferred(api, action, **ends)
        assert (done["state"], done["filesOmitted"], done["bytesTotal"]) == ("completed", 5, sum(map(len, SEEN)))
        assert below(jp_root_dir / action) == SEEN
        assert await left_out(api, done["id"]) == set(FILES) - SEEN
    assert set(stored()) == {f"d/{name}" for name in set(FILES) - SEEN}  # files that were not moved are not deleted


@on_moto
async def test_hidden_path_of_a_request_is_refused(api: Any, bucket: str, jp_root_dir: Path, s3_client: Any) -> None:
    fill(jp_root_dir)
    s3_client.put_object(Bucket=bucket, Key="x", Body=b"x")
    s3_client.put_object(Bucket=bucket, Key="d/.bashrc", Body=b"x")
    for source, target in (
        ("workspace://d/.env", f"s3://{bucket}/env"),
        ("workspace://d/.ssh/", f"s3://{bucket}/ssh/"),
        ("workspace://d/.ssh/id_rsa", f"s3://{bucket}/ssh"),
        (f"s3://{bucket}/x", "workspace://.bashrc"),
        (f"s3://{bucket}/x", "workspace://.ipython/profile_default/startup/"),
    ):
        for dry_run in (True, False):
            request = {"action": "copy", "source": source, "target": target, "dryRun": dry_run}
            reply = await api.refused(403, "POST", "transfers", json_body=request)
            assert reply["error"] == "HiddenFile"
    # Hidden names in a list of names or below a prefix are found when the transfer is planned.
    for source, target, names in (
        ("workspace://d/", f"s3://{bucket}/", [".env"]),
        (f"s3://{bucket}/d/", "workspace://", [".bashrc"]),
        (f"s3://{bucket}/d/.bashrc", "workspace://", None),
    ):
        more = {"names": names} if names else {}
        request = {"action": "copy", "source": source, "target": target, "dryRun": True, **more}
        assert (await api.refused(403, "POST", "transfers", json_body=request))["error"] == "HiddenFile"
        done = await transferred(api, "copy", source, target, **more)
        assert (done["state"], done["error"]["code"]) == ("failed", "HiddenFile")
    assert not (jp_root_dir / ".bashrc").exists()


@on_moto
async def test_file_that_jupyter_does_not_list_can_be_copied_by_its_name(
    api: Any, bucket: str, jp_root_dir: Path, stored: Callable[[], dict[str, int]]
) -> None:
    fill(jp_root_dir)
    assert (await transferred(api, "copy", "workspace://d/draft.txt~", f"s3://{bucket}/d~"))["state"] == "completed"
    assert (await transferred(api, "copy", f"s3://{bucket}/d~", "workspace://back~"))["state"] == "completed"
    assert (jp_root_dir / "back~").read_text() == "draft.txt~"


@pytest.fixture
def allow_hidden(jp_server_config: Any) -> None:
    jp_server_config.ContentsManager.allow_hidden = True
    jp_server_config.ContentsManager.hide_globs = ["draft*"]


@on_moto
async def test_hidden_files_are_included_if_jupyter_allows_them(
    allow_hidden: None, api: Any, bucket: str, jp_root_dir: Path, stored: Callable[[], dict[str, int]]
) -> None:
    fill(jp_root_dir)
    done = await transferred(api, "copy", "workspace://d/", f"s3://{bucket}/d/")
    assert (done["state"], done["filesOmitted"]) == ("completed", 1)
    assert set(stored()) == {f"d/{name}" for name in FILES if name != "draft.txt~"}
    down = await transferred(api, "copy", f"s3://{bucket}/d/", "workspace://.back/")
    assert (down["state"], down["filesOmitted"]) == ("completed", 0)
    assert below(jp_root_dir / ".back") == set(FILES) - {"draft.txt~"}


@on_moto
async def test_move_keeps_an_empty_hidden_folder(
    api: Any, bucket: str, jp_root_dir: Path, stored: Callable[[], dict[str, int]]
) -> None:
    (jp_root_dir / "d" / ".git").mkdir(parents=True)
    (jp_root_dir / "d" / "a").write_text("a")
    assert (await transferred(api, "move", "workspace://d/", f"s3://{bucket}/"))["state"] == "completed"
    assert set(stored()) == {"a"}
    assert os.listdir(jp_root_dir / "d") == [".git"]
