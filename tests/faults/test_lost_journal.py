"""The journal is removed or truncated and the server is killed, but no transfer is forgotten."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from odhtec_jupyter.demo.content import SyntheticContent
from odhtec_jupyter.demo.hub.repository import Repository
from odhtec_jupyter.demo.hub.stand_in import HubStandIn
from odhtec_jupyter.transfers.runtime.parts import PART_SIZE
from tests.conftest import S3Server
from tests.faults.bucket import Bucket, checksums, require_no_upload_left
from tests.faults.jupyter import Api
from tests.faults.killer import Killer, Moment
from tests.faults.rules import Rule
from tests.marks import on_moto

MOMENT = Moment("part", 2)
LOSSES: dict[str, Callable[[Path], None]] = {
    "removed": Path.unlink,
    "emptied": lambda path: path.write_bytes(b""),
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:5000]),
}


@pytest.fixture
def stalled_import(api: Api, hub: HubStandIn, s3_bucket: Bucket, killer: Killer) -> tuple[str, Repository, Rule]:
    """An import that stalls in its second part."""
    model = hub.add(Repository("org/model"))
    model.commit({"large.bin": SyntheticContent(2 * PART_SIZE, seed=1)})
    rule = killer.aim(MOMENT, alone=True)
    transfer = api.start_import(s3_bucket.name)["id"]
    assert rule.wait()
    return transfer, model, rule


def journal_of(killer: Killer) -> Path:
    return killer.server.folder / "data" / "odhtec" / "journal.sqlite"


@on_moto
@pytest.mark.parametrize("loss", ["removed", "emptied", pytest.param("truncated", marks=pytest.mark.extended)])
def test_lost_journal_is_written_again(
    api: Api,
    killer: Killer,
    s3_bucket: Bucket,
    s3_server: S3Server,
    stalled_import: tuple[str, Repository, Rule],
    loss: str,
) -> None:
    transfer, model, rule = stalled_import
    LOSSES[loss](journal_of(killer))
    for _ in range(2):  # the first one opens a new journal, and the second one waits until everything is in it
        api.call("DELETE", f"objects/multiple/{s3_bucket.name}", {"keys": [], "prefixes": ["none/"]})
    killer.kill(MOMENT, rule)
    killer.server.start()
    ended = api.ended(transfer)
    assert (ended["state"], ended["error"]) == ("completed", None)
    assert s3_bucket.contents() == checksums(model)
    require_no_upload_left(s3_bucket, s3_server)


@on_moto
def test_upload_of_a_lost_journal_is_listed_as_unfinished(
    api: Api, killer: Killer, s3_bucket: Bucket, stalled_import: tuple[str, Repository, Rule]
) -> None:
    _, _, rule = stalled_import
    killer.kill(MOMENT, rule)
    journal_of(killer).unlink()
    killer.server.start()
    assert api.transfers() == []
    (left,) = api.call("GET", f"multipart/{s3_bucket.name}")["uploads"]
    assert (left["Key"], left["inUse"]) == ("org/model/large.bin", False)
    named = {"uploads": [{"Key": left["Key"], "UploadId": left["UploadId"]}]}
    assert api.call("DELETE", f"multipart/{s3_bucket.name}", named)["errors"] == []
    assert s3_bucket.unfinished() == []
