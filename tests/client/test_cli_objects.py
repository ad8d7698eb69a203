"""Looking at objects, copying, moving and deleting them with ``jupyter odhtec``."""

from __future__ import annotations

import json
import os
import pty
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from odhtec_jupyter.cli import main
from odhtec_jupyter.client.api import Api
from odhtec_jupyter.client.globs import _matcher
from odhtec_jupyter.errors import error_for
from tests.client.shell import Shell

Stored = Callable[[], dict[str, int]]


@pytest.fixture(params=["moto"])
def s3_server(request: pytest.FixtureRequest, moto_server: Any) -> Any:
    """One is enough: the client is tried with all of them."""
    return moto_server


@pytest.fixture
def put(s3_client: Any, bucket: str) -> Callable[..., None]:
    """Objects of one byte, or of some text."""

    def put(*keys: str, body: bytes = b"x") -> None:
        for key in keys:
            s3_client.put_object(Bucket=bucket, Key=key, Body=body)

    return put


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Someone at a terminal, who answers each question so."""
    main, terminal = pty.openpty()
    with os.fdopen(terminal) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        yield lambda text: os.write(main, f"{text}\n".encode())
    os.close(main)


def uris(text: str, bucket: str) -> list[str]:
    """Keys of the URIs in lines, without what is before them."""
    return [line.rpartition(f"s3://{bucket}/")[2] for line in text.splitlines()]


# --- looking ----------------------------------------------------------------------------------------------------------


def test_ls_prints_uris_and_long_rows(shell: Shell, bucket: str, put: Callable[..., None]) -> None:
    put("a.csv", "dir/b.csv", "dir/deep/c.txt", "dir-2/d.csv", "what[1].txt")
    put("big", body=bytes(1_234_567))
    top = shell("ls", f"s3://{bucket}").stdout
    assert uris(top, bucket) == ["dir-2/", "dir/", "a.csv", "big", "what[1].txt"]
    assert top.splitlines()[2] == f"s3://{bucket}/a.csv"
    assert uris(shell("ls", f"s3://{bucket}/dir").stdout, bucket) == ["dir/deep/", "dir/b.csv"]
    # Not those of dir-2, which begins like it.
    assert uris(shell("ls", "-R", f"s3://{bucket}/dir").stdout, bucket) == ["dir/b.csv", "dir/deep/c.txt"]
    for option, amount in (("-l", " 1234567  "), ("-h", " 1.2 MB  "), ("-lh", " 1.2 MB  ")):
        (row,) = shell("ls", option, f"s3://{bucket}/big").stdout.splitlines()
        assert amount in row
        assert row.startswith("20")
    listed = json.loads(shell("ls", "--json", f"s3://{bucket}/big").stdout)
    assert set(listed) == {"uri", "key", "isFolder", "size", "lastModified", "etag", "storageClass"}
    assert (listed["size"], listed["isFolder"]) == (1_234_567, False)
    assert listed["lastModified"][10] == "T"
    assert listed["lastModified"].endswith("Z")
    assert "usage: jupyter odhtec ls" in shell("ls", "--help").stdout


@pytest.mark.parametrize(
    ("pattern", "keys"),
    [
        ("*.csv", ["a.csv"]),
        ("*", ["dir-2/", "dir/", "a.csv", "b[1].csv.gz", "tmp.txt"]),
        ("**/*.csv", ["a.csv", "dir-2/d.csv", "dir/b.csv", "dir/deep/c.csv"]),
        ("dir*/*.csv", ["dir-2/d.csv", "dir/b.csv"]),
        ("dir/**", ["dir/b.csv", "dir/deep/c.csv"]),
        ("d?r/", ["dir/"]),
        ("dir[!x]2/d.*", ["dir-2/d.csv"]),
        ("[a-b].csv", ["a.csv"]),
        ("*/deep", ["dir/deep/"]),
        ("b[1].csv.gz", ["b[1].csv.gz"]),
        ("t*p.txt", ["tmp.txt"]),
    ],
)
def test_wildcards_match_as_in_a_shell(
    shell: Shell, bucket: str, put: Callable[..., None], pattern: str, keys: list[str]
) -> None:
    put("a.csv", "dir/b.csv", "dir/deep/c.csv", "dir-2/d.csv", "b[1].csv.gz", "tmp.txt")
    assert sorted(uris(shell("ls", f"s3://{bucket}/{pattern}").stdout, bucket)) == sorted(keys)


@pytest.mark.parametrize(
    ("pattern", "matched", "others"),
    [
        ("tmp**/x", ["tmp/x", "tmp-1/deep/x"], ["tmpx", "tmp-x"]),
        ("**/x", ["x", "a/x", "a/b/x"], ["ax", "a/bx"]),
        ("a/**/x", ["a/x", "a/b/c/x"], ["ax", "a-b/x"]),
        ("**/a[+-9]b", ["a.b", "c/a0b"], ["a/b", "c/a/b"]),
        ("**/a[!x]b", ["a.b"], ["a/b", "axb"]),
    ],
)
def test_wildcards_match_nothing_else(pattern: str, matched: list[str], others: list[str]) -> None:
    matches = _matcher(pattern)
    assert [path for path in (*matched, *others) if matches(path)] == matched


def test_one_missing_uri_does_not_stop_the_others(shell: Shell, bucket: str, put: Callable[..., None]) -> None:
    put("a.txt")
    for command in ("ls", "du"):
        result = shell(command, f"s3://{bucket}/none", f"s3://{bucket}/none*", f"s3://{bucket}/a.txt", code=1)
        assert result.stdout
        assert f"s3://{bucket}/none does not exist." in result.stderr
        assert f"No object or folder matches s3://{bucket}/none*." in result.stderr
    assert "does not exist" in shell("ls", f"s3://{bucket}/none/", code=1).stderr


def test_du_counts_folders_and_search_finds_names(shell: Shell, bucket: str, put: Callable[..., None]) -> None:
    put("data/a.csv", "data/deep/b.csv", "data-2/c.txt", body=bytes(1000))
    (row,) = shell("du", f"s3://{bucket}/data").stdout.splitlines()
    assert row.split() == ["2000", "2", "objects", f"s3://{bucket}/data/"]
    assert "3.0 kB" in shell("du", "-h", f"s3://{bucket}").stdout
    counted = [json.loads(line) for line in shell("du", "--json", f"s3://{bucket}/d*").stdout.splitlines()]
    assert sorted((one["uri"], one["objects"], one["bytes"]) for one in counted) == [
        (f"s3://{bucket}/data-2/", 1, 1000),
        (f"s3://{bucket}/data/", 2, 2000),
    ]
    found = shell("search", f"s3://{bucket}", "b.c").stdout
    assert uris(found, bucket) == ["data/deep/b.csv"]
    assert uris(shell("search", f"s3://{bucket}", "*.csv", "-l").stdout, bucket) == ["data/a.csv", "data/deep/b.csv"]
    assert len(shell("search", f"s3://{bucket}", "*.csv", "--limit", "1").stdout.splitlines()) == 1
    assert shell("search", f"s3://{bucket}/data", "csv", "--here").stdout.splitlines() == [f"s3://{bucket}/data/a.csv"]


def test_cat_writes_bytes_and_presign_creates_a_link(
    shell: Shell, bucket: str, put: Callable[..., None], capfdbinary: Any
) -> None:
    put("part-1", body=b"one\n")
    put("part-2", body=b"two\n")
    assert main(["cat", f"s3://{bucket}/part-*"]) == 0
    assert capfdbinary.readouterr().out == b"one\ntwo\n"
    assert "is a folder" in shell("cat", f"s3://{bucket}/", code=1).stderr
    link = shell("presign", f"s3://{bucket}/part-1", "--expires-in", "2h").stdout.strip()
    assert requests.get(link, timeout=60).content == b"one\n"
    result = json.loads(shell("presign", "--json", "--method", "PUT", f"s3://{bucket}/new").stdout)
    assert set(result) == {"url", "method", "expiresAt", "mayEndEarlier"}
    assert requests.put(result["url"], data=b"new", timeout=60).ok
    assert "is not a time" in shell("presign", "--expires-in", "soon", f"s3://{bucket}/part-1", code=2).stderr
    assert "seven days" in shell("presign", "--help").stdout
    assert "expires" in shell("presign", "--expires-in", "8d", f"s3://{bucket}/part-1", code=1).stderr


# --- deleting ---------------------------------------------------------------------------------------------------------


def test_rm_asks_before_it_deletes_several_objects(
    shell: Shell, bucket: str, put: Callable[..., None], stored: Stored, answers: Callable[[str], Any]
) -> None:
    put("a.txt", "b.txt", "c.csv", "dir/d.txt", "dir/e.txt")
    answers("n")
    result = shell("rm", f"s3://{bucket}/*.txt", code=1).stderr
    assert "Delete 2 objects (2 B) in" in result
    assert "Nothing was deleted." in result
    assert len(stored()) == 5
    answers("y")
    assert shell("rm", f"s3://{bucket}/*.txt").stdout.count("deleted") == 2
    assert set(stored()) == {"c.csv", "dir/d.txt", "dir/e.txt"}
    answers("y")
    assert f"2 objects (2 B) in s3://{bucket}/dir/" in shell("rm", "-r", f"s3://{bucket}/dir/").stderr
    assert set(stored()) == {"c.csv"}
    shell("rm", f"s3://{bucket}/c.csv")  # a single object is not asked for
    assert stored() == {}


def test_rm_without_a_terminal_requires_yes(
    shell: Shell, bucket: str, put: Callable[..., None], stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    put("a.txt", "b.txt", "dir/c.txt", "dir/d.txt")
    with open(os.devnull) as nobody:
        monkeypatch.setattr(sys, "stdin", nobody)
        for arguments in ([f"s3://{bucket}/*.txt"], [f"s3://{bucket}/a.txt", f"s3://{bucket}/b.txt"]):
            assert "--yes" in shell("rm", *arguments, code=1).stderr
        assert "--yes" in shell("rm", "-r", f"s3://{bucket}/dir/", code=1).stderr
        assert len(stored()) == 4
        plan = json.loads(shell("rm", "--json", "--dry-run", "-r", f"s3://{bucket}/*").stdout)
        assert (plan["counts"], plan["filesTotal"]) == ({"delete": 4}, 4)
        assert "nothing was deleted" in shell("rm", "--dry-run", "-r", f"s3://{bucket}/dir/").stdout
        assert len(stored()) == 4
        gone = shell("rm", "-y", "--json", "-r", f"s3://{bucket}/*").stdout.splitlines()
        assert {f"s3://{bucket}/a.txt", f"s3://{bucket}/b.txt"} <= {json.loads(line).get("deleted") for line in gone}
    assert stored() == {}


def test_rm_deletes_a_key_with_wildcards_that_can_be_listed_but_not_read(
    shell: Shell, bucket: str, put: Callable[..., None], stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    put("a*", "ab", "ac")

    def refuse(*_: object) -> None:
        raise error_for("AccessDenied", "Not for you.", 403)

    monkeypatch.setattr(Api, "get_details", refuse)
    shell("rm", "-y", f"s3://{bucket}/a*")
    assert set(stored()) == {"ab", "ac"}


def test_objects_in_folders_with_markers_count_once(
    shell: Shell, bucket: str, put: Callable[..., None], stored: Stored, tmp_path: Path
) -> None:
    put("d/", "d/e/", "d/e/f", "d/g")  # as the panel creates folders
    shell("cp", "-r", f"s3://{bucket}/d/**", "here/")
    shell("cp", "-r", f"s3://{bucket}/**", "all/")
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()) == [
        "all/d/e/f",
        "all/d/g",
        "here/e/f",
        "here/g",
    ]
    plan = json.loads(shell("rm", "-r", "--json", "--dry-run", f"s3://{bucket}/**").stdout)
    assert plan["filesTotal"] == 4
    shell("rm", "-r", "-y", f"s3://{bucket}/d/**")
    assert set(stored()) == {"d/"}


def test_buckets_are_created_and_deleted(shell: Shell, bucket: str, put: Callable[..., None]) -> None:
    name = f"{bucket}-mb"
    assert "nothing was written" in shell("mb", "--dry-run", f"s3://{name}").stdout
    assert name not in shell("ls").stdout
    assert json.loads(shell("mb", "--json", f"s3://{name}").stdout) == {"created": f"s3://{name}/"}
    put("a", "dir/b", "dir/c")
    shell("cp", f"s3://{bucket}/", f"s3://{name}/")
    refused = shell("rb", "-y", f"s3://{name}", code=1).stderr
    assert "Use --force to delete its objects" in refused
    assert "BucketNotEmpty" in refused
    assert "3 files" in shell("rb", "--force", "--dry-run", f"s3://{name}").stdout
    shell("rb", "--force", "-y", f"s3://{name}")
    assert name not in shell("ls").stdout
    assert "is not a bucket" in shell("rb", "-y", f"s3://{bucket}/a", code=1).stderr


def test_rb_asks_for_confirmation(shell: Shell, bucket: str, answers: Callable[[str], Any]) -> None:
    answers("")
    assert f"Delete the bucket {bucket}?" in shell("rb", f"s3://{bucket}", code=1).stderr
    assert bucket in shell("ls").stdout


# --- copying and moving -----------------------------------------------------------------------------------------------


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
    # Across levels the paths are kept, so that no two have one name.
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
    assert "-r takes" not in shell("cat", f"s3://{bucket}/run-[12]", code=1).stderr  # which has no -r
    shell("cp", "-r", f"s3://{bucket}/run-*", f"s3://{bucket}/all/")
    assert {key for key in stored() if key.startswith("all/")} == {"all/run-1/a", "all/run-2/b", "all/run-3"}
    shell("cp", "-r", f"s3://{bucket}/run-1", f"s3://{bucket}/one/")  # without its slash
    assert "one/a" in stored()


def test_patterns_apply_within_each_folder_of_several(
    shell: Shell, bucket: str, put: Callable[..., None], stored: Stored, tmp_path: Path
) -> None:
    put("run-1/a.csv", "run-1/tmp/x.csv", "run-2/a.csv", "run-2/b.txt", "run-3.csv", "run-4.txt")
    chosen = ("-r", f"s3://{bucket}/run-*")
    patterns = ("--include", "*.csv", "--exclude", "tmp/*")
    wanted = {"run-1/a.csv", "run-2/a.csv", "run-3.csv"}
    shell("cp", *chosen, "here/", *patterns)
    here = tmp_path / "here"
    assert {str(path.relative_to(here)) for path in here.rglob("*") if path.is_file()} == wanted
    shell("mv", *chosen, f"s3://{bucket}/to/", *patterns)
    moved = {f"to/{name}" for name in wanted}
    assert set(stored()) == moved | {"run-1/tmp/x.csv", "run-2/b.txt", "run-4.txt"}


def test_pipe_accepts_one_source(shell: Shell, bucket: str, stored: Stored, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a")
    assert "must be one object" in shell("cp", "-", "a.csv", f"s3://{bucket}/k", code=1).stderr
    assert stored() == {}


def test_name_of_many_bytes_is_downloaded(shell: Shell, bucket: str, put: Callable[..., None], tmp_path: Path) -> None:
    name = "名" * 85  # 255 bytes, as many as a file system takes
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
    # A mistyped source is not a target that has it all.
    assert "does not exist" in shell("sync", f"s3://{bucket}/dd", "other", code=1).stderr
    assert "has all files that the patterns include" in shell("sync", "data", uri, "--include", "*.none").stdout


# --- how it speaks ----------------------------------------------------------------------------------------------------


def test_errors_are_json_if_the_output_is_json(shell: Shell, bucket: str, tmp_path: Path) -> None:
    result = shell("ls", "--json", f"s3://{bucket}/none", code=1)
    assert result.stdout == ""
    assert json.loads(result.stderr) == {"error": "NoSuchKey", "message": f"s3://{bucket}/none does not exist."}
    assert json.loads(shell("cp", "--json", "one", code=2).stderr)["error"] == "InvalidRequest"
    assert json.loads(shell("ls", "--json", "--wrong", code=2).stderr)["error"] == "InvalidRequest"
    missing = json.loads(shell("cp", "--json", "none", f"s3://{bucket}/", code=1).stderr)
    assert missing["error"] == "FileNotFoundError"
    (tmp_path / "one").write_text("1")
    shell("cp", "one", f"s3://{bucket}/")
    refused = shell("cp", "--json", "one", f"s3://{bucket}/", code=1)
    assert json.loads(refused.stdout)["state"] == "failed"
    assert json.loads(refused.stderr)["error"] == "Conflict"


def test_every_command_has_help(shell: Shell) -> None:
    overview = shell("--help").stdout
    assert "first steps:" in overview
    names = ("ls", "du", "search", "cp", "mv", "sync", "rm", "cat", "presign", "mb", "rb", "import", "transfers")
    for name in (*names, "bandwidth"):
        assert f"\n    {name}" in overview
        result = shell(name, "--help").stdout
        assert "examples:" in result
        assert f"jupyter odhtec {name}" in result.partition("examples:")[2]
        assert max(map(len, result.splitlines())) <= 120


def test_bandwidth_limit_is_shown_and_changed(shell: Shell) -> None:
    assert shell("bandwidth").stdout == "no limit\n"
    try:
        assert shell("bandwidth", "20MB").stdout == "20.0 MB/s for all transfers together\n"
        assert json.loads(shell("bandwidth", "--json").stdout) == {"maxBandwidth": 20_000_000}
        for text, limit in (("1.5 gB/s", 1_500_000_000), ("500k", 500_000), ("12345", 12_345)):
            assert json.loads(shell("bandwidth", "--json", text).stdout) == {"maxBandwidth": limit}
        assert "maxBandwidth must be 0 for no limit" in shell("bandwidth", "10", code=1).stderr
        for text in ("fast", "-5", "20MiB", "1e6"):
            assert "is not a limit" in shell("bandwidth", "--", text, code=2).stderr
        assert shell("bandwidth").stdout == "12.3 kB/s for all transfers together\n"
    finally:
        assert shell("bandwidth", "0").stdout == "no limit\n"
