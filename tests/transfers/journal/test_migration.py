"""A journal that version 1 wrote is migrated, and its transfers and uploads are resumed."""

from __future__ import annotations

import hashlib
import logging
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from odhtec_jupyter.demo.content import SyntheticContent
from odhtec_jupyter.demo.hub.repository import Repository
from odhtec_jupyter.demo.hub.stand_in import HubStandIn
from odhtec_jupyter.services import Services
from odhtec_jupyter.stores.workspace.store import WorkspaceStore
from odhtec_jupyter.transfers.journal.journal import TABLES, VERSION, Journal
from odhtec_jupyter.transfers.runtime.parts import PART_SIZE
from tests.content import body_of, multiparts
from tests.transfers.steps import ended

LOG = logging.getLogger("odhtec-test")
# Written by version 1 while it ran three transfers and an upload; names in braces stand for those of a run.
VERSION_1 = Path(__file__).with_name("version_1.sql")
IMPORT, COPY, PUBLISHED = "6c4cd9acb8a22125", "4868ecb8b9f0c6ce", "d8030926bfdc6d7f"  # its transfers
UPLOAD = "14868257e5cf763d31314cfcad30be6b"
LARGE = SyntheticContent(5 * PART_SIZE + 11, seed=3)
SMALL = SyntheticContent(300_000, seed=1)
UPLOADED = SyntheticContent(2 * PART_SIZE, seed=9)


def part(content: SyntheticContent, number: int) -> bytes:
    return content.read()[(number - 1) * PART_SIZE : number * PART_SIZE]


def begin_multipart(client: Any, bucket: str, key: str, content: SyntheticContent, *numbers: int) -> dict[str, str]:
    """Store parts as version 1 did. Return upload id and ETags by their placeholders in the journal."""
    upload_id = client.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
    names = {"upload_id": upload_id}
    for number in numbers:
        body = part(content, number)
        reply = client.upload_part(Bucket=bucket, Key=key, UploadId=upload_id, PartNumber=number, Body=body)
        names[f"etag_{number}"] = reply["ETag"]
    return names


@pytest.fixture
def model(hub: HubStandIn) -> Iterator[Repository]:
    repository = hub.add(Repository("org/model"))
    repository.commit({"config.json": b"{}", "large.bin": LARGE, "small.bin": SMALL})
    return repository


@pytest.fixture
def journal(
    make_services: Callable[..., Services],
    model: Repository,
    s3_client: Any,
    bucket: str,
    workspace: Path,
    tmp_path: Path,
) -> Path:
    """A journal of version 1, and what its server had stored so far: parts, a partial file, a renamed file."""
    services = make_services(state_dir="")
    text = VERSION_1.read_text()
    imported = begin_multipart(s3_client, bucket, "imported/large.bin", LARGE, 1, 2, 3)
    uploaded = begin_multipart(s3_client, bucket, "uploaded.bin", UPLOADED, 1)
    store = WorkspaceStore(workspace)
    partial = store.begin("copied.bin", f"{COPY}-0")
    for number in (1, 2, 3):
        partial.write_at((number - 1) * PART_SIZE, memoryview(part(LARGE, number)))
    partial.close()
    (workspace / "published.bin").write_bytes(SMALL.read())
    published = store.head("published.bin")
    assert published is not None
    commit = model.at("main")
    assert commit is not None
    names = {
        "endpoint": services.s3.host,
        "hub_endpoint": services.hub.host,
        "bucket": bucket,
        "commit": commit.sha,
        "published_pin": published.pin,
        "touched_at": str(time.time()),
        **{f"imported_{name}": value for name, value in imported.items()},
        **{f"uploaded_{name}": value for name, value in uploaded.items()},
    }
    for name, value in names.items():
        assert f"{{{name}}}" in text, name
        text = text.replace(f"{{{name}}}", value)
    folder = tmp_path / "state"
    folder.mkdir(mode=0o700)
    database = sqlite3.connect(folder / "journal.sqlite")
    database.executescript(text)
    database.close()
    return folder / "journal.sqlite"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def sha256s_of(folder: Path) -> dict[str, str]:
    return {path.name: sha256(path.read_bytes()) for path in folder.iterdir()}


