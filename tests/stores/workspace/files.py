"""Helpers for tests of the workspace: list, read and write files."""

from __future__ import annotations

from pathlib import Path

from odhtec_jupyter.stores.workspace.store import PartialFile, WorkspaceFile, WorkspaceStore

TOKEN = "t0ken"


def walked(store: WorkspaceStore, folder: str = "") -> list[WorkspaceFile]:
    return [one for batch in store.walk(folder) for one in batch]


def names(store: WorkspaceStore, folder: str = "") -> list[str]:
    return [one.path for one in walked(store, folder) if one.error is None]


def errors(store: WorkspaceStore, folder: str = "") -> dict[str, str]:
    return {one.path: one.error for one in walked(store, folder) if one.error is not None}


def pinned(store: WorkspaceStore, path: str) -> WorkspaceFile:
    found = store.head(path)
    assert found is not None
    return found


def read(store: WorkspaceStore, path: str) -> bytes:
    found = pinned(store, path)
    reader = store.source(path, found.size, found.pin).open_range(0, found.size)
    buffer = bytearray(found.size)
    done = 0
    while count := reader.readinto(memoryview(buffer)[done:]):
        done += count
    reader.close()
    return bytes(buffer[:done])


def write(store: WorkspaceStore, path: str, data: bytes, *, if_absent: bool = False, token: str = TOKEN) -> PartialFile:
    part = store.begin(path, token)
    part.write_at(0, memoryview(data))
    part.publish(if_absent=if_absent)
    part.close()
    return part


def everything(folder: Path) -> list[str]:
    return sorted(str(one.relative_to(folder)) for one in folder.rglob("*"))
