"""Local folders with entries that are not files, and disks on which two names are the same file."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from odhtec_jupyter.client import Client
from odhtec_jupyter.client.filesystem import OdhTecFileSystem
from odhtec_jupyter.demo.jupyter_process import JupyterProcess
from odhtec_jupyter.errors import BadRequest, Conflict
from odhtec_jupyter.models import OnConflict
from tests.client.shell import Shell
from tests.marks import on_moto

pytestmark = on_moto  # only local files matter

Stored = Callable[[], dict[str, int]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a file, a link to a file, and entries that are not files."""
    folder = tmp_path / "data"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.txt").write_text("a")
    (folder / "b.txt").symlink_to("a.txt")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "c.txt").write_text("c")
    (folder / "linked").symlink_to(tmp_path / "elsewhere")
    (folder / "broken.txt").symlink_to("none")
    os.mkfifo(folder / "deep" / "pipe")
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(os.path.relpath(folder / "socket"))
    return folder


def left_out(folder: Path) -> set[str]:
    return {
        f"{folder}/linked (link to a folder)",
        f"{folder}/broken.txt (broken link)",
        f"{folder}/deep/pipe (pipe)",
        f"{folder}/socket (socket)",
    }


def test_upload_reports_what_it_leaves_out(client: Client, bucket: str, folder: Path, stored: Stored) -> None:
    plan = client.upload(folder, f"s3://{bucket}/", dry_run=True)
    assert plan.counts == {"create": 2, "omit": 4}
    assert {file.source for file in plan.files if file.what == "omit"} == left_out(folder)
    transfer = client.upload(folder, f"s3://{bucket}/").wait(progress=False)
    assert set(transfer.left_out) == left_out(folder)
    assert transfer.status.files_omitted == 4
    assert ", 4 left out" in repr(transfer)
    assert stored() == {"a.txt": 1, "b.txt": 1}


def test_upload_does_not_report_what_the_patterns_exclude(client: Client, bucket: str, folder: Path) -> None:
    plan = client.upload(folder, f"s3://{bucket}/", include="a*", dry_run=True)
    # The files in a linked folder are unknown.
    assert [file.source for file in plan.files if file.what == "omit"] == [f"{folder}/linked (link to a folder)"]
    plan = client.upload(folder, f"s3://{bucket}/", exclude=["linked", "deep/", "broken*"], dry_run=True)
    assert [file.source for file in plan.files if file.what == "omit"] == [f"{folder}/socket (socket)"]


