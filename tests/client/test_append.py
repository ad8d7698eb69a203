"""Appending: the object is replaced by a longer one, or stays unchanged."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import fsspec
import pandas as pd
import pytest

from odhtec_jupyter.client import Client
from odhtec_jupyter.client.files import appender
from odhtec_jupyter.demo.jupyter_process import JupyterProcess
from odhtec_jupyter.errors import BadRequest, TooLarge, VerificationError
from tests.content import MIB

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.fixture
def fs(server: JupyterProcess) -> Iterator[Any]:
    one = fsspec.filesystem("odhtec", server_url=server.url, token=server.token, skip_instance_cache=True)
    yield one
    one.client.api.connection.close()


def read(s3_client: S3Client, bucket: str, key: str) -> bytes:
    return s3_client.get_object(Bucket=bucket, Key=key)["Body"].read()


def test_appended_data_follows_the_existing_data(client: Client, s3_client: S3Client, bucket: str) -> None:
    uri = f"s3://{bucket}/log.txt"
    with client.open(uri, "a") as file:  # creates the object
        file.write("eins\n")
    with client.open(uri, "a") as file:
        file.write("zwei ü\n")
    assert read(s3_client, bucket, "log.txt") == "eins\nzwei ü\n".encode()
    first, more = os.urandom(3 * MIB), os.urandom(2 * MIB + 5)
    s3_client.put_object(
        Bucket=bucket, Key="large", Body=first, ContentType="application/x-mine", Metadata={"made-by": "me"}
    )
    with client.open(f"s3://{bucket}/large", "ab") as binary:
        assert binary.tell() == len(first)
        binary.write(more[:MIB])
        binary.write(more[MIB:])
        assert read(s3_client, bucket, "large") == first  # not before it is closed
    assert binary.result is not None
    assert binary.result.size == len(first) + len(more)
    assert read(s3_client, bucket, "large") == first + more
    head = s3_client.head_object(Bucket=bucket, Key="large")
    assert (head["ContentType"], head["Metadata"]) == ("application/x-mine", {"made-by": "me"})


def test_append_writes_nothing_after_an_exception_or_a_change(client: Client, s3_client: S3Client, bucket: str) -> None:
    uri = f"s3://{bucket}/log"
    s3_client.put_object(Bucket=bucket, Key="log", Body=b"mine")
    with pytest.raises(TypeError), client.open(uri, "ab") as file:
        file.writelines([b"half", None])  # type: ignore[list-item]
    assert read(s3_client, bucket, "log") == b"mine"
    file = client.open(uri, "ab")
    file.write(b"lost?")
    s3_client.put_object(Bucket=bucket, Key="log", Body=b"another user's")
    with pytest.raises(VerificationError, match="changed since it was opened"):
        file.close()
    assert read(s3_client, bucket, "log") == b"another user's"
    new = client.open(f"s3://{bucket}/new", "ab")
    new.write(b"mine")
    s3_client.put_object(Bucket=bucket, Key="new", Body=b"theirs")
    with pytest.raises(FileExistsError):
        new.close()
    assert read(s3_client, bucket, "new") == b"theirs"


def test_refused_append_says_what_to_do(
    client: Client, s3_client: S3Client, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3_client.put_object(Bucket=bucket, Key="large", Body=bytes(2000))
    monkeypatch.setattr(appender, "MAX_APPENDED_BYTES", 1000)
    with pytest.raises(TooLarge, match=r"2\.0 kB.*to another object"):
        client.open(f"s3://{bucket}/large", "ab")
    s3_client.put_object(Bucket=bucket, Key="packed", Body=b"\x1f\x8b", ContentEncoding="gzip")
    with pytest.raises(BadRequest, match="content encoding gzip"):
        client.open(f"s3://{bucket}/packed", "ab")
    with pytest.raises(BadRequest, match="r, rb, w"):
        client.open(f"s3://{bucket}/large", "r+b")  # type: ignore[call-overload]
    with pytest.raises(FileNotFoundError), client.open("s3://no-such-bucket-of-ours/log", "ab") as file:
        file.write(b"x")


def test_pandas_appends_rows(fs: Any, s3_client: S3Client, bucket: str, server: JupyterProcess) -> None:
    options = {"server_url": server.url, "token": server.token}
    for number in (1, 2):
        frame = pd.DataFrame({"a": [number]})
        frame.to_csv(f"odhtec://{bucket}/t.csv", mode="a", header=number == 1, index=False, storage_options=options)
    assert read(s3_client, bucket, "t.csv") == b"a\n1\n2\n"
    with fs.transaction:
        with fs.open(f"{bucket}/t.csv", "ab") as file:
            file.write(b"3\n")
        assert read(s3_client, bucket, "t.csv") == b"a\n1\n2\n"
    assert read(s3_client, bucket, "t.csv") == b"a\n1\n2\n3\n"
    with fs.open(f"{bucket}/t.gz", "wt", compression="gzip") as packed:
        packed.write("1")
    with fs.open(f"{bucket}/t.gz", "at", compression="gzip") as packed:
        packed.write("2")
    assert fs.open(f"{bucket}/t.gz", "rt", compression="gzip").read() == "12"
    with pytest.raises(ValueError, match="ZIP"):
        fs.open(f"{bucket}/t.zip", "ab", compression="zip")
