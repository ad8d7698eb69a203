"""Writing: unfinished files are invisible and can be resumed."""

from __future__ import annotations

import os
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from odhtec_jupyter.errors import BadRequest, Conflict, OdhTecError, VerificationError
from odhtec_jupyter.stores.workspace.store import PartialFile, WorkspaceStore
from tests.stores.workspace.files import TOKEN, everything, names, pinned, read, write


def test_file_is_visible_only_when_complete(store: WorkspaceStore, root: Path) -> None:
    part = store.begin("a/b/f", TOKEN)
    part.write_at(4, memoryview(b"5678"))
    assert store.head("a/b/f") is None
    assert names(store) == []
    part.write_at(0, memoryview(b"1234"))
    buffer = memoryview(bytearray(20))
    assert part.read_into(2, buffer) == 6
    assert bytes(buffer[:6]) == b"345678"
    part.sync()
    pin = part.pin
    made = part.publish(if_absent=True)
    part.close()
    assert made == pinned(store, "a/b/f")
    assert (made.size, made.pin) == (8, pin)
    assert everything(root) == ["a", "a/b", "a/b/f"]
    assert (root / "a/b/f").read_bytes() == b"12345678"


def test_drop_removes_unfinished_files_and_their_new_folders(store: WorkspaceStore, root: Path) -> None:
    (root / "a").mkdir()
    part = store.begin("a/b/c/f", TOKEN)
    assert part.created_folders == ("a/b", "a/b/c")
    part.write_at(0, memoryview(b"x"))
    part.drop()
    part.drop()
    assert everything(root) == ["a"]
    one, two = store.begin("n/one", TOKEN), store.begin("n/two", TOKEN)
    one.drop()
    two.publish(if_absent=True)
    two.drop()
    assert everything(root) == ["a", "n", "n/two"]


def test_unfinished_file_is_resumed_after_a_restart(store: WorkspaceStore, root: Path) -> None:
    part = store.begin("d/f", TOKEN)
    part.write_at(0, memoryview(b"1234"))
    part.close()
    again = WorkspaceStore(root)
    assert again.reopen("d/f", "other") is None
    assert again.reopen("missing/f", TOKEN) is None
    resumed = again.reopen("d/f", TOKEN, created_folders=part.created_folders)
    assert resumed is not None
    resumed.write_at(4, memoryview(b"5678"))
    resumed.publish(if_absent=True)
    resumed.close()
    assert read(store, "d/f") == b"12345678"
    dropped = store.begin("e/f", TOKEN)
    dropped.close()
    found = store.reopen("e/f", TOKEN, created_folders=dropped.created_folders)
    assert found is not None
    found.drop()
    assert everything(root) == ["d", "d/f"]


def test_unfinished_file_cannot_be_started_twice_with_one_token(store: WorkspaceStore) -> None:
    first = store.begin("f", TOKEN)
    with pytest.raises(Conflict):
        store.begin("f", TOKEN)
    second = store.begin("f", "another")
    first.publish(if_absent=True)
    with pytest.raises(Conflict) as late:
        second.publish(if_absent=True)
    assert late.value.code == "FileExists"
    first.close()
    second.drop()


