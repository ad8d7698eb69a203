"""Sequential reading over a slow connection: the next blocks are read ahead, and nothing for random access."""

from __future__ import annotations

import os
import random
import threading
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from odhtec_jupyter.client.files import read_ahead, reader
from odhtec_jupyter.client.files.reader import bytes_read
from odhtec_jupyter.demo.jupyter_process import JupyterProcess
from odhtec_jupyter.errors import VerificationError
from tests.client.link import Link, link_to
from tests.content import MIB
from tests.faults.rules import Reset, Rule, Stall
from tests.marks import on_moto
from tests.waiting import GIVE_UP_SECONDS

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

pytestmark = on_moto  # only the client decides
KIB = 1024
SIZE = 6 * MIB + 77
BLOCK_BYTES = 512 * KIB
READ_BEFORE = MIB + BLOCK_BYTES  # then it is known that the connection is slow


@pytest.fixture
def link(server: JupyterProcess) -> Iterator[Link]:
    with link_to(server) as link:
        yield link


@pytest.fixture
def content(s3_client: S3Client, bucket: str) -> bytes:
    content = os.urandom(SIZE)
    s3_client.put_object(Bucket=bucket, Key="big", Body=content)
    return content


@pytest.fixture(autouse=True)
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every connection counts as slow; blocks are small."""
    monkeypatch.setattr(reader, "SLOW_BYTES_PER_SECOND", float("inf"))
    monkeypatch.setattr(reader, "BLOCK_BYTES", MIB)
    monkeypatch.setattr(read_ahead, "BLOCK_BYTES", BLOCK_BYTES)


def until_fired(rule: Rule, times: int) -> None:
    with rule._changed:
        assert rule._changed.wait_for(lambda: rule.fired == times, GIVE_UP_SECONDS)


def until_threads_end() -> None:
    for thread in threading.enumerate():
        if thread.name == "odhtec read-ahead":
            thread.join(GIVE_UP_SECONDS)
            assert not thread.is_alive()


def test_sequential_reading_has_two_blocks_ahead_over_connections_of_their_own(
    link: Link, bucket: str, content: bytes
) -> None:
    with link.client.open(f"s3://{bucket}/big") as file:
        found = file.read(READ_BEFORE)
        before = len(link.ranges())
        stalled = link.proxy.rules.add(Stall(1, of="reply"), "range", times=3)
        read = threading.Thread(target=lambda: rest.append(file.read()))
        rest: list[bytes] = []
        read.start()
        until_fired(stalled, 3)
        assert len(link.ranges()) == before + 3, "the block that is read and two ahead"
        stalled.release()
        read.join()
        assert found + rest[0] == content
        assert bytes_read(file) == SIZE
        ranges = link.ranges()
    assert [end for _, end in ranges] == [*(start for start, _ in ranges[1:]), SIZE]


def test_fast_connection_reads_nothing_ahead(
    link: Link, bucket: str, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "SLOW_BYTES_PER_SECOND", 0)
    with link.client.open(f"s3://{bucket}/big") as file:
        assert file.read() == content
    assert len(link.ranges()) == 3, "1 MiB, 4 MiB and the rest"


def test_random_access_reads_nothing_ahead(link: Link, bucket: str, content: bytes) -> None:
    places = random.Random(0).sample(range(0, SIZE - 2 * MIB, 4 * KIB), 30)
    with link.client.open(f"s3://{bucket}/big") as file:
        for count in (800, MIB + MIB // 2):
            for place in places[:6]:
                file.seek(place)
                assert file.read(count) == content[place : place + count]
        file.seek(-8, os.SEEK_END)
        assert file.read(8) == content[-8:]
        assert file.raw._ahead is None  # type: ignore[attr-defined]


def test_seek_continues_in_the_blocks_or_leaves_them(link: Link, bucket: str, content: bytes) -> None:
    with link.client.open(f"s3://{bucket}/big") as file:
        file.read(READ_BEFORE + 10)
        before = len(link.ranges())
        file.seek(READ_BEFORE + BLOCK_BYTES + 5)  # the next block
        assert file.read(10) == content[READ_BEFORE + BLOCK_BYTES + 5 :][:10]
        assert len(link.ranges()) <= before + 1, "one more block ahead"
        file.seek(100)
        assert file.read(10) == content[100:110]
        file.seek(5 * MIB)
        assert file.read() == content[5 * MIB :]


def test_closing_stops_what_is_read_ahead(link: Link, bucket: str, content: bytes) -> None:
    file = link.client.open(f"s3://{bucket}/big")
    file.read(READ_BEFORE)
    before = len(link.ranges())
    stalled = link.proxy.rules.add(Stall(1, of="reply"), "range", where=lambda one: _start(one) > READ_BEFORE, times=2)
    assert file.read(10) == content[READ_BEFORE:][:10]
    until_fired(stalled, 2)
    file.close()
    until_threads_end()  # although both replies stand still
    assert len(link.ranges()) == before + 3


def test_file_that_is_not_closed_stops_reading_ahead(link: Link, bucket: str, content: bytes) -> None:
    file: Any = link.client.open(f"s3://{bucket}/big")
    stalled = link.proxy.rules.add(Stall(1, of="reply"), "range", where=lambda one: _start(one) > READ_BEFORE, times=2)
    file.read(READ_BEFORE + 10)
    until_fired(stalled, 2)
    del file
    until_threads_end()


def test_broken_block_is_continued_and_a_changed_object_is_an_error(
    link: Link, bucket: str, content: bytes, s3_client: S3Client
) -> None:
    with link.client.open(f"s3://{bucket}/big") as file:
        file.read(READ_BEFORE)
        broken = link.proxy.rules.add(Reset(1000, of="reply"), "range", times=3)
        assert file.read(2 * MIB) == content[READ_BEFORE:][: 2 * MIB]
        assert broken.fired == 3
        s3_client.put_object(Bucket=bucket, Key="big", Body=content[::-1])
        with pytest.raises(VerificationError):
            file.read()


@pytest.mark.parametrize("allowed", [0, 2, 5])
def test_reading_continues_without_threads(
    link: Link, bucket: str, content: bytes, monkeypatch: pytest.MonkeyPatch, allowed: int
) -> None:
    started: list[threading.Thread] = []
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name == "odhtec read-ahead":
            if len(started) == allowed:
                raise RuntimeError("can't start new thread")
            started.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with link.client.open(f"s3://{bucket}/big") as file:
        assert file.read(READ_BEFORE) + file.read(700) + file.read() == content
    assert len(started) == allowed


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_forked_process_reads_on_with_connections_of_its_own(link: Link, bucket: str, content: bytes) -> None:
    with link.client.open(f"s3://{bucket}/big") as file:
        first = file.read(READ_BEFORE + 10)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of Python 3.12: this process has threads
            pid = os.fork()
        if pid == 0:
            is_same = False
            try:
                is_same = first + file.read() == content
                file.close()
            finally:
                os._exit(0 if is_same else 1)
        _, status = os.waitpid(pid, 0)
        assert os.waitstatus_to_exitcode(status) == 0
        assert first + file.read() == content


def _start(exchange: Any) -> int:
    return int(exchange.headers["range"].removeprefix("bytes=").partition("-")[0])
