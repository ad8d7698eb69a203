"""The demonstration's walk through the whole system, as a user starts it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from odhtec_jupyter.demo.jupyter_process import clean_environment
from odhtec_jupyter.demo.model import fetch_model


def run_demo(env: dict[str, str], folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("jupyter-odhtec")
    return subprocess.run(
        [str(program), "demo", *options],
        env=env | {"TMPDIR": str(folder)},
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
    )


def test_once_imports_the_model_and_compares_every_file(tmp_path: Path) -> None:
    model = fetch_model()
    done = run_demo(clean_environment(), tmp_path, "--once", "--no-browser")
    assert done.returncode == 0, done.stdout + done.stderr
    compared = {line.rsplit("/all-MiniLM-L6-v2/", 1)[1] for line in done.stdout.splitlines() if "same sha256" in line}
    assert compared == {p.relative_to(model).as_posix() for p in model.rglob("*") if p.is_file()}
    progress = [line for line in done.stdout.splitlines() if "running" in line]
    assert len(progress) > 1, f"no live progress:\n{done.stdout}"
    assert list(tmp_path.iterdir()) == [], "the demonstration left something behind"


def test_once_fails_when_the_store_refuses(tmp_path: Path) -> None:
    """An end that was not reached must not look like one."""
    env = clean_environment() | {
        "AWS_S3_ENDPOINT": "http://127.0.0.1:9",  # the port of a service that no machine runs
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "y",
    }
    done = run_demo(env, tmp_path, "--once")
    assert done.returncode == 1
    assert "demo: " in done.stderr
    assert "same sha256" not in done.stdout


def test_a_model_that_cannot_be_fetched_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from odhtec_jupyter.demo.model import ModelUnavailableError

    for name, value in {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path), "PIP_CONFIG_FILE": "/dev/null"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ModelUnavailableError, match="could not be fetched"):
        fetch_model(tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []
