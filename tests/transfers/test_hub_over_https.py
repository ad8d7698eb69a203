"""A hub whose two hosts speak https, with certificates of an authority that only the settings name."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from odhtec_jupyter.demo.content import SyntheticContent
from odhtec_jupyter.demo.hub.repository import Repository
from odhtec_jupyter.demo.hub.stand_in import HubStandIn
from odhtec_jupyter.errors import Unreachable
from odhtec_jupyter.models import ImportRequest
from odhtec_jupyter.services import Services
from odhtec_jupyter.transfers.runtime.parts import PART_SIZE
from tests.content import contents
from tests.marks import on_moto
from tests.transfers.steps import begin_import, ended

pytestmark = [on_moto, pytest.mark.tls]

FILES = {"config.json": SyntheticContent(100, seed=1), "model.bin": SyntheticContent(2 * PART_SIZE + 5, seed=2)}


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def stranger() -> trustme.CA:
    """An authority that is not configured."""
    return trustme.CA()


def certified(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "127.0.0.2").configure_cert(context)
    return context


@pytest.fixture
def make_hub() -> Iterator[Callable[[trustme.CA, trustme.CA], HubStandIn]]:
    """A function that starts a hub with certificates of two authorities: for the API, and for the large files."""
    started: list[HubStandIn] = []

    def make(api: trustme.CA, files: trustme.CA) -> HubStandIn:
        repository = Repository("org/model")
        repository.commit(FILES)
        hub = HubStandIn(repository, tls=(certified(api), certified(files)))
        hub.start()
        started.append(hub)
        return hub

    yield make
    for hub in started:
        hub.stop()


@pytest.fixture
def start(
    make_services: Callable[..., Services],
    make_hub: Callable[[trustme.CA, trustme.CA], HubStandIn],
    authority: trustme.CA,
    tmp_path: Path,
) -> Callable[..., Any]:
    """A function that starts services that trust the authority, and a hub with certificates of these authorities."""
    bundle = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(bundle))

    async def begin(api: trustme.CA, files: trustme.CA) -> tuple[Services, HubStandIn]:
        hub = make_hub(api, files)
        made = make_services(hf_endpoint=hub.endpoint, ca_bundle=str(bundle))
        await made.start()
        return made, hub

    return begin


async def test_redirect_of_the_hub_is_followed_over_https(
    start: Callable[..., Any], authority: trustme.CA, s3_client: Any, bucket: str
) -> None:
    services, hub = await start(authority, authority)
    assert hub.endpoint.startswith("https://")
    transfer = await ended(services, await begin_import(services, ImportRequest(repo="org/model", bucket=bucket)))
    assert (transfer.state, transfer.error) == ("completed", None)
    assert contents(s3_client, bucket) == {f"org/model/{path}": file.read() for path, file in FILES.items()}
    assert any(seen.host == "cdn" for seen in hub.traffic.seen()), "the large file came by the redirect"


async def test_host_of_large_files_with_another_authority_is_refused(
    start: Callable[..., Any], authority: trustme.CA, stranger: trustme.CA, s3_client: Any, bucket: str
) -> None:
    services, hub = await start(authority, stranger)
    transfer = await ended(services, await begin_import(services, ImportRequest(repo="org/model", bucket=bucket)))
    assert transfer.state == "failed"
    assert transfer.error is not None
    assert "certificate verify failed" in transfer.error.message
    assert "org/model/model.bin" not in contents(s3_client, bucket)
    assert not any(seen.host == "cdn" for seen in hub.traffic.seen())


async def test_hub_with_another_authority_is_refused(
    start: Callable[..., Any], stranger: trustme.CA, authority: trustme.CA, bucket: str
) -> None:
    services, hub = await start(stranger, authority)
    with pytest.raises(Unreachable, match="certificate verify failed"):
        await begin_import(services, ImportRequest(repo="org/model", bucket=bucket))
    assert hub.traffic.seen() == []
