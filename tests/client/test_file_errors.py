"""Missing, forbidden and existing objects raise the exceptions of Python's file functions."""

from __future__ import annotations

import errno
import pickle
from collections.abc import Callable
from typing import Any

import fsspec
import pytest

from odhtec_jupyter.client import Client
from odhtec_jupyter.client.files.file_errors import file_errors
from odhtec_jupyter.demo.jupyter_process import JupyterProcess
from odhtec_jupyter.errors import OdhTecError, StoreError, error_for
from tests.marks import on_moto


@pytest.fixture
def fs(server: JupyterProcess) -> Any:
    one = fsspec.filesystem("odhtec", server_url=server.url, token=server.token, skip_instance_cache=True)
    yield one
    one.client.api.connection.close()


def _read(fs: Any, path: str) -> None:
    fs.client.open(f"s3://{path}").read()


def _write(fs: Any, path: str) -> None:
    with fs.client.open(f"s3://{path}", "w") as file:
        file.write("x")


MISSING: dict[str, Callable[[Any, str, str], object]] = {
    "client.open": lambda fs, none, other: _read(fs, none),
    "client.open text": lambda fs, none, other: fs.client.open(f"s3://{none}", "r"),
    "client.open of no bucket": lambda fs, none, other: _write(fs, "no-such-bucket-here/x"),
    "open": lambda fs, none, other: fs.open(none),
    "cat": lambda fs, none, other: fs.cat(none),
    "get": lambda fs, none, other: fs.get(none, "/dev/null"),
    "info": lambda fs, none, other: fs.info(none),
    "ls": lambda fs, none, other: fs.ls(none),
    "cp_file": lambda fs, none, other: fs.cp_file(none, other),
    "cp": lambda fs, none, other: fs.cp(none, other),
    "mv": lambda fs, none, other: fs.mv(none, other),
    "mv of a folder": lambda fs, none, other: fs.mv(none, other, recursive=True),
    "rm": lambda fs, none, other: fs.rm(none),
    "modified": lambda fs, none, other: fs.modified(none),
    "checksum": lambda fs, none, other: fs.checksum(none),
    "pipe to no bucket": lambda fs, none, other: fs.pipe("no-such-bucket-here/x", b"x"),
    "rmdir": lambda fs, none, other: fs.rmdir("no-such-bucket-here"),
}


@on_moto
@pytest.mark.parametrize("call", MISSING)
def test_missing_object_raises_file_not_found_error(fs: Any, bucket: str, call: str) -> None:
    with pytest.raises(FileNotFoundError):
        MISSING[call](fs, f"{bucket}/none", f"{bucket}/other")


@on_moto
def test_existing_object_raises_file_exists_error(fs: Any, client: Client, bucket: str) -> None:
    fs.pipe(f"{bucket}/there", b"x")
    with pytest.raises(FileExistsError):
        client.open(f"s3://{bucket}/there", "x")
    with pytest.raises(FileExistsError):
        fs.open(f"{bucket}/there", "x")
    # another user may have written it since it was opened
    late = client.open(f"s3://{bucket}/late", "xb")
    fs.pipe(f"{bucket}/late", b"first")
    late.write(b"second")
    with pytest.raises(FileExistsError) as raised:
        late.close()
    assert raised.value.errno == errno.EEXIST
    assert fs.cat(f"{bucket}/late") == b"first"
    with pytest.raises(FileExistsError):
        fs.mkdir(bucket)
    fs.makedirs(bucket, exist_ok=True)


def test_error_has_both_classes_and_can_be_pickled() -> None:
    with pytest.raises(PermissionError) as raised, file_errors("s3://b/k"):
        raise error_for("AccessDenied", "Not for you.", 403)
    for error in (raised.value, pickle.loads(pickle.dumps(raised.value))):
        assert isinstance(error, StoreError)
        assert isinstance(error, PermissionError)
        assert (str(error), error.code, error.status) == ("s3://b/k: Not for you.", "AccessDenied", 403)
        assert error.errno == errno.EACCES


@pytest.mark.parametrize(
    ("code", "status"),
    [("NoExtension", 404), ("BucketNotEmpty", 409), ("ConditionalRequestConflict", 409), ("OtherConnection", 409)],
)
def test_error_that_is_not_about_a_file_is_not_an_os_error(code: str, status: int) -> None:
    with pytest.raises(OdhTecError) as raised, file_errors("s3://b/k"):
        raise error_for(code, "x", status)
    assert not isinstance(raised.value, OSError)


@pytest.mark.parametrize(
    ("code", "status"),
    [("NoSuchKey", 404), ("NoSuchBucket", 404), ("PreconditionFailed", 412), ("SlowDown", 503), ("Status405", 405)],
)
def test_error_of_a_failed_transfer_has_the_status_of_its_code(code: str, status: int) -> None:
    error = error_for(code, "x")
    assert isinstance(error, StoreError)
    assert (error.code, error.status) == (code, status)
