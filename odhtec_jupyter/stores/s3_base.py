"""What all of the S3 store needs: its clients, and a look at one object."""

from __future__ import annotations

from typing import TYPE_CHECKING

from odhtec_jupyter.errors import NotFound, StoreError
from odhtec_jupyter.network import Network
from odhtec_jupyter.settings import S3Connection
from odhtec_jupyter.stores.http import Http
from odhtec_jupyter.stores.s3_clients import S3Clients
from odhtec_jupyter.stores.s3_errors import s3_errors
from odhtec_jupyter.stores.s3_object import ObjectHead, object_head

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class S3Base:
    """One S3 service as seen with one set of credentials."""

    def __init__(self, connection: S3Connection, network: Network) -> None:
        self.connection = connection
        self.http = Http(network)
        self._clients = S3Clients(connection, network)
        self.host = self._clients.host

    def client(self, bucket: str | None = None) -> S3Client:
        """The client for a bucket. On Amazon each bucket is signed for in its own region."""
        return self._clients.get(bucket)

    def head(self, bucket: str, key: str) -> ObjectHead | None:
        """What is stored under exactly this key; None when nothing is. A refusal is an error, not a None."""
        try:
            with s3_errors(self.host):
                reply = self.client(bucket).head_object(Bucket=bucket, Key=key)
        except StoreError as error:
            if error.status != 404:
                raise
            self._require_bucket(bucket)
            return None
        return object_head(reply)

    def _require_bucket(self, bucket: str) -> None:
        """A 404 to a HEAD does not say which of the two is missing."""
        try:
            with s3_errors(self.host):
                self.client(bucket).head_bucket(Bucket=bucket)
        except StoreError as error:
            if error.status == 404:
                raise NotFound(f"The bucket {bucket} does not exist.", code="NoSuchBucket") from error
            if error.status != 403:  # reading objects may be allowed where asking for the bucket is not
                raise

    def close(self) -> None:
        """Close idle connections."""
        self.http.close()
        self._clients.close()
