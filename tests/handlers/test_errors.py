"""Errors of handlers as clients in a kernel receive them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from odhtec_jupyter.client import Client
from odhtec_jupyter.errors import CODES, OdhTecError, StoreError
from odhtec_jupyter.handlers.buckets import BucketsHandler
from tests.marks import on_moto

# Errors that only the client raises.
CLIENT_ONLY = {"BadGateway", "NoExtension", "NoServer", "ProxyBodyLimit", "SeveralServers", "UnexpectedReply"}


@on_moto
async def test_every_registered_error_arrives_as_it_was_raised(
    api: Any, jp_base_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    raised: list[OdhTecError] = []

    async def fail(handler: BucketsHandler) -> None:
        raise raised[-1]

    monkeypatch.setattr(BucketsHandler, "get", fail)
    client = Client(f"http://127.0.0.1:{api.port}{jp_base_url}", token=api.token)
    errors = [one.kind(f"This is {code}.", code=code) for code, one in CODES.items() if code not in CLIENT_ONLY]
    errors += [
        StoreError("S3 replied with an unknown code.", code="NoSuchLifecycleConfiguration", status=404),
        StoreError("S3 failed.", code="InternalError", status=502),
        StoreError("S3 does not know the session token.", code="InvalidToken", status=400),
    ]
    try:
        for error in errors:
            raised.append(error)
            with pytest.raises(OdhTecError) as caught:
                await asyncio.to_thread(client.api.list_buckets)
            arrived = caught.value
            assert type(arrived) is type(error), error.code
            assert (arrived.code, arrived.status, str(arrived)) == (error.code, error.status, str(error))
            assert arrived.transient == error.transient
    finally:
        client.api.connection.close()


@on_moto
async def test_refusal_of_jupyter_is_not_reported_as_one_of_s3(api: Any) -> None:
    refused = await api.refused(403, "GET", "buckets", headers={"Authorization": "token wrong"})
    assert refused["error"] == "Forbidden"
