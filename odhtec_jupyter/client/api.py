"""One stateless method for each endpoint, as ``labextension/src/api/api.ts`` has them."""

from __future__ import annotations

from typing import Any, TypeVar
from urllib.parse import quote

import requests
from pydantic import BaseModel

from odhtec_jupyter import models
from odhtec_jupyter.client.connection import Connection
from odhtec_jupyter.client.replies import read
from odhtec_jupyter.errors import OdhTecError, StoreError
from odhtec_jupyter.keys import encode_key

Model = TypeVar("Model", bound=BaseModel)


def place(route: str, bucket: str, key: str = "") -> str:
    """``/objects/…/bucket[/key]``; the top level of a bucket is named by leaving the key out."""
    path = f"{route}/{quote(bucket, safe='')}"
    return f"{path}/{encode_key(key)}" if key else path


class Api:
    """Every method raises an :class:`OdhTecError` with the server's code and sentence."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def _ask(
        self,
        reply: type[Model],
        method: str,
        path: str,
        body: BaseModel | None = None,
        query: dict[str, Any] | None = None,
        **options: Any,
    ) -> Model:
        if body is not None:
            options["data"] = body.model_dump_json(by_alias=True, exclude_none=True).encode()
            options["headers"] = {"Content-Type": "application/json"}
        given = {name: value for name, value in (query or {}).items() if value is not None}
        with self.connection.send(method, path, params=given, **options) as answer:
            return read(reply, answer)

    # --- buckets and listings -------------------------------------------------------------------------------------

    def list_buckets(self) -> models.BucketList:
        """All buckets, or those that are known."""
        return self._ask(models.BucketList, "GET", "/buckets")

    def create_bucket(self, name: str) -> None:
        """Create one."""
        self._ask(models.Message, "POST", "/buckets", models.CreateBucket(bucket_name=name))

    def delete_bucket(self, name: str) -> None:
        """Delete an empty one."""
        self._ask(models.Message, "DELETE", place("/buckets", name), repeatable=False)

    def list_objects(self, bucket: str, prefix: str, query: dict[str, Any]) -> models.ObjectList:
        """One page of one level, or with ``q`` one step of a search."""
        return self._ask(models.ObjectList, "GET", place("/objects", bucket, prefix), query=query)

    def count_usage(self, bucket: str, prefix: str, token: str | None) -> models.Usage:
        """One step of counting."""
        query = {"prefix": encode_key(prefix) if prefix else None, "continuationToken": token}
        return self._ask(models.Usage, "GET", place("/usage", bucket), query=query)

    # --- objects --------------------------------------------------------------------------------------------------

    def get_details(self, bucket: str, key: str) -> models.ObjectDetails:
        """HEAD and tags."""
        return self._ask(models.ObjectDetails, "GET", place("/objects/metadata", bucket, key))

    def head_object(self, bucket: str, key: str) -> tuple[int, str | None]:
        """Size and ETag."""
        path = place("/objects/download", bucket, key)
        try:
            headers = self.connection.send("HEAD", path).headers
        except OdhTecError:
            # A HEAD has no body: what is wrong, only another request tells.
            self.connection.send("GET", path, headers={"Range": "bytes=0-0"}, stream=True).close()
            raise
        length = headers.get("Content-Length", "")
        if not length.isdigit():  # a proxy on the way may leave it out, and then it is unknown, not 0
            reply = self.open_object(bucket, key, {"Range": "bytes=0-0"})
            reply.close()
            length = reply.headers.get("Content-Range", "").rpartition("/")[2]
        if not length.isdigit():
            raise StoreError(f"The size of s3://{bucket}/{key} is unknown.", code="NoContentLength")
        return int(length), headers.get("ETag")

    def open_object(self, bucket: str, key: str, headers: dict[str, str], **options: Any) -> requests.Response:
        """The bytes, to be read from the reply; it is for the caller to close."""
        path = place("/objects/download", bucket, key)
        return self.connection.send("GET", path, headers=headers, stream=True, **options)

    def put_object(
        self, bucket: str, key: str, body: Any, on_conflict: models.OnConflict, **options: Any
    ) -> models.StoredObject | None:
        """One raw body; None when it was skipped. ``condition`` is If-Match or If-None-Match, as headers."""
        query = {"onConflict": on_conflict}
        condition: dict[str, str] = options.pop("condition", {})
        # A second try would meet what the first has written.
        options.setdefault("repeatable", on_conflict in {"overwrite", "skip"} and not condition)
        headers = {"Content-Type": options.pop("content_type", None) or "application/octet-stream", **condition}
        path = place("/objects/upload", bucket, key)
        with self.connection.send("PUT", path, params=query, data=body, headers=headers, **options) as reply:
            return read(models.StoredObject, reply) if reply.status_code == 201 else None

    def delete_key(self, bucket: str, key: str) -> None:
        """Exactly this key."""
        self._ask(models.DeleteReply, "DELETE", place("/objects", bucket, key))

    def delete_keys(self, bucket: str, keys: list[str]) -> models.DeleteReply:
        """Exactly these keys, up to 10,000; which of them are gone and which are not."""
        return self._ask(
            models.DeleteReply, "DELETE", place("/objects/multiple", bucket), models.DeleteRequest(keys=keys)
        )

    def presign(self, what: models.PresignRequest) -> models.PresignedUrl:
        """A link to share."""
        return self._ask(models.PresignedUrl, "POST", "/objects/presign", what, repeatable=True)

    def get_preview(self, bucket: str, key: str) -> models.Preview:
        """What is inside."""
        return self._ask(models.Preview, "GET", place("/objects/preview", bucket, key))

    # --- uploads in parts -----------------------------------------------------------------------------------------

    def begin_upload(self, what: models.UploadRequest) -> models.Upload:
        """Begin one, or find the same one again; so it may be asked twice."""
        return self._ask(models.Upload, "POST", "/uploads", what, repeatable=True)

    def put_part(self, upload_id: str, number: int, body: Any, offset: int | None = None) -> models.StoredPart | None:
        """Parts count from 1. With an ``offset`` a piece of one; None as long as more of the part is missing."""
        path, query = f"/uploads/{quote(upload_id, safe='')}/{number}", {} if offset is None else {"offset": offset}
        with self.connection.send("PUT", path, params=query, data=body) as reply:
            return None if reply.status_code == 204 else read(models.StoredPart, reply)

    def complete_upload(self, upload_id: str) -> models.StoredObject:
        """Make the object visible; the server remembers its answer for who has not heard it."""
        path = f"/uploads/{quote(upload_id, safe='')}/complete"
        return self._ask(models.StoredObject, "POST", path, repeatable=True)

    def drop_upload(self, upload_id: str) -> None:
        """Leave nothing of it."""
        self.connection.send("DELETE", f"/uploads/{quote(upload_id, safe='')}").close()

    # --- transfers ------------------------------------------------------------------------------------------------

    def import_from_hub(self, what: models.ImportRequest) -> models.Transfer:
        """Start an import."""
        return self._ask(models.Transfer, "POST", "/objects/import-hf", what)

    def plan_import(self, what: models.ImportRequest) -> models.TransferPlan:
        """What an import would do."""
        planned = what.model_copy(update={"dry_run": True})
        return self._ask(models.TransferPlan, "POST", "/objects/import-hf", planned, repeatable=True)

    def start_transfer(self, what: models.TransferRequest) -> models.Transfer:
        """Start one."""
        return self._ask(models.Transfer, "POST", "/transfers", what)

    def plan_transfer(self, what: models.TransferRequest) -> models.TransferPlan:
        """What one would do."""
        planned = what.model_copy(update={"dry_run": True})
        return self._ask(models.TransferPlan, "POST", "/transfers", planned, repeatable=True)

    def list_transfers(self) -> models.TransferList:
        """All, newest first."""
        return self._ask(models.TransferList, "GET", "/transfers")

    def get_transfer(self, transfer_id: str) -> models.Transfer:
        """One of them."""
        return self._ask(models.Transfer, "GET", f"/transfers/{quote(transfer_id, safe='')}")

    def list_transfer_files(self, transfer_id: str, query: dict[str, Any]) -> models.TransferFiles:
        """A window of its files."""
        path = f"/transfers/{quote(transfer_id, safe='')}/files"
        return self._ask(models.TransferFiles, "GET", path, query=query)

    def steer_transfer(self, transfer_id: str, verb: str, token: str | None = None) -> models.Transfer:
        """``pause``, ``resume``, ``cancel`` or ``retry``; a token for the hub where it waits for one."""
        path = f"/transfers/{quote(transfer_id, safe='')}/{verb}"
        return self._ask(models.Transfer, "POST", path, models.ContinueRequest(token=token))

    def remove_transfer(self, transfer_id: str) -> None:
        """Forget a finished one."""
        self.connection.send("DELETE", f"/transfers/{quote(transfer_id, safe='')}").close()
