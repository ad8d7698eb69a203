"""Operations on many objects through fsspec: few transfers, with exactly the selected objects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import fsspec
import pytest

from odhtec_jupyter.demo.jupyter_process import JupyterProcess
from tests.marks import on_moto

pytestmark = on_moto
Stored = Callable[[], dict[str, int]]


@pytest.fixture
def fs(server: JupyterProcess) -> Any:
    one = fsspec.filesystem("odhtec", server_url=server.url, token=server.token, skip_instance_cache=True)
    yield one
    one.client.api.connection.close()


@pytest.fixture
def tree(fs: Any, bucket: str) -> str:
    """A folder with files in two levels."""
    names = ["a.txt", "b.txt", "deep/a.txt", "deep/deeper/c.bin"]
    fs.pipe({f"{bucket}/tree/{name}": name.encode() for name in names})
    return f"{bucket}/tree"


def _count_transfers(fs: Any, call: Callable[[], object]) -> int:
    before = {one.id for one in fs.client.transfers()}
    call()
    return len({one.id for one in fs.client.transfers()} - before)


def test_a_folder_is_copied_as_one_transfer(fs: Any, bucket: str, tree: str, stored: Stored) -> None:
    assert _count_transfers(fs, lambda: fs.cp(tree, f"{bucket}/new", recursive=True)) == 1
    assert {key for key in stored() if key.startswith("new/")} == {
        "new/a.txt",
        "new/b.txt",
        "new/deep/a.txt",
        "new/deep/deeper/c.bin",
    }
    assert _count_transfers(fs, lambda: fs.cp(tree, f"{bucket}/new", recursive=True)) == 1
    assert "new/tree/deep/a.txt" in stored()


def test_patterns_and_lists_are_copied_as_one_transfer_for_each_folder(
    fs: Any, bucket: str, tree: str, stored: Stored
) -> None:
    assert _count_transfers(fs, lambda: fs.cp(f"{tree}/**/*.txt", f"{bucket}/text/")) == 2
    assert {key for key in stored() if key.startswith("text/")} == {"text/a.txt", "text/b.txt", "text/deep/a.txt"}
    sources = [f"{tree}/a.txt", f"{tree}/b.txt", f"{tree}/deep/a.txt"]
    fs.pipe(f"{tree}/d.txt", b"d.txt")
    sources.append(f"{tree}/d.txt")
    targets = [f"{bucket}/to/a.txt", f"{bucket}/to/renamed", f"{bucket}/to/deep/a.txt", f"{bucket}/to/d.txt"]
    assert _count_transfers(fs, lambda: fs.cp(sources, targets)) == 3
    assert fs.cat(f"{bucket}/to/renamed") == b"b.txt"
    assert fs.cat(f"{bucket}/to/deep/a.txt") == b"deep/a.txt"
    with pytest.raises(FileNotFoundError):
        fs.cp([f"{tree}/a.txt", f"{tree}/none"], [f"{bucket}/x/a.txt", f"{bucket}/x/none"])
    fs.cp([f"{tree}/a.txt", f"{tree}/none"], [f"{bucket}/y/a.txt", f"{bucket}/y/none"], on_error="ignore")
    assert [key for key in stored() if key.startswith("y/")] == ["y/a.txt"]


def test_maxdepth_bounds_what_is_deleted_copied_and_moved(fs: Any, bucket: str, tree: str, stored: Stored) -> None:
    fs.cp(tree, f"{bucket}/shallow", recursive=True, maxdepth=1)
    assert {key for key in stored() if key.startswith("shallow/")} == {"shallow/a.txt", "shallow/b.txt"}
    fs.mv(tree, f"{bucket}/moved", recursive=True, maxdepth=1)
    assert {key for key in stored() if key.startswith(("tree/", "moved/"))} == {
        "moved/a.txt",
        "moved/b.txt",
        "tree/deep/a.txt",
        "tree/deep/deeper/c.bin",
    }
    fs.rm(f"{tree}/deep", recursive=True, maxdepth=1)
    assert [key for key in stored() if key.startswith("tree/")] == ["tree/deep/deeper/c.bin"]


def test_move_moves_files_into_an_existing_folder(fs: Any, bucket: str, tree: str, stored: Stored) -> None:
    fs.mv(f"{tree}/a.txt", f"{tree}/deep/deeper")
    fs.mv(f"{tree}/b.txt", f"{bucket}/new/")
    assert _count_transfers(fs, lambda: fs.mv(f"{tree}/deep", f"{bucket}/new", recursive=True)) == 1
    assert set(stored()) == {"new/deep/deeper/a.txt", "new/b.txt", "new/deep/a.txt", "new/deep/deeper/c.bin"}


def test_key_with_wildcards_names_exactly_that_object(fs: Any, bucket: str, stored: Stored) -> None:
    fs.pipe({f"{bucket}/f[1].txt": b"it", f"{bucket}/f1.txt": b"another", f"{bucket}/what?": b"?"})
    fs.rm(f"{bucket}/f[1].txt")
    fs.mv(f"{bucket}/what?", f"{bucket}/that")
    assert set(stored()) == {"f1.txt", "that"}
    fs.rm(f"{bucket}/f[1-9].txt")
    assert set(stored()) == {"that"}


def test_object_and_folder_of_the_same_name_are_deleted_and_moved_together(
    fs: Any, bucket: str, tree: str, stored: Stored
) -> None:
    fs.pipe({tree: b"object", f"{bucket}/treetop": b"other"})
    fs.mv(tree, f"{bucket}/moved", recursive=True)
    moved = {"moved", "moved/a.txt", "moved/b.txt", "moved/deep/a.txt", "moved/deep/deeper/c.bin"}
    assert set(stored()) == {"treetop", *moved}
    fs.rm(f"{bucket}/moved", recursive=True)
    assert set(stored()) == {"treetop"}
