"""Deleting objects and buckets with ``jupyter odhtec``."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from odhtec_jupyter.client.api import Api
from odhtec_jupyter.errors import error_for
from tests.client.shell import Shell
from tests.marks import on_moto

pytestmark = on_moto


Stored = Callable[[], dict[str, int]]


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
    shell("rm", f"s3://{bucket}/c.csv")  # a single object is deleted without a question
    assert stored() == {}


def test_rm_without_a_terminal_requires_yes(
    shell: Shell, bucket: str, put: Callable[..., None], stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    put("a.txt", "b.txt", "dir/c.txt", "dir/d.txt")
    with open(os.devnull) as empty_input:
        monkeypatch.setattr(sys, "stdin", empty_input)
        for arguments in ([f"s3://{bucket}/*.txt"], [f"s3://{bucket}/a.txt", f"s3://{bucket}/b.txt"]):
            assert "--yes" in shell("rm", *arguments, code=1).stderr
        assert "--yes" in shell("rm", "-r", f"s3://{bucket}/dir/", code=1).stderr
        assert len(stored()) == 4
        plan = json.loads(shell("rm", "--json", "--dry-run", "-r", f"s3://{bucket}/*").stdout)
        assert (plan["counts"], plan["filesTotal"]) == ({"delete": 4}, 4)
        assert "nothing was deleted" in shell("rm", "--dry-run", "-r", f"s3://{bucket}/dir/").stdout
        assert len(stored()) == 4
        deleted = shell("rm", "-y", "--json", "-r", f"s3://{bucket}/*").stdout.splitlines()
        assert {f"s3://{bucket}/a.txt", f"s3://{bucket}/b.txt"} <= {json.loads(line).get("deleted") for line in deleted}
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
    put("d/", "d/e/", "d/e/f", "d/g")  # created like a folder of the panel
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
