"""``jupyter odhtec demo --once``, as a user starts it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from odhtec_jupyter.demo.jupyter_process import clean_environment
from odhtec_jupyter.demo.model import fetch_model
from tests.conftest import python_path
from tests.content import MIB, noise


def run_demo(folder: Path, *options: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the demonstration with ``folder`` as its temporary folder, in which it must leave no files."""
    folder.mkdir()
    program = Path(sys.executable).with_name("jupyter-odhtec")
    return subprocess.run(
        [str(program), "demo", *options],
        env=clean_environment() | env | {"TMPDIR": str(folder), "PYTHONPATH": python_path()},
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
    )


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A cache with a small model instead of the downloaded one."""
    model = tmp_path / "cache" / "odhtec-jupyter" / "all-MiniLM-L6-v2"
    (model / "1_Pooling").mkdir(parents=True)
    (model / "1_Pooling" / "config.json").write_text("{}")
    size = 9 * MIB  # larger than a part
    header = b'{"w":{"dtype":"U8","shape":[%d],"data_offsets":[0,%d]}}' % (size, size)
    (model / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + noise(size))
    return tmp_path / "cache"


def assert_compared(done: subprocess.CompletedProcess[str], model: Path) -> None:
    assert done.returncode == 0, done.stdout + done.stderr
    compared = {line.rsplit("/all-MiniLM-L6-v2/", 1)[1] for line in done.stdout.splitlines() if "same sha256" in line}
    assert compared == {p.relative_to(model).as_posix() for p in model.rglob("*") if p.is_file()}


def test_once_imports_a_model_and_compares_every_file(tmp_path: Path, cache: Path) -> None:
    done = run_demo(tmp_path / "run", "--once", "--no-browser", XDG_CACHE_HOME=str(cache))
    assert_compared(done, cache / "odhtec-jupyter" / "all-MiniLM-L6-v2")
    steps = [line for line in done.stdout.splitlines() if line.startswith("Starting ")]
    assert [step.split()[2] for step in steps] == ["object", "hub", "Jupyter"], "each part is printed before it starts"
    assert list((tmp_path / "run").iterdir()) == [], "the demonstration left something behind"


@pytest.mark.network
def test_once_imports_the_published_model_and_shows_progress(tmp_path: Path) -> None:
    model = fetch_model()
    done = run_demo(tmp_path / "run", "--once", "--no-browser")
    assert_compared(done, model)
    progress = [line for line in done.stdout.splitlines() if "running" in line]
    assert len(progress) > 1, f"no live progress:\n{done.stdout}"


def test_once_fails_when_the_store_refuses(tmp_path: Path, cache: Path) -> None:
    """A run that failed must not look like a complete one."""
    done = run_demo(
        tmp_path / "run",
        "--once",
        XDG_CACHE_HOME=str(cache),
        AWS_S3_ENDPOINT="http://127.0.0.1:9",  # a port on which no service runs
        AWS_ACCESS_KEY_ID="x",
        AWS_SECRET_ACCESS_KEY="y",
    )
    assert done.returncode == 1
    assert "demo: " in done.stderr
    assert "same sha256" not in done.stdout


def test_failed_download_of_the_model_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from odhtec_jupyter.demo.model import ModelUnavailableError

    for name, value in {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path), "PIP_CONFIG_FILE": "/dev/null"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ModelUnavailableError, match="could not be downloaded"):
        fetch_model(tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []
