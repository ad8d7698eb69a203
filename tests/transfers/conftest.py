from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from odhtec_jupyter.network import Network
from odhtec_jupyter.services import Services
from odhtec_jupyter.settings import HubConnection, OdhTecSettings, S3Connection
from odhtec_jupyter.stores.hub.store import HubStore
from odhtec_jupyter.stores.s3.store import S3Store
from odhtec_jupyter.transfers.journal.journal import Journal
from odhtec_jupyter.transfers.manager import TransferManager
from odhtec_jupyter.transfers.runtime import retry
from odhtec_jupyter.transfers.runtime.engine import Engine
from odhtec_jupyter.transfers.runtime.parts import PART_SIZE
from odhtec_jupyter.transfers.uploads.sessions import Uploads

LOG = logging.getLogger("odhtec-test")


@pytest.fixture(autouse=True)
def _quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "FIRST_DELAY_SECONDS", 0.01)


@pytest.fixture
def network(s3_server: Any) -> Network:
    return Network(ca_bundles=(s3_server.ca_bundle,) if s3_server.ca_bundle else ())


@pytest.fixture
def store(s3_server: Any, network: Network) -> Iterator[S3Store]:
    made = S3Store(
        S3Connection(
            endpoint=s3_server.endpoint_url,
            region=s3_server.region,
            access_key_id=s3_server.access_key_id,
            secret_access_key=s3_server.secret_access_key,
        ),
        network,
    )
    yield made
    made.close()


@pytest.fixture
def hub_store(hub: Any, network: Network) -> Iterator[HubStore]:
    made = HubStore(HubConnection(hub.endpoint), network)
    yield made
    made.close()


@pytest.fixture
def engine(jp_asyncio_loop: Any) -> Iterator[Engine]:
    made = Engine(max_memory=8 * PART_SIZE, max_concurrent_transfers=2, journal=Journal(None, log=LOG))
    yield made
    assert made.budget.used == 0, "a lease was not given back"
    made.close()
    made.journal.close()


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """The client's socket and ours, which does not block."""
    theirs, ours = socket.socketpair()
    ours.setblocking(False)
    with theirs, ours:
        yield theirs, ours


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """The root directory of the server."""
    folder = tmp_path / "workspace"
    folder.mkdir()
    return folder


@pytest.fixture
def make_services(
    s3_server: Any, hub: Any, tmp_path: Path, workspace: Path, clean_environment_variables: None, jp_asyncio_loop: Any
) -> Iterator[Callable[..., Services]]:
    """A function that returns the services of a new server. All servers use the same journal, one after the other.

    Settings that are None are not set.
    """
    made: list[Services] = []

    def make(**settings: Any) -> Services:
        chosen: dict[str, Any] = {
            "s3_endpoint": s3_server.endpoint_url,
            "s3_region": s3_server.region,
            "s3_access_key_id": s3_server.access_key_id,
            "s3_secret_access_key": s3_server.secret_access_key,
            "ca_bundle": s3_server.ca_bundle or "",
            "hf_endpoint": hub.endpoint,
            "max_memory": 8 * PART_SIZE,
            "state_dir": str(tmp_path / "state"),
        }
        given = {name: value for name, value in (chosen | settings).items() if value is not None}
        services = Services(OdhTecSettings(**given), workspace, log=LOG)
        made.append(services)
        return services

    yield make
    for services in made:
        jp_asyncio_loop.run_until_complete(services.stop())
        assert services.engine.budget.used == 0, "a lease was not given back"


@pytest.fixture
def services(make_services: Callable[..., Services], jp_asyncio_loop: Any) -> Services:
    """The services of a server that has just started."""
    made = make_services()
    jp_asyncio_loop.run_until_complete(made.start())
    return made


@pytest.fixture
def manager(services: Services) -> TransferManager:
    return services.transfers


@pytest.fixture
def uploads(engine: Engine, store: S3Store) -> Uploads:
    return Uploads(engine, lambda name: store, keep_days=7)


@pytest.fixture
def start(store: S3Store, tmp_path: Path, jp_asyncio_loop: Any) -> Iterator[Callable[[], tuple[Engine, Uploads]]]:
    """A function that starts a server with the same journal; the server before ends as if it were killed."""
    engines: list[Engine] = []

    def end() -> None:
        for engine in engines:
            assert engine.budget.used == 0
            engine.close()
            engine.journal.close()
        engines.clear()

    def begin() -> tuple[Engine, Uploads]:
        end()
        engine = Engine(
            max_memory=8 * PART_SIZE, max_concurrent_transfers=2, journal=Journal(tmp_path / "state", log=LOG)
        )
        engines.append(engine)
        engine.pending_writes.load()
        uploads = Uploads(engine, lambda name: store, keep_days=7)
        uploads.load()
        return engine, uploads

    yield begin
    end()
