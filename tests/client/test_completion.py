"""Completion with Tab in a real bash."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from odhtec_jupyter.demo.jupyter_process import JupyterProcess
from tests.client.shell import Shell
from tests.conftest import missing
from tests.waiting import GIVE_UP_SECONDS

# What bash does when Tab is pressed at the end of a line.
TAB = """
COMP_WORDBREAKS=$' \\t\\n"\\'><=;|&(:'
eval "$(jupyter-odhtec completion bash)"
complete_line() {
  COMP_LINE=$1 COMP_POINT=${#1} COMP_TYPE=9
  COMPREPLY=()
  _python_argcomplete "${1%% *}" 2>/dev/null
  printf '%s\\n' "${COMPREPLY[@]}"
}
for line in "$@"; do complete_line "$line"; echo; done
"""

# The limit is for people. A busy machine may take longer.
PATIENT = f"from odhtec_jupyter.commands.arguments import completion; completion.MAX_SECONDS = {GIVE_UP_SECONDS:.0f}"


@pytest.fixture(params=["moto"])
def s3_server(request: pytest.FixtureRequest, moto_server: Any) -> Any:
    """One server is enough here: other tests run the client with each of them."""
    return moto_server


@pytest.fixture
def tab(moto_jupyter: JupyterProcess, tmp_path: Path) -> Any:
    """A function that returns the completions of each line."""
    if find_spec("argcomplete") is None:
        missing("argcomplete is not installed")
    if shutil.which("bash") is None:
        missing("bash is not installed")
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, module in (("jupyter", "jupyter_core.command"), ("jupyter-odhtec", "odhtec_jupyter.cli")):
        script = programs / name
        script.write_text(f"#!{sys.executable}\nimport sys\n{PATIENT}\nfrom {module} import main\nsys.exit(main())\n")
        script.chmod(0o755)
    env = {
        **os.environ,
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "JUPYTER_RUNTIME_DIR": str(moto_jupyter.folder / "runtime"),
        "JPY_PARENT_PID": str(moto_jupyter.pid),
    }

    def press(*lines: str) -> list[list[str]]:
        command = ["bash", "--norc", "-c", TAB, "bash", *lines]
        done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=600, check=True)
        return [block.split("\n") for block in done.stdout.removesuffix("\n\n").split("\n\n")]

    return press


def test_tab_completes_commands_buckets_and_keys(tab: Any, s3_client: Any, bucket: str) -> None:
    for key in ("data/a.csv", "data/b.csv", "dark", "data/with space"):
        s3_client.put_object(Bucket=bucket, Key=key, Body=b"x")
    commands, buckets, level, deep, option = tab(
        "jupyter odhtec pre",
        f"jupyter odhtec ls s3://{bucket[:12]}",
        f"jupyter odhtec ls s3://{bucket}/da",
        f"jupyter-odhtec cp s3://{bucket}/data/",
        "jupyter-odhtec rm --dry",
    )
    assert [one.strip() for one in commands] == ["presign"]
    # Bash splits words at the colon.
    assert f"//{bucket}/" in buckets
    assert sorted(level) == [f"//{bucket}/dark", f"//{bucket}/data/"]
    assert sorted(deep) == [f"//{bucket}/data/a.csv", f"//{bucket}/data/b.csv", f"//{bucket}/data/with\\ space"]
    assert [one.strip() for one in option] == ["--dry-run"]


def test_completion_without_argcomplete_says_what_to_install(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("odhtec_jupyter.commands.arguments.completion.find_spec", lambda _: None)
    assert "pip install 'odhtec-jupyter[completion]'" in shell("completion", "bash", code=1).stderr
