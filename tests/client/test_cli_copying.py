"""Copying and moving objects with ``jupyter odhtec``."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

from tests.client.shell import Shell
from tests.marks import on_moto

pytestmark = on_moto


Stored = Callable[[], dict[str, int]]


def test_several_sources_go_into_a_folder(
    shell: Shell, bucket: str, put: Callable[..., None], stored: Stored, tmp_path: Path
) -> None:
    put("a.csv", "b.csv", "c.txt", "dir/d.csv", "dir/deep/e.csv")
    assert "must be a folder" in shell("cp", f"s3://{bucket}/*.csv", f"s3://{bucket}/to", code=1).stderr
    plan = shell("cp", "--dry-run", f"s3://{bucket}/*.csv", f"s3://{bucket}/to/").stdout
    assert "2 files" in plan
    shell("cp", f"s3://{bucket}/*.csv", f"s3://{bucket}/to/")
    shell("cp", f"s3://{bucket}/c.txt", f"s3://{bucket}/dir/", f"s3://{bucket}/two/")
    made = {"to/a.csv", "to/b.csv", "two/c.txt", "two/dir/d.csv", "two/dir/deep/e.csv"}
    assert made <= set(stored())
    # With a pattern over several levels the paths are kept, so that all names differ.
    shell("cp", f"s3://{bucket}/dir/**/*.csv", f"s3://{bucket}/deep/")
    assert {"deep/d.csv", "deep/deep/e.csv"} <= set(stored())
    shell("cp", f"s3://{bucket}/*.csv", f"s3://{bucket}/dir/**/*.csv", "here/")
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.csv")) == [
        "here/a.csv",
        "here/b.csv",
        "here/d.csv",
        "here/deep/e.csv",
    ]
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "f.txt").write_text("f")
    shell("cp", "here/a.csv", "folder", f"s3://{bucket}/up/")
    assert {"up/a.csv", "up/folder/f.txt"} <= set(stored())
    same = shell("cp", f"s3://{bucket}/a.csv", f"s3://{bucket}/to/a.csv", "other/", code=1).stderr
    assert "would both become a.csv" in same
    assert not (tmp_path / "other").exists()


def test_recursive_includes_folders_that_match(
    shell: Shell, bucket: str, put: Callable[..., None], stored: Stored
) -> None:
    put("run-1/a", "run-2/b", "run-3")
    result = shell("cp", f"s3://{bucket}/run-*", f"s3://{bucket}/files/").stderr
    assert f"Left out: s3://{bucket}/run-1/ and 1 more. Use -r to include folders.\n" in result
    assert {key for key in stored() if key.startswith("files/")} == {"files/run-3"}
    assert "Use -r to include folders." in shell("cp", f"s3://{bucket}/run-[12]", "here/", code=1).stderr
    assert "-r takes" not in shell("cat", f"s3://{bucket}/run-[12]", code=1).stderr  # sync has no -r
    shell("cp", "-r", f"s3://{bucket}/run-*", f"s3://{bucket}/all/")
    assert {key for key in stored() if key.startswith("all/")} == {"all/run-1/a", "all/run-2/b", "all/run-3"}
    shell("cp", "-r", f"s3://{bucket}/run-1", f"s3://{bucket}/one/")  # without a slash at the end
    assert "one/a" in stored()


def test_patterns_apply_within_each_folder_of_several(
    shell: Shell, bucket: str, put: Callable[..., None], stored: Stored, tmp_path: Path
) -> None:
    put("run-1/a.csv", "run-1/tmp/x.csv", "run-2/a.csv", "run-2/b.txt", "run-3.csv", "run-4.txt")
    chosen = ("-r", f"s3://{bucket}/run-*")
    patterns = ("--include", "*.csv", "--exclude", "tmp/*")
    expected = {"run-1/a.csv", "run-2/a.csv", "run-3.csv"}
    shell("cp", *chosen, "here/", *patterns)
    here = tmp_path / "here"
    assert {str(path.relative_to(here)) for path in here.rglob("*") if path.is_file()} == expected
    shell("mv", *chosen, f"s3://{bucket}/to/", *patterns)
    moved = {f"to/{name}" for name in expected}
    assert set(stored()) == moved | {"run-1/tmp/x.csv", "run-2/b.txt", "run-4.txt"}


def test_pipe_accepts_one_source(shell: Shell, bucket: str, stored: Stored, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a")
    assert "must be one object" in shell("cp", "-", "a.csv", f"s3://{bucket}/k", code=1).stderr
    assert stored() == {}


def test_name_of_many_bytes_is_downloaded(shell: Shell, bucket: str, put: Callable[..., None], tmp_path: Path) -> None:
    name = "名" * 85  # 255 bytes, the limit of file systems
    put(f"long/{name}")
    shell("cp", f"s3://{bucket}/long/", "back/")
    assert [path.name for path in (tmp_path / "back").iterdir()] == [name]


def test_existing_target_is_refused_with_advice(shell: Shell, bucket: str, put: Callable[..., None]) -> None:
    put("a.csv")
    shell("cp", f"s3://{bucket}/a.csv", ".")
    for source, target in ((f"s3://{bucket}/a.csv", "."), ("a.csv", f"s3://{bucket}/")):
        assert "exists already" in (result := shell("cp", source, target, code=1).stderr)
        assert "--on-conflict" in result


def test_mv_renames_and_moves(
    shell: Shell, bucket: str, put: Callable[..., None], stored: Stored, tmp_path: Path
) -> None:
    put("a.csv", "b.csv", "run/c")
    assert "1 files" in shell("mv", "--dryrun", f"s3://{bucket}/a.csv", f"s3://{bucket}/new.csv").stdout
    shell("mv", f"s3://{bucket}/a.csv", f"s3://{bucket}/new.csv")
    shell("mv", f"s3://{bucket}/run/", f"s3://{bucket}/old/")
    assert set(stored()) == {"new.csv", "b.csv", "old/c"}
    shell("mv", f"s3://{bucket}/*.csv", f"s3://{bucket}/csv/")
    assert set(stored()) == {"csv/new.csv", "csv/b.csv", "old/c"}
    (tmp_path / "mine").write_text("mine")
    assert "Copy them with cp" in shell("mv", "mine", f"s3://{bucket}/", code=1).stderr
    assert (tmp_path / "mine").exists()


def test_sync_copies_only_what_differs(
    shell: Shell, bucket: str, put: Callable[..., None], stored: Stored, tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    (folder / "deep").mkdir(parents=True)
    for name in ("a.txt", "deep/b.txt", "c.tmp"):
        (folder / name).write_text("1")
        os.utime(folder / name, (1_000_000_000, 1_000_000_000))
    put("d/only-there")
    uri = f"s3://{bucket}/d"
    assert "2 files" in shell("sync", "--dry-run", "data", uri, "--exclude", "*.tmp").stdout
    shell("sync", "data", uri, "--exclude", "*.tmp")
    assert set(stored()) == {"d/a.txt", "d/deep/b.txt", "d/only-there"}
    assert "Nothing to copy" in shell("sync", "data", uri, "--exclude", "*.tmp").stdout
    (folder / "a.txt").write_text("longer")
    os.utime(folder / "deep" / "b.txt", (4_000_000_000, 4_000_000_000))  # newer than the object
    plan = json.loads(shell("sync", "--json", "--dry-run", "data", uri, "--exclude", "*.tmp").stdout)
    assert plan["counts"] == {"overwrite": 2}
    shell("sync", "data", uri, "--exclude", "*.tmp")
    assert stored()["d/a.txt"] == 6

    shell("sync", uri, "back")
    assert (tmp_path / "back" / "a.txt").read_text() == "longer"
    os.utime(tmp_path / "back" / "a.txt", (1_000_000_000, 1_000_000_000))  # older than the object
    os.utime(tmp_path / "back" / "deep" / "b.txt", (4_000_000_000, 4_000_000_000))
    os.utime(tmp_path / "back" / "only-there", (4_000_000_000, 4_000_000_000))
    assert "1 files" in shell("sync", "--dry-run", uri, "back").stdout
    shell("sync", f"{uri}/", f"s3://{bucket}/e/")
    assert "e/deep/b.txt" in stored()
    assert "sync requires two folders" in shell("sync", "data/a.txt", uri, code=1).stderr
    # A mistyped source must not look like a complete target.
    assert "does not exist" in shell("sync", f"s3://{bucket}/dd", "other", code=1).stderr
    assert "has all files that the patterns include" in shell("sync", "data", uri, "--include", "*.none").stdout
