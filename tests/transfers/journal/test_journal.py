"""The journal file: locked, private, taken over, damaged, and on a full or read-only disk."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from odhtec_jupyter.transfers.journal.journal import VERSION, Journal
from odhtec_jupyter.transfers.journal.pending_writes import PendingWrites
from odhtec_jupyter.transfers.owner import STREAM
from odhtec_jupyter.uris import S3Uri

LOG = logging.getLogger("odhtec-test")
PART = ("u", 1, '"etag"', 5)


def parts(journal: Journal) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in journal.rows("parts")]


async def test_rows_are_available_to_the_next_server(tmp_path: Path, jp_asyncio_loop: Any) -> None:
    journal = Journal(tmp_path / "state", log=LOG)
    journal.put("parts", PART, ("u", 2, '"other"', 6))
    journal.put("parts", ("u", 2, '"newer"', 7))
    await journal.written()
    journal.close()
    again = Journal(tmp_path / "state", log=LOG)
    assert parts(again) == [PART, ("u", 2, '"newer"', 7)]
    again.close()


async def test_journal_is_readable_by_its_owner_only(tmp_path: Path, jp_asyncio_loop: Any) -> None:
    journal = Journal(tmp_path / "state", log=LOG)
    journal.put("parts", PART)
    await journal.written()
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700
    assert {file.name: file.stat().st_mode & 0o777 for file in (tmp_path / "state").iterdir()} == {
        file.name: 0o600 for file in (tmp_path / "state").iterdir()
    }
    journal.close()


async def test_second_server_uses_its_own_journal_and_the_next_takes_over_both(
    tmp_path: Path, jp_asyncio_loop: Any
) -> None:
    # In another process, because locks belong to processes.
    code = (
        "import asyncio, logging, sys\n"
        "from pathlib import Path\n"
        "from odhtec_jupyter.transfers.journal.journal import Journal\n"
        "journal = Journal(Path(sys.argv[1]), log=logging.getLogger())\n"
        "journal.put('parts', ('first', 1, 'e', 1))\n"
        "asyncio.run(journal.written())\n"
        "print('ready', flush=True)\n"
        "sys.stdin.read()\n"
    )
    first = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, str(tmp_path), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert first.stdout is not None
    assert await first.stdout.readline() == b"ready\n"
    second = Journal(tmp_path, log=LOG)
    assert parts(second) == [], "what a living server has is left alone"
    second.put("parts", ("second", 1, "e", 1))
    await second.written()
    second.close()
    first.kill()
    await first.communicate()
    third = Journal(tmp_path, log=LOG)
    assert sorted(parts(third)) == [("first", 1, "e", 1), ("second", 1, "e", 1)]
    third.close()
    fourth = Journal(tmp_path, log=LOG)
    assert len(parts(fourth)) == 2, "each row is taken over once"
    fourth.close()


@pytest.mark.parametrize(
    "content", [b"this is not a database, but long enough for a header" * 30, b"SQLite format 3\0" * 90]
)
async def test_damaged_journal_is_renamed(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture, jp_asyncio_loop: Any
) -> None:
    (tmp_path / "journal.sqlite").write_bytes(content)
    journal = Journal(tmp_path, log=LOG)
    journal.put("parts", PART)
    await journal.written()
    journal.close()
    assert "damaged" in caplog.text
    assert (tmp_path / "journal.damaged").read_bytes() == content
    again = Journal(tmp_path, log=LOG)
    assert parts(again) == [PART]
    again.close()


async def test_journal_of_a_later_version_is_not_changed(tmp_path: Path, jp_asyncio_loop: Any) -> None:
    database = sqlite3.connect(tmp_path / "journal.sqlite")
    database.execute(f"PRAGMA user_version = {VERSION + 1}")
    database.execute("CREATE TABLE parts (something_else TEXT)")
    database.close()
    before = (tmp_path / "journal.sqlite").read_bytes()
    journal = Journal(tmp_path, log=LOG)
    journal.put("parts", PART)
    await journal.written()
    journal.close()
    assert (tmp_path / "journal.sqlite").read_bytes() == before


async def test_transfers_run_without_a_writable_state_directory(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, jp_asyncio_loop: Any
) -> None:
    (tmp_path / "file").write_text("not a folder")
    journal = Journal(tmp_path / "file" / "state", log=LOG)
    assert "transfers end with the server" in caplog.text
    listed = PendingWrites(journal)
    entry = await listed.begin(STREAM, S3Uri("b", "k"), "host")
    listed.remove(entry)
    await journal.written()
    journal.close()


async def test_rows_are_written_after_a_full_disk_has_space(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, jp_asyncio_loop: Any
) -> None:
    journal = Journal(tmp_path, log=LOG)
    pages = journal._database.execute("PRAGMA page_count").fetchone()[0]
    journal._database.execute(f"PRAGMA max_page_count = {pages}")  # SQLite's own "database or disk is full"
    rows = [("u", number, "e" * 500, number) for number in range(100)]
    journal.put("parts", *rows)
    await journal.written()
    assert "cannot be written" in caplog.text
    journal._database.execute("PRAGMA max_page_count = 1000")
    journal.put("parts", ("u", 100, "e", 100))
    await journal.written()
    journal.close()
    again = Journal(tmp_path, log=LOG)
    assert len(parts(again)) == 101
    again.close()


@pytest.mark.parametrize("poison", [2**70, "\ud800"], ids=["too large", "no text"])
async def test_unsupported_value_does_not_block_other_rows(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, jp_asyncio_loop: Any, poison: Any
) -> None:
    journal = Journal(tmp_path, log=LOG)
    journal.put("parts", PART)
    journal.put("parts", ("u", 2, poison, 5))
    journal.put("parts", ("u", 3, "e", 5))
    await asyncio.wait_for(journal.written(), 60)
    assert "cannot be written" in caplog.text
    journal.close()
    again = Journal(tmp_path, log=LOG)
    assert parts(again) == [PART, ("u", 3, "e", 5)]
    again.close()


async def test_rows_already_taken_over_are_not_taken_over_again(tmp_path: Path, jp_asyncio_loop: Any) -> None:
    first = Journal(tmp_path, log=LOG)
    first.put("parts", PART)
    await first.written()
    first.close()
    # After a kill between the two commits of a take-over, both journals have the row.
    shutil.copy(tmp_path / "journal.sqlite", tmp_path / "journal-1.sqlite")
    second = sqlite3.connect(tmp_path / "journal.sqlite")
    with second:
        second.execute("UPDATE parts SET etag = 'newer'")
    second.close()
    third = Journal(tmp_path, log=LOG)
    assert parts(third) == [("u", 1, "newer", 5)]
    third.close()


async def test_damaged_journal_of_another_server_does_not_lose_our_own(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, jp_asyncio_loop: Any
) -> None:
    ours, theirs = Journal(tmp_path, log=LOG), Journal(tmp_path, log=LOG)
    ours.put("parts", PART)
    theirs.put("parts", *(("u", number, "e" * 500, 1) for number in range(500)))
    await ours.written()
    await theirs.written()
    ours.close()
    theirs.close()
    path = tmp_path / "journal-1.sqlite"
    path.write_bytes(path.read_bytes()[:40_960] + os.urandom(path.stat().st_size - 40_960))
    again = Journal(tmp_path, log=LOG)
    assert "cannot be imported" in caplog.text
    assert PART in parts(again)
    again.close()
    later = Journal(tmp_path, log=LOG)
    assert PART in parts(later), "the journal was in a file, not in memory"
    later.close()
