"""The pictures of the documentation, from the demonstration's content: ``scripts/pictures`` stores them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from odhtec_jupyter.demo import s3 as demo_s3
from odhtec_jupyter.demo.hub.repository import Repository
from odhtec_jupyter.demo.hub.stand_in import HubStandIn
from odhtec_jupyter.demo.jupyter_process import JupyterProcess
from odhtec_jupyter.demo.model import REPO_ID, fetch_model
from tests.browser.cell import Notebook, write_notebook
from tests.browser.panel import Panel
from tests.browser.waiting import TIMEOUT_MS

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from playwright.sync_api import Page

READ = """\
import pandas as pd
from odhtec_jupyter import Client

client = Client()
with client.open("s3://datasets/tables/readings.parquet") as file:
    frame = pd.read_parquet(file)
frame.groupby("station")[["temperature", "humidity"]].mean().round(1)"""
SHOW = """\
from odhtec_jupyter import S3Browser

browser = S3Browser(bucket="datasets", prefix="tables/", height="160px")
browser"""

pytestmark = [pytest.mark.extended, pytest.mark.network]


@pytest.fixture
def demonstration(client: S3Client, hub: HubStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fill the store and the hub as ``scripts/demo`` does."""
    monkeypatch.setattr(demo_s3, "THUMBNAILS", 100)
    client.delete_bucket(Bucket="models")
    demo_s3.seed()
    hub.add(Repository.from_folder(REPO_ID, fetch_model()))


def open_notebook(page: Page, path: str) -> Notebook:
    """Open a notebook in the main area, and wait for its kernel."""
    page.evaluate("async path => { await window.jupyterapp.commands.execute('docmanager:open', {path}); }", path)
    notebook = Notebook(page)
    notebook.wait()
    return notebook


def in_both_themes(page: Page, shoot: Callable[[str], None]) -> None:
    """Take a picture in each theme. The light theme stays."""
    panel = Panel(page)
    for theme in ("Dark", "Light"):
        panel.use_theme(f"JupyterLab {theme}")
        shoot(theme.lower())


@pytest.mark.usefixtures("page_is_spent", "demonstration")
def test_panel_imports_and_previews_a_model(panel: Panel, lab: JupyterProcess, pictures: Path) -> None:
    page, row = panel.page, panel.row
    write_notebook(lab.work / "Readings.ipynb", READ)

    panel.button("Import from Hugging Face").click()
    panel.dialog.get_by_role("textbox", name="Repository").fill(REPO_ID)
    panel.press("Enter")
    panel.dialog.get_by_role("listbox", name="Files").get_by_role("option").first.wait_for()
    in_both_themes(page, lambda theme: panel.shoot(pictures, f"import-{theme}"))
    panel.dialog.get_by_role("button", name="Start Import").click()
    panel.transfers.get_by_text(re.compile(r"^Completed")).wait_for(timeout=2 * TIMEOUT_MS)

    row("sentence-transformers").dblclick()
    row("all-MiniLM-L6-v2").dblclick()
    row("model.safetensors").wait_for()
    panel.widen()
    notebook = open_notebook(page, "Readings.ipynb")
    notebook.run_all()
    page.locator(".jp-OutputArea-output table").wait_for()
    notebook.save()
    in_both_themes(page, lambda theme: panel.shoot(pictures, f"panel-{theme}"))

    row("model.safetensors").click()
    panel.press("Space")
    page.locator(".odhtec-Preview").get_by_text("tensors").first.wait_for()
    in_both_themes(page, lambda theme: panel.shoot(pictures, f"preview-{theme}"))
    notebook.shut_down()


@pytest.mark.usefixtures("page_is_spent", "demonstration")
def test_cell_shows_the_browser(panel: Panel, lab: JupyterProcess, pictures: Path) -> None:
    page = panel.page
    write_notebook(lab.work / "Browse.ipynb", SHOW, "browser.value")
    notebook = open_notebook(page, "Browse.ipynb")
    notebook.run(0)
    browser = notebook.browser()
    browser.row("readings.csv").click()
    notebook.expect("browser.value", "s3://datasets/tables/readings.csv")
    notebook.run(1)
    page.locator(".jp-OutputArea-output", has_text="s3://datasets/tables/readings.csv").last.wait_for()
    notebook.save()
    page.set_viewport_size({"width": 980, "height": 640})
    page.evaluate("window.jupyterapp.shell.collapseLeft()")
    in_both_themes(page, lambda theme: browser.shoot(pictures, f"cell-{theme}"))
    notebook.shut_down()
