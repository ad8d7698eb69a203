"""One event of the audit, with every text and list cut to the length that the schema allows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal
from urllib.parse import quote

from odhtec_jupyter.uris import S3Uri, Uri

AuditAction = Literal[
    "archive.read",
    "bucket.create",
    "bucket.delete",
    "connection.add",
    "connection.remove",
    "connection.save",
    "connection.test",
    "hub.import",
    "link.create",
    "object.change",
    "object.delete",
    "object.read",
    "object.restore",
    "object.write",
    "preview.read",
    "settings.change",
    "settings.test",
    "transfer.cancel",
    "transfer.create",
    "transfer.finish",
    "transfer.pause",
    "transfer.remove",
    "transfer.resume",
    "transfer.retry",
    "transfer.start",
    "upload.abort",
    "upload.complete",
    "upload.part",
    "upload.start",
]
Result = Literal["success", "denied", "failed", "cancelled"]
MAX_URIS = 100
MAX_URI_LENGTH = 2048  # characters; a key has up to 1024 bytes
MAX_USER_LENGTH = 256
_CODE = re.compile(r"[\w.-]{1,128}", re.ASCII)  # a store can send anything as a code


@dataclass(frozen=True, kw_only=True)
class AuditEvent:
    """What happened. Fields that are None are left out; :attr:`uri_count` defaults to the number of URIs."""

    user: str
    action: AuditAction
    result: Result
    uris: Sequence[Uri] = ()
    uri_count: int | None = None
    connection: str | None = None
    status: int | None = None
    code: str | None = None
    bytes: int | None = None
    setting: str | None = None
    transfer_id: str | None = None
    transfer_action: str | None = None
    files_done: int | None = None
    files_failed: int | None = None

    def data(self) -> dict[str, Any]:
        """Return the fields as the schema has them."""
        found: dict[str, Any] = {
            **self.__dict__,
            "user": _cut(self.user, MAX_USER_LENGTH),
            "uris": _shown(self.uris),
            "uri_count": len(self.uris) if self.uri_count is None else self.uri_count,
            "code": self.code and (self.code if _CODE.fullmatch(self.code) else "UnknownCode"),
        }
        return {name: value for name, value in found.items() if value is not None}


def _shown(uris: Iterable[Uri]) -> list[str]:
    return [_cut(shown_uri(uri), MAX_URI_LENGTH) for uri in islice(uris, MAX_URIS)]


def shown_uri(uri: Uri) -> str:
    """Return the URI as the audit has it.

    The name of a bucket comes from a request and can be any text: encoded, it cannot look like the name of a
    connection, and the text before an ``@`` can be keys that were pasted there.
    """
    if isinstance(uri, S3Uri):
        return str(S3Uri(quote(uri.bucket.rpartition("@")[2], safe=""), uri.key, uri.connection))
    return str(uri)


def _cut(text: str, limit: int) -> str:
    """Return the text with at most ``limit`` characters, all of which can be encoded."""
    text = text.encode("utf-8", "replace").decode()
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
