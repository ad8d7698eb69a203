"""Imports of a small repository."""

from __future__ import annotations

import random
from typing import Any

TOKEN = "hf_SecretOfTheReader"

FILES = {
    "README.md": b"# A model\n",
    "config.json": b"{}",
    "weights/model.bin": random.Random(1).randbytes(9 * 1024 * 1024),
    "日本 +%.txt": b"name",
    "empty": b"",
}


async def run(api: Any, **request: Any) -> Any:
    """Import a repository and return the transfer when it has ended."""
    transfer = await api.ok("POST", "objects/import-hf", json_body=request, status=201)
    return await api.finished(transfer["id"])
