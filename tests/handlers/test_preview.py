"""``/objects/preview`` on real stores."""

from __future__ import annotations

import gzip
import io
import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from odhtec_jupyter.demo.content import SyntheticContent
from odhtec_jupyter.errors import VerificationError
from odhtec_jupyter.keys import encode_key
from odhtec_jupyter.models import Preview
from odhtec_jupyter.network import Network
from odhtec_jupyter.preview.ranged_file import RangedFile
from odhtec_jupyter.stores.s3.store import S3Store
from tests.marks import on_moto
from tests.stores.s3.test_store import connection

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def parquet() -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table({"id": list(range(50_000)), "name": ["ä"] * 50_000}), out, row_group_size=10_000)
    return out.getvalue()


HEADER = json.dumps({"w": {"dtype": "F32", "shape": [1000, 500], "data_offsets": [0, 2_000_000]}}).encode()
SAFETENSORS = len(HEADER).to_bytes(8, "little") + HEADER + bytes(2_000_000)


async def preview(api: Any, bucket: str, key: str) -> Any:
    found = await api.ok("GET", "objects/preview", bucket, encode_key(key))
    Preview.model_validate(found)
    return found


@pytest.mark.tls
async def test_preview_reads_ranges_of_the_object(api: Any, s3_client: S3Client, bucket: str) -> None:
    s3_client.put_object(Bucket=bucket, Key="日本/größe.csv", Body="Ort;Höhe\nKöln;53\n".encode("latin-1"))
    s3_client.put_object(Bucket=bucket, Key="part.parquet", Body=parquet())
    s3_client.put_object(Bucket=bucket, Key="model.safetensors", Body=SAFETENSORS)
    s3_client.put_object(Bucket=bucket, Key="page.html", Body=b"<script>alert(1)</script>", ContentType="text/html")
    s3_client.put_object(Bucket=bucket, Key="empty", Body=b"")
    table = await preview(api, bucket, "日本/größe.csv")
    assert (table["kind"], table["rows"], table["metadata"]["encoding"]) == ("table", [["Köln", "53"]], "windows-1252")
    table = await preview(api, bucket, "part.parquet")
    assert (table["format"], table["rows"][99], table["totalRows"], table["rowGroups"]) == (
        "parquet",
        [99, "ä"],
        50_000,
        5,
    )
    tensors = await preview(api, bucket, "model.safetensors")
    assert (tensors["parameters"], tensors["size"]) == (500_000, len(SAFETENSORS))
    assert tensors["bytesRead"] < 200_000
    head = s3_client.head_object(Bucket=bucket, Key="model.safetensors")
    assert tensors["ETag"] == head["ETag"]
    text = await preview(api, bucket, "page.html")
    assert (text["kind"], text["text"], text["contentType"]) == ("text", "<script>alert(1)</script>", "text/html")
    packed = gzip.compress(b"a,b\n1,2\n" * 1000)
    s3_client.put_object(Bucket=bucket, Key="rows.csv", Body=packed, ContentType="text/csv", ContentEncoding="gzip")
    table = await preview(api, bucket, "rows.csv")
    assert (table["kind"], table["compression"], table["size"]) == ("table", "gzip", len(packed))
    assert table["rows"][0] == ["1", "2"]
    empty = await preview(api, bucket, "empty")
    assert (empty["kind"], empty["text"], empty["bytesRead"]) == ("text", "", 0)


async def test_preview_of_a_large_object_reads_little_of_it(api: Any, s3_client: S3Client, bucket: str) -> None:
    s3_client.put_object(Bucket=bucket, Key="noise.bin", Body=SyntheticContent(12_000_000).read())
    found = await preview(api, bucket, "noise.bin")
    assert (found["kind"], found["size"], len(found["head"])) == ("binary", 12_000_000, 1024)
    assert found["bytesRead"] < 200_000


async def test_missing_object_is_reported(api: Any, bucket: str) -> None:
    assert (await api.refused(404, "GET", "objects/preview", bucket, encode_key("absent")))["error"] == "NoSuchKey"
    refused = await api.refused(404, "GET", "objects/preview", "no-such-bucket-here", encode_key("absent"))
    assert refused["error"] == "NoSuchBucket"


@on_moto
async def test_a_damaged_object_is_shown_with_a_note(api: Any, s3_client: S3Client, bucket: str) -> None:
    s3_client.put_object(Bucket=bucket, Key="model.safetensors", Body=(2**60).to_bytes(8, "little") + b"{}" + bytes(99))
    found = await preview(api, bucket, "model.safetensors")
    assert found["kind"] == "binary"
    assert found["note"] == (
        "This cannot be shown as safetensors. The file is damaged: its header would have 1152921504606846976 bytes, "
        "but the file has 109."
    )


@on_moto
async def test_preview_does_not_render_html(api: Any, s3_client: S3Client, bucket: str) -> None:
    s3_client.put_object(Bucket=bucket, Key="a.svg", Body=b"<svg width='3' height='4'><script/></svg>")
    reply = await api.send("GET", "objects/preview", bucket, encode_key("a.svg"))
    assert reply.headers["Content-Type"].startswith("application/json")
    assert b"script" not in reply.body


@on_moto
async def test_invalid_keys_and_unknown_connections_are_refused(api: Any, bucket: str) -> None:
    assert (await api.refused(400, "GET", "objects/preview", bucket, "%20"))["error"] == "InvalidKey"
    path = ("objects/preview", bucket, encode_key("a"))
    assert (await api.refused(404, "GET", *path, params={"connection": "x"}))["error"] == "NoSuchConnection"


def test_object_that_changes_while_it_is_downloaded_is_an_error(
    s3_server: Any, s3_client: S3Client, bucket: str
) -> None:
    s3_client.put_object(Bucket=bucket, Key="a", Body=bytes(500_000))
    store = S3Store(connection(s3_server), Network(ca_bundles=(s3_server.ca_bundle,) if s3_server.ca_bundle else ()))
    try:
        head = store.head(bucket, "a")
        assert head
        assert head.etag
        file = RangedFile(store.source(bucket, "a", head.size, head.etag))
        assert file.at(0, 10) == bytes(10)
        s3_client.put_object(Bucket=bucket, Key="a", Body=b"\1" * 500_000)
        with pytest.raises(VerificationError, match="changed while"):
            file.at(400_000, 10)
    finally:
        store.close()
