"""The real parts that the tests run against: S3 servers, a hub, Jupyter, a browser."""

from __future__ import annotations

import functools
import logging
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config as BotoConfig
from botocore.exceptions import ClientError

from odhtec_jupyter.demo.hub.stand_in import HubStandIn
from odhtec_jupyter.demo.jupyter_process import JupyterProcess, clean_environment
from odhtec_jupyter.settings import OdhTecSettings
from tests.installed import RGW_PROGRAMS, missing

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

pytest_plugins = ["pytest_jupyter.jupyter_server", "tests.selection"]

ROOT = Path(__file__).resolve().parent.parent
FOREIGN_VARIABLE = re.compile(
    r"(AWS|HF|HUGGING)_.*|(HTTPS?|ALL|NO)_PROXY|(SSL_CERT|REQUESTS_CA|CURL_CA)_.*|MAX_(CONCURRENT_TRANSFERS|BANDWIDTH)"
    r"|ODHTEC_(CONNECTION|ALLOW|ALLOWED|PRESIGN|MAX_OBJECT)_.*|ODHTEC_READ_ONLY|MC_HOST_.*",
    re.IGNORECASE,
)

# Before pytest-jupyter is imported; see tests/quick_start.
sys.path.insert(0, str(ROOT / "tests" / "quick_start"))

# At import, because session fixtures start servers and clients before the fixtures of a test run.
for _name in [name for name in os.environ if FOREIGN_VARIABLE.fullmatch(name)]:
    del os.environ[_name]
os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
# huggingface_hub reads it at its import, before any fixture runs. Otherwise it would use the cache of the user.
_HF_HOME = tempfile.TemporaryDirectory(prefix="odhtec-hf-home-")
os.environ["HF_HOME"] = _HF_HOME.name
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"


def python_path() -> str:
    """Return the PYTHONPATH with which a test server starts faster; see ``tests/quick_start``."""
    return os.pathsep.join([str(ROOT / "tests" / "quick_start"), *filter(None, [os.environ.get("PYTHONPATH")])])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def pytest_configure() -> None:
    # scripts/test stops its processes by SIGTERM. As after Ctrl-C, they then stop the servers that they started.
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_unconfigure() -> None:
    _HF_HOME.cleanup()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Stop servers that crashed test processes have left running."""
    factory = getattr(session.config, "_tmp_path_factory", None)
    if hasattr(session.config, "workerinput") or factory is None:
        return
    folder = factory.getbasetemp()
    for conf in folder.glob("**/rgw*/cluster/ceph.conf"):
        env = os.environ | {"ODHTEC_RGW_DIR": str(conf.parent)}
        subprocess.run([str(ROOT / "scripts" / "rgw"), "destroy"], env=env, stdin=subprocess.DEVNULL, timeout=120)
    for info in folder.glob("**/runtime/jpserver-*.json"):
        pid = int(info.stem.partition("-")[2])
        with suppress(OSError):  # the process may have ended, or its number may have been reused
            if str(folder).encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.killpg(pid, signal.SIGKILL)


@pytest.fixture(autouse=True)
def clean_environment_variables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Hide environment variables of other tests and servers, and the AWS configuration of the user."""
    for name in [name for name in os.environ if FOREIGN_VARIABLE.fullmatch(name)]:
        if not name.startswith(("HF_HUB_DISABLE_", "HF_HOME", "AWS_EC2_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "no-aws-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "no-aws-credentials"))


# --- S3 ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class S3Server:
    """An S3 server with its credentials."""

    name: str
    endpoint_url: str
    access_key_id: str
    secret_access_key: str
    region: str
    ca_bundle: str | None

    @property
    def env(self) -> dict[str, str]:
        """The data connection as Open Data Hub injects it."""
        env = {
            "AWS_S3_ENDPOINT": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
            "AWS_DEFAULT_REGION": self.region,
        }
        return env | ({"AWS_CA_BUNDLE": self.ca_bundle} if self.ca_bundle else {})


