"""A bucket as another client sees it, without the server and the fault proxy."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from boto3.s3.transfer import TransferConfig

from odhtec_jupyter.demo.hub.repository import Repository
from tests.conftest import S3Server

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CHUNK = 1024 * 1024
EXISTING = b"existing content"


@dataclass(frozen=True)
class Bucket:
    """A bucket with its objects and its unfinished multipart uploads."""

    client: S3Client
    name: str

    def contents(self) -> dict[str, str]:
        """Return the SHA-256 of each stored object by its key."""
        return {key: self.sha256(key) for key in self.sizes()}

    def sizes(self) -> dict[str, int]:
        """Return the size of each object by its key."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name)
        return {item["Key"]: item["Size"] for page in pages for item in page.get("Contents", [])}

    def sha256(self, key: str) -> str:
        """Return the SHA-256 of one object, read in chunks."""
        body = self.client.get_object(Bucket=self.name, Key=key)["Body"]
        digest = hashlib.sha256()
        with body:
            for chunk in body.iter_chunks(CHUNK):
                digest.update(chunk)
        return digest.hexdigest()

    def unfinished(self, *, only_with_parts: bool = False) -> list[str]:
        """Return the keys of multipart uploads that were neither completed nor aborted."""
        pages = self.client.get_paginator("list_multipart_uploads").paginate(Bucket=self.name)
        found = [(upload["Key"], upload["UploadId"]) for page in pages for upload in page.get("Uploads", [])]
        return [key for key, upload_id in found if not only_with_parts or self._parts(key, upload_id)]

    def _parts(self, key: str, upload_id: str) -> int:
        return len(self.client.list_parts(Bucket=self.name, Key=key, UploadId=upload_id).get("Parts", []))

    def put(self, key: str, body: bytes = EXISTING, *, parts: int = 1) -> dict[str, str]:
        """Store an object and return its entry of :meth:`contents`."""
        if parts > 1:
            size = -(-len(body) // parts)
            config = TransferConfig(multipart_threshold=size, multipart_chunksize=size)
            self.client.upload_fileobj(BytesIO(body), self.name, key, Config=config)
        else:
            self.client.put_object(Bucket=self.name, Key=key, Body=body)
        return {key: hashlib.sha256(body).hexdigest()}


def checksums(repository: Repository, prefix: str = "org/model/") -> dict[str, str]:
    """Return the expected :meth:`Bucket.contents` after an import."""
    commit = repository.at("main")
    assert commit is not None
    return {prefix + path: file.content.sha256 for path, file in commit.files.items()}


def require_no_upload_left(s3_bucket: Bucket, s3_server: S3Server) -> None:
    """Require that no multipart upload is left, not even one whose id never reached the killed server."""
    # moto dates every upload 2010, so an upload with an unknown id looks like one of another client. It has no parts.
    assert s3_bucket.unfinished(only_with_parts=s3_server.name == "moto") == []
