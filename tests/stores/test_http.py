"""The joined bundles of authorities: one for each combination, and none is left behind."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import certifi
import pytest

from odhtec_jupyter.network import Network
from odhtec_jupyter.stores.http import ca_file, remove_ca_files, remove_left_ca_files

WRITES = """
import sys
from odhtec_jupyter.network import Network
from odhtec_jupyter.stores.http import ca_file
print(ca_file(Network(ca_bundles=(sys.argv[1],))), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files, of this process and of those it starts."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_bundles_of_killed_servers_are_swept_and_those_of_living_ones_are_not(folder: Path) -> None:
    other = subprocess.Popen(
        [sys.executable, "-c", WRITES, certifi.where()], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout
    theirs = Path(other.stdout.readline().strip())
    network = Network(ca_bundles=(certifi.where(),))
    ours = Path(ca_file(network) or "")
    try:
        stranger = folder / "odhtec-ca-folder.pem"
        stranger.mkdir()
        remove_left_ca_files()
        assert (theirs.parent, theirs.is_file(), ours.is_file(), stranger.is_dir()) == (folder, True, True, True)
        other.kill()
        other.wait()
        remove_left_ca_files()
        assert (theirs.exists(), ours.is_file()) == (False, True)
        assert ca_file(network) == str(ours)
    finally:
        other.kill()
        other.communicate()
        remove_ca_files()
    assert not ours.exists()
