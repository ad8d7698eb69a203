"""The files of a folder are copied in parallel: small ones with few requests, large ones within memory."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from odhtec_jupyter.client.local import busy, parallel_files
from odhtec_jupyter.client.local.adaptive_limit import AdaptiveLimit
from odhtec_jupyter.client.local.local_file import Gate, LocalFile
from odhtec_jupyter.client.local.parallel_files import MAX_FILE_BYTES, MAX_MEMORY_BYTES, ParallelFiles
from odhtec_jupyter.demo.jupyter_process import JupyterProcess
from odhtec_jupyter.errors import StoreError
from tests.client.link import Link, link_to
from tests.content import MIB
from tests.marks import on_moto
from tests.waiting import GIVE_UP_SECONDS

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Stored = Callable[[], dict[str, int]]


@pytest.fixture
def link(server: JupyterProcess) -> Iterator[Link]:
    with link_to(server) as link:
        yield link


@pytest.fixture
def small_files(tmp_path: Path) -> dict[str, bytes]:
    bodies = {f"{number:02}.bin": bytes([number]) * (1000 + number) for number in range(40)}
    (tmp_path / "small").mkdir()
    for name, body in bodies.items():
        (tmp_path / "small" / name).write_bytes(body)
    return bodies


def copied(
    sizes: list[int],
    limit: AdaptiveLimit,
    copy: Callable[[LocalFile], object],
    changed: threading.Condition | None = None,
) -> None:
    def unused(gate: Gate) -> bool:
        raise AssertionError(gate)

    files = ParallelFiles([LocalFile(str(number), "", size, unused) for number, size in enumerate(sizes)], copy, limit)
    files._changed = changed or files._changed
    files.run()


def test_small_files_are_copied_in_parallel_up_to_the_limit() -> None:
    together = threading.Barrier(16)
    copied([1000] * 64, AdaptiveLimit(16, 16, MIB), lambda _: together.wait(GIVE_UP_SECONDS))


def test_number_grows_with_the_limit() -> None:
    limit = AdaptiveLimit(2, 8, MIB)
    order: list[str] = []
    together = threading.Barrier(8)

    def copy(file: LocalFile) -> None:
        order.append(file.path)
        if len(order) == 2:
            limit.size = 8
        elif len(order) > 4:
            together.wait(GIVE_UP_SECONDS)

    copied([1000] * 12, limit, copy)
    assert sorted(order, key=int) == [str(number) for number in range(12)]


class Noticed(threading.Condition):
    """Calls ``notice`` when a thread is about to wait."""

    def __init__(self, notice: Callable[[], object]) -> None:
        super().__init__()
        self._notice = notice

    def wait(self, timeout: float | None = None) -> bool:
        self._notice()
        return super().wait(timeout)


def test_large_files_are_copied_within_memory() -> None:
    lock, all_there, there = threading.Lock(), threading.Event(), 0
    memory = most = 0

    def arrive() -> None:
        nonlocal there
        with lock:
            there += 1
            if there == 8:  # each worker copies a file or waits for memory
                all_there.set()

    def copy(file: LocalFile) -> None:
        nonlocal memory, most
        with lock:
            memory += min(file.size, MAX_FILE_BYTES)
            most = max(most, memory)
        arrive()
        assert all_there.wait(GIVE_UP_SECONDS)
        with lock:
            memory -= min(file.size, MAX_FILE_BYTES)

    copied([100 * MIB] * 8, AdaptiveLimit(32, 32, MIB), copy, Noticed(arrive))
    assert most == MAX_MEMORY_BYTES


@on_moto
def test_small_file_is_downloaded_with_one_request(
    link: Link, bucket: str, s3_client: S3Client, small_files: dict[str, bytes], tmp_path: Path
) -> None:
    for name, body in small_files.items():
        s3_client.put_object(Bucket=bucket, Key=f"d/{name}", Body=body)
    link.client.download(f"s3://{bucket}/d/", tmp_path / "back").wait(progress=False)
    assert {path.name: path.read_bytes() for path in (tmp_path / "back").iterdir()} == small_files
    seen = [one.kind for one in link.proxy.traffic.seen() if one.kind != "other"]
    assert seen == ["download"] * len(small_files)


@on_moto
def test_small_file_is_uploaded_with_one_request_over_kept_connections(
    link: Link,
    bucket: str,
    stored: Stored,
    small_files: dict[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    limit = AdaptiveLimit(20, 20, MIB)
    monkeypatch.setattr(parallel_files, "adaptive_limit", lambda: limit)
    link.client.upload(tmp_path / "small", f"s3://{bucket}/d/").wait(progress=False)
    assert stored() == {f"d/{name}": len(body) for name, body in small_files.items()}
    assert [one.kind for one in link.proxy.traffic.seen()].count("upload") == len(small_files)
    session = link.client.api.connection.session
    pool = session.get_adapter(link.proxy.url).poolmanager.connection_from_url(link.proxy.url)  # type: ignore[attr-defined]
    assert pool.num_connections <= limit.size


@on_moto
@pytest.mark.parametrize("direction", ["upload", "download"])
def test_file_that_a_busy_store_refuses_is_tried_again_with_fewer_in_parallel(
    link: Link,
    bucket: str,
    stored: Stored,
    small_files: dict[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    direction: str,
) -> None:
    monkeypatch.setattr(busy, "RETRY_SECONDS", (0.0, 0.0))
    limit = AdaptiveLimit(4, 4, MIB)
    monkeypatch.setattr(parallel_files, "adaptive_limit", lambda: limit)
    if direction == "download":
        link.client.upload(tmp_path / "small", f"s3://{bucket}/d/").wait(progress=False)
        limit.size = 4
    refused = Refused(link, "put_object" if direction == "upload" else "open_object", "d/07.bin", times=2)
    if direction == "upload":
        link.client.upload(tmp_path / "small", f"s3://{bucket}/d/").wait(progress=False)
    else:
        link.client.download(f"s3://{bucket}/d/", tmp_path / "back").wait(progress=False)
        assert {path.name: path.read_bytes() for path in (tmp_path / "back").iterdir()} == small_files
    assert refused.count == 2
    assert limit.size < 4
    assert stored() == {f"d/{name}": len(body) for name, body in small_files.items()}


@on_moto
def test_file_that_is_always_refused_fails_alone(
    link: Link,
    bucket: str,
    stored: Stored,
    small_files: dict[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(busy, "RETRY_SECONDS", (0.0, 0.0))
    Refused(link, "put_object", "d/07.bin", times=99)
    transfer = link.client.upload(tmp_path / "small", f"s3://{bucket}/d/")
    with pytest.raises(StoreError, match="1 of 40 files failed") as failed:
        transfer.wait(progress=False)
    assert failed.value.code == "SlowDown"
    assert [file.path.rpartition("/")[2] for file in transfer.files("failed")] == ["07.bin"]
    assert len(stored()) == 39


class Refused:
    """Requests for one key that the store refuses because it is busy."""

    def __init__(self, link: Link, method: str, key: str, times: int) -> None:
        self.count = 0
        call = getattr(link.client.api, method)

        def refuse(bucket: str, name: str, *args: Any, **options: Any) -> Any:
            if name == key and self.count < times:
                self.count += 1
                raise StoreError("The store is busy.", code="SlowDown", status=503)
            return call(bucket, name, *args, **options)

        setattr(link.client.api, method, refuse)
