"""A page of real JupyterLab with the panel open. A module says with its fixture `store` where the objects are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

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


@pytest.fixture(scope="module")
def hub_endpoint() -> str | None:
    """Where a module has a hub."""
    return None


@pytest.fixture(scope="module")
def lab(store: S3Server, hub_endpoint: str | None, lab_server: Callable[..., JupyterProcess]) -> JupyterProcess:
    env = store.env | {"AWS_S3_BUCKET": "models"} | ({"HF_ENDPOINT": hub_endpoint} if hub_endpoint else {})
    return lab_server(env, options=LAB_OPTIONS)


@pytest.fixture
def panel(chromium: Browser, lab: JupyterProcess, client: S3Client) -> Iterator[Panel]:
    context = chromium.new_context(viewport={"width": 1180, "height": 720}, accept_downloads=True)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto(f"{lab.url}lab?token={lab.token}&reset")
    page.get_by_role("tab", name="Object storage").click()
    opened = Panel(page)
    opened.grid.wait_for()
    page.locator(".jp-Launcher").wait_for()
    yield opened
    context.close()
