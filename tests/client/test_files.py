"""Objects as files: requests, other libraries, and incomplete objects, which are never visible."""

from __future__ import annotations

import gc
import io
import os
import pickle
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fsspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import safetensors.numpy

from odhtec_jupyter.client import Client
from odhtec_jupyter.client.files.reader import BUFFER_BYTES, MIN_RANGE_BYTES, bytes_read
from odhtec_jupyter.demo.jupyter_process import JupyterProcess
from odhtec_jupyter.errors import OdhTecError, VerificationError
from tests.content import MIB

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.fixture
def fs(server: JupyterProcess) -> Any:
    one = fsspec.filesystem("odhtec", server_url=server.url, token=server.token, skip_instance_cache=True)
    yield one
    one.client.api.connection.close()


def test_any_range_is_read_as_from_a_local_file(client: Client, s3_client: S3Client, bucket: str) -> None:
    content = os.urandom(3 * MIB + 17)
    s3_client.put_object(Bucket=bucket, Key="bytes", Body=content)
    like = io.BytesIO(content)
    with client.open(f"s3://{bucket}/bytes") as file:
        for where, count in [(0, 10), (MIB, 100), (MIB + 100, 2 * MIB), (5, 0), (3 * MIB, -1), (4 * MIB, 9), (1, MIB)]:
            like.seek(where)
            file.seek(where)
            assert file.read(count) == like.read(count)
            assert file.tell() == like.tell()
        assert file.seek(-7, io.SEEK_END) == len(content) - 7
        assert file.read() == content[-7:]
        file.seek(0)
        assert file.read() == content
    assert file.closed


def test_seek_reads_little_and_sequential_reading_reads_ahead(client: Client, s3_client: S3Client, bucket: str) -> None:
    content = bytes(20 * MIB)
    s3_client.put_object(Bucket=bucket, Key="zeros", Body=content)
    ranges: list[str] = []
    open_object = client.api.open_object

    def watched(bucket: str, key: str, headers: dict[str, str], **options: Any) -> Any:
        ranges.append(headers["Range"])
        return open_object(bucket, key, headers, **options)

    client.api.open_object = watched  # type: ignore[method-assign]
    with client.open(f"s3://{bucket}/zeros") as file:
        file.seek(-8, io.SEEK_END)
        assert file.read(8) == bytes(8)
        file.seek(10 * MIB)
        file.read(8)
        assert bytes_read(file) <= BUFFER_BYTES + 8
        assert len(ranges) == 2
        ranges.clear()
        file.seek(0)
        while file.read(64 * 1024):
            pass
        # 256 KiB, 1 MiB, 4 MiB, the rest
        assert len(ranges) <= 5


