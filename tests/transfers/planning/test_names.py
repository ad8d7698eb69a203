"""Selected files and folders of a folder as one transfer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from odhtec_jupyter.errors import BadRequest
from odhtec_jupyter.services import Services
from odhtec_jupyter.transfers.transfer import Transfer
from tests.content import contents
from tests.transfers.steps import begin, ended


async def run(services: Services, action: str, source: str, target: str, names: list[str], **fields: Any) -> Transfer:
    return await ended(services, await begin(services, action, source, target, names=names, **fields))


def put(s3_client: Any, bucket: str, *keys: str) -> None:
    for key in keys:
        s3_client.put_object(Bucket=bucket, Key=key, Body=key.encode())


async def test_exactly_the_listed_names_are_copied_and_moved(services: Services, s3_client: Any, bucket: str) -> None:
    here = {"p/a", "p/ab", "p/d", "p/d/", "p/d/e/f", "p/dd/x", "q/a"}
    put(s3_client, bucket, *here)
    copied = await run(services, "copy", f"s3://{bucket}/p/", f"s3://{bucket}/c/", ["d/", "a", "a"])
    assert (copied.state, copied.error, copied.files_total) == ("completed", None, 3)
    assert copied.show().names_total == 2
    assert set(contents(s3_client, bucket)) == here | {"c/a", "c/d/", "c/d/e/f"}
    moved = await run(services, "move", f"s3://{bucket}/p/", f"s3://{bucket}/m/", ["d/", "a"])
    assert (moved.state, moved.error) == ("completed", None)
    left = {"p/ab", "p/d", "p/dd/x", "q/a", "c/a", "c/d/", "c/d/e/f"}
    found = contents(s3_client, bucket)
    assert set(found) == left | {"m/a", "m/d/", "m/d/e/f"}
    assert found["m/d/e/f"] == b"p/d/e/f"


async def test_unusual_names_are_moved(services: Services, s3_client: Any, bucket: str) -> None:
    names = ["..", ".", "/", "tr/", "p%2F q+?#&=.txt", "😀", "é e\u0301", "~'\"<&>"]
    put(s3_client, bucket, *(f"p/{name}" for name in names), "p//below", "p/other")
    done = await run(services, "move", f"s3://{bucket}/p/", f"s3://{bucket}/", names)
    assert (done.state, done.error) == ("completed", None)
    assert set(contents(s3_client, bucket)) == {"p/other", "/below", *names}


async def test_move_from_the_workspace_keeps_the_folder_and_unlisted_files(
    services: Services, workspace: Path, s3_client: Any, bucket: str
) -> None:
    (workspace / "w" / "x" / "y").mkdir(parents=True)
    for name in ("w/x/y/one", "w/two", "w/three"):
        (workspace / name).write_text(name)
    done = await run(services, "move", "workspace://w/", f"s3://{bucket}/to/", ["x/", "two"])
    assert (done.state, done.error) == ("completed", None)
    assert contents(s3_client, bucket) == {"to/x/y/one": b"w/x/y/one", "to/two": b"w/two"}
    assert [path.name for path in (workspace / "w").iterdir()] == ["three"]
    done = await run(services, "move", "workspace://w/", f"s3://{bucket}/to/", ["three"])
    assert done.state == "completed"
    assert list((workspace / "w").iterdir()) == [], "the folder itself was not selected"
    (workspace / "top").mkdir()
    (workspace / "top" / "file").write_text("t")
    done = await run(services, "move", "workspace://", f"s3://{bucket}/", ["top/"])
    assert (done.state, done.error) == ("completed", None)
    assert not (workspace / "top").exists()


async def test_missing_name_is_reported_before_anything_is_written(
    services: Services, s3_client: Any, bucket: str
) -> None:
    put(s3_client, bucket, "p/a", "p/d/e")
    for missing in ("b", "b/", "d", "a/"):
        failed = await run(services, "copy", f"s3://{bucket}/p/", f"s3://{bucket}/c/", ["a", missing, "d/"])
        assert failed.state == "failed"
        assert failed.error is not None
        assert failed.error.code == "NoSuchKey"
        assert f"s3://{bucket}/p/{missing} does not exist" in failed.error.message
    assert set(contents(s3_client, bucket)) == {"p/a", "p/d/e"}


async def test_on_conflict_applies_to_all_names(services: Services, s3_client: Any, bucket: str) -> None:
    put(s3_client, bucket, "p/a", "p/b", "c/b")
    failed = await run(services, "move", f"s3://{bucket}/p/", f"s3://{bucket}/c/", ["a", "b"])
    assert failed.state == "failed"
    assert set(contents(s3_client, bucket)) == {"p/a", "p/b", "c/b"}
    renamed = await run(services, "move", f"s3://{bucket}/p/", f"s3://{bucket}/c/", ["a", "b"], on_conflict="rename")
    assert renamed.state == "completed"
    assert set(contents(s3_client, bucket)) == {"c/a", "c/b", "c/b (1)"}


async def test_unsupported_names_are_refused(services: Services, bucket: str) -> None:
    folder, to = f"s3://{bucket}/p/", f"s3://{bucket}/c/"
    for action, source, target, names in (
        ("delete", folder, "", ["a"]),
        ("copy", "hf://org/model", to, ["a"]),
        ("copy", folder.rstrip("/"), to, ["a"]),
        ("copy", folder, to.rstrip("/"), ["a"]),
        ("copy", folder, to, ["a", "d/e"]),
        ("copy", folder, to, ["//"]),
        ("copy", folder, folder, ["a"]),
        ("move", folder, f"s3://{bucket}/p/d/x/", ["a", "d/"]),
        ("copy", "workspace://a/", "workspace://b/", ["c"]),
    ):
        with pytest.raises(BadRequest):
            await begin(services, action, source, target, names=names)
    failed = await run(services, "copy", "workspace://a/", to, [".."])
    assert failed.state == "failed"
    assert failed.error is not None
    assert failed.error.code == "OutsideWorkspace"