async def test_transfers_and_uploads_of_version_1_are_resumed(
    make_services: Callable[..., Services], journal: Path, s3_client: Any, bucket: str, workspace: Path
) -> None:
    services = make_services()
    await services.start()
    upload = await services.uploads.show(UPLOAD)
    assert ([part.number for part in upload.parts], upload.bytes_done) == ([1], PART_SIZE)
    for transfer_id in (IMPORT, COPY, PUBLISHED):
        transfer = await ended(services, services.transfers.get(transfer_id))
        assert (transfer.state, transfer.error) == ("completed", None)
    assert sha256(body_of(s3_client, bucket, "imported/large.bin")) == LARGE.sha256
    assert sha256s_of(workspace) == {
        "copied.bin": LARGE.sha256,
        "published.bin": SMALL.sha256,
    }
    assert [upload["Key"] for upload in multiparts(s3_client, bucket)] == ["uploaded.bin"], "no other one was created"
    assert [entry.owner.id for entry in services.engine.pending_writes.entries] == [UPLOAD]
    await services.uploads.drop(UPLOAD)
    assert multiparts(s3_client, bucket) == []


def test_tables_of_version_1_are_migrated(journal: Path, tmp_path: Path) -> None:
    today = Journal(tmp_path / "today", log=LOG)
    migrated = Journal(journal.parent, log=LOG)
    for table in TABLES:
        columns = f"PRAGMA table_info({table})"
        assert migrated._database.execute(columns).fetchall() == today._database.execute(columns).fetchall()
    entries = {row["uri"].rpartition("/")[2]: row for row in migrated.rows("pending_writes")}
    assert {name: (row["upload_id"] is None, row["token"]) for name, row in entries.items()} == {
        "large.bin": (False, None),
        "uploaded.bin": (False, None),
        "copied.bin": (True, f"{COPY}-0"),
        "published.bin": (True, f"{PUBLISHED}-0"),
    }
    assert [name for name, row in entries.items() if row["published_pin"]] == ["published.bin"]
    assert min(row["number"] for row in migrated.rows("parts")) == 1
    assert migrated._database.execute("PRAGMA user_version").fetchone()[0] == VERSION
    today.close()
    migrated.close()


def test_failed_migration_changes_nothing(journal: Path, caplog: pytest.LogCaptureFixture) -> None:
    database = sqlite3.connect(journal)
    database.execute("CREATE TABLE pending_writes (in_the_way TEXT)")  # so that the migration fails half-way
    database.commit()
    before = "\n".join(database.iterdump())
    database.close()
    Journal(journal.parent, log=LOG).close()
    assert "transfers end with the server" in caplog.text
    database = sqlite3.connect(journal)
    assert (database.execute("PRAGMA user_version").fetchone()[0], "\n".join(database.iterdump())) == (1, before)
    database.close()


def test_uploads_of_version_2_are_on_the_default_connection(tmp_path: Path) -> None:
    database = sqlite3.connect(tmp_path / "journal.sqlite")
    for table, columns in TABLES.items():
        database.execute(f"CREATE TABLE {table} ({columns.partition(', connection TEXT')[0]})")
    database.execute(f"INSERT INTO uploads (id, endpoint, if_absent) VALUES ('{UPLOAD}', 'store:9000', 0)")
    database.execute("PRAGMA user_version = 2")
    database.commit()
    database.close()
    journal = Journal(tmp_path, log=LOG)
    (row,) = journal.rows("uploads")
    assert (row["id"], row["connection"], row["fingerprint"]) == (UPLOAD, "", "")
    for table in TABLES:
        columns = f"PRAGMA table_info({table})"
        found = [tuple(one)[1:3] for one in journal._database.execute(columns).fetchall()]
        assert found == [tuple(one.split(" ")[:2]) for one in TABLES[table].partition(", PRIMARY")[0].split(", ")]
    journal.close()


async def test_what_this_version_cannot_use_does_not_keep_the_rest_from_being_loaded(
    make_services: Callable[..., Services], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "state"
    folder.mkdir(mode=0o700)
    database = sqlite3.connect(folder / "journal.sqlite")
    for table, columns in TABLES.items():
        database.execute(f"CREATE TABLE {table} ({columns.partition(', connection TEXT')[0]})")
    # Version 2 took everything before the first slash for the bucket, and listed the transfer as failed.
    for number, source in enumerate(["s3://bucket/from/", "s3://some.user@bucket/from/", "s3://key:secret@bucket/"]):
        database.execute(
            "INSERT INTO transfers (id, action, source, target, options, state, planned, created_at) VALUES"
            f" ('{number}', 'copy', '{source}', 'workspace://to/', '{{}}', 'failed', 0, '2026-01-01T00:00:00+00:00')"
        )
        database.execute(
            f"INSERT INTO pending_writes (id, owner, uri, started_at) VALUES ('{number}', 'stream', '{source}', 0)"
        )
    database.execute("PRAGMA user_version = 2")
    database.commit()
    database.close()
    services = make_services()
    await services.start()
    assert [transfer.id for transfer in services.transfers.list()] == ["0"]
    assert [entry.id for entry in services.engine.pending_writes.entries] == ["0"]
    assert caplog.text.count("cannot be used and is left out") == 4
    assert "secret" not in caplog.text