def test_small_random_reads_fetch_little(client: Client, s3_client: S3Client, bucket: str) -> None:
    content = os.urandom(20 * MIB)
    s3_client.put_object(Bucket=bucket, Key="random", Body=content)
    places = random.Random(0).sample(range(0, 20 * MIB - 800, MIB // 8), 50)
    with client.open(f"s3://{bucket}/random") as file:
        for place in places:
            file.seek(place)
            assert file.read(800) == content[place : place + 800]
        assert bytes_read(file) <= 50 * MIN_RANGE_BYTES + BUFFER_BYTES
        view = bytearray(500)
        file.seek(7 * MIB + 3)
        assert file.readinto(view) == 500
        assert view == content[7 * MIB + 3 :][:500]
        file.seek(9 * MIB)
        assert file.readline() == content[9 * MIB :].partition(b"\n")[0] + b"\n"


def test_reading_raises_when_the_object_has_changed(client: Client, s3_client: S3Client, bucket: str) -> None:
    s3_client.put_object(Bucket=bucket, Key="changing", Body=bytes(2 * MIB))
    with client.open(f"s3://{bucket}/changing") as file:
        file.read(10)
        s3_client.put_object(Bucket=bucket, Key="changing", Body=bytes([1]) * 2 * MIB)
        file.seek(MIB)
        with pytest.raises(VerificationError) as changed:
            file.read(10)
        assert changed.value.code == "SourceChanged"


def test_empty_objects_and_text_are_read_and_written(client: Client, s3_client: S3Client, bucket: str) -> None:
    s3_client.put_object(Bucket=bucket, Key="empty", Body=b"")
    with client.open(f"s3://{bucket}/empty") as file:
        assert file.read() == b""
    with client.open(f"s3://{bucket}/poem.txt", "w") as text:
        text.write("eins\nzwei ü\n")
    with client.open(f"s3://{bucket}/poem.txt", "r") as text:
        assert list(text) == ["eins\n", "zwei ü\n"]
    with pytest.raises(OdhTecError) as refused, client.open(f"s3://{bucket}/poem.txt", "xb") as again:
        again.write(b"other")
    assert refused.value.status in {409, 412}


@pytest.mark.parametrize("size", [0, 100, MIB, MIB + 1, 30 * MIB])
def test_written_object_is_visible_once_the_file_is_closed(
    client: Client, s3_client: S3Client, bucket: str, stored: Callable[[], dict[str, int]], size: int
) -> None:
    content = os.urandom(size)
    with client.open(f"s3://{bucket}/out", "wb") as file:
        for start in range(0, size, 300_000):
            file.write(content[start : start + 300_000])
        assert file.tell() == size
        assert stored() == {}
    assert s3_client.get_object(Bucket=bucket, Key="out")["Body"].read() == content


@pytest.mark.parametrize("size", [10, 20 * MIB])
@pytest.mark.parametrize("mode", ["wb", "w"])
def test_exception_leaves_nothing_visible(
    client: Client, bucket: str, stored: Callable[[], dict[str, int]], size: int, mode: str
) -> None:
    content: Any = bytes(size) if mode == "wb" else "x" * size

    def fail_while_writing() -> None:
        with client.open(f"s3://{bucket}/half", mode) as file:  # type: ignore[call-overload]
            file.write(content)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_while_writing()

    def forget() -> None:
        client.open(f"s3://{bucket}/half", "wb").write(bytes(size))
        gc.collect()

    with pytest.warns(ResourceWarning):
        forget()
    assert stored() == {}


def test_writer_raises_the_error_of_the_store(client: Client) -> None:
    def write() -> None:
        with client.open("s3://no-such-bucket-here/x", "wb") as file:
            for _ in range(64):
                file.write(bytes(MIB))

    with pytest.raises(OdhTecError) as refused:
        write()
    assert refused.value.code == "NoSuchBucket"


def test_zip_and_parquet_are_read_partially(client: Client, bucket: str) -> None:
    with client.open(f"s3://{bucket}/a.zip", "wb") as file, zipfile.ZipFile(file, "w") as made:
        made.writestr("big", os.urandom(4 * MIB))
        made.writestr("small", b"small")
    with client.open(f"s3://{bucket}/a.zip") as file, zipfile.ZipFile(file) as found:
        assert found.read("small") == b"small"
        assert bytes_read(file) < 3 * BUFFER_BYTES
    table = pa.table({f"c{n}": np.random.default_rng(n).random(200_000) for n in range(10)})
    with client.open(f"s3://{bucket}/t.parquet", "wb") as file:
        pq.write_table(table, file)
    with client.open(f"s3://{bucket}/t.parquet") as file:
        size = file.raw.size  # type: ignore[attr-defined]
        frame = pd.read_parquet(file, columns=["c1", "c7"])
        assert frame["c7"].tolist() == table["c7"].to_pylist()
        assert bytes_read(file) < size / 3


# --- fsspec --------------------------------------------------------------------------------------------------


def test_file_system_lists_matches_copies_and_deletes(fs: Any, bucket: str) -> None:
    fs.pipe({f"{bucket}/d/a.txt": b"a", f"{bucket}/d/e/b.txt": b"bb", f"{bucket}/c.bin": b"c"})
    assert sorted(fs.ls(bucket, detail=False)) == [f"{bucket}/c.bin", f"{bucket}/d"]
    assert sorted(fs.glob(f"odhtec://{bucket}/**/*.txt")) == [f"{bucket}/d/a.txt", f"{bucket}/d/e/b.txt"]
    assert fs.find(f"{bucket}/d") == [f"{bucket}/d/a.txt", f"{bucket}/d/e/b.txt"]
    assert fs.info(f"{bucket}/d/e/b.txt")["size"] == 2
    assert fs.isdir(f"{bucket}/d")
    assert fs.isdir(bucket)
    assert not fs.exists(f"{bucket}/d/a")
    assert fs.cat_file(f"{bucket}/d/e/b.txt", start=-1) == b"b"
    fs.pipe(f"{bucket}/long", bytes(MIB) + b"end")
    assert fs.cat_ranges([f"{bucket}/long"] * 2, [MIB, 5], [MIB + 2, 9]) == [b"en", bytes(4)]
    fs.rm(f"{bucket}/long")
    assert fs.created(f"{bucket}/c.bin").year > 2000
    fs.cp_file(f"{bucket}/c.bin", f"{bucket}/copy")
    fs.mv(f"{bucket}/copy", f"{bucket}/moved")
    assert fs.cat(f"{bucket}/moved") == b"c"
    fs.rm(f"{bucket}/moved")
    fs.rm(f"{bucket}/d", recursive=True)
    assert fs.find(bucket) == [f"{bucket}/c.bin"]
    with pytest.raises(FileNotFoundError):
        fs.info(f"{bucket}/none")
    with pytest.raises(FileNotFoundError):
        fs.ls("no-such-bucket-here")
    fs.mkdir(f"{bucket}-2")
    fs.rmdir(f"{bucket}-2")


def test_pandas_and_safetensors_read_through_the_file_system(
    fs: Any, server: JupyterProcess, bucket: str, tmp_path: Path
) -> None:
    options = {"server_url": server.url, "token": server.token}
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    frame.to_parquet(f"odhtec://{bucket}/f.parquet", storage_options=options)
    frame.to_csv(f"odhtec://{bucket}/f.csv", index=False, storage_options=options)
    assert pd.read_parquet(f"odhtec://{bucket}/f.parquet", storage_options=options).equals(frame)
    assert pd.read_csv(f"odhtec://{bucket}/f.csv", storage_options=options).equals(frame)
    fs.pipe(f"{bucket}/m.safetensors", safetensors.numpy.save({"w": np.arange(6.0)}))
    with fs.open(f"{bucket}/m.safetensors") as file:
        assert safetensors.numpy.load(file.read())["w"].tolist() == [0, 1, 2, 3, 4, 5]
    fs.get(f"{bucket}/f.csv", str(tmp_path / "f.csv"))
    assert pd.read_csv(tmp_path / "f.csv").equals(frame)
    fsspec.get_filesystem_class("odhtec").clear_instance_cache()


def test_pickled_file_system_has_no_token(
    fs: Any, server: JupyterProcess, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fs.pipe(f"{bucket}/x", b"x")
    pickled = pickle.dumps(fs)
    assert server.token.encode() not in pickled
    assert server.token not in fs.to_json()
    assert server.token not in repr(fs)
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(server.folder / "runtime"))
    again = pickle.loads(pickled)
    assert again.cat(f"{bucket}/x") == b"x"
    again.client.api.connection.close()
