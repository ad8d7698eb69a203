"""Pages of real JupyterLab with the panel open.

All modules share one Chromium, and one Lab for each store. A module selects its store with its fixture `store`. A Lab
is reset between two tests.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from odhtec_jupyter.demo.hub.stand_in import HubStandIn
from odhtec_jupyter.demo.jupyter_process import JupyterProcess
from tests.browser.chromium import Chromium
from tests.browser.kept_page import VIEWPORT, KeptPage
from tests.browser.panel import Panel
from tests.browser.waiting import TIMEOUT_MS, wait_until
from tests.conftest import S3Server, empty_bucket, make_s3_client

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from playwright.sync_api import Browser

BASE_URL = "/notebook/project/workbench/"  # like the base URL of a workbench
LAB_OPTIONS = [
    f"--ServerApp.base_url={BASE_URL}",
    "--LabApp.expose_app_in_browser=True",
    "--JupyterNotebookApp.expose_app_in_browser=True",
]
SETTINGS = ("s3", "hf", "proxy", "max-concurrent-transfers", "max-bandwidth")
FINAL = {"completed", "failed", "cancelled"}
HERE = Path(__file__).parent

_chromium = Chromium()
_kept = KeptPage()
_failed = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        item.stash[_failed] = True
    return report


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> None:
    """End Chromium when no browser test follows, because coroutine tests cannot run while Playwright runs."""
    if nextitem is None or HERE not in nextitem.path.parents:
        _kept.close()
        _chromium.stop()


@pytest.fixture
def chromium() -> Browser:
    """The Chromium of this system, headless, shared by all tests."""
    return _chromium.start()


@pytest.fixture(scope="session")
def store(moto_server: S3Server) -> S3Server:
    """The S3 server of Lab. A module can override this fixture."""
    return moto_server


@pytest.fixture
def client(store: S3Server) -> Iterator[S3Client]:
    """A plain boto3 client of the store, with the bucket that the panel opens."""
    made = make_s3_client(store)
    made.create_bucket(Bucket="models")
    yield made
    empty_bucket(made, "models")
    made.delete_bucket(Bucket="models")
    made.close()


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """The folder for screenshots: ODHTEC_SCREENSHOTS, which `scripts/pictures` sets, or a temporary one."""
    return Path(os.environ.get("ODHTEC_SCREENSHOTS", tmp_path))


@pytest.fixture(scope="session")
def shared_hub() -> Iterator[HubStandIn]:
    with HubStandIn(tokens={"hf_good": "me"}) as hub:
        yield hub


@pytest.fixture
def hub(shared_hub: HubStandIn) -> Iterator[HubStandIn]:
    """The hub of all Labs, without repositories. It accepts the token ``hf_good``."""
    yield shared_hub
    shared_hub.service.bytes_per_second = None
    shared_hub.reset()


@pytest.fixture(scope="session")
def lab_of(
    lab_server: Callable[..., JupyterProcess], shared_hub: HubStandIn
) -> Callable[[S3Server], tuple[JupyterProcess, list[Any]]]:
    """A function that returns the Lab of a store, started at its first use, and the initial settings of its server."""

    @functools.cache
    def start(store: S3Server) -> tuple[JupyterProcess, list[Any]]:
        # In the configuration: kernels inherit the environment of the server, and must work without credentials in it.
        connection = {
            "s3_endpoint": store.endpoint_url,
            "s3_access_key_id": store.access_key_id,
            "s3_secret_access_key": store.secret_access_key,
            "s3_region": store.region,
            "s3_bucket": "models",
        }
        options = [f"--OdhTecSettings.{name}={value}" for name, value in connection.items()]
        lab = lab_server({"HF_ENDPOINT": shared_hub.endpoint}, options=[*LAB_OPTIONS, *options])
        return lab, read_settings(lab)

    return start


@pytest.fixture
def lab(
    lab_of: Callable[[S3Server], tuple[JupyterProcess, list[Any]]], store: S3Server, kept_page: KeptPage
) -> Iterator[JupyterProcess]:
    """The Lab of the module's store. Everything that a test leaves in it is removed after the test."""
    lab, settings = lab_of(store)
    yield lab
    forget_work(lab)
    assert read_settings(lab) == settings, "the test has changed the server's settings"


