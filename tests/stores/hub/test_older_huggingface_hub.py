"""The oldest huggingface_hub that pyproject.toml allows. It uses requests, the newest one uses httpx."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from odhtec_jupyter.client import Client
from odhtec_jupyter.demo.content import SyntheticContent
from odhtec_jupyter.demo.hub.repository import Repository
from odhtec_jupyter.demo.hub.stand_in import HubStandIn
from odhtec_jupyter.demo.jupyter_process import JupyterProcess
from odhtec_jupyter.errors import GatedRepository
from tests.conftest import ROOT, S3Server, python_path
from tests.content import MIB, contents
from tests.marks import on_moto

pytestmark = pytest.mark.network

FILES = {"config.json": SyntheticContent(100, seed=1), "data/model.bin": SyntheticContent(12 * MIB, seed=2)}


@pytest.fixture(scope="module")
def oldest() -> str:
    found = re.search(r'"huggingface_hub>=([\d.]+)', (ROOT / "pyproject.toml").read_text())
    assert found
    return found[1]


@pytest.fixture(scope="module")
def folder(oldest: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which this version is installed."""
    made = tmp_path_factory.mktemp("huggingface_hub")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(made)]
    # Without the constraints of the scripts, which pin the newest version.
    env = {**os.environ, "PIP_CONSTRAINT": ""}
    subprocess.run([*command, f"huggingface_hub=={oldest}"], env=env, check=True)
    return made


@pytest.fixture
def hub() -> Iterator[HubStandIn]:
    """A hub that accepts one token."""
    with HubStandIn(tokens={"hf_good": "me"}) as stand_in:
        yield stand_in


@pytest.fixture
def client(
    lab_server: Callable[..., JupyterProcess], s3_server: S3Server, hub: HubStandIn, folder: Path
) -> Iterator[Client]:
    """A client of a server that imports this version."""
    path = os.pathsep.join([str(folder), python_path()])
    server = lab_server({**s3_server.env, "HF_ENDPOINT": hub.endpoint, "PYTHONPATH": path}, app="jupyter_server")
    made = Client(server.url, server.token)
    yield made
    made.api.connection.close()


@on_moto
def test_import_works_with_the_oldest_library(
    client: Client, hub: HubStandIn, oldest: str, s3_client: Any, bucket: str
) -> None:
    hub.add(Repository("org/model", gated="manual", accepted=frozenset({"hf_good"}))).commit(FILES)
    with pytest.raises(GatedRepository):
        client.import_model("org/model", f"s3://{bucket}/m/")
    client.import_model("org/model", f"s3://{bucket}/m/", token="hf_good").wait(progress=False)
    assert contents(s3_client, bucket) == {f"m/{path}": content.read() for path, content in FILES.items()}
    assert any(f"hf_hub/{oldest}" in (seen.user_agent or "") for seen in hub.traffic.seen("hub"))
    assert "Bearer hf_good" not in hub.traffic.tokens("cdn")


OFFLINE = """
import sys
from odhtec_jupyter.errors import Unreachable
from odhtec_jupyter.network import Network
from odhtec_jupyter.settings import HubConnection
from odhtec_jupyter.stores.hub.store import HubStore
try:
    HubStore(HubConnection(sys.argv[1]), Network()).refs("org/model", repo_type="model")
except Unreachable as error:
    print(error)
"""


def test_hub_is_not_asked_in_offline_mode_with_the_oldest_library(hub: HubStandIn, folder: Path) -> None:
    path = os.pathsep.join([str(folder), python_path()])
    result = subprocess.run(
        [sys.executable, "-c", OFFLINE, hub.endpoint],
        env={**os.environ, "PYTHONPATH": path, "HF_HUB_OFFLINE": "1"},
        check=True,
        capture_output=True,
        text=True,
    )
    assert result.stdout == "HF_HUB_OFFLINE is set, so Hugging Face cannot be used.\n"
    assert hub.traffic.seen("hub") == []
