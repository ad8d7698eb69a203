"""A small client of the extension's REST API, as any program could have it."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from typing import Any

import requests

_CONNECT_AND_READ = (5.0, 60.0)
_CHUNK = 1024 * 1024


class ReplyError(Exception):
    """The server replied with an error."""


def encode_key(key: str) -> str:
    """Return a key or prefix for a URL: base64url of its UTF-8 bytes, without padding."""
    return base64.urlsafe_b64encode(key.encode()).rstrip(b"=").decode()


class Rest:
    """A connection to one server."""

    def __init__(self, url: str, headers: dict[str, str]) -> None:
        self._base = f"{url}odhtec/api"
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy for the loopback interface
        self._session.headers.update(headers)

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def ensure_bucket(self, bucket: str) -> None:
        """Create the bucket if it does not exist."""
        known = self._call("GET", "/buckets")
        if bucket not in {b["Name"] for b in known["buckets"]}:
            self._call("POST", "/buckets", json={"bucketName": bucket})

    def import_model(self, repo: str, bucket: str) -> dict[str, Any]:
        """Start an import. Return the transfer."""
        return self._call("POST", "/objects/import-hf", json={"repo": repo, "bucket": bucket})

    def transfer(self, transfer_id: str) -> dict[str, Any]:
        """Return the current state of a transfer."""
        return self._call("GET", f"/transfers/{transfer_id}")

    def events(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield pairs of event and data from the event stream until it ends."""
        with self._send("GET", "/transfers/events", stream=True, headers={"Accept": "text/event-stream"}) as reply:
            event, data = "message", ""
            for line in reply.iter_lines(chunk_size=1, decode_unicode=False):
                name, _, value = line.decode().partition(":")
                value = value.removeprefix(" ")
                if name == "event":
                    event = value
                elif name == "data":
                    data += value
                elif not line and data:
                    yield event, json.loads(data)
                    event, data = "message", ""

    def list_all(self, bucket: str, prefix: str) -> Iterator[dict[str, Any]]:
        """Yield every object below a prefix."""
        path = f"/objects/{bucket}/{encode_key(prefix)}"
        token: str | None = None
        while True:
            page = self._call("GET", path, params={"continuationToken": token} if token else {})
            yield from page["objects"]
            for folder in page["prefixes"]:
                yield from self.list_all(bucket, folder["Prefix"])
            token = page["nextContinuationToken"]
            if not page["isTruncated"]:
                return

    def sha256(self, bucket: str, key: str) -> tuple[str, int]:
        """Download an object. Return its sha256 and size."""
        digest, size = hashlib.sha256(), 0
        with self._send("GET", f"/objects/download/{bucket}/{encode_key(key)}", stream=True) as reply:
            for chunk in reply.iter_content(_CHUNK):
                digest.update(chunk)
                size += len(chunk)
        return digest.hexdigest(), size

    def _call(self, method: str, path: str, **kwargs: Any) -> dict[str, Any]:
        with self._send(method, path, **kwargs) as reply:
            body: dict[str, Any] = reply.json()
            return body

    def _send(self, method: str, path: str, **kwargs: Any) -> requests.Response:
        reply = self._session.request(method, self._base + path, timeout=_CONNECT_AND_READ, **kwargs)
        if reply.ok:
            return reply
        with reply:
            try:
                reason = reply.json()["message"]
            except (ValueError, KeyError, TypeError):
                reason = reply.reason
        raise ReplyError(f"{method} {path} failed with status {reply.status_code}: {reason}")
