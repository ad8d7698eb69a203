"""The base of the S3 store: its clients, and the description of one object."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from odhtec_jupyter.errors import OdhTecError, StoreError
from odhtec_jupyter.network import Network
from odhtec_jupyter.settings import S3Connection
from odhtec_jupyter.stores.http import Http, release
from odhtec_jupyter.stores.s3.connection.abilities import Abilities
from odhtec_jupyter.stores.s3.connection.clients import S3Clients
from odhtec_jupyter.stores.s3.connection.object_requests import ObjectRequests
from odhtec_jupyter.stores.s3.connection.probe import ProbeObject
from odhtec_jupyter.stores.s3.list_call import read_page
from odhtec_jupyter.stores.s3.object import ObjectBody, ObjectHead, described, object_head
from odhtec_jupyter.stores.s3.wire.errors import CREDENTIALS, s3_errors
from odhtec_jupyter.stores.s3.wire.etag import dated, is_dated, normal
from odhtec_jupyter.stores.s3.wire.list_page import ListPage
from odhtec_jupyter.uris import S3Uri

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PAGE_KEYS = 1000  # the most that S3 returns in one page


class S3Base:
    """One S3 service with one set of credentials."""

    def __init__(
        self,
        connection: S3Connection,
        network: Network,
        *,
        name: str = "",
        look: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``name`` is that of the connection in URIs; empty for the default one.

        ``look`` is called when the keys are refused. It calls :meth:`renew` if there are new ones.
        Raises :class:`PolicyDenied` if the policy of ``network`` does not allow the endpoint.
        """
        self.connection = connection
        self.name = name
        self.policy = network.policy
        self.abilities = Abilities()
        self._denied: set[str] = set()  # buckets in which S3 refused a read without another reason
        self._unseen: set[tuple[str, str]] = set()  # folders in which a HEAD was refused
        self.http = Http(network)
        self._clients = S3Clients(connection, network, name=name, look=look, clock=clock)
        self._requests = ObjectRequests(self._clients, self.http)
        self.host = self._clients.host
        self.is_amazon = self._clients.is_amazon

    def renew(self, connection: S3Connection) -> None:
        """Sign further requests with the keys of ``connection``, which is the same one with new keys."""
        self.connection = connection
        self._denied.clear()
        self._unseen.clear()
        self._clients.keys.replace(connection)

    def uri(self, bucket: str, key: str) -> S3Uri:
        """Return the URI of a key."""
        return S3Uri(bucket, key, self.name)

    def require_writable(self) -> None:
        """Raise :class:`Forbidden` (ReadOnly) or :class:`PolicyDenied` if nothing can be written through it."""
        self._clients.guard.require_method("PUT")

    def require_bucket(self, bucket: str) -> None:
        """Raise :class:`PolicyDenied` unless the policy allows this bucket of the connection."""
        self._clients.guard.require_bucket(bucket)

    def client(self, bucket: str | None = None) -> S3Client:
        """Return the client for a bucket. On Amazon, requests for a bucket are signed for its own region."""
        return self._clients.get(bucket)

    def credentials_end(self) -> tuple[bool, datetime | None]:
        """Return whether the credentials are temporary, and their expiry if it is known. A client must exist."""
        return self._clients.keys.end()

    def probe(self, bucket: str, key: str) -> ProbeObject:
        """Return an object to write and to remove again, which finds out what the store allows."""
        return ProbeObject(self._clients, bucket, key)

    def head(self, bucket: str, key: str) -> ObjectHead | None:
        """Return the description of the object with this key; None if there is none.

        A refusal is raised as an error.
        """

        def ask() -> dict[str, Any]:
            response = self._requests.read("HeadObject", "HEAD", bucket, key)
            release(response)
            return described(response.headers)

        try:
            reply = self._readable(bucket, key, {}, ask)
        except StoreError as error:
            if error.status != 404:
                raise
            self._require_bucket(bucket)
            return None
        reply["ETag"] = normal(reply["ETag"], reply["ContentLength"], reply["LastModified"])
        return object_head(reply)

    def head_reply(self, bucket: str, key: str, **params: Any) -> dict[str, Any]:
        """Return botocore's reply to a HEAD. If S3 leaves out the size, it is found in another way."""
        version = {name: params[name] for name in ("VersionId",) if name in params}

        def ask() -> dict[str, Any]:
            with s3_errors(self.host):
                reply: Any = self.client(bucket).head_object(Bucket=bucket, Key=key, **params)
            return reply  # type: ignore[no-any-return]

        reply = self._readable(bucket, key, version, ask)
        total = (reply.get("ContentRange") or "").rpartition("/")[
            2
        ]  # the length in a HEAD of a range is that of the range
        size = int(total) if total.isascii() and total.isdigit() else reply["ContentLength"]
        reply["ETag"] = normal(reply.get("ETag"), size, reply.get("LastModified"))
        return reply

    def _readable(
        self, bucket: str, key: str, version: dict[str, Any], ask: Callable[[], dict[str, Any]]
    ) -> dict[str, Any]:
        """Return the reply of ``ask``, a HEAD, with the size. Raises the reason of a refusal."""
        try:
            reply = ask()
        except StoreError as error:
            self._require_readable(error, bucket, key, version)
            reply = ask()  # the GET has found what the HEAD lacked, such as the region
        if reply.get("ContentLength") is None:
            reply["ContentLength"] = self._size_of(bucket, key, version)
        return reply

    def _require_readable(self, refusal: StoreError, bucket: str, key: str, version: dict[str, Any]) -> None:
        """Raise the reason of a refused HEAD, whose reply has no body, by a GET of the first byte.

        A bucket whose keys are known to be refused is not requested again for each of them.
        """
        if refusal.status not in {400, 401, 403} or (refusal.status == 403 and bucket in self._denied):
            raise refusal
        try:
            with s3_errors(self.host):
                self.client(bucket).get_object(Bucket=bucket, Key=key, Range="bytes=0-0", **version)["Body"].close()
        except StoreError as error:
            if error.status in {404, 416}:  # no object or an empty one, which HEAD can say, too
                return
            if error.code == "AccessDenied":
                self._denied.add(bucket)
            if error.status == refusal.status or error.code in CREDENTIALS:
                raise
            raise refusal from refusal.__cause__
        except OdhTecError:
            raise refusal from refusal.__cause__

    def unchanged(self, bucket: str, key: str, pin: str) -> ObjectHead | None:
        """Return the description of an object that is still what ``pin`` says; None if it has changed or is gone.

        ``pin`` can be from a list, where some stores write other ETags. Then the list must not have changed.
        """
        head = self.head(bucket, key)
        if head is None or head.matches(pin):
            return head
        listed = next((item for item in self.list_page(bucket, key, max_keys=1).objects if item.Key == key), None)
        if listed is None or listed.ETag != pin:
            return None
        # A list that is not up to date has the date of the previous object.
        same = dated(listed.Size, listed.LastModified) == dated(head.size, head.last_modified)
        return head if same and head.last_modified else None

    def if_match(self, pin: str | None) -> str | None:
        """Return the ETag to send as a condition; None if this store would not recognize it."""
        return pin if pin and self.abilities.compares_etags and not is_dated(pin) else None

    def list_page(
        self, bucket: str, prefix: str, *, delimiter: str = "", max_keys: int = PAGE_KEYS, token: str | None = None
    ) -> ListPage:
        """Return one page of a list of objects, starting at ``token``."""
        params: dict[str, Any] = {"Bucket": bucket, "Prefix": prefix, "MaxKeys": max_keys}
        if delimiter:
            params["Delimiter"] = delimiter
        page = read_page(self.client(bucket), self.abilities, self.host, params, token)
        if token and page.next_token == token:
            # The list would never end.
            raise StoreError("The S3 store returned the same continuation token again.", code="InvalidListing")
        return page

    def _size_of(self, bucket: str, key: str, version: dict[str, Any]) -> int:
        """Return the size of an object, from the reply to a GET of its first byte, else from the list."""
        found = None
        try:
            with s3_errors(self.host):
                reply: Any = self.client(bucket).get_object(Bucket=bucket, Key=key, Range="bytes=0-0", **version)
            meta = reply["ResponseMetadata"]
            body = ObjectBody(meta["HTTPStatusCode"], meta["HTTPHeaders"], reply["Body"], self.host)
            found = body.total
            body.close()
        except StoreError as error:
            if error.status != 416:  # an empty object has no first byte
                raise
        if found is None and not version:
            listed = self.list_page(bucket, key, max_keys=1).objects
            found = next((item.Size for item in listed if item.Key == key), None)
        if found is None:
            raise StoreError(
                f"The S3 store at {self.host} does not return the size of {key}, so it cannot be read safely.",
                code="NoContentLength",
            )
        return found

    def _require_bucket(self, bucket: str) -> None:
        """Raise an error if the bucket does not exist: a 404 to a HEAD does not say what is missing."""
        if bucket in self._clients.buckets:
            return
        try:
            with s3_errors(self.host):
                self.client(bucket).head_bucket(Bucket=bucket)
        except StoreError as error:
            if error.status == 404:
                raise StoreError(f"The bucket {bucket} does not exist.", code="NoSuchBucket") from error
            if error.status != 403:  # reading objects can be allowed without permission for HEAD of the bucket
                raise
        self._clients.buckets.add(bucket)

    def close(self) -> None:
        """Close idle connections."""
        self.http.close()
        self._clients.close()
