"""Objects of S3: their description, and their bytes while they are read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from odhtec_jupyter.errors import BadRequest
from odhtec_jupyter.stores.http import http_date, read_into, release
from odhtec_jupyter.stores.s3.tagging import TAGGING, TAGGING_COUNT
from odhtec_jupyter.stores.s3.wire.errors import s3_errors
from odhtec_jupyter.stores.s3.wire.etag import matches, normal
from odhtec_jupyter.stores.s3.wire.header_text import header_value, readable, sendable

KEPT_HEADERS = ("Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language")
ARCHIVED = {"GLACIER", "DEEP_ARCHIVE"}
METADATA = "x-amz-meta-"
CONDITIONS = {
    "Range": "Range",
    "IfMatch": "If-Match",
    "IfNoneMatch": "If-None-Match",
    "IfModifiedSince": "If-Modified-Since",
    "IfUnmodifiedSince": "If-Unmodified-Since",
}
_PARAMS = {name: name.replace("-", "") for name in (*KEPT_HEADERS, "Content-Type")} | {TAGGING: "Tagging"}


@dataclass(frozen=True)
class ObjectHead:
    """The description of an object, from a HEAD."""

    size: int
    etag: str | None
    content_type: str | None
    last_modified: Any
    metadata: Mapping[str, str] = field(default_factory=dict)
    cache_control: str | None = None
    content_disposition: str | None = None
    content_encoding: str | None = None
    content_language: str | None = None
    storage_class: str | None = None
    restore: str | None = None  # the state of a requested restore from the archive
    tag_count: int | None = None  # None if there are no tags, or if the store does not say it

    @property
    def is_archived(self) -> bool:
        """Return whether the object must be restored from an archive before it can be read."""
        return self.storage_class in ARCHIVED and 'ongoing-request="false"' not in (self.restore or "")

    def matches(self, pin: str) -> bool:
        """Return whether the object is what ``pin`` says."""
        return matches(pin, self.etag, self.size, self.last_modified)

    @property
    def headers(self) -> dict[str, str]:
        """Return what a copy keeps besides type and metadata, for :meth:`S3Store.put` and ``create_multipart``."""
        kept = {
            "Cache-Control": self.cache_control,
            "Content-Disposition": self.content_disposition,
            "Content-Encoding": self.content_encoding,
            "Content-Language": self.content_language,
        }
        return {name: value for name, value in kept.items() if value}


def object_head(reply: Mapping[str, Any]) -> ObjectHead:
    """Return the description in botocore's reply to a HEAD."""
    # Ceph RGW 18 stores the transfer encoding of an upload, which is not an encoding of the content.
    codings = [one.strip() for one in (reply.get("ContentEncoding") or "").split(",")]
    return ObjectHead(
        reply["ContentLength"],
        reply.get("ETag"),
        readable(reply.get("ContentType")),
        reply.get("LastModified"),
        {name: readable(value) or "" for name, value in reply.get("Metadata", {}).items()},
        readable(reply.get("CacheControl")),
        readable(reply.get("ContentDisposition")),
        ", ".join(one for one in codings if one and one != "aws-chunked") or None,
        readable(reply.get("ContentLanguage")),
        reply.get("StorageClass"),
        reply.get("Restore"),
        reply.get("TagCount"),
    )


def condition_headers(conditions: Mapping[str, Any]) -> dict[str, str]:
    """Return botocore's parameters of a GET, besides the version, as headers. A time must have a time zone."""
    return {
        CONDITIONS[name]: format_datetime(value.astimezone(UTC), usegmt=True) if isinstance(value, datetime) else value
        for name, value in conditions.items()
        if name != "VersionId"
    }


def described(headers: Mapping[str, str]) -> dict[str, Any]:
    """Return the description in the headers of a reply as botocore names it; ContentLength can be None."""
    return {
        "ContentLength": number(headers.get("Content-Length")),
        "ETag": headers.get("ETag"),
        "ContentType": headers.get("Content-Type"),
        "LastModified": _time(headers.get("Last-Modified", "")),
        "Metadata": {
            name[len(METADATA) :]: headers[name] for name in headers if name[: len(METADATA)].lower() == METADATA
        },
        "CacheControl": headers.get("Cache-Control"),
        "ContentDisposition": headers.get("Content-Disposition"),
        "ContentEncoding": headers.get("Content-Encoding"),
        "ContentLanguage": headers.get("Content-Language"),
        "StorageClass": headers.get("x-amz-storage-class"),
        "Restore": headers.get("x-amz-restore"),
        "TagCount": number(headers.get(TAGGING_COUNT)),
    }


def _time(text: str) -> datetime | None:
    """Parse a time in a header; some stores send the form of ISO 8601. None for an invalid one."""
    if when := http_date(text):
        return when
    with suppress(ValueError):
        iso = datetime.fromisoformat(text)
        return iso if iso.tzinfo else iso.replace(tzinfo=UTC)
    return None


