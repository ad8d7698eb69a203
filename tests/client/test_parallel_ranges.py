"""A large object is downloaded over several connections where one is slow, and never mixed or half-written."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from odhtec_jupyter.client.local import adaptive_limit, busy, parallel_ranges
from odhtec_jupyter.client.local.adaptive_limit import AdaptiveLimit
from odhtec_jupyter.demo.jupyter_process import JupyterProcess
from odhtec_jupyter.errors import Cancelled, NoServer, OdhTecError, StoreError, VerificationError
from tests.client.link import Link, link_to
from tests.content import MIB
from tests.faults.rules import Reset, Rule, Stall
from tests.faults.traffic import Exchange
from tests.marks import on_moto
from tests.waiting import GIVE_UP_SECONDS

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

pytestmark = on_moto  # only the client decides
SIZE = 6 * MIB + 12_345
SLOW = 10**9  # bytes for each connection, which no download here has: the number of connections is not judged


@pytest.fixture
def link(server: JupyterProcess) -> Iterator[Link]:
    with link_to(server) as link:
        yield link


@pytest.fixture
def content(s3_client: S3Client, bucket: str) -> bytes:
    content = os.urandom(SIZE)
    s3_client.put_object(Bucket=bucket, Key="big", Body=content)
    return content


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Sets the number of connections of a download; parts are small."""
    monkeypatch.setattr(parallel_ranges, "CHUNK_BYTES", 64 * 1024)
    monkeypatch.setattr(parallel_ranges, "MIN_PART_BYTES", 256 * 1024)
    monkeypatch.setattr(parallel_ranges, "MAX_PART_BYTES", MIB)

    def use(number: int) -> None:
        monkeypatch.setattr(parallel_ranges, "adaptive_limit", lambda: AdaptiveLimit(number, number, SLOW))

    return use


def until_fired(rule: Rule, times: int) -> None:
    with rule._changed:
        assert rule._changed.wait_for(lambda: rule.fired == times, GIVE_UP_SECONDS)


def test_ranges_are_read_in_parallel_and_cover_the_object(
    link: Link, bucket: str, content: bytes, connections: Callable[[int], None], tmp_path: Path
) -> None:
    connections(4)
    stalled = link.proxy.rules.add(Stall(1, of="reply"), "range", times=3)
    transfer = link.client.download(f"s3://{bucket}/big", tmp_path / "big")
    until_fired(stalled, 3)
    assert transfer.state == "running"
    stalled.release()
    transfer.wait(progress=False)
    assert (tmp_path / "big").read_bytes() == content
    assert transfer.status.bytes_done == SIZE
    assert [path.name for path in tmp_path.iterdir()] == ["big"]
    [whole] = link.proxy.traffic.seen("download")
    ranges = link.ranges()
    assert 0 < ranges[0][0] < 2 * MIB, "the first range is that of the first reply"
    assert [end for _, end in ranges] == [*(start for start, _ in ranges[1:]), SIZE]
    assert all(one.headers["if-range"] for one in link.proxy.traffic.seen("range"))
    assert whole.received < SIZE


