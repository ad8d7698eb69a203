from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from odhtec_jupyter.network import Network
from odhtec_jupyter.settings import HubConnection, S3Connection
from odhtec_jupyter.stores.hub import HubStore
from odhtec_jupyter.stores.s3 import S3Store
from odhtec_jupyter.transfers.engine import Engine
from odhtec_jupyter.transfers.manager import TransferManager
from odhtec_jupyter.transfers.parts import PART_SIZE


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
    made = Engine(max_memory=8 * PART_SIZE, max_concurrent_transfers=2)
    yield made
    assert made.budget.used == 0, "a lease was not given back"
    made.close()


@pytest.fixture
def manager(engine: Engine, jp_asyncio_loop: Any) -> Iterator[TransferManager]:
    made = TransferManager(engine, log=logging.getLogger("odhtec-test"))
    yield made
    jp_asyncio_loop.run_until_complete(made.stop())
