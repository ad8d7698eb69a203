"""Paths of the workspace: nothing leaves the root."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from odhtec_jupyter.errors import BadRequest, Forbidden, OdhTecError
from odhtec_jupyter.stores.workspace.store import WorkspaceStore
from tests.stores.workspace.files import TOKEN, errors, everything, names, pinned, read, write


@pytest.mark.parametrize(
    "path", ["..", "../outside/secret", "a/../../outside/secret", "a/..", "/etc/passwd", "/", "//x"]
)
def test_path_outside_the_workspace_is_refused(store: WorkspaceStore, outside: Path, path: str) -> None:
    for call in (
        lambda: store.head(path),
        lambda: list(store.walk(path)),
        lambda: store.source(path, 6, "6-0-0").open_range(0, 6),
        lambda: store.begin(path, TOKEN),
        lambda: store.reopen(path, TOKEN),
        lambda: store.delete(path, "6-0-0"),
        lambda: store.make_folder(path),
    ):
        with pytest.raises(Forbidden) as refused:
            call()
        assert refused.value.code == "OutsideWorkspace"
    assert everything(outside) == ["secret"]


@pytest.mark.parametrize("path", ["a//b", "./a", "a/.", "a\0b", "\ud800", "a\udcff"])
def test_invalid_path_is_refused(store: WorkspaceStore, path: str) -> None:
    for call in (lambda: store.head(path), lambda: store.begin(path, TOKEN), lambda: list(store.walk(path))):
        with pytest.raises(BadRequest) as refused:
            call()
        str(refused.value).encode()


@pytest.mark.parametrize(
    "name",
    ["日本", "a b+c%2F", "%2e%2e", "back\\slash", "..\\up", "😀", "new\nline", "...", " ", "caf\u00e9", "cafe\u0301"],
)
def test_names_are_used_unchanged(store: WorkspaceStore, root: Path, name: str) -> None:
    write(store, f"d/{name}", b"content")
    assert os.listdir(os.fsencode(root / "d")) == [name.encode()]
    assert read(store, f"d/{name}") == b"content"
    assert names(store) == [f"d/{name}"]
    store.delete(f"d/{name}", pinned(store, f"d/{name}").pin)
    assert everything(root) == ["d"]


def test_links_out_of_the_root_are_not_followed(store: WorkspaceStore, root: Path, outside: Path) -> None:
    (root / "file").symlink_to(outside / "secret")
    (root / "folder").symlink_to(outside)
    (root / "up").symlink_to("..")
    (root / "chain").symlink_to("folder")
    for path in ("file", "folder", "folder/secret", "folder/", "up/outside/secret", "chain/secret"):
        for call in (
            lambda path=path: store.head(path),
            lambda path=path: store.source(path, 6, "x").open_range(0, 6),
            lambda path=path: store.delete(path, "x"),
            lambda path=path: list(store.walk(path)),
        ):
            with pytest.raises(Forbidden) as refused:
                call()
            assert refused.value.code == "OutsideWorkspace"
            assert str(outside) not in str(refused.value)
    for path in ("folder/new", "folder/secret", "up/outside/new", "chain/deep/new"):
        with pytest.raises(Forbidden) as refused:
            store.begin(path, TOKEN)
        assert refused.value.code == "OutsideWorkspace"
    with pytest.raises(Forbidden):
        store.make_folder("folder/new")
    assert everything(outside) == ["secret"]
    assert (outside / "secret").read_text() == "secret"
    assert names(store) == []
    assert sorted(errors(store)) == ["chain", "file", "folder", "up"]
    assert all("is outside the workspace" in error for error in errors(store).values())


def test_link_created_after_resolving_a_path_is_not_followed(store: WorkspaceStore, root: Path, outside: Path) -> None:
    (root / "d").mkdir()
    part = store.begin("d/secret", TOKEN)
    part.write_at(0, memoryview(b"mine"))
    (root / "d").rename(root / "moved")
    (root / "d").symlink_to(outside)
    with pytest.raises(OdhTecError):
        part.publish(if_absent=False)
    with pytest.raises(OdhTecError):
        part.drop()
    assert everything(outside) == ["secret"]
    assert (outside / "secret").read_text() == "secret"


def test_links_inside_the_root_are_followed(store: WorkspaceStore, root: Path) -> None:
    (root / "real").mkdir()
    (root / "real" / "file").write_bytes(b"content")
    (root / "link").symlink_to("real")
    (root / "name").symlink_to("real/file")
    (root / "absolute").symlink_to(root / "real" / "file")
    assert names(store) == ["absolute", "link/file", "name", "real/file"]
    assert read(store, "link/file") == read(store, "name") == read(store, "absolute") == b"content"
    assert pinned(store, "link").is_folder
    write(store, "link/new", b"new")
    assert (root / "real" / "new").read_bytes() == b"new"


def test_root_can_be_a_link(root: Path, tmp_path: Path) -> None:
    (tmp_path / "alias").symlink_to(root)
    (root / "a").write_bytes(b"a")
    (root / "b").symlink_to(tmp_path / "alias" / "a")
    assert names(WorkspaceStore(tmp_path / "alias")) == ["a", "b"]
