"""Requests for objects: signed by botocore and sent by urllib3.

A call of botocore would take several times the CPU of a small object, and copy the body of an upload.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from odhtec_jupyter.errors import OdhTecError, StoreError, Unreachable
from odhtec_jupyter.stores.bounded import PIECE_BYTES, read_whole
from odhtec_jupyter.stores.http import Http
from odhtec_jupyter.stores.interruption import ReplyWait, interruptible
from odhtec_jupyter.stores.s3.connection.clients import REDIRECTS, S3Clients, redirected
from odhtec_jupyter.stores.s3.connection.signing import Signer
from odhtec_jupyter.stores.s3.connection.signing_keys import REFUSED_KEYS
from odhtec_jupyter.stores.s3.wire.errors import answer_error, require_s3, s3_errors, xml_text

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

MAX_REPLY_BYTES = 64 * 1024  # of the reply to a write
MAX_BACKOFF_SECONDS = 1.0


class OtherRegionError(StoreError):
    """S3 has named the region of the bucket. The same request can succeed now, signed for that region."""


class NewKeysError(StoreError):
    """The keys were refused, and there are others now. The same request can succeed, signed with them."""

    @property
    def transient(self) -> bool:  # type: ignore[override]
        """A retry can help."""
        return True


class ObjectRequests:
    """Sends requests for objects with the credentials and regions of the clients; thread-safe."""

    def __init__(self, clients: S3Clients, http: Http) -> None:
        self._clients = clients
        self._http = http
        self._signer = Signer()

    def read(
        self,
        operation: str,
        method: str,
        bucket: str,
        key: str,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> BaseHTTPResponse:
        """Send a request that changes nothing. If it fails in a way that can pass, it is repeated once."""
        try:
            return self.send(operation, method, bucket, key, query=query, headers=headers)
        except (StoreError, Unreachable) as error:
            if not error.transient:
                raise
            if isinstance(error, StoreError):  # a connection can be repeated immediately, a busy store cannot
                time.sleep(random.uniform(0, MAX_BACKOFF_SECONDS))  # noqa: S311
        return self.send(operation, method, bucket, key, query=query, headers=headers)

    def send(
        self,
        operation: str,
        method: str,
        bucket: str,
        key: str,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        size: int | None = None,
        timeout: float | None = None,
    ) -> BaseHTTPResponse:
        """Send one request with a body of ``size`` bytes and return the reply, whose body is not read yet.

        ``operation`` is S3's name of the call, and ``timeout`` how many seconds the reply can take. Raises
        :class:`StoreError` if S3 refuses.
        """
        request = (operation, method, bucket, key, query or {}, headers or {}, body, size, timeout)
        try:
            return self._send(*request)
        except (OtherRegionError, NewKeysError):
            if size:  # the body can be read only once
                raise
        return self._send(*request)

    def _send(
        self,
        operation: str,
        method: str,
        bucket: str,
        key: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        body: Any,
        size: int | None,
        timeout: float | None,
    ) -> BaseHTTPResponse:
        self._clients.guard.require_method(method)
        self._clients.guard.require_bucket(bucket, headers.get("x-amz-copy-source"))
        with s3_errors(self._clients.host):
            client = self._clients.get(bucket)
            version = self._clients.keys.version
            url, sent = self._signer.sign(client, operation, method, bucket, key, query, headers)
        self._clients.guard.require_address(url)
        if size is not None:
            sent["Content-Length"] = str(size)
        response = self._http.request(method, url, headers=sent, body=body, timeout=timeout)
        if response.status >= 300:
            error = self._refusal(response, operation, bucket, client.meta.region_name, was_read=body is None)
            if error.code in REFUSED_KEYS and self._clients.keys.renew(version):
                raise NewKeysError(str(error), code=error.code, status=error.status) from error
            raise error
        self._clients.buckets.add(bucket)
        return response

    def text(self, response: BaseHTTPResponse, *, is_object: bool = False, was_read: bool = True) -> str:
        """Return the short body of a reply. Raises :class:`OdhTecError` for a web page instead of a reply of S3.

        ``was_read`` says whether S3 has read the request to its end, so that its connection can be used again.
        """
        host = self._clients.host
        with s3_errors(host), interruptible(ReplyWait(response)):
            if response.status < 300:  # the reply to a write that has succeeded, whatever follows
                body = response.read(MAX_REPLY_BYTES)
            else:
                try:
                    body = read_whole(response.stream(PIECE_BYTES), host)
                except OdhTecError:  # too large
                    response.close()
                    raise
        if was_read and len(body) < MAX_REPLY_BYTES:
            response.release_conn()
        else:  # unread bytes would be taken for the reply to the next request
            response.close()
        require_s3(response.status, body, host, is_object=is_object)
        return body.decode("utf-8", "replace")

    def _refusal(
        self, response: BaseHTTPResponse, operation: str, bucket: str, region: str, *, was_read: bool
    ) -> OdhTecError:
        """Return the error for a reply; ``region`` is the one that the request was signed for."""
        text = self.text(response, is_object=operation == "GetObject", was_read=was_read)
        status = response.status
        named = response.headers.get("x-amz-bucket-region") or xml_text(text, "Region")
        if status in REDIRECTS and self._clients.accepts_region(named):
            self._clients.learn_region(bucket, named)
            if named != region:
                return OtherRegionError(f"{bucket} is in another region.", code="TemporaryRedirect")
        elif status in REDIRECTS - {400}:
            return redirected(self._clients.host, response.headers.get("location", ""), status)
        error = answer_error(status, xml_text(text, "Code"), xml_text(text, "Message"), operation)
        if error.code == "NoSuchBucket":
            self._clients.buckets.discard(bucket)
        return error
