"""The detailed map in CONTRIBUTING.md names each module exactly once."""

from __future__ import annotations

import subprocess
import sys

from tests.conftest import ROOT


def test_map_names_each_module_once() -> None:
    done = subprocess.run([sys.executable, str(ROOT / "scripts" / "map")], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"
