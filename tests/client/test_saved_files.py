"""Which files of a download are the same file on the disk."""

from __future__ import annotations

from pathlib import Path

from odhtec_jupyter.client.local.saved_files import SavedFiles


def test_hard_links_of_other_names_are_other_files(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    (tmp_path / "b").hardlink_to(tmp_path / "a")
    saved = SavedFiles()
    saved.add(tmp_path / "a")
    saved.add(tmp_path / "a")
    saved.add(tmp_path / "b")
