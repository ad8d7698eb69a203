"""Signatures for requests for objects: botocore's, without its model of each operation.

For each call, botocore finds the address of the bucket and checks all parameters, which takes ten times as long as the
signature. Here the address is found once for each bucket.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from odhtec_jupyter.errors import BadRequest
from odhtec_jupyter.network import PORTS

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MAX_ADDRESSES = 1000  # of buckets
SAFE = "/~"  # the characters of a key that S3 expects as they are, besides letters, digits, "-", "_" and "."
_PROBE = "odhtec-address"  # the key of a request that is never sent

_finding: ContextVar[bool] = ContextVar("odhtec_finding_address", default=False)


@dataclass(frozen=True)
class _Address:
    url: str  # which keys are appended to
    host: str  # botocore's signer would parse the URL twice to find it
    user_agent: str
    signer: Any  # of botocore; it renews credentials that expire
    context: Mapping[str, Any]  # what botocore's signer knows about a request for this bucket


class _FoundError(Exception):
    """Ends botocore's call before it signs and sends the request."""

    def __init__(self, request: Any, signer: Any) -> None:
        super().__init__()
        self.request = request
        self.signer = signer


def stop_before_signing(request: Any, request_signer: Any, **_: Any) -> None:
    """Handle botocore's event before it signs a GetObject: stop if only the address is needed."""
    if _finding.get():
        raise _FoundError(request, request_signer)


class Signer:
    """Signs requests of the clients that call :func:`stop_before_signing`; thread-safe."""

    def __init__(self) -> None:
        self._address = lru_cache(maxsize=MAX_ADDRESSES)(_address)

    def sign(
        self,
        client: S3Client,
        operation: str,
        method: str,
        bucket: str,
        key: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
    ) -> tuple[str, dict[str, str]]:
        """Return the URL and the headers to send. The payload is not signed. Raises errors of botocore."""
        from botocore.awsrequest import AWSRequest

        if not key:  # the request would be for the bucket
            raise BadRequest("The key must not be empty.")
        address = self._address(client, bucket)
        url = address.url + quote(key, safe=SAFE)
        if query:
            url += "?" + "&".join(f"{name}={quote(value, safe='~')}" for name, value in query.items())
        request: Any = AWSRequest(method, url, {"Host": address.host, **headers})
        request.context = dict(address.context)
        address.signer.sign(operation, request)
        return request.url, {**dict(request.headers.items()), "User-Agent": address.user_agent}


def _address(client: S3Client, bucket: str) -> _Address:
    """Return the address that botocore uses for a bucket."""
    token = _finding.set(True)
    try:
        client.get_object(Bucket=bucket, Key=_PROBE)
    except _FoundError as found:
        request = found.request
        return _Address(
            request.url.removesuffix(_PROBE),
            _host(request.url),
            request.headers["User-Agent"],
            found.signer,
            dict(request.context),
        )
    finally:
        _finding.reset(token)
    raise AssertionError("botocore did not report that it signs a request")


def _host(url: str) -> str:
    """Return the Host header for a URL, without the default port of its scheme."""
    parts = urlsplit(url)
    name = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    return name if parts.port in {None, PORTS.get(parts.scheme)} else f"{name}:{parts.port}"
