"""No call of the store reads, writes or removes a file that Jupyter hides."""

from __future__ import annotations

from pathlib import Path

import pytest

from odhtec_jupyter.errors import Forbidden
from odhtec_jupyter.stores.workspace.hidden import HIDDEN_FILE, HiddenRules
from odhtec_jupyter.stores.workspace.store import WorkspaceStore


@pytest.mark.parametrize("path", [".env", ".ssh/id_rsa", "a/.ssh/id_rsa", "a/.b", ".ssh/"])
def test_every_call_refuses_a_hidden_path(root: Path, path: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    if not path.endswith("/"):
        (root / path).write_text("kept")
    strict = WorkspaceStore(root)
    for call in (
        lambda: strict.head(path),
        lambda: list(strict.walk(path)),
        lambda: strict.source(path, 1, "pin"),
        lambda: strict.begin(path, "token"),
        lambda: strict.delete(path, "pin"),
        lambda: strict.make_folder(path),
    ):
        with pytest.raises(Forbidden) as refused:
            call()
        assert refused.value.code == HIDDEN_FILE
    strict.remove_empty_folder(path)
    assert (root / path).exists() or path == ".ssh/"


def test_walk_lists_hidden_folders_without_their_content(root: Path) -> None:
    for name in (".git/config", ".env", "a/b.txt", "a/.c", "a/d.pyc"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    (root / "link").symlink_to(".env")
    strict = WorkspaceStore(root, lambda: HiddenRules(hide_globs=["*.pyc"]))
    found = {file.path: file.is_hidden for page in strict.walk("") for file in page}
    # As in Jupyter, the name of the link decides.
    assert found == {".env": True, ".git/": True, "a/.c": True, "a/d.pyc": True, "a/b.txt": False, "link": False}


def test_changed_rules_for_hidden_files_apply_immediately(root: Path) -> None:
    (root / ".env").write_text("x")
    rules = [HiddenRules()]
    store = WorkspaceStore(root, lambda: rules[0])
    with pytest.raises(Forbidden):
        store.head(".env")
    rules[0] = HiddenRules(allow_hidden=True)
    assert store.head(".env") is not None
