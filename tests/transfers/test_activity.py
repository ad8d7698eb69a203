from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from odhtec_jupyter.services import Services
from tests.marks import on_moto
from tests.transfers.steps import begin_planned, ended, no_files
from tests.waiting import GIVE_UP_SECONDS


@on_moto
async def test_transfer_without_progress_is_activity(
    make_services: Callable[..., Services], monkeypatch: pytest.MonkeyPatch, workspace: Path, bucket: str
) -> None:
    monkeypatch.setattr("odhtec_jupyter.background.ACTIVITY_SECONDS", 0.01)
    services = make_services()
    noted = asyncio.Event()
    services.note_activity = noted.set
    await services.start()
    (workspace / "a.txt").write_bytes(b"a")
    async with no_files(services):  # no file moves
        transfer = await begin_planned(services, "copy", "workspace://a.txt", f"s3://{bucket}/a.txt")
        noted.clear()
        await asyncio.wait_for(noted.wait(), GIVE_UP_SECONDS)
    assert (await ended(services, transfer)).state == "completed"
