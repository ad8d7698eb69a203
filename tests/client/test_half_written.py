"""Incomplete objects are never visible, however a file or its wrapper is closed, and the previous object is kept."""

from __future__ import annotations

import asyncio
import csv
import gc
import gzip
import io
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fsspec
import pandas as pd
import pytest

from odhtec_jupyter.client import Client
from odhtec_jupyter.demo.jupyter_process import JupyterProcess
from tests.content import MIB
from tests.marks import on_moto

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

pytestmark = on_moto  # only the client matters
OLD = b"previous content"


@pytest.fixture
def fs(server: JupyterProcess) -> Iterator[Any]:
    one = fsspec.filesystem("odhtec", server_url=server.url, token=server.token, skip_instance_cache=True)
    yield one
    one.client.api.connection.close()


@pytest.fixture
def old(s3_client: S3Client, bucket: str) -> Callable[[], bytes]:
    """The key of an object that a test replaces, and its content."""
    s3_client.put_object(Bucket=bucket, Key="old", Body=OLD)
    return lambda: s3_client.get_object(Bucket=bucket, Key="old")["Body"].read()


@contextmanager
def _finally(file: Any) -> Iterator[Any]:
    """Close the file in a ``finally`` block, as many libraries do."""
    try:
        yield file
    finally:
        file.close()


@contextmanager
def _except(file: Any) -> Iterator[Any]:
    try:
        yield file
    except ZeroDivisionError:
        file.close()
        raise


def _stack(file: Any) -> Any:
    stack = ExitStack()
    stack.enter_context(file)

    @contextmanager
    def both() -> Iterator[Any]:
        with stack:
            yield file

    return both()


OPENERS: dict[str, Callable[[Any, str, dict[str, Any]], Any]] = {
    "fs.open wb": lambda fs, path, _: fs.open(path, "wb"),
    "fs.open w": lambda fs, path, _: fs.open(path, "w"),
    "fs.open gzip": lambda fs, path, _: fs.open(path, "wb", compression="gzip"),
    "fs.open text gzip": lambda fs, path, _: fs.open(path, "w", compression="gzip"),
    "fsspec.open wb": lambda fs, path, options: fsspec.open(f"odhtec://{path}", "wb", **options),
    "fsspec.open w": lambda fs, path, options: fsspec.open(f"odhtec://{path}", "w", **options),
    "fsspec.open gzip": lambda fs, path, options: fsspec.open(f"odhtec://{path}", "wt", compression="gzip", **options),
    "OpenFile.open": lambda fs, path, options: fsspec.open(f"odhtec://{path}", "w", **options).open(),
    "TextIOWrapper": lambda fs, path, _: io.TextIOWrapper(fs.open(path, "wb")),
    "BufferedWriter": lambda fs, path, _: io.BufferedWriter(fs.open(path, "wb")),
    "closing": lambda fs, path, _: closing(fs.open(path, "wb")),
    "stack": lambda fs, path, _: _stack(io.TextIOWrapper(fs.open(path, "wb"))),
    "client.open": lambda fs, path, _: fs.client.open(f"s3://{path}", "w"),
}


@pytest.mark.parametrize("size", [10, 3 * MIB])
@pytest.mark.parametrize("opener", OPENERS)
def test_exception_leaves_the_object_unchanged(
    fs: Any, server: JupyterProcess, bucket: str, old: Callable[[], bytes], opener: str, size: int
) -> None:
    def write(content: Any, error: type[Exception] | None) -> None:
        options = {"server_url": server.url, "token": server.token, "skip_instance_cache": True}
        with OPENERS[opener](fs, f"{bucket}/old", options) as file:
            half = "x" * size
            file.write(half if isinstance(file, io.TextIOBase) else half.encode())
            if error is not None:
                raise error

    with pytest.raises(ZeroDivisionError):
        write("x", ZeroDivisionError)
    gc.collect()
    assert old() == OLD
    write("x", None)
    content = old()
    assert (gzip.decompress(content) if "gzip" in opener else content) == b"x" * size


@pytest.mark.parametrize("opener", [name for name in OPENERS if name not in {"closing", "stack"}])
def test_file_that_is_not_closed_leaves_the_object_unchanged(
    fs: Any, server: JupyterProcess, bucket: str, old: Callable[[], bytes], opener: str
) -> None:
    def forget() -> None:
        options = {"server_url": server.url, "token": server.token, "skip_instance_cache": True}
        file = OPENERS[opener](fs, f"{bucket}/old", options)
        if isinstance(file, fsspec.core.OpenFile):
            file = file.open()
        file.write("x" if isinstance(file, io.TextIOBase) else b"x")
        del file
        gc.collect()

    with pytest.warns(ResourceWarning, match="nothing was written"):
        forget()
    assert old() == OLD


