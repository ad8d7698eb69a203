"""Keys with empty levels, and keys that are not valid file names: each is downloaded under a unique name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import fsspec
import pytest

from odhtec_jupyter.client import Client
from odhtec_jupyter.client.local.local_names import local_name
from odhtec_jupyter.demo.jupyter_process import JupyterProcess
from tests.marks import on_moto

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KEYS = ["x/a.txt", "x/b.txt", "x//b.txt", "x//c//d.txt", "x/../b.txt", "x/./e.txt", "x/f/a.txt"]


@pytest.fixture
def fs(server: JupyterProcess) -> Any:
    one = fsspec.filesystem("odhtec", server_url=server.url, token=server.token, skip_instance_cache=True)
    yield one
    one.client.api.connection.close()


@pytest.fixture
def keys(s3_client: S3Client, bucket: str) -> list[str]:
    for key in KEYS:
        s3_client.put_object(Bucket=bucket, Key=key, Body=key.encode())
    return KEYS


def _contents(folder: Path) -> set[str]:
    """Return the content of each file below the folder, which is its key."""
    return {path.read_text() for path in folder.rglob("*") if path.is_file()}


@on_moto
def test_walk_handles_errors_as_fsspec_documents(fs: Any, bucket: str) -> None:
    missing = f"{bucket}-that-is-not-there"
    met: list[OSError] = []
    assert list(fs.walk(missing)) == []
    assert list(fs.walk(missing, on_error=met.append)) == []
    assert [isinstance(error, FileNotFoundError) for error in met] == [True]
    with pytest.raises(FileNotFoundError):
        list(fs.walk(missing, on_error="raise"))
    with pytest.raises(ValueError, match="maxdepth"):
        list(fs.walk(bucket, maxdepth=0))


@on_moto
def test_every_key_is_found(fs: Any, bucket: str, keys: list[str]) -> None:
    paths = {f"{bucket}/{key}" for key in keys}
    assert set(fs.find(f"{bucket}/x")) == paths
    assert {path for path in fs.find(f"{bucket}/x", withdirs=True) if path.endswith(".txt")} == paths
    assert set(fs.glob(f"{bucket}/**/*.txt")) == paths
    assert set(fs.glob(f"{bucket}/x/**/*.txt")) == paths
    assert f"{bucket}/x//b.txt" in fs.glob(f"{bucket}/x//*.txt")
    for topdown in (True, False):
        walked = fs.walk(f"{bucket}/x", topdown=topdown)
        assert {f"{where}/{name}" for where, _, names in walked for name in names} == paths
    assert {f"{where}/{name}" for where, _, names in fs.walk(f"{bucket}/x", maxdepth=1) for name in names} == {
        f"{bucket}/x/a.txt",
        f"{bucket}/x/b.txt",
    }
    assert fs.cat(f"{bucket}/x//b.txt") == b"x//b.txt"
    fs.pipe(f"{bucket}//top.txt", b"top")
    assert f"{bucket}//top.txt" in fs.find(bucket, withdirs=True)


@on_moto
def test_every_key_is_downloaded_below_the_folder(
    fs: Any, client: Client, bucket: str, keys: list[str], tmp_path: Path
) -> None:
    outer = tmp_path / "outer"
    fs.get(f"{bucket}/x", str(outer / "get"), recursive=True)
    fs.get(f"{bucket}/x/**/*.txt", str(outer / "glob/"), recursive=True)
    client.download(f"s3://{bucket}/x/", outer / "download").wait(progress=False)
    for name in ("get", "glob", "download"):
        assert _contents(outer / name) == set(keys), name
    assert (outer / "download" / "a.txt").read_text() == "x/a.txt"
    assert (outer / "download" / "b.txt").read_text() == "x/b.txt"
    assert _contents(outer) == set(keys)
    client.download(f"s3://{bucket}/x/", outer / "some", exclude=["/*", "../*"]).wait(progress=False)
    assert _contents(outer / "some") == {"x/a.txt", "x/b.txt", "x/./e.txt", "x/f/a.txt"}


def test_names_are_safe_on_windows() -> None:
    assert local_name("a/10:00:00.csv", windows=False) == "a/10:00:00.csv"
    names = [local_name(key, windows=True) for key in ("10:00:00.csv", "CON", "con.txt", "trailing. ", "a/b.csv")]
    assert [name.partition("~")[0] for name in names] == ["10_00_00", "_CON", "_con", "trailing__", "a/b.csv"]
    assert names[0].endswith(".csv")
    assert names[2].endswith(".txt")


def test_no_two_keys_share_a_path() -> None:
    keys = [*KEYS, "x/_/b.txt", "x/__/b.txt", "x/a\0b", "x/a_b", "x/" + "é" * 200, "x/" + "é" * 200 + ".txt"]
    # Not even if a key equals a generated name.
    keys += [local_name(key) for key in keys if local_name(key) != key]
    names = [local_name(key) for key in keys]
    assert len(set(names)) == len(set(keys))
    for name in names:
        parts = name.split("/")
        assert not {"", ".", ".."} & set(parts)
        assert all(len(part.encode()) <= 255 and "\0" not in part for part in parts)
