"""Refusals of the file system are reported with their reason."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from odhtec_jupyter.errors import Forbidden, OdhTecError
from odhtec_jupyter.stores.workspace.store import WorkspaceStore
from tests.installed import missing
from tests.stores.workspace.files import TOKEN, errors, everything, pinned, read


@pytest.fixture
def small_disk(root: Path) -> Iterator[Path]:
    """A disk of 64 KiB below the root."""
    folder = root / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(folder)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        missing(f"cannot mount a small disk: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_full_disk_is_reported_and_writing_continues_when_there_is_space(
    store: WorkspaceStore, small_disk: Path
) -> None:
    (small_disk / "ballast").write_bytes(bytes(40 << 10))
    (small_disk / "f").write_bytes(b"before")
    part = store.begin("disk/f", TOKEN)
    data = os.urandom(32 << 10)
    with pytest.raises(OdhTecError) as full:
        part.write_at(0, memoryview(data))
    assert (full.value.code, full.value.status, full.value.transient) == ("DiskFull", 507, False)
    assert "no space left for workspace://disk/f" in str(full.value)
    assert str(small_disk) not in str(full.value)
    assert read(store, "disk/f") == b"before"
    (small_disk / "ballast").unlink()
    part.write_at(0, memoryview(data))
    part.publish(if_absent=False)
    part.close()
    assert read(store, "disk/f") == data


def test_read_only_file_system_is_reported(store: WorkspaceStore, small_disk: Path) -> None:
    (small_disk / "d").mkdir()
    (small_disk / "d" / "f").write_bytes(b"f")
    part = store.begin("disk/d/g", TOKEN)
    part.close()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    pin = pinned(store, "disk/d/f").pin
    for call in (
        lambda: store.begin("disk/d/f", TOKEN),
        lambda: store.begin("disk/new/f", TOKEN),
        lambda: store.delete("disk/d/f", pin),
        lambda: store.make_folder("disk/d/new"),
        part.drop,
    ):
        with pytest.raises(Forbidden) as refused:
            call()
        assert refused.value.code == "ReadOnly"
        assert "read-only" in str(refused.value)
    store.make_folder("disk/d")
    assert read(store, "disk/d/f") == b"f"
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
    part.drop()
    assert everything(small_disk) == ["d", "d/f"]


def test_missing_permissions_of_files_are_reported(root: Path) -> None:
    """Root can access everything, so the test switches to the user nobody."""
    (root / "closed").mkdir()
    (root / "closed" / "f").write_bytes(b"f")
    (root / "closed").chmod(0o000)
    (root / "fixed").mkdir()
    (root / "fixed").chmod(0o555)
    (root / "f").write_bytes(b"f")
    (root / "f").chmod(0o000)
    if os.geteuid() != 0:
        _refused(root)
        (root / "closed").chmod(0o700)
        return
    for folder in root.parents:  # only the owner can access pytest's folders
        if folder.stat().st_mode & 0o005 != 0o005:
            folder.chmod(folder.stat().st_mode | 0o005)
    os.setegid(65534)
    os.seteuid(65534)
    try:
        _refused(root)
    finally:
        os.seteuid(0)
        os.setegid(0)


def _refused(root: Path) -> None:
    store = WorkspaceStore(root)
    assert store.head("f") is not None
    assert sorted(errors(store)) == ["closed"]
    found = pinned(store, "f")
    for call in (
        lambda: store.head("closed/f"),
        lambda: store.source("f", found.size, found.pin).open_range(0, 1),
        lambda: store.begin("fixed/new", TOKEN),
        lambda: store.begin("fixed/new/f", TOKEN),
    ):
        with pytest.raises(Forbidden) as refused:
            call()
        assert refused.value.code == "Forbidden"
        assert str(root) not in str(refused.value)
