"""Objects for previews, read by ranges like those of a real store, with counts of ranges and bytes."""

from __future__ import annotations

import importlib.util
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from odhtec_jupyter.demo.content import BytesContent, Content
from odhtec_jupyter.preview.dispatch import preview
from odhtec_jupyter.preview.preview_input import PreviewInput
from odhtec_jupyter.preview.ranged_file import RangedFile
from odhtec_jupyter.stores.source import Checksum, RangeReader

ROOT = Path(__file__).resolve().parent.parent.parent


class Range:
    """An open range that returns at most some KiB at a time, like a socket."""

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)

    def readinto(self, buffer: memoryview) -> int:
        count = min(len(buffer), len(self._data), 16_000)
        buffer[:count] = self._data[:count]
        self._data = self._data[count:]
        return count

    def interrupt(self) -> None:
        pass

    def close(self) -> None:
        pass


class Source:
    """An object in a store."""

    checksum: Checksum | None = None

    def __init__(self, content: Content) -> None:
        self.size = content.size
        self.ranges: list[tuple[int, int]] = []
        self._content = content

    def open_range(self, start: int, end: int) -> RangeReader:
        assert 0 <= start < end <= self.size
        self.ranges.append((start, end))
        return Range(self._content.read(start, end))


def input_of(key: str, content: Content | bytes, content_type: str = "") -> PreviewInput:
    content = BytesContent(content) if isinstance(content, bytes) else content
    return PreviewInput(key, RangedFile(Source(content)), '"etag"', content_type)


@pytest.fixture
def see() -> Callable[..., Any]:
    """A function that returns the preview of an object as a client receives it."""

    def seen(key: str, content: Content | bytes, content_type: str = "") -> Any:
        item = input_of(key, content, content_type)
        found = preview(item)
        reply = found.model_dump(by_alias=True, mode="json")
        found.model_dump_json()  # fails for text that UTF-8 cannot encode
        assert reply["bytesRead"] == item.file.bytes_read < 4_000_000
        assert reply["size"] == item.size
        return reply

    return seen


def damaged(data: bytes, count: int, seed: int = 1) -> Iterator[bytes]:
    """Yield variants of the data with flipped bits or cut off, different from each other and the same in each run."""
    rng = random.Random(seed)
    for number in range(count):
        if number % 3 == 0:
            yield data[: rng.randrange(len(data))]
            continue
        broken = bytearray(data)
        for _ in range(rng.choice((1, 3, 20))):
            # Headers are at either end.
            place = rng.choice(
                (rng.randrange(min(len(data), 512)), rng.randrange(len(data)), -1 - rng.randrange(min(len(data), 256)))
            )
            broken[place] ^= 1 << rng.randrange(8)
        yield bytes(broken)


@pytest.fixture(scope="session")
def huge_files() -> ModuleType:
    """The files of the benchmarks that are too large to create."""
    spec = importlib.util.spec_from_file_location("huge_files", ROOT / "benchmarks" / "huge_files.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