def number(text: str | None) -> int | None:
    """A count of bytes as in a header; None where there is none, or something else."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 20 else None


def object_params(
    content_type: str | None, metadata: Mapping[str, str] | None, headers: Mapping[str, str] | None
) -> dict[str, Any]:
    """Return what is stored besides the bytes, as botocore's parameters.

    ``headers`` are those of :attr:`ObjectHead.headers`, and :data:`TAGGING`.
    """
    if unknown := set(headers or {}) - {*KEPT_HEADERS, TAGGING}:
        raise BadRequest(f"S3 does not store the header {sorted(unknown)[0]!r}.")
    params: dict[str, Any] = {"Metadata": {name: sendable(value) for name, value in (metadata or {}).items()}}
    params |= {_PARAMS[name]: header_value(value) for name, value in (headers or {}).items()}
    return params | ({"ContentType": header_value(content_type)} if content_type else {})


def object_headers(
    content_type: str | None, metadata: Mapping[str, str] | None, headers: Mapping[str, str] | None
) -> dict[str, str]:
    """Return what is stored besides the bytes, as headers of a PUT."""
    params = object_params(content_type, metadata, headers)
    sent = {f"{METADATA}{name}": value for name, value in params["Metadata"].items()}
    sent |= {name: params[known] for name, known in _PARAMS.items() if known in params}
    return sent


@dataclass(frozen=True)
class StoredPart:
    """A part of an unfinished upload in S3."""

    etag: str
    size: int


@dataclass(frozen=True)
class MultipartUpload:
    """An unfinished upload."""

    upload_id: str
    initiated: datetime


@dataclass(eq=False)  # compared by identity: a set has the bodies that are being read
class ObjectBody:
    """An open GET: status and headers of S3, and the bytes, to be read to their end or closed."""

    status: int
    headers: Mapping[str, str]
    _stream: Any
    _host: str
    size: int | None = None  # of the whole object, from a HEAD, if this reply does not have it
    _taken: int = 0
    _ended: bool = False

    @property
    def length(self) -> int | None:
        """Return Content-Length; None if it says nothing about the body, which means unknown and not 0."""
        return None if self.is_chunked else number(self.headers.get("content-length"))

    @property
    def is_chunked(self) -> bool:
        """Return whether the body marks its own end, so that a broken connection is noticed."""
        return "chunked" in self.headers.get("transfer-encoding", "").lower()

    @property
    def start(self) -> int:
        """Return the offset of the first byte in the object."""
        return self._range[0] if self._range else 0

    @property
    def end(self) -> int | None:
        """Return the offset after the last byte; None if it is not known before the end of the body."""
        if self._range:
            return self._range[1] + 1
        if self.length is not None:
            return self.length
        return self.size if self.status != 206 else None

    @property
    def total(self) -> int | None:
        """Return the size of the whole object, if S3 sent it."""
        if self.status != 206:
            return self.end
        return number(self.headers.get("content-range", "").rpartition("/")[2])

    @property
    def _range(self) -> tuple[int, int] | None:
        """Return the first and last byte from Content-Range."""
        match = re.match(r"bytes (\d{1,19})-(\d{1,19})/", self.headers.get("content-range", ""))
        return (int(match[1]), int(match[2])) if match and self.status == 206 else None

    @property
    def etag(self) -> str | None:
        """Return the normalized ETag of the object."""
        return normal(self.headers.get("etag"), self.total, http_date(self.headers.get("last-modified", "")))

    def matches(self, pin: str) -> bool:
        """Return whether the bytes are those of the object that ``pin`` describes."""
        return matches(pin, self.headers.get("etag"), self.total, http_date(self.headers.get("last-modified", "")))

    def readinto(self, buffer: memoryview) -> int:
        """Read up to ``len(buffer)`` bytes; 0 at the end."""
        try:
            count = read_into(self._raw, buffer)
        except Exception:
            with s3_errors(self._host):  # entered here only, because this is called for every block
                raise
        self._taken += count
        self._ended = self._ended or not count
        return count

    def interrupt(self) -> None:
        """Shut the socket for reading. With urllib3 before 2.3, the wait continues until bytes or the timeout come."""
        with suppress(AttributeError, OSError, RuntimeError, ValueError):
            self._raw.shutdown()

    @property
    def _raw(self) -> Any:
        """Return the urllib3 response below botocore's stream."""
        return getattr(self._stream, "_raw_stream", self._stream)

    def close(self) -> None:
        """Return the connection when the body was read to its end, else drop it."""
        # After the last byte of a chunked body comes its end mark, which would be read as part of the next reply.
        whole = self._ended if self.length is None else self._taken == self.length
        if whole and hasattr(self._raw, "release_conn"):
            release(self._raw)
        else:
            self._stream.close()