def test_fast_connection_is_the_only_one(
    link: Link,
    bucket: str,
    content: bytes,
    connections: Callable[[int], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(adaptive_limit, "MIN_WINDOW_SECONDS", 0)
    monkeypatch.setattr(parallel_ranges, "WINDOW_BYTES", 1)
    monkeypatch.setattr(parallel_ranges, "FAST_BYTES_PER_SECOND", 0)
    link.client.download(f"s3://{bucket}/big", tmp_path / "big").wait(progress=False)
    assert (tmp_path / "big").read_bytes() == content
    assert (len(link.proxy.traffic.seen("download")), link.ranges()) == (1, [])


def test_large_files_of_a_transfer_share_the_connections(
    link: Link, bucket: str, s3_client: S3Client, connections: Callable[[int], None], tmp_path: Path
) -> None:
    connections(8)
    bodies = {f"f/{number}": os.urandom(9 * MIB) for number in range(2)}
    for key, body in bodies.items():
        s3_client.put_object(Bucket=bucket, Key=key, Body=body)
    started = link.proxy.rules.add(Stall(1, of="reply"), "download", times=2)
    ranges = link.proxy.rules.add(Stall(1, of="reply"), "range", times=None)
    transfer = link.client.download(f"s3://{bucket}/f/", tmp_path / "f")
    until_fired(started, 2)
    started.release()
    until_fired(ranges, 8)  # all connections of both files
    assert len(link.proxy.traffic.seen("range")) == 8
    ranges.release()
    transfer.wait(progress=False)
    assert all((tmp_path / key).read_bytes() == body for key, body in bodies.items())


def test_object_is_read_over_one_connection_if_ranges_are_refused(
    link: Link, bucket: str, content: bytes, connections: Callable[[int], None], tmp_path: Path
) -> None:
    connections(4)
    open_object, opened = link.client.api.open_object, []

    def ignores_ranges(bucket: str, key: str, headers: dict[str, str], **options: Any) -> Any:
        opened.append(headers)
        return open_object(bucket, key, {}, **options)

    link.client.api.open_object = ignores_ranges  # type: ignore[method-assign]
    link.client.download(f"s3://{bucket}/big", tmp_path / "big").wait(progress=False)
    assert (tmp_path / "big").read_bytes() == content
    assert ["Range" in headers for headers in opened] == [False, True]


def test_reply_without_an_etag_is_read_over_one_connection(
    link: Link, bucket: str, content: bytes, connections: Callable[[int], None], tmp_path: Path
) -> None:
    connections(4)
    without_header(link, "ETag")
    link.client.download(f"s3://{bucket}/big", tmp_path / "big").wait(progress=False)
    assert (tmp_path / "big").read_bytes() == content
    assert link.ranges() == []


@pytest.mark.parametrize("listed", [SIZE, SIZE - 1, SIZE + 1])
def test_reply_without_a_length_is_compared_with_the_list(
    link: Link, bucket: str, content: bytes, connections: Callable[[int], None], tmp_path: Path, listed: int
) -> None:
    connections(1)
    without_header(link, "Content-Length")
    link.client.api.head_object = no_length  # type: ignore[method-assign]
    list_objects = link.client.api.list_objects

    def listed_with(*args: Any) -> Any:
        page = list_objects(*args)
        for one in page.objects:
            one.Size = listed
        return page

    link.client.api.list_objects = listed_with  # type: ignore[method-assign]
    transfer = link.client.download(f"s3://{bucket}/big", tmp_path / "big")
    if listed == SIZE:
        transfer.wait(progress=False)
        assert (tmp_path / "big").read_bytes() == content
    else:
        with pytest.raises(OdhTecError):
            transfer.wait(progress=False)
        assert list(tmp_path.iterdir()) == []


def without_header(link: Link, header: str) -> None:
    open_object = link.client.api.open_object

    def bare(*args: Any, **options: Any) -> Any:
        reply = open_object(*args, **options)
        del reply.headers[header]
        return reply

    link.client.api.open_object = bare  # type: ignore[method-assign]


def no_length(*_: object) -> Any:
    raise StoreError("The server does not report the size.", code="NoContentLength")


def test_broken_connections_are_continued_where_they_broke(
    link: Link, bucket: str, content: bytes, connections: Callable[[int], None], tmp_path: Path
) -> None:
    connections(3)
    broken = link.proxy.rules.add(Reset(100_000, of="reply"), "range", times=2)
    whole = link.proxy.rules.add(Reset(300_000, of="reply"), "download")
    transfer = link.client.download(f"s3://{bucket}/big", tmp_path / "big").wait(progress=False)
    assert (broken.fired, whole.fired) == (2, 1)
    assert (tmp_path / "big").read_bytes() == content
    assert transfer.status.bytes_done == SIZE


def test_object_that_changes_is_not_mixed(
    link: Link, bucket: str, content: bytes, s3_client: S3Client, connections: Callable[[int], None], tmp_path: Path
) -> None:
    connections(3)
    stalled = link.proxy.rules.add(Stall(1, of="reply"), "range")
    transfer = link.client.download(f"s3://{bucket}/big", tmp_path / "big")
    assert stalled.wait()
    s3_client.put_object(Bucket=bucket, Key="big", Body=content[::-1])
    stalled.drop()  # the range is requested again
    with pytest.raises(VerificationError) as changed:
        transfer.wait(progress=False)
    assert changed.value.code == "SourceChanged"
    assert list(tmp_path.iterdir()) == []


def test_cancelled_download_ends_although_a_connection_stands_still(
    link: Link, bucket: str, content: bytes, connections: Callable[[int], None], tmp_path: Path
) -> None:
    connections(3)
    stalled = link.proxy.rules.add(Stall(1, of="reply"), "range", nth=1)
    whole = link.proxy.rules.add(Stall(MIB, of="reply"), "download")
    transfer = link.client.download(f"s3://{bucket}/big", tmp_path / "big")
    assert stalled.wait()
    assert whole.wait()
    transfer.cancel()
    whole.release()
    transfer.join()
    with pytest.raises(Cancelled):
        transfer.wait(GIVE_UP_SECONDS, progress=False)
    assert list(tmp_path.iterdir()) == []


def test_range_that_a_busy_store_refuses_is_requested_again(
    link: Link,
    bucket: str,
    content: bytes,
    connections: Callable[[int], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(busy, "RETRY_SECONDS", (0.0,))
    connections(3)
    open_object, refused = link.client.api.open_object, []

    def once_refused(bucket: str, key: str, headers: dict[str, str], **options: Any) -> Any:
        if headers and headers["Range"] not in refused:
            refused.append(headers["Range"])
            raise StoreError("The store is busy.", code="SlowDown", status=503)
        return open_object(bucket, key, headers, **options)

    link.client.api.open_object = once_refused  # type: ignore[method-assign]
    link.client.download(f"s3://{bucket}/big", tmp_path / "big").wait(progress=False)
    assert (tmp_path / "big").read_bytes() == content
    assert len(link.proxy.traffic.seen("download")) == 1
    assert len(link.ranges()) == len(refused) > 1


def test_error_of_one_range_ends_the_others(
    link: Link,
    bucket: str,
    content: bytes,
    connections: Callable[[int], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("odhtec_jupyter.client.files.ranges.RETRY_SECONDS", 0)
    connections(3)

    def is_last(exchange: Exchange) -> bool:
        return exchange.headers["range"].endswith(f"-{SIZE - 1}")

    stalled = link.proxy.rules.add(Stall(1, of="reply"), "range", where=lambda one: not is_last(one), nth=1)
    link.proxy.rules.add(Reset(0, of="reply"), "range", where=is_last, times=None)
    link.client.api.connection.restart_seconds = 0
    with pytest.raises(NoServer):
        link.client.download(f"s3://{bucket}/big", tmp_path / "big").wait(progress=False)
    assert stalled.fired == 1, "it was never released"
    assert list(tmp_path.iterdir()) == []


def test_broken_connection_is_not_continued_if_nothing_identifies_the_version(
    link: Link, bucket: str, content: bytes, s3_client: S3Client, connections: Callable[[int], None], tmp_path: Path
) -> None:
    connections(1)
    without_header(link, "ETag")
    stalled = link.proxy.rules.add(Stall(MIB, of="reply"), "download")
    transfer = link.client.download(f"s3://{bucket}/big", tmp_path / "big")
    assert stalled.wait()
    s3_client.put_object(Bucket=bucket, Key="big", Body=content[::-1])
    stalled.drop()
    with pytest.raises(NoServer, match="no ETag"):
        transfer.wait(progress=False)
    assert list(tmp_path.iterdir()) == []
