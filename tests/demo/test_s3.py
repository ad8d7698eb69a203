"""The content of the demonstration's store."""

from __future__ import annotations

import io
import json
import zlib
from typing import TYPE_CHECKING

import pytest
from pyarrow import parquet  # type: ignore[import-untyped]

from odhtec_jupyter.demo.s3 import AWKWARD, AWKWARD_KEYS, DATASETS, MODELS, THUMBNAILS, seed

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.fixture
def s3_server(moto_server):  # type: ignore[no-untyped-def]
    return moto_server


@pytest.fixture(autouse=True)
def seeded(s3_server: object) -> None:
    seed()


def body(client: S3Client, key: str, bucket: str = DATASETS) -> bytes:
    return client.get_object(Bucket=bucket, Key=key)["Body"].read()


def test_buckets_are_found_by_the_client(s3_client: S3Client) -> None:
    assert {b["Name"] for b in s3_client.list_buckets()["Buckets"]} == {MODELS, DATASETS, AWKWARD}
    assert s3_client.list_objects_v2(Bucket=MODELS)["KeyCount"] == 0


def test_folder_of_thousands_is_listed_in_pages(s3_client: S3Client) -> None:
    pages = list(s3_client.get_paginator("list_objects_v2").paginate(Bucket=DATASETS, Prefix="many/"))
    assert sum(page["KeyCount"] for page in pages) == THUMBNAILS
    assert len(pages) > 1


def test_every_awkward_key_is_stored_as_an_object_of_its_own(s3_client: S3Client) -> None:
    assert len(set(AWKWARD_KEYS)) == len(AWKWARD_KEYS)
    assert max(len(key.encode()) for key in AWKWARD_KEYS) == 1024
    listed = s3_client.list_objects_v2(Bucket=AWKWARD)["Contents"]
    assert {entry["Key"] for entry in listed} == set(AWKWARD_KEYS)
    for key in AWKWARD_KEYS:
        expected = b"" if key.endswith("/") else f"The key of this object is {key!r}.\n".encode()
        assert body(s3_client, key, AWKWARD) == expected


def test_example_files_have_the_format_of_their_names(s3_client: S3Client) -> None:
    table = parquet.read_table(io.BytesIO(body(s3_client, "tables/readings.parquet")))
    assert table.num_rows == 2000
    assert body(s3_client, "tables/readings.csv").startswith(b"time,station,temperature,humidity\n")
    notebook = json.loads(body(s3_client, "notebooks/first_look.ipynb"))
    assert (notebook["nbformat"], len(notebook["cells"])) == (4, 2)
    picture = body(s3_client, "pictures/pattern.png")
    at = picture.index(b"IDAT")
    assert len(zlib.decompress(picture[at + 4 : -16])) == 160 * (1 + 3 * 160)
