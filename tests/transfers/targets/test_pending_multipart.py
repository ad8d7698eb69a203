from __future__ import annotations

from dataclasses import replace
from typing import Any

from odhtec_jupyter.models import NamedUpload
from odhtec_jupyter.stores.s3.store import S3Store
from odhtec_jupyter.transfers.jobs.multiparts import Multiparts
from odhtec_jupyter.transfers.owner import STREAM
from odhtec_jupyter.transfers.runtime.engine import Engine
from odhtec_jupyter.transfers.targets.pending_multipart import drop_pending
from tests.content import multiparts


async def test_upload_to_the_same_key_by_another_connection_is_kept(
    engine: Engine, store: S3Store, s3_client: Any, bucket: str
) -> None:
    uri, writes = store.uri(bucket, "key"), engine.pending_writes
    lost = await writes.begin(STREAM, uri, store.host)  # an earlier server ended before S3 replied with an id
    lost.live = False
    theirs = await writes.begin(STREAM, replace(uri, connection="other"), store.host)
    upload_id = s3_client.create_multipart_upload(Bucket=bucket, Key="key")["UploadId"]
    await writes.set_upload_id(theirs, upload_id)
    assert await drop_pending(engine, store, lost)
    assert [upload["UploadId"] for upload in multiparts(s3_client, bucket)] == [upload_id]
    in_use = Multiparts(engine, store, bucket, lambda entry: not entry.live)
    (error,) = (await in_use.abort([NamedUpload(Key="key", UploadId=upload_id)])).errors
    assert error.Code == "InUse"
