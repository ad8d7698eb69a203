"""The REST API: one stateless method for each endpoint, as in ``labextension/src/api/api.ts``."""

from __future__ import annotations

from typing import Any, TypeVar
from urllib.parse import quote

import requests
from pydantic import BaseModel

from odhtec_jupyter import models
from odhtec_jupyter.client.http.connection import Connection
from odhtec_jupyter.client.http.replies import read
from odhtec_jupyter.errors import OdhTecError, StoreError
from odhtec_jupyter.keys import encode_key

Model = TypeVar("Model", bound=BaseModel)


def object_path(route: str, bucket: str, key: str = "") -> str:
    """Return the URL path ``/objects/…/bucket[/key]``. Without a key it is the top level of the bucket."""
    path = f"{route}/{quote(bucket, safe='')}"
    return f"{path}/{encode_key(key)}" if key else path


class Api:
    """Every method raises an :class:`OdhTecError` with the server's code and message."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def on(self, store: str) -> Api:
        """Return the API for the store of a connection of the server, by its name; empty for the default one."""
        return self if store == self.connection.store else Api(self.connection.on(store))

    def _request(
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
        """Return all buckets or, if listing is not allowed, the known ones."""
        return self._request(models.BucketList, "GET", "/buckets")

    def create_bucket(self, name: str) -> None:
        """Create a bucket."""
        self._request(models.Message, "POST", "/buckets", models.CreateBucket(bucket_name=name))

    def delete_bucket(self, name: str) -> None:
        """Delete an empty bucket."""
        self._request(models.Message, "DELETE", object_path("/buckets", name), repeatable=False)

    def list_objects(self, bucket: str, prefix: str, query: dict[str, Any]) -> models.ObjectList:
        """Return one page of a folder or, with ``q`` in the query, one step of a search."""
        return self._request(models.ObjectList, "GET", object_path("/objects", bucket, prefix), query=query)

    def count_usage(self, bucket: str, prefix: str, token: str | None) -> models.Usage:
        """Return one step of counting objects and bytes."""
        query = {"prefix": encode_key(prefix) if prefix else None, "continuationToken": token}
        return self._request(models.Usage, "GET", object_path("/usage", bucket), query=query)

    # --- objects --------------------------------------------------------------------------------------------------

    def get_details(self, bucket: str, key: str) -> models.ObjectDetails:
        """Return headers, metadata and tags of an object."""
        return self._request(models.ObjectDetails, "GET", object_path("/objects/metadata", bucket, key))

    def head_object(self, bucket: str, key: str) -> tuple[int, str | None]:
        """Return the size and ETag of an object."""
        path = object_path("/objects/download", bucket, key)
        try:
            headers = self.connection.send("HEAD", path).headers
        except OdhTecError:
            # A reply to HEAD has no body, so send another request to get the error.
            self.connection.send("GET", path, headers={"Range": "bytes=0-0"}, stream=True).close()
            raise
        length = headers.get("Content-Length", "")
        if not length.isdigit():  # a proxy may have removed it
            reply = self.open_object(bucket, key, {"Range": "bytes=0-0"})
            reply.close()
            length = reply.headers.get("Content-Range", "").rpartition("/")[2]
        if not length.isdigit():
            raise StoreError(f"The server does not report the size of s3://{bucket}/{key}.", code="NoContentLength")
        return int(length), headers.get("ETag")

    def open_object(self, bucket: str, key: str, headers: dict[str, str], **options: Any) -> requests.Response:
        """Return a reply from which the caller reads the object's bytes. The caller closes it."""
        path = object_path("/objects/download", bucket, key)
        return self.connection.send("GET", path, headers=headers, stream=True, **options)

    def put_object(
        self, bucket: str, key: str, body: Any, on_conflict: models.OnConflict, **options: Any
    ) -> models.StoredObject | None:
        """Store an object; return None if it was skipped. ``condition`` holds an If-Match or If-None-Match header."""
        query = {"onConflict": on_conflict}
        condition: dict[str, str] = options.pop("condition", {})
        # A second try would conflict with the object that the first one has written.
        options.setdefault("repeatable", on_conflict in {"overwrite", "skip"} and not condition)
        headers = {"Content-Type": options.pop("content_type", None) or "application/octet-stream", **condition}
        path = object_path("/objects/upload", bucket, key)
        with self.connection.send("PUT", path, params=query, data=body, headers=headers, **options) as reply:
            return read(models.StoredObject, reply) if reply.status_code == 201 else None

    def delete_key(self, bucket: str, key: str) -> None:
        """Delete exactly this key."""
        self._request(models.DeleteReply, "DELETE", object_path("/objects", bucket, key))

    def delete_keys(self, bucket: str, keys: list[str]) -> models.DeleteReply:
        """Delete exactly these keys, up to 10,000. Return which were deleted and which were not."""
        return self._request(
            models.DeleteReply, "DELETE", object_path("/objects/multiple", bucket), models.DeleteRequest(keys=keys)
        )

    def presign(self, what: models.PresignRequest) -> models.PresignedUrl:
        """Return a link that works without credentials."""
        return self._request(models.PresignedUrl, "POST", "/objects/presign", what, repeatable=True)

    def get_preview(self, bucket: str, key: str) -> models.Preview:
        """Return a preview of an object."""
        return self._request(models.Preview, "GET", object_path("/objects/preview", bucket, key))

    # --- uploads in parts -----------------------------------------------------------------------------------------

    def begin_upload(self, what: models.UploadRequest) -> models.Upload:
        """Start an upload in parts, or return the interrupted upload of the same file. The request can be repeated."""
        return self._request(models.Upload, "POST", "/uploads", what, repeatable=True)

    def put_part(self, upload_id: str, number: int, body: Any, offset: int | None = None) -> models.StoredPart | None:
        """Upload a part (from 1) or, with ``offset``, a piece of one. Return None until the part is complete."""
        path, query = f"/uploads/{quote(upload_id, safe='')}/{number}", {} if offset is None else {"offset": offset}
        with self.connection.send("PUT", path, params=query, data=body) as reply:
            return None if reply.status_code == 204 else read(models.StoredPart, reply)

    def complete_upload(self, upload_id: str) -> models.StoredObject:
        """Make the object visible. The request can be repeated: the server remembers its reply."""
        path = f"/uploads/{quote(upload_id, safe='')}/complete"
        return self._request(models.StoredObject, "POST", path, repeatable=True)

    def drop_upload(self, upload_id: str) -> None:
        """Discard an upload and its parts."""
        self.connection.send("DELETE", f"/uploads/{quote(upload_id, safe='')}").close()

    # --- transfers ------------------------------------------------------------------------------------------------

    def import_from_hub(self, what: models.ImportRequest) -> models.Transfer:
        """Start an import."""
        return self._request(models.Transfer, "POST", "/objects/import-hf", what)

    def plan_import(self, what: models.ImportRequest) -> models.TransferPlan:
        """Return the result of a dry run of an import."""
        planned = what.model_copy(update={"dry_run": True})
        return self._request(models.TransferPlan, "POST", "/objects/import-hf", planned, repeatable=True)

    def start_transfer(self, what: models.TransferRequest) -> models.Transfer:
        """Start a transfer."""
        return self._request(models.Transfer, "POST", "/transfers", what)

    def plan_transfer(self, what: models.TransferRequest) -> models.TransferPlan:
        """Return the result of a dry run of a transfer."""
        planned = what.model_copy(update={"dry_run": True})
        return self._request(models.TransferPlan, "POST", "/transfers", planned, repeatable=True)

    def list_transfers(self) -> models.TransferList:
        """Return all transfers, newest first."""
        return self._request(models.TransferList, "GET", "/transfers")

    def get_transfer(self, transfer_id: str) -> models.Transfer:
        """Return a transfer."""
        return self._request(models.Transfer, "GET", f"/transfers/{quote(transfer_id, safe='')}")

    def list_transfer_files(self, transfer_id: str, query: dict[str, Any]) -> models.TransferFiles:
        """Return some of its files, from an offset."""
        path = f"/transfers/{quote(transfer_id, safe='')}/files"
        return self._request(models.TransferFiles, "GET", path, query=query)

    def control_transfer(self, transfer_id: str, verb: str, token: str | None = None) -> models.Transfer:
        """Pause, resume, cancel or retry a transfer; ``token`` is for Hugging Face, if the transfer waits for one."""
        path = f"/transfers/{quote(transfer_id, safe='')}/{verb}"
        return self._request(models.Transfer, "POST", path, models.ContinueRequest(token=token))

    def remove_transfer(self, transfer_id: str) -> None:
        """Remove a finished transfer from the list."""
        self.connection.send("DELETE", f"/transfers/{quote(transfer_id, safe='')}").close()

    # --- connections and settings -------------------------------------------------------------------------------------

    def list_connections(self) -> models.ConnectionList:
        """Return the connections of the server."""
        return self._request(models.ConnectionList, "GET", "/connections")

    def add_connection(self, connection: models.ConnectionRequest) -> models.ConnectionSummary:
        """Add a connection until the server stops."""
        return self._request(models.ConnectionSummary, "POST", "/connections", connection)

    def remove_connection(self, name: str) -> None:
        """Remove a connection that was added."""
        self._request(models.Message, "DELETE", f"/connections/{quote(name, safe='')}")

    def save_connection(self, name: str) -> models.ConnectionSummary:
        """Save a connection that was added as an AWS profile."""
        return self._request(models.ConnectionSummary, "POST", f"/connections/{quote(name, safe='')}/save")

    def test_connection(self, name: str, what: models.ConnectionTestRequest) -> models.ConnectionTest:
        """Test a connection step by step, for up to a minute."""
        return self._request(models.ConnectionTest, "POST", f"/connections/{quote(name, safe='')}/test", what)

    def test_hub(self, what: models.HubTestRequest) -> models.HubTest:
        """Test Hugging Face step by step, for up to a minute."""
        return self._request(models.HubTest, "POST", "/hub/test", what)

    def get_policy(self) -> models.Policy:
        """Return what the administrator of the server allows."""
        return self._request(models.Policy, "GET", "/policy")

    def get_bandwidth(self) -> models.BandwidthSettings:
        """Return the bandwidth limit of the server."""
        return self._request(models.BandwidthSettings, "GET", "/settings/max-bandwidth")

    def set_bandwidth(self, change: models.BandwidthSettings) -> models.BandwidthSettings:
        """Change the bandwidth limit of the server."""
        return self._request(models.BandwidthSettings, "PUT", "/settings/max-bandwidth", change)
