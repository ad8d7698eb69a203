"""What all of the S3 store needs: its clients, and a look at one object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from odhtec_jupyter.errors import OdhTecError, StoreError
from odhtec_jupyter.network import Network
from odhtec_jupyter.settings import S3Connection
from odhtec_jupyter.stores.http import Http
from odhtec_jupyter.stores.s3.connection.abilities import Abilities
from odhtec_jupyter.stores.s3.connection.clients import S3Clients
from odhtec_jupyter.stores.s3.list_call import read_page
from odhtec_jupyter.stores.s3.object import ObjectBody, ObjectHead, object_head
from odhtec_jupyter.stores.s3.wire.errors import CREDENTIALS, s3_errors
from odhtec_jupyter.stores.s3.wire.etag import dated, is_dated, normal
from odhtec_jupyter.stores.s3.wire.list_page import ListPage

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PAGE_KEYS = 1000  # keys, as many as S3 gives at once


class S3Base:
    """One S3 service as seen with one set of credentials."""

    def __init__(self, connection: S3Connection, network: Network) -> None:
        self.connection = connection
        self.abilities = Abilities()
        self._denied: set[str] = set()  # buckets in which S3 has refused an object, and said no more than that
        self._unseen: set[tuple[str, str]] = set()  # folders in which a HEAD was refused
        self.http = Http(network)
        self._clients = S3Clients(connection, network)
        self.host = self._clients.host
        self.is_amazon = self._clients.is_amazon

    def client(self, bucket: str | None = None) -> S3Client:
        """The client for a bucket. On Amazon each bucket is signed for in its own region."""
        return self._clients.get(bucket)

    def head(self, bucket: str, key: str) -> ObjectHead | None:
        """What is stored under exactly this key; None when nothing is. A refusal is an error, not a None."""
        try:
            reply = self.head_reply(bucket, key)
        except StoreError as error:
            if error.status != 404:
                raise
            self._require_bucket(bucket)
            return None
        return object_head(reply)

    def head_reply(self, bucket: str, key: str, **params: Any) -> dict[str, Any]:
        """botocore's reply to a HEAD, which always has a size: where S3 left it out, it is found in another way."""
        version = {name: params[name] for name in ("VersionId",) if name in params}

        def ask() -> Any:
            with s3_errors(self.host):
                return self.client(bucket).head_object(Bucket=bucket, Key=key, **params)

        try:
            reply = ask()
        except StoreError as error:
            self._require_readable(error, bucket, key, version)
            reply = ask()  # the other request has brought what this one lacked, as the region
        if reply.get("ContentLength") is None:
            reply["ContentLength"] = self._size_of(bucket, key, version)
        total = (reply.get("ContentRange") or "").rpartition("/")[2]  # HEAD of a range tells the length of that
        size = int(total) if total.isascii() and total.isdigit() else reply["ContentLength"]
        reply["ETag"] = normal(reply.get("ETag"), size, reply.get("LastModified"))
        return cast(dict[str, Any], reply)

    def _require_readable(self, refusal: StoreError, bucket: str, key: str, version: dict[str, Any]) -> None:
        """Raise why S3 refuses a HEAD, whose reply has no body: from the reply to a GET of the first byte.

        A bucket whose keys are known to be refused is not asked again with each of them.
        """
        if refusal.status not in {400, 401, 403} or (refusal.status == 403 and bucket in self._denied):
            raise refusal
        try:
            with s3_errors(self.host):
                self.client(bucket).get_object(Bucket=bucket, Key=key, Range="bytes=0-0", **version)["Body"].close()
        except StoreError as error:
            if error.status in {404, 416}:  # nothing, or an empty object: HEAD can say so, too
                return
            if error.code == "AccessDenied":
                self._denied.add(bucket)
            if error.status == refusal.status or error.code in CREDENTIALS:
                raise
            raise refusal from refusal.__cause__
        except OdhTecError:
            raise refusal from refusal.__cause__

    def unchanged(self, bucket: str, key: str, pin: str) -> ObjectHead | None:
        """What HEAD tells of an object that still is what ``pin`` says; None when it is another one or gone.

        ``pin`` may be of a list: some stores write other ETags there. Then it counts that the list has not changed.
        """
        head = self.head(bucket, key)
        if head is None or head.matches(pin):
            return head
        listed = next((item for item in self.list_page(bucket, key, max_keys=1).objects if item.Key == key), None)
        if listed is None or listed.ETag != pin:
            return None
        # A list that lags behind has the date of what was there before.
        same = dated(listed.Size, listed.LastModified) == dated(head.size, head.last_modified)
        return head if same and head.last_modified else None

    def if_match(self, pin: str | None) -> str | None:
        """The ETag to send as a condition; None where this store would not know it for what it is."""
        return pin if pin and self.abilities.compares_etags and not is_dated(pin) else None

    def list_page(
        self, bucket: str, prefix: str, *, delimiter: str = "", max_keys: int = PAGE_KEYS, token: str | None = None
    ) -> ListPage:
        """One page of a list of objects, from ``token`` on."""
        params: dict[str, Any] = {"Bucket": bucket, "Prefix": prefix, "MaxKeys": max_keys}
        if delimiter:
            params["Delimiter"] = delimiter
        page = read_page(self.client(bucket), self.abilities, self.host, params, token)
        if token and page.next_token == token:
            # It would go round for ever.
            raise StoreError("The S3 store returned the same continuation token again.", code="InvalidListing")
        return page

    def _size_of(self, bucket: str, key: str, version: dict[str, Any]) -> int:
        """The size of an object, from the reply to a GET of its first byte, else from the list."""
        found = None
        try:
            with s3_errors(self.host):
                reply: Any = self.client(bucket).get_object(Bucket=bucket, Key=key, Range="bytes=0-0", **version)
            meta = reply["ResponseMetadata"]
            body = ObjectBody(meta["HTTPStatusCode"], meta["HTTPHeaders"], reply["Body"], self.host)
            found = body.total
            body.close()
        except StoreError as error:
            if error.status != 416:  # of an empty object there is no first byte
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
        """A 404 to a HEAD does not say which of the two is missing."""
        try:
            with s3_errors(self.host):
                self.client(bucket).head_bucket(Bucket=bucket)
        except StoreError as error:
            if error.status == 404:
                raise StoreError(f"The bucket {bucket} does not exist.", code="NoSuchBucket") from error
            if error.status != 403:  # reading objects may be allowed where asking for the bucket is not
                raise

    def close(self) -> None:
        """Close idle connections."""
        self.http.close()
        self._clients.close()