def test_fsspec_put_warns_about_a_linked_folder(
    server: JupyterProcess, bucket: str, tmp_path: Path, stored: Stored
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.txt").write_text("a")
    (tmp_path / "data" / "linked").symlink_to(tmp_path)
    fs = OdhTecFileSystem(server_url=server.url, token=server.token, skip_instance_cache=True)
    with pytest.warns(UserWarning, match="linked was not uploaded: it is a link to a folder"):
        fs.put(f"{tmp_path}/data/", f"{bucket}/data/", recursive=True)
    fs.client.api.connection.close()
    assert stored() == {"data/a.txt": 1}


def test_fsspec_put_leaves_out_special_files_with_a_warning(
    server: JupyterProcess, bucket: str, folder: Path, stored: Stored
) -> None:
    fs = OdhTecFileSystem(server_url=server.url, token=server.token, skip_instance_cache=True)
    with pytest.warns(UserWarning) as warned:  # noqa: PT030 - compared below
        fs.put(f"{folder}/", f"{bucket}/", recursive=True)
    expected = {one.replace(" (", " was not uploaded: it is a ").replace(")", ".") for one in left_out(folder)}
    assert {str(one.message) for one in warned} == expected
    assert stored() == {"a.txt": 1, "b.txt": 1}
    with pytest.warns(UserWarning, match="pipe was not uploaded: it is a pipe"):
        fs.put(f"{folder}/deep/*", f"{bucket}/")
    for name in (f"{folder}/deep/pipe", [f"{folder}/deep/pipe"]):
        with pytest.raises(BadRequest, match="pipe is not a regular file"):
            fs.put(name, f"{bucket}/pipe")
    fs.client.api.connection.close()


def test_upload_of_a_folder_without_files_names_what_it_leaves_out(client: Client, bucket: str, tmp_path: Path) -> None:
    (tmp_path / "only").mkdir()
    (tmp_path / "only" / "link").symlink_to(tmp_path)
    with pytest.raises(BadRequest, match=r"has no files\. Left out: .*link \(link to a folder\)\."):
        client.upload(tmp_path / "only", f"s3://{bucket}/").wait(progress=False)


@pytest.mark.parametrize("command", ["cp", "sync"])
def test_commands_print_what_they_leave_out(
    shell: Shell, bucket: str, folder: Path, stored: Stored, command: str
) -> None:
    planned = shell(command, "--dry-run", "data", f"s3://{bucket}/").stdout
    assert "omit  data/deep/pipe (pipe)\n" in planned
    assert "6 files, 4 of them left out, 2 bytes; nothing was written." in planned
    done = shell(command, "data", f"s3://{bucket}/")
    assert "2 of 2 files, 4 left out" in done.stdout
    assert all(one.replace(f"{folder}/", "data/") in done.stderr for one in left_out(folder))
    assert stored() == {"a.txt": 1, "b.txt": 1}
    result = json.loads(shell(command, "--json", *CONFLICTS[command], "data", f"s3://{bucket}/").stdout)
    assert result.get("filesOmitted", result.get("counts", {}).get("omit")) == 4
    assert "data/socket (socket)" in json.dumps(result)


CONFLICTS = {"cp": ["--on-conflict", "overwrite"], "sync": []}


def test_sync_reports_what_it_leaves_out_when_nothing_has_changed(shell: Shell, bucket: str, folder: Path) -> None:
    for name in ("a.txt", "deep"):
        os.utime(folder / name, (1_000_000_000, 1_000_000_000))
    shell("sync", "data", f"s3://{bucket}/")
    done = shell("sync", "data", f"s3://{bucket}/")
    assert "Nothing to copy" in done.stdout
    assert "data/linked (link to a folder)" in done.stderr


@pytest.mark.parametrize("command", ["cp", "sync"])
def test_download_reports_objects_with_the_name_of_a_folder(
    shell: Shell, s3_client: Any, bucket: str, tmp_path: Path, command: str
) -> None:
    for key, body in {"d/a.txt": b"a", "d/marker/": b"", "d/odd/": b"content"}.items():
        s3_client.put_object(Bucket=bucket, Key=key, Body=body)
    done = shell(command, f"s3://{bucket}/d/", "back/")
    assert "Left out: d/odd/ (object with the name of a folder)." in done.stderr
    assert ", 1 left out" in done.stdout
    assert [path.name for path in (tmp_path / "back").iterdir()] == ["a.txt"]


# --- one file with two names ------------------------------------------------------------------------------------------


@pytest.fixture
def two_spellings(s3_client: Any, bucket: str, tmp_path: Path) -> Path:
    """Two objects whose paths are the same file, through a link. The same happens on case-insensitive disks."""
    for key in ("Dir/a.txt", "dir/a.txt"):
        s3_client.put_object(Bucket=bucket, Key=f"d/{key}", Body=key.encode())
    (tmp_path / "back" / "Dir").mkdir(parents=True)
    (tmp_path / "back" / "dir").symlink_to("Dir")
    return tmp_path / "back"


@pytest.mark.parametrize("policy", ["fail", "skip", "overwrite"])
def test_download_does_not_replace_a_file_of_the_same_download(
    client: Client, bucket: str, two_spellings: Path, policy: OnConflict
) -> None:
    transfer = client.download(f"s3://{bucket}/d/", two_spellings, on_conflict=policy)
    with pytest.raises(Conflict, match="are the same file on this disk"):
        transfer.wait(progress=False)
    assert sorted(file.state for file in transfer.files()) == ["completed", "failed"]
    again = client.download(f"s3://{bucket}/d/", two_spellings, on_conflict="skip")
    with pytest.raises(Conflict, match="are the same file on this disk"):
        again.wait(progress=False)


def test_download_keeps_both_files_with_rename(client: Client, bucket: str, two_spellings: Path) -> None:
    client.download(f"s3://{bucket}/d/", two_spellings, on_conflict="rename").wait(progress=False)
    found = {path.name: path.read_text() for path in (two_spellings / "Dir").iterdir()}
    assert set(found) == {"a.txt", "a (1).txt"}
    assert set(found.values()) == {"Dir/a.txt", "dir/a.txt"}


def test_cp_of_several_sources_does_not_replace_a_file_of_the_same_download(
    shell: Shell, bucket: str, two_spellings: Path
) -> None:
    (two_spellings / "Dir" / "a.txt").unlink(missing_ok=True)
    sources = [f"s3://{bucket}/d/Dir/", f"s3://{bucket}/d/dir/"]
    result = shell("cp", "-r", *sources, "back/", "--on-conflict", "overwrite", code=1).stderr
    assert "are the same file on this disk" in result


def test_fsspec_get_does_not_replace_a_file_of_the_same_download(
    server: JupyterProcess, bucket: str, two_spellings: Path
) -> None:
    fs = OdhTecFileSystem(server_url=server.url, token=server.token, skip_instance_cache=True)
    with pytest.raises(FileExistsError, match="are the same file on this disk"):
        fs.get(f"{bucket}/d/", str(two_spellings), recursive=True)
    fs.client.api.connection.close()
