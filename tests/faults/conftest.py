"""A real Jupyter server with a fault proxy in front of S3 and of the hub."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from odhtec_jupyter.demo.hub.stand_in import HubStandIn
from tests.conftest import S3Server, free_port
from tests.faults.bucket import Bucket
from tests.faults.jupyter import Api, KillableServer
from tests.faults.killer import SEED, Killer
from tests.faults.proxy import Proxy
from tests.faults.traffic import hub_kind


@pytest.fixture(scope="session", params=["moto", "rgw"])
def s3_server(request: pytest.FixtureRequest) -> S3Server:
    """The S3 servers over http, because the proxy cannot read https."""
    if request.param == "moto":
        moto: S3Server = request.getfixturevalue("moto_server")
        return moto
    servers: dict[str, S3Server] = request.getfixturevalue("rgw_servers")
    return servers["rgw"]


@pytest.fixture(scope="module")
def _s3_proxy(s3_server: S3Server) -> Iterator[Proxy]:
    with Proxy(s3_server.endpoint_url) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def _hub() -> Iterator[HubStandIn]:
    with HubStandIn() as stand_in:
        yield stand_in


@pytest.fixture(scope="module")
def _hub_proxies(_hub: HubStandIn) -> Iterator[tuple[Proxy, Proxy]]:
    # On two addresses, like the stand-in: a token must not follow a redirect to another host.
    address = _hub.service.cdn_endpoint.removeprefix("http://").partition(":")[0]
    with (
        Proxy(_hub.service.endpoint, kind=hub_kind) as api,
        Proxy(_hub.service.cdn_endpoint, kind=hub_kind, address=address) as cdn,
    ):
        # Redirects and pages of the stand-in use these addresses.
        _hub.service.endpoint, _hub.service.cdn_endpoint = api.url, cdn.url
        yield api, cdn


TRANSFERS = "odhtec_jupyter.transfers."
# Constants of the server, which a test module can override.
CONSTANTS: dict[str, object] = {
    # The first retry comes soon. All retries of a request still last for seconds.
    TRANSFERS + "runtime.retry.FIRST_DELAY_SECONDS": 0.02,
    # The load of the machine must not change the requests: no speed makes parts larger, or lets several connections
    # read one part.
    TRANSFERS + "copying.connection_scaler.FAST_BYTES_PER_SECOND": 2**60,
    TRANSFERS + "copying.connection_scaler.SLOW_BYTES_PER_SECOND": 0,
    TRANSFERS + "uploads.streamed_upload.FAST_BYTES_PER_SECOND": 2**60,
}


@pytest.fixture(scope="module")
def server_constants() -> dict[str, object]:
    """Constants of modules in the server, by full name. A test module can override this fixture."""
    return CONSTANTS


@pytest.fixture(scope="module")
def _server(
    s3_server: S3Server,
    _s3_proxy: Proxy,
    _hub_proxies: tuple[Proxy, Proxy],
    server_constants: dict[str, object],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[KillableServer]:
    env = s3_server.env | {
        "AWS_S3_ENDPOINT": _s3_proxy.url,
        "HF_ENDPOINT": _hub_proxies[0].url,
        "HF_HUB_DISABLE_TELEMETRY": "1",  # so that all requests belong to the import
    }
    folder = tmp_path_factory.mktemp("killable")
    with KillableServer(folder, env, free_port(), constants=server_constants) as server:
        yield server


@pytest.fixture
def s3_proxy(_s3_proxy: Proxy) -> Iterator[Proxy]:
    """The proxy in front of S3, without rules and traffic of other tests."""
    _s3_proxy.clear()
    yield _s3_proxy
    _s3_proxy.rules.clear()


@pytest.fixture
def hub(_hub: HubStandIn) -> HubStandIn:
    """An empty hub."""
    _hub.reset()
    _hub.service.tokens.clear()
    return _hub


@pytest.fixture
def hub_proxy(_hub_proxies: tuple[Proxy, Proxy]) -> Iterator[Proxy]:
    """The proxy in front of the hub: requests of the kinds ``api`` and ``resolve``."""
    _hub_proxies[0].clear()
    yield _hub_proxies[0]
    _hub_proxies[0].rules.clear()


@pytest.fixture
def cdn_proxy(_hub_proxies: tuple[Proxy, Proxy]) -> Iterator[Proxy]:
    """The proxy in front of the host to which the hub redirects: requests of the kind ``cdn``."""
    _hub_proxies[1].clear()
    yield _hub_proxies[1]
    _hub_proxies[1].rules.clear()


@pytest.fixture
def server(_server: KillableServer, s3_proxy: Proxy, hub_proxy: Proxy, cdn_proxy: Proxy) -> KillableServer:
    """A running server that reaches S3 and the hub through the proxies. An earlier test may have killed it."""
    if not _server.running:
        _server.start()
    return _server


@pytest.fixture
def api(server: KillableServer) -> Api:
    return Api(server)


@pytest.fixture
def s3_bucket(s3_client: object, bucket: str) -> Bucket:
    """The bucket, without the proxy."""
    return Bucket(s3_client, bucket)  # type: ignore[arg-type]


@pytest.fixture
def killer(
    server: KillableServer,
    s3_proxy: Proxy,
    hub_proxy: Proxy,
    cdn_proxy: Proxy,
    record_property: Callable[[str, object], None],
) -> Killer:
    """The killer of the server. The summary shows each kill and what was sent again."""
    record_property("seed", f"ODHTEC_SEED={SEED}")
    return Killer(server, s3_proxy, hub_proxy, cdn_proxy, record_property)


@pytest.fixture
def background(s3_proxy: Proxy, hub_proxy: Proxy, cdn_proxy: Proxy) -> Iterator[ThreadPoolExecutor]:
    """Threads for requests that may stall."""
    with ThreadPoolExecutor(4) as pool:
        yield pool
        for proxy in (s3_proxy, hub_proxy, cdn_proxy):  # ends stalled requests of a test that failed
            proxy.rules.clear()
