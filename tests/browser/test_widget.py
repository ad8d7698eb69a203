"""The browser in a notebook cell, in JupyterLab and in Notebook 7."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from odhtec_jupyter.demo.jupyter_process import JupyterProcess
from tests.browser.axe import load_checker, require_no_violation
from tests.browser.cell import IS_CODE, SOURCES_CODE, Notebook, write_notebook
from tests.browser.kept_page import KeptPage
from tests.browser.panel import Panel
from tests.browser.waiting import TIMEOUT_MS
from tests.conftest import S3Server

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from playwright.sync_api import Browser, Route

SHOW = "from odhtec_jupyter import S3Browser\nbrowser = S3Browser()\nbrowser"
SENTENCE = "Run the cell again to browse object storage here."
DISCONNECTED = "Disconnected from the kernel. Run the cell again to reconnect."


LAB, NOTEBOOK_7 = "lab/tree", "notebooks"


@pytest.fixture(params=[LAB, pytest.param(NOTEBOOK_7, marks=pytest.mark.extended)], ids=["lab", "notebook"])
def app(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def open_notebook(
    chromium: Browser, kept_page: KeptPage, lab: JupyterProcess, app: str, client: S3Client
) -> Iterator[Callable[..., Notebook]]:
    """A function that opens a notebook with these cells, as a new user and with a new kernel."""
    kept_page.close()
    for key in ("notes.md", "table.csv", "data/a.csv", "data/b.csv"):
        client.put_object(Bucket="models", Key=key, Body=b"x")
    with ExitStack() as opened:

        def open_it(*sources: str) -> Notebook:
            write_notebook(lab.work / "cell.ipynb", *sources)
            context = chromium.new_context(viewport={"width": 1180, "height": 900})
            opened.callback(context.close)
            context.set_default_timeout(TIMEOUT_MS)
            page = context.new_page()
            page.goto(f"{lab.url}{app}/cell.ipynb?token={lab.token}&reset")
            notebook = Notebook(page)
            notebook.wait()
            opened.callback(notebook.shut_down)
            return notebook

        yield open_it


@pytest.fixture
def shown(open_notebook: Callable[..., Notebook]) -> Notebook:
    """A notebook of three cells; the first shows a browser."""
    notebook = open_notebook(SHOW, "1 + 1", "2 + 2")
    notebook.run_all()
    notebook.browser().row("notes.md").wait_for()
    return notebook


@pytest.mark.parametrize("app", [LAB, NOTEBOOK_7], ids=["lab", "notebook"], indirect=True)
def test_actions_of_the_user_change_the_traits(shown: Notebook) -> None:
    browser = shown.browser()
    shown.expect("[browser.bucket, browser.prefix, browser.selected, browser.value]", ["models", "", [], None])
    browser.row("notes.md").click()
    shown.expect("[browser.selected, browser.value]", [["s3://models/notes.md"], "s3://models/notes.md"])
    browser.press("Control+a")
    everything = ["s3://models/data/", "s3://models/notes.md", "s3://models/table.csv"]
    shown.expect("[browser.selected, browser.value]", [everything, None])
    browser.row("data").dblclick()
    shown.expect("[browser.prefix, browser.selected]", ["data/", []])
    browser.filter.fill("b.")
    shown.expect("browser.filter", "b.")


def test_traits_set_in_python_change_the_view(shown: Notebook) -> None:
    browser = shown.browser()
    shown.expect("browser.bucket", "models")
    shown.do("browser.prefix = 'data/'")
    browser.row("a.csv").wait_for()
    shown.do("browser.value = 's3://models/table.csv'")
    browser.row("table.csv").and_(shown.page.locator("[aria-selected=true]")).wait_for()
    shown.expect("[browser.prefix, browser.selected]", ["", ["s3://models/table.csv"]])
    shown.do("browser.filter = 'NOTES'")
    browser.row("table.csv").wait_for(state="detached")
    assert browser.filter.input_value() == "NOTES"
    # Changes in quick succession: the last one wins.
    shown.do(
        "browser.filter = ''",
        "for folder in ['data/', '', 'data/']: browser.prefix = folder",
        "browser.selected = ['s3://models/data/b.csv', 's3://models/data/a.csv']",
    )
    browser.row("a.csv").and_(shown.page.locator("[aria-selected=true]")).wait_for()
    shown.expect("[browser.prefix, browser.selected]", ["data/", ["s3://models/data/a.csv", "s3://models/data/b.csv"]])
    shown.do("browser.multiple = False", "browser.height = '123px'")
    shown.expect("browser.selected", ["s3://models/data/a.csv"])
    browser.row("b.csv").click()
    browser.press("Control+a")
    shown.expect("browser.selected", ["s3://models/data/b.csv"])
    assert shown.outputs.locator(".odhtec-Browser-main").bounding_box()["height"] == 123  # type: ignore[index]


@pytest.mark.extended
def test_file_dropped_on_the_cell_is_uploaded_with_progress(shown: Notebook, client: S3Client, tmp_path: Path) -> None:
    browser = shown.browser()
    held: list[Route] = []
    shown.page.route("**/objects/upload/**", lambda route: held.append(route))
    (tmp_path / "dropped.txt").write_bytes(b"the bytes")
    with shown.page.expect_request("**/objects/upload/**"):
        browser.drag(tmp_path / "dropped.txt")
    browser.transfers.get_by_role("progressbar").wait_for()
    for route in held:
        route.continue_()
    browser.transfers.get_by_text("Completed").wait_for()
    browser.row("dropped.txt").wait_for()
    assert client.get_object(Bucket="models", Key="dropped.txt")["Body"].read() == b"the bytes"


def test_two_widgets_are_independent_and_two_views_are_synchronized(
    open_notebook: Callable[..., Notebook],
) -> None:
    notebook = open_notebook(
        "from odhtec_jupyter import S3Browser\none = S3Browser(height='150px')\none",
        "one",
        "S3Browser(prefix='data/', height='150px')",
    )
    notebook.run_all()
    first, again, other = (notebook.browser(index) for index in range(3))
    other.row("a.csv").wait_for()
    other.row("a.csv").click()
    first.row("notes.md").click()
    again.row("notes.md").and_(notebook.page.locator("[aria-selected=true]")).wait_for()
    again.row("data").dblclick()
    first.row("b.csv").wait_for()
    notebook.expect("[one.prefix, one.selected]", ["data/", []])
    assert other.row("a.csv").get_attribute("aria-selected") == "true"
    # Cleared outputs are removed, and the widget can be shown again.
    notebook.command("notebook:clear-all-cell-outputs")
    notebook.outputs.first.wait_for(state="detached")
    notebook.do("one.prefix = ''")
    notebook.run_all()
    notebook.browser(1).row("notes.md").wait_for()


def test_keys_in_the_list_run_no_commands_of_the_notebook(shown: Notebook) -> None:
    browser = shown.browser()
    browser.row("notes.md").click()
    browser.press("d", "d", "a", "b", "x", "m", "ArrowUp")
    browser.button("Refresh").focus()
    browser.press("d", "d", "b")
    browser.row("notes.md").click()
    browser.press("ArrowDown")
    browser.expect_focus("table.csv")
    browser.press("ArrowUp", "ArrowUp", "Enter")
    browser.row("a.csv").wait_for()
    browser.press("Backspace")
    browser.expect_focus("data")
    assert shown.sources() == [SHOW, "1 + 1", "2 + 2"]
    assert shown.page.evaluate(IS_CODE)
    # Shortcuts of Lab and of the extension still work.
    browser.row("notes.md").click()
    browser.run_command("Search Object Storage")
    shown.outputs.locator("input[type=search]:focus").wait_for()
    browser.row("notes.md").click(button="right")
    items = shown.page.locator(".lm-Menu:visible .lm-Menu-itemLabel").all_inner_texts()
    assert "Copy URI" in items
    assert not any("Cell" in item for item in items)
    browser.press("Escape")
    browser.row("notes.md").click()
    browser.press("Alt+i")
    shown.page.wait_for_function(f"{SOURCES_CODE}().length === 4")


def test_commands_act_on_the_browser_of_the_cell(shown: Notebook, client: S3Client) -> None:
    browser = shown.browser()
    browser.row("table.csv").click()
    browser.run_command("Properties…")
    browser.dialog.get_by_text("table.csv").first.wait_for()
    browser.press("Escape")
    browser.dialog.wait_for(state="detached")
    browser.expect_focus("table.csv")
    browser.press("Delete")
    browser.dialog.get_by_role("button", name="Delete").click()
    browser.row("table.csv").wait_for(state="detached")
    browser.row("notes.md").click()
    browser.press("Space")
    shown.page.locator(".odhtec-Preview:visible").wait_for()
    shown.expect("browser.selected", ["s3://models/notes.md"])
    browser.press("Control+Alt+o")
    Panel(shown.page, shown.page.locator("#odhtec-browser")).row("notes.md").wait_for()


def test_widget_without_a_kernel_shows_how_to_reconnect(shown: Notebook) -> None:
    shown.browser().row("notes.md").click()
    shown.restart()
    shown.note(DISCONNECTED).wait_for()
    shown.browser().row("data").dblclick()  # the browser works without the kernel
    shown.browser().row("a.csv").wait_for()
    shown.save()
    shown.page.reload()
    shown.wait()
    shown.note(SENTENCE).wait_for()
    assert shown.outputs.count() == 0
    shown.run_all()
    shown.browser().row("notes.md").wait_for()
    shown.note(SENTENCE).wait_for(state="detached")
    # The page is reloaded and the kernel still runs. A selection made before the buckets are loaded is kept.
    shown.save()
    held: list[Route] = []
    shown.page.route(re.compile(r"/odhtec/api/buckets(\?|$)"), lambda route: held.append(route))
    shown.page.reload()
    shown.wait()
    shown.browser().row("notes.md").click()
    assert held
    for route in held:
        route.continue_()
    shown.page.unroute_all(behavior="wait")
    shown.expect("browser.value", "s3://models/notes.md")


def test_widget_state_and_notebook_contain_no_secrets(shown: Notebook, lab: JupyterProcess, store: S3Server) -> None:
    shown.do("import os")
    before = shown.python("dict(os.environ)")
    assert not any(name.startswith("AWS_") and name != "AWS_EC2_METADATA_DISABLED" for name in before)
    shown.browser().row("data").dblclick()
    shown.browser().row("a.csv").click()
    shown.expect("browser.value", "s3://models/data/a.csv")
    shown.save()
    secrets = (store.access_key_id, store.secret_access_key, lab.token)
    state = json.dumps(shown.python("browser.get_state()"))
    assert '"s3://models/data/a.csv"' in state
    file = json.loads((lab.work / "cell.ipynb").read_text(encoding="utf-8"))
    (output,) = file["cells"][0]["outputs"]
    assert output["data"]["text/plain"] in (SENTENCE, [SENTENCE])
    for text in (state, json.dumps(file)):
        assert not any(secret in text for secret in secrets), text
    # The widget adds nothing to the environment. It has the server's token only because the server was started with it.
    after = shown.python("dict(os.environ)")
    assert after == before
    assert not any(store.secret_access_key in value for value in after.values())


def test_sidebar_works_without_ipywidgets(
    chromium: Browser, kept_page: KeptPage, lab: JupyterProcess, client: S3Client
) -> None:
    kept_page.close()
    client.put_object(Bucket="models", Key="notes.md", Body=b"x")
    context = chromium.new_context()
    page = context.new_page()
    page.route("**/jupyterlab-manager/static/remoteEntry*", lambda route: route.abort())
    page.goto(f"{lab.url}lab?token={lab.token}&reset")
    page.get_by_role("tab", name="Object Storage").click()
    Panel(page).row("notes.md").wait_for()
    context.close()


@pytest.mark.parametrize("theme", ["JupyterLab Light", pytest.param("JupyterLab Dark", marks=pytest.mark.extended)])
def test_widget_is_accessible(open_notebook: Callable[..., Notebook], theme: str, app: str, pictures: Path) -> None:
    source = "from odhtec_jupyter import S3Browser\n\nbrowser = S3Browser(prefix='data/', height='160px')\nbrowser"
    notebook = open_notebook(source, "browser.value")
    notebook.run_all()
    browser = notebook.browser()
    browser.use_theme(theme)
    browser.row("a.csv").click()
    notebook.expect("browser.value", "s3://models/data/a.csv")
    load_checker(notebook.page)
    require_no_violation(notebook.page, ".odhtec-Output")
    notebook.run(1)
    notebook.page.locator(".jp-OutputArea-output", has_text="s3://models/data/a.csv").last.wait_for()
    notebook.page.set_viewport_size({"width": 980, "height": 620})
    browser.shoot(pictures, f"cell-{app.split('/')[0]}-{theme.split()[1].lower()}")
    notebook.restart()
    notebook.note(DISCONNECTED).wait_for()
    require_no_violation(notebook.page, ".odhtec-Output")


@pytest.mark.parametrize(
    "app", [NOTEBOOK_7, pytest.param(LAB, marks=pytest.mark.extended)], ids=["notebook", "lab"], indirect=True
)
def test_open_panel_stays_open_when_opened_again(open_notebook: Callable[..., Notebook]) -> None:
    """Notebook 7.4 closes a panel that is activated twice."""
    notebook = open_notebook("1 + 1")
    panel = notebook.page.locator("#odhtec-browser:visible")
    for _ in range(3):
        notebook.command("odhtec:open")
        panel.and_(notebook.page.locator(":focus-within")).wait_for()
        notebook.page.locator(".jp-Notebook .cm-content").first.click()
        assert panel.is_visible()
