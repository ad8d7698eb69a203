"""A page of real JupyterLab with the panel open. A module says with its fixture `store` where the objects are."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

from odhtec_jupyter.demo.jupyter_process import JupyterProcess
from tests.browser.panel import Panel
from tests.conftest import S3Server, empty_bucket, make_s3_client

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from playwright.sync_api import Browser

BASE_URL = "/notebook/project/workbench/"  # as a workbench has it
PATIENCE = 30_000  # ms
LAB_OPTIONS = [f"--ServerApp.base_url={BASE_URL}", "--LabApp.expose_app_in_browser=True"]


@pytest.fixture
def client(store: S3Server) -> Iterator[S3Client]:
    """The store with other eyes; the bucket that the panel opens is there."""
    made = make_s3_client(store)
    made.create_bucket(Bucket="models")
    yield made
    empty_bucket(made, "models")
    made.delete_bucket(Bucket="models")
    made.close()


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """`ODHTEC_SCREENSHOTS=FOLDER scripts/test tests/browser/test_main_job.py` takes pictures; the README has some."""
    return Path(os.environ.get("ODHTEC_SCREENSHOTS", tmp_path))


@pytest.fixture(scope="module")
def hub_endpoint() -> str | None:
    """Where a module has a hub."""
    return None


@pytest.fixture(scope="module")
def lab(store: S3Server, hub_endpoint: str | None, lab_server: Callable[..., JupyterProcess]) -> JupyterProcess:
    env = store.env | {"AWS_S3_BUCKET": "models"} | ({"HF_ENDPOINT": hub_endpoint} if hub_endpoint else {})
    return lab_server(env, options=LAB_OPTIONS)


def clear_transfers(lab: JupyterProcess) -> None:
    """Forget what has ended, so that the next test sees only its own."""
    with requests.Session() as session:
        session.headers["Authorization"] = f"token {lab.token}"
        address = f"{lab.url}odhtec/api/transfers"
        for transfer in session.get(address, timeout=30).json()["transfers"]:
            session.delete(f"{address}/{transfer['id']}", timeout=30)


@pytest.fixture
def open_panel(chromium: Browser) -> Iterator[Callable[..., Panel]]:
    """Opens Lab at an address, as a user of its own; `connected` says whether there is a list to wait for."""
    with ExitStack() as opened:

        def open_at(url: str, connected: bool = True) -> Panel:
            context = chromium.new_context(viewport={"width": 1180, "height": 720}, accept_downloads=True)
            opened.callback(context.close)
            context.set_default_timeout(PATIENCE)
            page = context.new_page()
            page.goto(url)
            page.get_by_role("tab", name="Object storage").click()
            panel = Panel(page)
            if connected:
                panel.grid.wait_for()
            page.locator(".jp-Launcher").wait_for()
            return panel

        yield open_at


@pytest.fixture
def use_settings(lab: JupyterProcess) -> Iterator[Callable[..., None]]:
    """Stores the user's settings, for a Lab that is opened afterwards."""

    def save(**settings: object) -> None:
        url = f"{lab.url}lab/api/settings/odhtec-jupyter:plugin"
        requests.put(url, json={"raw": json.dumps(settings)}, headers=lab.headers, timeout=30).raise_for_status()

    yield save
    save()


@pytest.fixture
def panel(open_panel: Callable[..., Panel], lab: JupyterProcess, client: S3Client) -> Panel:
    return open_panel(f"{lab.url}lab?token={lab.token}&reset")