def read_settings(lab: JupyterProcess) -> list[Any]:
    address = f"{lab.url}odhtec/api/settings"
    return [requests.get(f"{address}/{name}", headers=lab.headers, timeout=60).json() for name in SETTINGS]


def forget_work(lab: JupyterProcess) -> None:
    """Remove transfers, unfinished uploads, kernels, files, and the user's settings and layouts."""
    with requests.Session() as session:
        session.headers.update(lab.headers)
        clear_transfers(lab)
        uploads = f"{lab.url}odhtec/api/uploads"
        for upload in session.get(uploads, timeout=60).json()["uploads"]:
            session.delete(f"{uploads}/{upload['uploadId']}", timeout=60)
        for kind in ("sessions", "kernels"):
            for one in session.get(f"{lab.url}api/{kind}", timeout=60).json():
                session.delete(f"{lab.url}api/{kind}/{one['id']}", timeout=60)
    for path in lab.work.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.rmtree(lab.folder / "workspaces", ignore_errors=True)
    for path in (lab.folder / "settings").rglob("*.jupyterlab-settings"):
        if path.stem != "notification":
            path.unlink()


def clear_transfers(lab: JupyterProcess) -> None:
    """Cancel and remove all transfers, so that the next test sees only its own."""
    with requests.Session() as session:
        session.headers.update(lab.headers)
        address = f"{lab.url}odhtec/api/transfers"

        def found() -> list[dict[str, Any]]:
            transfers: list[dict[str, Any]] = session.get(address, timeout=60).json()["transfers"]
            return transfers

        for transfer in found():
            if transfer["state"] not in FINAL:
                session.post(f"{address}/{transfer['id']}/cancel", timeout=60)
        wait_until(lambda: all(one["state"] in FINAL for one in found()), "a transfer does not end")
        for transfer in found():
            session.delete(f"{address}/{transfer['id']}", timeout=60)


def panel_url(lab: JupyterProcess) -> str:
    """Return the address of Lab with the initial layout."""
    return f"{lab.url}lab?token={lab.token}&reset"


def load_panel(chromium: Browser, url: str, connected: bool = True) -> Panel:
    """Load Lab as a new user and open the panel. `connected`: the panel shows a list, which is awaited."""
    context = chromium.new_context(viewport=VIEWPORT, accept_downloads=True)  # type: ignore[arg-type]
    context.set_default_timeout(TIMEOUT_MS)
    page = context.new_page()
    page.goto(url)
    page.get_by_role("tab", name="Object Storage").click()
    panel = Panel(page)
    if connected:
        panel.grid.wait_for()
    page.locator(".jp-Launcher").wait_for()
    return panel


@pytest.fixture
def kept_page(chromium: Browser) -> KeptPage:
    return _kept


@pytest.fixture
def open_panel(chromium: Browser, kept_page: KeptPage) -> Iterator[Callable[..., Panel]]:
    """A function that opens Lab at an address as a new user."""
    kept_page.close()
    with ExitStack() as opened:

        def open_at(url: str, connected: bool = True) -> Panel:
            panel = load_panel(chromium, url, connected)
            opened.callback(panel.page.context.close)
            return panel

        yield open_at


@pytest.fixture
def use_settings(lab: JupyterProcess) -> Callable[..., None]:
    """A function that stores settings of the user, before Lab is opened."""

    def save(**settings: object) -> None:
        url = f"{lab.url}lab/api/settings/odhtec-jupyter:plugin"
        requests.put(url, json={"raw": json.dumps(settings)}, headers=lab.headers, timeout=60).raise_for_status()

    return save


@pytest.fixture
def page_is_spent(kept_page: KeptPage) -> Iterator[None]:
    """Close the page after the test, because later tests cannot use it."""
    yield
    kept_page.close()


@pytest.fixture
def panel(
    request: pytest.FixtureRequest, chromium: Browser, kept_page: KeptPage, lab: JupyterProcess, client: S3Client
) -> Iterator[Panel]:
    """The panel with its initial state and an empty bucket."""
    yield kept_page.take(panel_url(lab), functools.partial(load_panel, chromium))
    if request.node.stash.get(_failed, False):
        kept_page.close()
    else:
        kept_page.give_back()