def test_close_in_a_finally_block_discards_and_warns_while_an_exception_leaves_it(
    fs: Any, bucket: str, old: Callable[[], bytes]
) -> None:
    def write() -> None:
        file = fs.open(f"{bucket}/old", "wb")
        try:
            file.write(b"half")
            raise ZeroDivisionError
        finally:
            file.close()

    with pytest.warns(RuntimeWarning, match="was not written"), pytest.raises(ZeroDivisionError):
        write()
    assert old() == OLD
    file = fs.open(f"{bucket}/old", "wb")
    try:
        raise KeyError
    except KeyError:
        file.write(b"meant")
        file.commit()
    assert old() == b"meant"


@pytest.mark.parametrize("manager", [_finally, _except])
def test_close_in_a_context_manager_discards_when_its_block_raises(
    fs: Any, bucket: str, old: Callable[[], bytes], manager: Callable[[Any], Any]
) -> None:
    def write() -> None:
        with manager(fs.open(f"{bucket}/old", "wb")) as file:
            file.write(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write()
    assert old() == OLD


def _in_except(file: Any) -> None:
    try:
        raise KeyError
    except KeyError:
        file.close()


def _in_except_as(file: Any) -> None:
    try:
        raise KeyError
    except (ValueError, KeyError) as error:
        with suppress(AttributeError):
            error.missing  # type: ignore[attr-defined]  # noqa: B018
        file.close()


def _in_bare_except(file: Any) -> None:
    try:
        raise KeyError
    except:  # noqa: E722
        try:
            file.write(b"")
        except OSError:
            raise
        else:
            file.close()


def _in_except_of_a_caller(file: Any) -> None:
    def close() -> None:
        with suppress(ValueError):
            int("x")
        file.close()

    try:
        raise KeyError
    except KeyError:
        close()


def _in_except_group(file: Any) -> None:
    try:
        raise ExceptionGroup("several", [KeyError()])
    except* KeyError:
        file.close()


def _in_except_after_a_finally(file: Any) -> None:
    def fail() -> None:
        try:
            raise KeyError
        finally:
            raise ValueError

    try:
        fail()
    except ValueError:
        file.close()


def _in_finally_without_an_exception(file: Any) -> None:
    try:
        with suppress(KeyError):
            raise KeyError
    finally:
        file.close()


CAUGHT = [
    *(_in_except, _in_except_as, _in_bare_except, _in_except_of_a_caller, _in_except_group),
    *(_in_except_after_a_finally, _in_finally_without_an_exception),
]


@pytest.mark.parametrize("close", CAUGHT)
def test_close_in_an_except_block_writes_the_object(
    fs: Any, bucket: str, old: Callable[[], bytes], close: Callable[[Any], None]
) -> None:
    """As Python's own files, fsspec and smart_open do: the exception is caught, and the program continues."""
    for file in (fs.open(f"{bucket}/old", "wb"), io.BufferedWriter(fs.open(f"{bucket}/old", "wb"))):
        file.write(b"new")
        with warnings.catch_warnings(action="error"):
            close(file)
        assert old() == b"new"
        fs.pipe(f"{bucket}/old", OLD)


def test_exception_in_an_async_with_leaves_the_object_unchanged(fs: Any, bucket: str, old: Callable[[], bytes]) -> None:
    class Async:
        """Closes its file when it is left, as asynchronous wrappers do."""

        def __init__(self) -> None:
            self.file = fs.open(f"{bucket}/old", "wb")

        async def __aenter__(self) -> Any:
            return self.file

        async def __aexit__(self, *failure: object) -> None:
            await asyncio.sleep(0)
            self.file.close()

    async def write() -> None:
        async with Async() as file:
            file.write(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asyncio.run(write())
    assert old() == OLD


def test_file_closed_while_an_older_exception_is_handled_is_written(
    fs: Any, server: JupyterProcess, bucket: str, stored: Callable[[], dict[str, int]]
) -> None:
    options = {"server_url": server.url, "token": server.token, "skip_instance_cache": True}

    class Saves:
        """Writes a report when a block fails, as trainers and test runners do."""

        def __enter__(self) -> None:
            """Nothing."""

        def __exit__(self, *failure: object) -> None:
            with suppress(ZeroDivisionError):
                try:
                    raise ZeroDivisionError
                except ZeroDivisionError:
                    inner = fs.open(f"{bucket}/within", "w")
            inner.write("x")
            inner.close()
            io.TextIOWrapper(fs.open(f"{bucket}/exit", "wb")).close()

    def fail() -> None:
        with Saves():
            raise KeyError

    with warnings.catch_warnings(action="error"):
        before = fs.open(f"{bucket}/before", "w")
        try:
            raise KeyError
        except KeyError:
            with before:  # its block succeeds
                before.write("x")
            handle = io.TextIOWrapper(fs.open(f"{bucket}/handle", "wb"))
            csv.writer(handle).writerow([1, 2])
            handle.close()
            pd.DataFrame({"a": [1]}).to_csv(f"odhtec://{bucket}/frame", storage_options=options)
            with suppress(ValueError):
                int("x")
            fs.pipe(f"{bucket}/piped", b"x")
        with suppress(KeyError):
            fail()
    assert set(stored()) == {"before", "handle", "frame", "piped", "exit", "within"}


def test_reraised_exception_discards_a_file_opened_while_it_was_handled(
    fs: Any, bucket: str, stored: Callable[[], dict[str, int]]
) -> None:
    def write() -> None:
        try:
            raise ZeroDivisionError
        except ZeroDivisionError:
            with io.TextIOWrapper(fs.open(f"{bucket}/report", "wb")) as file:
                file.write("half")
                raise

    with pytest.raises(ZeroDivisionError):
        write()
    assert stored() == {}


@pytest.mark.parametrize("size", [10, 3 * MIB])
def test_transaction_writes_all_or_nothing(
    fs: Any, bucket: str, stored: Callable[[], dict[str, int]], size: int
) -> None:
    def write(error: type[Exception] | None) -> None:
        with fs.transaction:
            with fs.open(f"{bucket}/a", "wb") as file:
                file.write(bytes(size))
            with fs.open(f"{bucket}/b", "w", compression="gzip") as text:
                text.write("x")
            fs.pipe(f"{bucket}/c", bytes(size))
            assert stored() == {}
            if error is not None:
                raise error

    with pytest.raises(ZeroDivisionError):
        write(ZeroDivisionError)
    assert stored() == {}
    write(None)
    found = stored()
    assert (found["a"], found["c"]) == (size, size)
    assert gzip.decompress(fs.cat(f"{bucket}/b")) == b"x"
    fs.pipe(f"{bucket}/after", b"x")  # after the transaction, each file is written on its own
    assert "after" in stored()


def test_transaction_leaves_out_a_file_whose_block_raised(
    fs: Any, bucket: str, stored: Callable[[], dict[str, int]]
) -> None:
    with fs.transaction:
        fs.pipe(f"{bucket}/good", b"x")
        with suppress(ZeroDivisionError), fs.open(f"{bucket}/half", "w") as file:
            file.write("x")
            raise ZeroDivisionError
    assert stored() == {"good": 1}


def test_commit_and_discard_decide_without_autocommit(
    fs: Any, bucket: str, stored: Callable[[], dict[str, int]]
) -> None:
    kept, discarded = (fs.open(f"{bucket}/{name}", "wb", autocommit=False) for name in ("kept", "discarded"))
    for file in (kept, discarded):
        file.write(bytes(2 * MIB))
        file.close()
    assert stored() == {}
    kept.commit()
    discarded.discard()
    discarded.commit()
    kept.commit()
    assert stored() == {"kept": 2 * MIB}


def test_closed_writer_keeps_no_exception_alive(client: Client, bucket: str) -> None:
    try:
        raise KeyError
    except KeyError as error:
        before = sys.getrefcount(error)
        writer = client.open(f"s3://{bucket}/x", "wb")
        writer.close()
        after = sys.getrefcount(error)
    assert after == before


class Interrupted(fsspec.callbacks.Callback):  # type: ignore[misc]
    """Progress that the user interrupts."""

    def branched(self, path_1: str, path_2: str, **kwargs: Any) -> Interrupted:
        """Return the callback of one file."""
        return self

    def relative_update(self, inc: int = 1) -> None:
        """Interrupt after the first bytes."""
        raise KeyboardInterrupt


def test_interrupted_get_leaves_the_local_file_unchanged(
    fs: Any, s3_client: S3Client, bucket: str, tmp_path: Path
) -> None:
    s3_client.put_object(Bucket=bucket, Key="big", Body=b"new" * 5 * MIB)
    local = tmp_path / "folder" / "file"
    for before in ([], ["file"]):
        with pytest.raises(KeyboardInterrupt):
            fs.get_file(f"{bucket}/big", str(local), callback=Interrupted())
        with pytest.raises(KeyboardInterrupt):
            fs.get(f"{bucket}/big", str(local), callback=Interrupted())
        assert [path.name for path in local.parent.iterdir()] == before
        local.write_bytes(OLD)
    assert local.read_bytes() == OLD
    link = tmp_path / "link"
    link.symlink_to(local)
    fs.get(f"{bucket}/big", str(link))
    assert link.is_symlink()
    assert local.read_bytes() == b"new" * 5 * MIB


def test_get_writes_into_a_pipe(fs: Any, s3_client: S3Client, bucket: str, tmp_path: Path) -> None:
    s3_client.put_object(Bucket=bucket, Key="small", Body=b"bytes")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    fs.get_file(f"{bucket}/small", str(pipe))
    assert os.read(reading, 100) == b"bytes"
    os.close(reading)
