"""Listing and reading objects with ``jupyter odhtec``."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import requests

from odhtec_jupyter.cli import main
from tests.client.shell import Shell, uris
from tests.marks import on_moto

pytestmark = on_moto


def test_ls_prints_uris_and_long_rows(shell: Shell, bucket: str, put: Callable[..., None]) -> None:
    put("a.csv", "dir/b.csv", "dir/deep/c.txt", "dir-2/d.csv", "what[1].txt")
    put("big", body=bytes(1_234_567))
    top = shell("ls", f"s3://{bucket}").stdout
    assert uris(top, bucket) == ["dir-2/", "dir/", "a.csv", "big", "what[1].txt"]
    assert top.splitlines()[2] == f"s3://{bucket}/a.csv"
    assert uris(shell("ls", f"s3://{bucket}/dir").stdout, bucket) == ["dir/deep/", "dir/b.csv"]
    # Without objects of dir-2, which has the same beginning.
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
