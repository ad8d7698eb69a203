"""An accessibility checker looks at what is shown, in the light and in the dark theme."""

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
    """A list with a folder, a text and a table, looked at with the checker at hand."""
    for key, body in {"data/a.csv": b"a,b\n1,2\n", "notes.md": b"# Title\n", "table.csv": b"a,b\n1,2\n"}.items():
        client.put_object(Bucket="models", Key=key, Body=body)
    panel.use_theme(request.param)
    panel.button("Refresh").click()
    panel.row("notes.md").wait_for()
    load_checker(panel.page)
    return panel


def test_the_list_and_its_states(filled: Panel) -> None:
    panel = filled
    panel.row("notes.md").click()
    require_no_violation(panel.page, PANEL)
    panel.filter.fill("nothing is called so")
    require_no_violation(panel.page, PANEL)
    panel.press("Enter")
    panel.page.get_by_text("searched").first.wait_for()
    require_no_violation(panel.page, PANEL)


@pytest.mark.parametrize(
    "command",
    ["Properties…", "Share Link…", "Copy To…", "Delete", "Import from Hugging Face…", "Connection Settings…"],
)
def test_the_dialogs(filled: Panel, command: str) -> None:
    panel = filled
    panel.row("notes.md").click()
    panel.run_command(command)
    panel.dialog.wait_for()
    require_no_violation(panel.page, DIALOG)
    panel.press("Escape")
    panel.dialog.wait_for(state="detached")


def test_the_preview(filled: Panel) -> None:
    panel = filled
    for name in ("table.csv", "notes.md"):
        panel.row(name).click()
        panel.press("Space")
        panel.page.locator(".odhtec-Preview:visible .odhtec-Preview-foot").first.wait_for()
        require_no_violation(panel.page, ".odhtec-PreviewPanel:not(.lm-mod-hidden) .odhtec-Preview")