@pytest.fixture(scope="session")
def moto_server() -> Iterator[S3Server]:
    from moto.moto_server.threaded_moto_server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield S3Server("moto", f"http://{host}:{port}", "moto", "moto-secret", "us-east-1", None)
    server.stop()


@pytest.fixture(scope="session")
def rgw_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, S3Server]]:
    """A Ceph object gateway, started once and removed at the end, over http and https."""
    absent = [program for program in RGW_PROGRAMS if shutil.which(program) is None]
    if absent:
        missing(f"{', '.join(absent)} not installed, so the Ceph object gateway cannot run")
    script = str(ROOT / "scripts" / "rgw")
    for _ in range(3):  # another process may take a free port before the gateway does
        folder = tmp_path_factory.mktemp("rgw") / "cluster"
        port, tls_port, mon_port = free_port(), free_port(), free_port()
        env = os.environ | {
            "ODHTEC_RGW_DIR": str(folder),
            "ODHTEC_RGW_PORT": str(port),
            "ODHTEC_RGW_TLS_PORT": str(tls_port),
            "ODHTEC_RGW_MON_PORT": str(mon_port),
        }
        log = folder.parent / "start.log"
        # A file, because the daemons inherit the output and would keep a pipe open.
        with log.open("wb") as output:
            started = subprocess.run([script, "start"], env=env, stdout=output, stderr=output, timeout=180)
        if started.returncode == 0:
            break
        subprocess.run([script, "destroy"], env=env, stdin=subprocess.DEVNULL, timeout=120, check=True)
    else:
        pytest.fail(f"scripts/rgw start failed:\n{log.read_text()}")
    try:
        keys = ("odhtec", "odhtec-secret", "us-east-1")
        yield {
            "rgw": S3Server("rgw", f"http://127.0.0.1:{port}", *keys, None),
            "rgw-https": S3Server("rgw-https", f"https://localhost:{tls_port}", *keys, str(folder / "tls.crt")),
        }
    finally:
        subprocess.run([script, "destroy"], env=env, stdin=subprocess.DEVNULL, timeout=120, check=True)


@pytest.fixture(scope="session", params=["moto", "rgw", "rgw-https"])
def s3_server(request: pytest.FixtureRequest) -> S3Server:
    """Each S3 server in turn."""
    if request.param == "moto":
        moto: S3Server = request.getfixturevalue("moto_server")
        return moto
    servers: dict[str, S3Server] = request.getfixturevalue("rgw_servers")
    return servers[request.param]


