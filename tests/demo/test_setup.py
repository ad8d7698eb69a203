"""The output of the scripts while pip installs packages."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT

# The output of pip without a terminal.
PIP = """\
Obtaining file:///checkout
  Installing build dependencies: started
  Installing build dependencies: finished with status 'done'
Collecting boto3>=1.36 (from odhtec-jupyter==0.1)
  Building editable for odhtec-jupyter (pyproject.toml): started
  Building editable for odhtec-jupyter (pyproject.toml): finished with status '%s'
Installing collected packages: boto3, odhtec-jupyter
"""


@pytest.mark.parametrize(("status", "code"), [("done", 0), ("error", 1)])
def test_each_step_of_an_installation_is_printed(tmp_path: Path, status: str, code: int) -> None:
    (tmp_path / "log").write_text(PIP % status)
    script = f'. "{ROOT}/scripts/setup.sh"; show_steps sh -c \'cat "$1"; exit {code}\' pip "{tmp_path}/log"'
    done = subprocess.run(["bash", "-eu", "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == code
    steps = ["what builds the package", "Building the panel", "Installing the packages"]
    assert all(step in line for step, line in zip(steps, done.stdout.splitlines(), strict=True))
    assert done.stderr == (PIP % status if code else "")  # all lines after a failure
