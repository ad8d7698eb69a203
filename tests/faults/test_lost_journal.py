"""The journal is removed or truncated, and the server is killed: what was begun is not forgotten."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from odhtec_jupyter.demo.content import SyntheticContent
from odhtec_jupyter.demo.hub.repository import Repository
from odhtec_jupyter.demo.hub.stand_in import HubStandIn
from odhtec_jupyter.transfers.runtime.parts import PART_SIZE
from tests.conftest import S3Server
from tests.faults.bucket import Bucket, checksums, nothing_left_over
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
def begun(api: Api, hub: HubStandIn, holding: Bucket, killer: Killer) -> tuple[str, Repository, Rule]:
    """An import that stands still in its second part."""
    model = hub.add(Repository("org/model"))
    model.commit({"large.bin": SyntheticContent(2 * PART_SIZE, seed=1)})
    rule = killer.aim(MOMENT, alone=True)
    transfer = api.start_import(holding.name)["id"]
    assert rule.wait()
    return transfer, model, rule


def journal_of(killer: Killer) -> Path:
    return killer.server.folder / "data" / "odhtec" / "journal.sqlite"


@on_moto
@pytest.mark.parametrize("loss", ["removed", "emptied", pytest.param("truncated", marks=pytest.mark.extended)])
def test_lost_journal_is_written_again(
    api: Api,
    killer: Killer,
    holding: Bucket,
    s3_server: S3Server,
    begun: tuple[str, Repository, Rule],
    loss: str,
) -> None:
    transfer, model, rule = begun
    LOSSES[loss](journal_of(killer))
    for _ in range(2):  # the first is written to the new journal, the second after all that the server knows
        api.call("DELETE", f"objects/multiple/{holding.name}", {"keys": [], "prefixes": ["none/"]})
    killer.kill(MOMENT, rule)
    killer.server.start()
    ended = api.ended(transfer)
    assert (ended["state"], ended["error"]) == ("completed", None)
    assert holding.contents() == checksums(model)
    nothing_left_over(holding, s3_server)


@on_moto
def test_upload_of_a_lost_journal_is_listed_as_unfinished(
    api: Api, killer: Killer, holding: Bucket, begun: tuple[str, Repository, Rule]
) -> None:
    _, _, rule = begun
    killer.kill(MOMENT, rule)
    journal_of(killer).unlink()
    killer.server.start()
    assert api.transfers() == []
    (left,) = api.call("GET", f"multipart/{holding.name}")["uploads"]
    assert (left["Key"], left["inUse"]) == ("org/model/large.bin", False)
    named = {"uploads": [{"Key": left["Key"], "UploadId": left["UploadId"]}]}
    assert api.call("DELETE", f"multipart/{holding.name}", named)["errors"] == []
    assert holding.unfinished() == []
