"""Detection of downloaded files that are the same file on the disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from odhtec_jupyter.client.local import downloader
from odhtec_jupyter.client.local.saved_files import SavedFiles


def test_hard_links_with_different_names_count_as_different_files(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    (tmp_path / "b").hardlink_to(tmp_path / "a")
    saved = SavedFiles()
    saved.add(tmp_path / "a")
    saved.add(tmp_path / "a")
    saved.add(tmp_path / "b")


def test_file_deleted_during_the_download_is_no_conflict(tmp_path: Path) -> None:
    """File systems reuse its inode for the next file."""
    (tmp_path / "a").write_text("x")
    saved = SavedFiles()
    saved.add(tmp_path / "a")
    (tmp_path / "a").rename(tmp_path / "b")  # the same inode under another name
    saved.add(tmp_path / "b")


def test_failure_to_remove_the_partial_file_does_not_mean_that_the_name_exists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(path)

    (tmp_path / "beside").write_text("x")
    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(PermissionError):
        downloader._rename_if_free(tmp_path / "beside", tmp_path / "a")
