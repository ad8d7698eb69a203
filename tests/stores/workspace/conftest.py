from __future__ import annotations

from pathlib import Path

import pytest

from odhtec_jupyter.stores.workspace.hidden import HiddenRules
from odhtec_jupyter.stores.workspace.store import WorkspaceStore


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "root"
    made.mkdir()
    return made


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    made = tmp_path / "outside"
    made.mkdir()
    (made / "secret").write_text("secret")
    return made


@pytest.fixture
def store(root: Path) -> WorkspaceStore:
    """A store that allows hidden files, so that tests can use any name. ``test_hidden.py`` tests the rules."""
    return WorkspaceStore(root, lambda: HiddenRules(allow_hidden=True))
