"""Refuses requests that a read-only connection or the policy does not allow, before they are sent.

All requests pass here: the calls of botocore by its events, and those for objects, which are signed and sent without
botocore.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from odhtec_jupyter.errors import Forbidden
from odhtec_jupyter.policy import Policy
from odhtec_jupyter.settings import S3Connection
from odhtec_jupyter.stores.s3.connection.amazon import is_amazon_host

READ_METHODS = {"GET", "HEAD"}


class RequestGuard:
    """What one connection can send."""

    def __init__(self, connection: S3Connection, policy: Policy, name: str, host: str, *, is_amazon: bool) -> None:
        """``name`` is that of the connection. Raises :class:`PolicyDenied` for an endpoint that is not allowed."""
        policy.require_endpoint(connection.endpoint)
        self._policy = policy
        self._name = name
        self._host = host
        self._is_read_only = connection.read_only
        self._endpoint = urlsplit(connection.endpoint or "").hostname
        self._is_amazon = is_amazon

    def require_method(self, method: str) -> None:
        """Raise :class:`Forbidden` for a request that could change something through a read-only connection.

        Raises :class:`PolicyDenied` if the policy allows no such request at all.
        """
        if method in READ_METHODS:
            return
        self._policy.require_write()
        if self._is_read_only:
            raise Forbidden(f"The connection to {self._host} is read-only.", code="ReadOnly")

    def require_bucket(self, bucket: str, copy_source: str | Mapping[str, str] | None = None) -> None:
        """Raise :class:`PolicyDenied` unless the policy allows a bucket, and that of the source of a copy.

        ``copy_source`` is the value of the header, percent-encoded, or boto3's mapping.
        """
        self._policy.require_bucket(self._name, bucket)
        if copy_source:
            source = copy_source["Bucket"] if isinstance(copy_source, Mapping) else _bucket_of(copy_source)
            self._policy.require_bucket(self._name, source)

    def require_address(self, url: str) -> None:
        """Raise :class:`PolicyDenied` for a request to another host than the endpoint or, on Amazon, its regions.

        The configuration of boto3, which users can change, can name another endpoint.
        """
        if not self._policy.allowed_endpoints:
            return
        host = urlsplit(url).hostname or ""
        if self._endpoint and (host == self._endpoint or host.endswith(f".{self._endpoint}")):
            return  # the bucket can be in the host
        if not (self._is_amazon and is_amazon_host(host)):
            self._policy.require_endpoint(url)

    # --- events of botocore ---------------------------------------------------------------------------------------

    def on_parameters(self, params: dict[str, Any], **_: Any) -> None:
        """Handle the event for the parameters of a call or a link: refuse a bucket or a body that is not allowed."""
        if bucket := params.get("Bucket"):
            self.require_bucket(bucket, params.get("CopySource"))
        if isinstance(body := params.get("Body"), bytes):
            self._policy.require_size(len(body))

    def on_call(self, params: dict[str, Any], **_: Any) -> None:
        """Handle the event before a call: refuse one that could change something."""
        self.require_method(params["method"])


def _bucket_of(copy_source: str) -> str:
    """Return the bucket in the value of ``x-amz-copy-source``, as S3 reads it."""
    return unquote(copy_source).removeprefix("/").partition("/")[0]
