"""Panel, dialogs and previews have no violation that axe-core finds, in the light and in the dark theme."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.axe import load_checker, require_no_violation
from tests.browser.panel import Panel

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PANEL = "#odhtec-browser"
DIALOG = ".jp-Dialog-content"


@pytest.fixture(params=["JupyterLab Light", pytest.param("JupyterLab Dark", marks=pytest.mark.extended)])
def filled(request: pytest.FixtureRequest, panel: Panel, client: S3Client) -> Panel:
    """The panel with a folder, a text and a table, in a page with the checker loaded."""
    for key, body in {"data/a.csv": b"a,b\n1,2\n", "notes.md": b"# Title\n", "table.csv": b"a,b\n1,2\n"}.items():
        client.put_object(Bucket="models", Key=key, Body=body)
    panel.use_theme(request.param)
    panel.button("Refresh").click()
    panel.row("notes.md").wait_for()
    load_checker(panel.page)
    return panel


def test_list_is_accessible_in_each_state(filled: Panel) -> None:
    panel = filled
    panel.row("notes.md").click()
    require_no_violation(panel.page, PANEL)
    panel.filter.fill("no object has this name")
    require_no_violation(panel.page, PANEL)
    panel.press("Enter")
    panel.page.get_by_text("searched").first.wait_for()
    require_no_violation(panel.page, PANEL)


@pytest.mark.parametrize(
    "command",
    ["Properties…", "Share Link…", "Copy To…", "Delete", "Import from Hugging Face…", "Connection Settings…"],
)
def test_dialogs_are_accessible(filled: Panel, command: str) -> None:
    panel = filled
    panel.row("notes.md").click()
    panel.run_command(command)
    panel.dialog.wait_for()
    require_no_violation(panel.page, DIALOG)
    panel.press("Escape")
    panel.dialog.wait_for(state="detached")


def test_previews_are_accessible(filled: Panel) -> None:
    panel = filled
    for name in ("table.csv", "notes.md"):
        panel.row(name).click()
        panel.press("Space")
        panel.page.locator(".odhtec-Preview:visible .odhtec-Preview-foot").first.wait_for()
        require_no_violation(panel.page, ".odhtec-PreviewPanel:not(.lm-mod-hidden) .odhtec-Preview")
