"""An object as S3 shows it: what is known about it, and its bytes while they are read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from odhtec_jupyter.stores.http import read_into
from odhtec_jupyter.stores.s3_errors import s3_errors


@dataclass(frozen=True)
class ObjectHead:
    """What HEAD tells about an object."""

    size: int
    etag: str | None
    content_type: str | None
    last_modified: Any
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass
class ObjectBody:
    """An open GET: status and headers as S3 sent them, and the bytes, to be read to the end or closed."""

    status: int
    headers: Mapping[str, str]
    _stream: Any
    _host: str
    _taken: int = 0

    @property
    def start(self) -> int:
        """Offset of the first byte within the object."""
        match = re.match(r"bytes (\d+)-", self.headers.get("content-range", ""))
        return int(match[1]) if match else 0

    @property
    def end(self) -> int:
        """Offset after the last byte."""
        return self.start + int(self.headers.get("content-length", 0))

    def readinto(self, buffer: memoryview) -> int:
        """Fill at most ``len(buffer)`` bytes; 0 at the end."""
        with s3_errors(self._host):
            count = read_into(self._raw, buffer)
        self._taken += count
        return count

    @property
    def _raw(self) -> Any:
        """The urllib3 response below botocore's stream."""
        return getattr(self._stream, "_raw_stream", self._stream)

    def close(self) -> None:
        """Return the connection when the body was read to its end, else drop it."""
        if self._taken == self.end - self.start and hasattr(self._raw, "release_conn"):
            self._raw.release_conn()
        else:
            self._stream.close()
