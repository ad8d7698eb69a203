"""A server with a handler of Jupyter's event logger, as an administrator configures it."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_server.auth import IdentityProvider, User

from odhtec_jupyter.services import Services
from tests.handlers.policy.conftest import repo, server, store, switch
from tests.handlers.policy.test_every_route import prepare
from tests.handlers.test_permissions import authorizer
from tests.waiting import GIVE_UP_SECONDS

__all__ = ["authorizer", "prepare", "repo", "server", "store", "switch"]


class Recorded:
    """The lines that a handler has written."""

    def __init__(self, services: Services, path: Path) -> None:
        self._services = services
        self.path = path
        self._read = 0

    async def lines(self) -> list[str]:
        """Return the lines since the last call, when all events are written."""
        await asyncio.to_thread(self._services.audit.close)
        found = self.path.read_text(encoding="utf-8").split("\n")[:-1]
        new, self._read = found[self._read :], len(found)
        return new

    async def events(self) -> list[dict[str, Any]]:
        """Return the events since the last call, without the fields that Jupyter adds."""
        found = [json.loads(line) for line in await self.lines()]
        return [{k: v for k, v in one.items() if not k.startswith("__") and k != "taskName"} for one in found]

    async def awaited(self) -> list[dict[str, Any]]:
        """Return the events of requests; waits for one, because a client can have a reply before its request ends."""
        async with asyncio.timeout(GIVE_UP_SECONDS):
            while not (found := await self.of_requests()):  # noqa: ASYNC110 (a file sets no event)
                await asyncio.sleep(0.01)
        return found

    async def of_requests(self) -> list[dict[str, Any]]:
        """Return the events since the last call that are not of a transfer by itself."""
        return [one for one in await self.events() if one["action"] not in {"transfer.start", "transfer.finish"}]


def record(services: Services, logger: Any, path: Path) -> tuple[Recorded, logging.Handler]:
    handler = logging.FileHandler(path, encoding="utf-8")
    logger.register_handler(handler)
    return Recorded(services, path), handler


@pytest.fixture
def recorded(server: Services, jp_serverapp: Any, tmp_path: Path) -> Iterator[Recorded]:
    """What a file has of the events of the server behind ``odd_api``."""
    found, handler = record(server, jp_serverapp.event_logger, tmp_path / "audit.log")
    yield found
    jp_serverapp.event_logger.remove_handler(handler)
    handler.close()


class Alice(IdentityProvider):
    """An identity provider with one user. Jupyter's own has another anonymous user for each request with a token."""

    def generate_anonymous_user(self, handler: Any) -> User:
        return User(username="alice")


@pytest.fixture(autouse=True)
def alice(jp_server_config: Any) -> None:
    jp_server_config.ServerApp.identity_provider_class = Alice
