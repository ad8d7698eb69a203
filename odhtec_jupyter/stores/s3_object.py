"""An object as S3 shows it: what is known about it, and its bytes while they are read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from odhtec_jupyter.errors import BadRequest
from odhtec_jupyter.stores.http import read_into
from odhtec_jupyter.stores.s3_errors import s3_errors

KEPT_HEADERS = ("Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language")
TAGGING = "x-amz-tagging"  # an object's tags, written as a query


@dataclass(frozen=True)
class ObjectHead:
    """What HEAD tells about an object."""

    size: int
    etag: str | None
    content_type: str | None
    last_modified: Any
    metadata: Mapping[str, str] = field(default_factory=dict)
    cache_control: str | None = None
    content_disposition: str | None = None
    content_encoding: str | None = None
    content_language: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        """What a copy keeps besides type and metadata, for :meth:`S3Store.put` and ``create_multipart``."""
        told = {
            "Cache-Control": self.cache_control,
            "Content-Disposition": self.content_disposition,
            "Content-Encoding": self.content_encoding,
            "Content-Language": self.content_language,
        }
        return {name: value for name, value in told.items() if value}


def object_head(reply: Mapping[str, Any]) -> ObjectHead:
    """botocore's reply to a HEAD."""
    # Ceph RGW 18 keeps the name of the framing of an upload, which is no coding of the bytes.
    codings = [one.strip() for one in (reply.get("ContentEncoding") or "").split(",")]
    return ObjectHead(
        reply["ContentLength"],
        reply.get("ETag"),
        reply.get("ContentType"),
        reply.get("LastModified"),
        reply.get("Metadata", {}),
        reply.get("CacheControl"),
        reply.get("ContentDisposition"),
        ", ".join(one for one in codings if one and one != "aws-chunked") or None,
        reply.get("ContentLanguage"),
    )


def quoted(etag: str | None) -> str | None:
    """An ETag as HEAD tells it; in the XML of some stores it has no quotes. None where there is none."""
    bare = (etag or "").strip('"')
    return f'"{bare}"' if bare else None


def header_params(headers: Mapping[str, str] | None) -> dict[str, str]:
    """The names that botocore has for the headers of :attr:`ObjectHead.headers`, and for :data:`TAGGING`."""
    known = {name: name.replace("-", "") for name in KEPT_HEADERS} | {TAGGING: "Tagging"}
    if unknown := set(headers or {}) - set(known):
        raise BadRequest(f"S3 keeps no header {sorted(unknown)[0]!r}.")
    return {known[name]: value for name, value in (headers or {}).items()}


@dataclass(frozen=True)
class StoredPart:
    """A part of an unfinished upload that S3 has."""

    etag: str
    size: int


@dataclass(frozen=True)
class MultipartUpload:
    """An unfinished upload."""

    upload_id: str
    initiated: datetime


@dataclass(eq=False)  # told apart by identity: a stop sign keeps those that are being read
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
        match = re.match(r"bytes (\d{1,19})-", self.headers.get("content-range", ""))
        return int(match[1]) if match else 0

    @property
    def end(self) -> int:
        """Offset after the last byte."""
        return self.start + int(self.headers.get("content-length", 0))

    @property
    def total(self) -> int | None:
        """Size of the whole object, where S3 tells."""
        if self.status != 206:
            return int(self.headers.get("content-length", 0))
        text = self.headers.get("content-range", "").rpartition("/")[2]
        return int(text) if text.isdigit() else None

    def readinto(self, buffer: memoryview) -> int:
        """Fill at most ``len(buffer)`` bytes; 0 at the end."""
        try:
            count = read_into(self._raw, buffer)
        except Exception:
            with s3_errors(self._host):  # entered only now: this is called for every block
                raise
        self._taken += count
        return count

    def interrupt(self) -> None:
        """Shut the socket for reading; with urllib3 before 2.3 the wait goes on until bytes or the timeout come."""
        with suppress(AttributeError, OSError, RuntimeError, ValueError):
            self._raw.shutdown()

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
