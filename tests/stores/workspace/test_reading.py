"""Listing and reading: skipped entries are reported, and a file that changes is an error."""

from __future__ import annotations

import os
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from odhtec_jupyter.errors import Conflict, NotFound, VerificationError
from odhtec_jupyter.stores.workspace.store import WorkspaceStore
from tests.stores.workspace.files import TOKEN, errors, names, pinned, walked


def test_every_file_is_found_in_order(store: WorkspaceStore, root: Path) -> None:
    for path in ("b/2", "b/10", "a", "c/d/e/f", "B", "b.txt"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(path)
    (root / "empty").mkdir()
    assert names(store) == ["B", "a", "b/10", "b/2", "b.txt", "c/d/e/f"]
    assert names(store, "c") == names(store, "c/") == names(store, "c/d/") == ["c/d/e/f"]
    assert [one.size for one in walked(store, "c/d")] == [7]


def test_large_folder_is_listed_in_batches(store: WorkspaceStore, root: Path) -> None:
    for number in range(2500):
        (root / f"{number:04}").touch()
    batches = list(store.walk(""))
    assert [len(batch) for batch in batches] == [1000, 1000, 500]
    assert [one.path for batch in batches for one in batch] == [f"{number:04}" for number in range(2500)]


def test_circular_links_are_reported_as_errors(store: WorkspaceStore, root: Path) -> None:
    (root / "a" / "b").mkdir(parents=True)
    (root / "a" / "file").touch()
    (root / "a" / "b" / "up").symlink_to("..")
    (root / "a" / "self").symlink_to(".")
    (root / "one").symlink_to("two")
    (root / "two").symlink_to("one")
    assert names(store) == ["a/file"]
    assert sorted(errors(store)) == ["a/b/up", "a/self", "one", "two"]
    assert "a/b/up/file" in names(store, "a/b")


def test_entries_that_cannot_be_transferred_are_reported(store: WorkspaceStore, root: Path) -> None:
    os.mkfifo(root / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        folder_fd = os.open(root, os.O_RDONLY)
        try:
            # The absolute path is too long for a socket.
            server.bind(f"/proc/self/fd/{folder_fd}/socket")
        finally:
            os.close(folder_fd)
    (root / "broken").symlink_to("nowhere")
    (root / "to-pipe").symlink_to("pipe")
    with open(os.fsencode(root) + b"/bad-\xff", "wb"):
        pass
    (root / "fine").touch()
    assert names(store) == ["fine"]
    found = errors(store)
    assert sorted(found) == ["bad-\ufffd", "broken", "pipe", "socket", "to-pipe"]
    assert "not UTF-8" in found["bad-\ufffd"]
    assert "broken link" in found["broken"]
    assert "pipe, socket or device" in found["to-pipe"]
    for path in ("pipe", "broken", "socket"):
        with pytest.raises(Conflict):
            store.head(path)
    with pytest.raises(Conflict):  # and reading it does not wait for a writer
        store.source("pipe", 0, "0-0-0").open_range(0, 0)


def test_deep_tree_is_listed(store: WorkspaceStore, root: Path) -> None:
    path = "/".join(["d"] * 1010) + "/file"
    try:
        part = store.begin(path, TOKEN)
        part.publish(if_absent=True)
        part.close()
        assert names(store) == [path]
    finally:  # because pytest removes folders recursively
        subprocess.run(["rm", "-rf", str(root / "d")], check=True)


def test_missing_path_is_reported(store: WorkspaceStore, root: Path) -> None:
    (root / "file").touch()
    assert store.head("no") is None
    assert store.head("file/below") is None
    assert store.head("file/") is None
    assert pinned(store, "").is_folder
    with pytest.raises(NotFound):
        list(store.walk("no"))
    with pytest.raises(Conflict):
        list(store.walk("file"))
    with pytest.raises(NotFound):
        store.source("no", 1, "1-0-0").open_range(0, 1)
    store.delete("no", "1-0-0")


# --- reading ----------------------------------------------------------------------------------------------------


def test_threads_read_ranges_in_parallel(store: WorkspaceStore, root: Path) -> None:
    data = os.urandom(1 << 20)
    (root / "f").write_bytes(data)
    found = pinned(store, "f")
    source = store.source("f", found.size, found.pin)
    copy = bytearray(len(data))

    def piece(start: int) -> None:
        reader = source.open_range(start, start + 65536)
        view, done = memoryview(copy)[start : start + 65536], 0
        while count := reader.readinto(view[done : done + 10000]):
            done += count
        reader.close()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(piece, range(0, len(data), 65536)))
    assert bytes(copy) == data


def rewrite(file: Path) -> None:
    file.write_bytes(b"other bytes")


def same_size(file: Path) -> None:
    file.write_bytes(b"9876543210")


def replace(file: Path) -> None:
    new = file.with_name("new")
    new.write_bytes(b"9876543210")
    os.utime(new, ns=(1, file.stat().st_mtime_ns))
    new.rename(file)


def remove(file: Path) -> None:
    file.unlink()


@pytest.mark.parametrize("change", [rewrite, same_size, replace, remove])
def test_file_that_changes_while_it_is_read_is_an_error(store: WorkspaceStore, root: Path, change: object) -> None:
    assert callable(change)
    file = root / "f"
    file.write_bytes(b"0123456789")
    os.utime(file, ns=(1, 1))  # in the past, so that the change gets another time
    found = pinned(store, "f")
    source = store.source("f", found.size, found.pin)
    reader = source.open_range(0, 10)
    buffer = memoryview(bytearray(10))
    assert reader.readinto(buffer[:4]) == 4
    change(file)
    with pytest.raises(VerificationError, match=r"workspace://f changed while it was being read"):
        reader.readinto(buffer[4:])
    reader.close()
    with pytest.raises(NotFound if change is remove else VerificationError):
        source.open_range(0, 10)