@pytest.fixture(autouse=True)
def _empty_moto(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "moto_server" in request.fixturenames or "s3_server" in request.fixturenames:
        from moto.s3.models import s3_backends

        s3_backends.reset()


@functools.cache
def _boto3_session() -> boto3.session.Session:
    # Cached, because loading the description of S3 takes 100 ms.
    return boto3.session.Session()


def make_s3_client(server: S3Server) -> S3Client:
    """Return a plain boto3 client that uses none of the package's code."""
    return _boto3_session().client(
        "s3",
        endpoint_url=server.endpoint_url,
        aws_access_key_id=server.access_key_id,
        aws_secret_access_key=server.secret_access_key,
        region_name=server.region,
        verify=server.ca_bundle,
        config=BotoConfig(
            s3={"addressing_style": "path"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            retries={"total_max_attempts": 3},
        ),
    )


@pytest.fixture
def s3_client(s3_server: S3Server) -> Iterator[S3Client]:
    client = make_s3_client(s3_server)
    yield client
    client.close()


@pytest.fixture
def bucket(s3_client: S3Client) -> Iterator[str]:
    """A bucket that only this test uses."""
    name = f"test-{uuid.uuid4().hex[:16]}"
    s3_client.create_bucket(Bucket=name)
    yield name
    try:
        empty_bucket(s3_client, name)
        s3_client.delete_bucket(Bucket=name)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") != "NoSuchBucket":
            raise


@pytest.fixture
def stored(s3_client: S3Client, bucket: str) -> Callable[[], dict[str, int]]:
    """A function that returns the size of each object in the bucket by its key, as another client sees them."""

    def sizes() -> dict[str, int]:
        pages = s3_client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        return {item["Key"]: item["Size"] for page in pages for item in page.get("Contents", [])}

    return sizes


def empty_bucket(client: S3Client, bucket: str) -> None:
    uploads = client.get_paginator("list_multipart_uploads").paginate(Bucket=bucket)
    for upload in [upload for page in uploads for upload in page.get("Uploads", [])]:
        # A running server may abort an upload between the listing and this call.
        with suppress(client.exceptions.NoSuchUpload):
            client.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
    versions = client.get_paginator("list_object_versions").paginate(Bucket=bucket)
    for page in list(versions):
        found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        ids = [{"Key": version["Key"], "VersionId": version["VersionId"]} for version in found]
        # XML 1.0 has no control characters, so a batch cannot name such keys.
        single = [one for one in ids if not one["Key"].isprintable()]
        batch = [one for one in ids if one not in single]
        for one in single:
            client.delete_object(Bucket=bucket, **one)
        if batch:
            reply = client.delete_objects(Bucket=bucket, Delete={"Objects": batch, "Quiet": True})
            assert not reply.get("Errors"), reply["Errors"]


# --- the hub -------------------------------------------------------------------------------------------------


@pytest.fixture
def hub() -> Iterator[HubStandIn]:
    """An empty hub: ``hub.add(Repository("org/name")).commit({"a.txt": b"..."})`` fills it."""
    with HubStandIn() as stand_in:
        yield stand_in


# --- Jupyter -------------------------------------------------------------------------------------------------


@pytest.fixture
def jp_server_config() -> Any:
    from traitlets.config import Config

    return Config(
        {
            "ServerApp": {
                # pytest-jupyter adds the terminals by default, and their handlers cause warnings.
                "jpserver_extensions": {"odhtec_jupyter": True, "jupyter_server_terminals": False},
                # Stricter than Jupyter's default: a request without a user is refused before its body is read.
                "allow_unauthenticated_access": False,
            }
        }
    )


@pytest.fixture
def jp_nbconvert_templates() -> None:
    """Skip the templates that pytest-jupyter copies for each server: no test converts a notebook."""


@pytest.fixture
def jp_fetch(jp_fetch: Callable[..., Any]) -> Callable[..., Any]:
    """The fixture of pytest-jupyter without its limit of 20 s, which is too short on a busy machine."""
    return functools.partial(jp_fetch, request_timeout=0)


@pytest.fixture(scope="session")
def lab_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., JupyterProcess]]:
    """A function that starts a real server: ``lab_server(env, app="jupyterlab", options=[...])``."""
    with ExitStack() as running:

        def start(env: dict[str, str] | None = None, **kwargs: Any) -> JupyterProcess:
            folder = tmp_path_factory.mktemp("lab")
            kwargs.setdefault("port", free_port())
            env = clean_environment() | {"PYTHONPATH": python_path()} | (env or {})
            return running.enter_context(JupyterProcess(folder, env, **kwargs))

        yield start


def _unless_browser(name: str) -> Any:
    """Return pytest-jupyter's fixture of this name, without effect in browser tests, where Playwright's loop runs."""

    @pytest.fixture(autouse=True, name=name)
    def fixture(request: pytest.FixtureRequest) -> Any:
        return None if "chromium" in request.fixturenames else request.getfixturevalue(name)

    return fixture


jp_asyncio_loop = _unless_browser("jp_asyncio_loop")
jp_server_cleanup = _unless_browser("jp_server_cleanup")


Env = Callable[..., OdhTecSettings]


@pytest.fixture
def with_env(monkeypatch: pytest.MonkeyPatch, clean_environment_variables: None) -> Env:
    """A function that returns settings, created with only these environment variables of the extension."""

    def make(**variables: str) -> OdhTecSettings:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return OdhTecSettings()

    return make
