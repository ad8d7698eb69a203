"""One pass that compares bytes: a fast figure for wrong bytes would be worth nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable

import curl
from stage import BUCKET, Stage
from throughput import start_import, wait_for

from odhtec_jupyter.demo.content import SyntheticContent

Block = bytes | memoryview


def measure(stage: Stage) -> list[str]:
    """The transfers that were found to be right; raises for one that is not. ``stage`` must be a hashing one."""
    content = SyntheticContent(stage.size)
    # Not zeros: two parts in each other's place would go unnoticed.
    path = stage.folder / "noise"
    with path.open("wb") as file:
        for chunk in content.chunks(0, content.size):
            file.write(chunk)
    with stage.server() as server:
        with curl.put(path, server.upload("check/put"), *server.credentials) as one:
            one.finish()
        with curl.form(path, server.form("check/"), *server.credentials) as one:
            one.finish()
        wait_for(server, start_import(server, "bench/one", "check"))
        with server.session.get(server.download(stage.size), stream=True, timeout=60) as reply:
            reply.raise_for_status()
            digest = hashlib.sha256()
            for block in reply.iter_content(1024 * 1024):
                digest.update(block)
    path.unlink()
    if digest.hexdigest() != content.sha256:
        raise RuntimeError("download: the bytes are wrong")
    objects = stage.stored()["objects"]
    for name, key in (("curl -T", "put"), ("curl -F", "form.bin"), ("import", "weights-0.bin")):
        _compare(name, content, objects[f"{BUCKET}/check/{key}"])
    return ["curl -T", "curl -F", "import", "download"]


def _compare(name: str, content: SyntheticContent, pieces: list[tuple[int, str]]) -> None:
    start = 0
    for number, (size, found) in enumerate(pieces, 1):
        if _sha256(content.chunks, start, start + size) != found:
            raise RuntimeError(f"{name}: the bytes of part {number} are wrong")
        start += size
    if start != content.size:
        raise RuntimeError(f"{name}: {start} bytes reached the store, {content.size} were sent")


def _sha256(chunks: Callable[[int, int], Iterable[Block]], start: int, stop: int) -> str:
    digest = hashlib.sha256()
    for chunk in chunks(start, stop):
        digest.update(chunk)
    return digest.hexdigest()
