"""Deletions in stores that are too busy to delete a key."""

from __future__ import annotations

from typing import Any

import pytest

from odhtec_jupyter.keys import encode_key
from tests.odd_store import OddStore, Reply, Request, failure


@pytest.mark.parametrize("path", ["bucket", "multiple/bucket"])
async def test_deletion_of_a_key_is_sent_again_to_a_busy_store(odd_api: Any, odd_store: OddStore, path: str) -> None:
    odd_store.put("a", b"")
    odd_store.put("b", b"")
    left = 3

    def refuse(request: Request) -> Reply | None:
        nonlocal left
        if request.method == "DELETE" and request.key == "a" and left:
            left -= 1
            return failure(503, "SlowDown")
        return failure(501, "NotImplemented") if "delete" in request.query else None

    odd_store.refuse = refuse
    if path == "bucket":
        reply = await odd_api.ok("DELETE", "objects/bucket", encode_key("a"))
        assert reply == {"deleted": ["a"], "errors": []}
    else:
        reply = await odd_api.ok("DELETE", "objects/multiple/bucket", json_body={"keys": ["a", "b"]})
        assert (sorted(reply["deleted"]), reply["errors"], odd_store.objects) == (["a", "b"], [], {})
    assert "a" not in odd_store.objects


async def test_busy_store_is_reported_for_the_key_that_it_does_not_delete(odd_api: Any, odd_store: OddStore) -> None:
    odd_store.put("a", b"")
    odd_store.put("b", b"")

    def refuse(request: Request) -> Reply | None:
        if "delete" in request.query:
            return failure(501, "NotImplemented")
        return failure(503, "SlowDown") if (request.method, request.key) == ("DELETE", "a") else None

    odd_store.refuse = refuse
    reply = await odd_api.ok("DELETE", "objects/multiple/bucket", json_body={"keys": ["a", "b"]})
    assert (reply["deleted"], [(one["Key"], one["Code"]) for one in reply["errors"]]) == (["b"], [("a", "SlowDown")])
    assert (await odd_api.refused(503, "DELETE", "objects/bucket", encode_key("a")))["error"] == "SlowDown"
