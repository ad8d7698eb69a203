"""Entries of a local folder that an upload omits."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from odhtec_jupyter.client.local.scan import entries_below


def test_link_with_an_unreadable_target_is_not_reported_as_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stat(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        if not follow_symlinks:
            return os.lstat(path)
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    (tmp_path / "link").symlink_to("elsewhere")
    monkeypatch.setattr(Path, "stat", stat)
    with pytest.raises(PermissionError):
        list(entries_below(tmp_path))


def test_link_to_itself_is_omitted(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("link")
    assert [entry.left_out for entry in entries_below(tmp_path)] == ["broken link"]