@pytest.mark.parametrize("links", [True, False], ids=["hard links", "no hard links"])
def test_file_created_in_the_meantime_is_not_overwritten(
    store: WorkspaceStore, root: Path, links: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not links:  # some file systems have none, but a test cannot mount one everywhere

        def refuse(*_: object, **__: object) -> None:
            raise PermissionError(1, "Operation not permitted")

        monkeypatch.setattr(os, "link", refuse)
    part = store.begin("f", TOKEN)
    (root / "f").write_bytes(b"theirs")
    with pytest.raises(Conflict, match="created in the meantime"):
        part.publish(if_absent=True)
    assert (root / "f").read_bytes() == b"theirs"
    (root / "f").unlink()
    part.publish(if_absent=True)
    part.close()
    assert everything(root) == ["f"]


def test_only_one_of_several_writers_gets_a_free_name(store: WorkspaceStore, root: Path) -> None:
    parts = [store.begin("f", f"token{number}") for number in range(16)]
    for number, part in enumerate(parts):
        part.write_at(0, memoryview(b"%d" % number))
    gate = threading.Barrier(16)

    def publish(part: PartialFile) -> bool:
        gate.wait()
        try:
            part.publish(if_absent=True)
        except Conflict:
            part.drop()
            return False
        part.close()
        return True

    with ThreadPoolExecutor(16) as threads:
        won = list(threads.map(publish, parts))
    assert sum(won) == 1
    assert (root / "f").read_bytes() == b"%d" % won.index(True)
    assert everything(root) == ["f"]


def test_publishing_continues_after_a_restart_between_its_steps(store: WorkspaceStore, root: Path) -> None:
    part = store.begin("f", TOKEN)
    part.write_at(0, memoryview(b"x"))
    hidden = next(one for one in root.iterdir())
    os.link(hidden, root / "f")
    part.close()
    again = store.reopen("f", TOKEN)
    assert again is not None
    again.publish(if_absent=True)
    again.close()
    assert everything(root) == ["f"]


def test_partial_file_with_a_second_link_is_not_resumed(store: WorkspaceStore, root: Path) -> None:
    part = store.begin("f", TOKEN)
    part.write_at(0, memoryview(b"x"))
    part.close()
    os.link(next(root.iterdir()), root / "kept")
    assert store.reopen("f", TOKEN) is None
    assert everything(root) == ["kept"]


def test_deleted_unfinished_file_is_reported(store: WorkspaceStore, root: Path) -> None:
    part = store.begin("f", TOKEN)
    (root / "f").write_bytes(b"before")
    next(one for one in root.iterdir() if one.name != "f").unlink()
    with pytest.raises(Conflict) as missing:
        part.publish(if_absent=False)
    assert missing.value.code == "PartialFileGone"
    part.drop()
    assert (root / "f").read_bytes() == b"before"


def test_new_file_has_usual_permissions_and_replaced_one_keeps_them(store: WorkspaceStore, root: Path) -> None:
    before = os.umask(0o027)
    try:
        write(store, "new", b"")
        assert stat.S_IMODE((root / "new").stat().st_mode) == 0o640
        for mode in (0o600, 0o755, 0o444):
            (root / "old").touch()
            (root / "old").chmod(mode)
            part = store.begin("old", TOKEN)
            hidden = next(one for one in root.iterdir() if one.name.startswith("."))
            assert stat.S_IMODE(hidden.stat().st_mode) & ~(mode | 0o600) == 0
            part.publish(if_absent=False)
            part.close()
            assert stat.S_IMODE((root / "old").stat().st_mode) == mode
    finally:
        os.umask(before)


def test_link_is_replaced_or_deleted_and_its_target_kept(store: WorkspaceStore, root: Path) -> None:
    (root / "v1").write_bytes(b"v1")
    (root / "current").symlink_to("v1")
    store.delete("current", pinned(store, "current").pin)
    assert everything(root) == ["v1"]
    (root / "current").symlink_to("v1")
    write(store, "current", b"v2")
    assert (root / "v1").read_bytes() == b"v1"
    assert not (root / "current").is_symlink()
    assert read(store, "current") == b"v2"


def test_changed_file_is_not_deleted(store: WorkspaceStore, root: Path) -> None:
    (root / "f").write_bytes(b"1")
    pin = pinned(store, "f").pin
    (root / "f").write_bytes(b"22")
    with pytest.raises(VerificationError, match="changed"):
        store.delete("f", pin)
    (root / "d").mkdir()
    with pytest.raises(Conflict):
        store.delete("d", pinned(store, "d").pin)
    assert everything(root) == ["d", "f"]


def test_conflicting_entry_is_reported(store: WorkspaceStore, root: Path) -> None:
    (root / "folder").mkdir()
    (root / "link").symlink_to("folder")
    (root / "file").touch()
    with pytest.raises(Conflict, match="workspace://folder is a folder"):
        store.begin("folder", TOKEN)
    with pytest.raises(Conflict, match="workspace://file/below"):
        store.begin("file/below", TOKEN)
    with pytest.raises(Conflict):
        store.make_folder("file")
    part = store.begin("link", TOKEN)
    with pytest.raises(Conflict, match="is a folder"):
        part.publish(if_absent=False)
    part.drop()
    part = store.begin("soon", TOKEN)
    (root / "soon").mkdir()
    with pytest.raises(Conflict, match="is a folder"):
        part.publish(if_absent=False)
    part.drop()
    for path in ("", "folder/", ".x.token.odhtec-part"):
        with pytest.raises((BadRequest, Conflict)):
            store.begin(path, TOKEN)
    assert everything(root) == ["file", "folder", "link", "soon"]


def test_existing_folder_is_not_created_again(store: WorkspaceStore, root: Path) -> None:
    store.make_folder("a/b/c/")
    store.make_folder("a/b/c")
    store.make_folder("")
    assert everything(root) == ["a", "a/b", "a/b/c"]


@pytest.mark.parametrize("name", ["k" * 255, "é" * 127, "😀" * 63 + "abc"])
def test_long_names_are_written_beside_shorter_ones(store: WorkspaceStore, root: Path, name: str) -> None:
    other = name[:-1] + "_"
    first, second = store.begin(name, "t" * 64), store.begin(other, "t" * 64)
    assert all(len(os.fsencode(one.name)) <= 255 for one in root.iterdir())
    assert names(store) == []
    first.publish(if_absent=True)
    second.publish(if_absent=True)
    first.close()
    second.close()
    assert sorted(names(store)) == sorted([name, other])


def test_a_name_that_is_too_long_is_refused_before_a_byte_is_written(store: WorkspaceStore, root: Path) -> None:
    for path in ("k" * 256, "new/" + "é" * 200):
        with pytest.raises(BadRequest):
            store.begin(path, TOKEN)
    with pytest.raises(BadRequest):
        store.head("k" * 256)
    assert everything(root) == []


def test_file_is_closed_after_the_last_use_by_a_thread(store: WorkspaceStore) -> None:
    part = store.begin("f", TOKEN)
    with part._file.use() as number:
        part.close()
        os.fstat(number)
    with pytest.raises(OSError):  # noqa: PT011
        os.fstat(number)
    with pytest.raises(OdhTecError):
        part.write_at(0, memoryview(b"x"))
    part.drop()
