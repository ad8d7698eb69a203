"""The panel without a mouse, in both themes, and its settings."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.browser.panel import Panel
from tests.conftest import S3Server, free_port

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from playwright.sync_api import Locator

FILES = ("folder/inner.txt", "folder/sub/deep.txt", "one.txt", "three.txt", "two.txt")


@pytest.fixture
def filled(panel: Panel, client: S3Client) -> Panel:
    for key in FILES:
        client.put_object(Bucket="models", Key=key, Body=key.encode())
    panel.button("Refresh").click()
    panel.row("two.txt").wait_for()
    return panel


def focused(panel: Panel) -> Locator:
    return panel.page.locator(":focus")


def expect_row(panel: Panel, name: str) -> None:
    """Wait until the row has the focus."""
    panel.row(name).and_(focused(panel)).wait_for()


def expect_dialog(panel: Panel) -> Locator:
    """Wait until the dialog has the focus: it is visible a moment before it receives keys."""
    panel.dialog.locator(":focus").wait_for()
    return panel.dialog


def enter_by_command(panel: Panel) -> None:
    """Move the focus from the main area to the list, through the palette."""
    panel.page.locator(".jp-Launcher").first.click()
    panel.press("Control+Shift+C")
    panel.page.keyboard.type("Open Object Storage")
    panel.page.locator(".lm-CommandPalette-item.lm-mod-active", has_text="Open Object Storage").wait_for()
    panel.press("Enter")
    panel.grid.locator(":focus").wait_for()


def test_list_is_used_by_keyboard_alone(filled: Panel, client: S3Client) -> None:
    panel = filled
    enter_by_command(panel)
    panel.press("ArrowDown")
    expect_row(panel, "folder")

    panel.press("Enter")
    panel.row("inner.txt").wait_for()
    panel.press("ArrowDown")
    expect_row(panel, "sub")
    panel.press("Enter")
    panel.row("deep.txt").wait_for()
    panel.press("Backspace")
    expect_row(panel, "sub")
    panel.press("Backspace")
    expect_row(panel, "folder")

    panel.press("End")
    expect_row(panel, "two.txt")
    panel.press("ArrowUp")
    expect_row(panel, "three.txt")

    panel.press("Delete")
    expect_dialog(panel).get_by_text("three.txt").wait_for()
    panel.press("Escape")
    panel.dialog.wait_for(state="detached")
    expect_row(panel, "three.txt")
    assert client.head_object(Bucket="models", Key="three.txt")["ContentLength"] == len("three.txt")

    panel.press("Delete")
    expect_dialog(panel)
    panel.press("Enter")
    panel.row("three.txt").wait_for(state="detached")
    expect_row(panel, "two.txt")
    panel.press("ArrowUp")
    expect_row(panel, "one.txt")
    left = client.list_objects_v2(Bucket="models")["Contents"]
    assert [entry["Key"] for entry in left] == [key for key in FILES if key != "three.txt"]


def test_tab_key_reaches_every_control_of_the_panel(filled: Panel) -> None:
    """Tab reaches each control of the panel in turn, and the list is one of them."""
    panel = filled
    enter_by_command(panel)
    panel.press("ArrowDown", "ArrowDown")
    expect_row(panel, "one.txt")
    found = []
    for _ in range(10):
        panel.press("Shift+Tab")
        found.append(focused(panel).evaluate("it => it.ariaLabel"))
    assert found == [
        "Enter a path (F4)",
        "Top level of models",
        "Filter by name",
        "Bucket",
        "Settings",
        "Refresh",
        "Import from Hugging Face",
        "Upload Folder",
        "Upload Files",
        "New Folder",
    ]
    for _ in range(10):
        panel.press("Tab")
    expect_row(panel, "one.txt")


def test_filter_is_used_by_keyboard(filled: Panel) -> None:
    panel = filled
    panel.filter.focus()
    panel.page.keyboard.type("t")
    panel.row("folder").wait_for(state="detached")
    assert panel.row("two.txt").count() == 1
    panel.page.keyboard.type("nothing has this name")
    panel.page.get_by_role("heading", name="No matches").wait_for()
    panel.press("Escape")
    panel.row("folder").wait_for()
    assert panel.filter.input_value() == ""
    assert panel.filter.and_(focused(panel)).count() == 1


def contrast(locator: Locator) -> float:
    """Return WCAG's contrast ratio between an element's text and its background."""
    ratio: float = locator.evaluate(
        """element => {
             const channels = text => text.match(/[\\d.]+/g).map(Number);
             const luminance = ([r, g, b]) => [r, g, b]
               .map(value => value / 255)
               .map(value => value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
               .reduce((sum, value, index) => sum + value * [0.2126, 0.7152, 0.0722][index], 0);
             let ground = element;
             while (channels(getComputedStyle(ground).backgroundColor)[3] === 0) ground = ground.parentElement;
             const [text, behind] = [getComputedStyle(element).color, getComputedStyle(ground).backgroundColor]
               .map(color => luminance(channels(color)) + 0.05);
             return Math.max(text, behind) / Math.min(text, behind);
           }"""
    )
    return ratio


def test_text_has_enough_contrast_in_both_themes(filled: Panel) -> None:
    panel = filled
    for theme in ("JupyterLab Dark", "JupyterLab Light"):
        panel.use_theme(theme)
        panel.row("one.txt").click()
        for text in ("one.txt", "two.txt", "Name"):
            assert contrast(panel.grid.get_by_text(text, exact=True)) > 4.5, (theme, text)
        panel.button("Settings").click()
        endpoint = expect_dialog(panel).get_by_role("textbox", name="Endpoint").first
        endpoint.wait_for()
        assert contrast(endpoint) > 4.5, theme
        assert contrast(panel.dialog.get_by_role("button", name="Test").first) > 4.5, theme
        panel.press("Escape")
        panel.dialog.wait_for(state="detached")


def test_settings_explain_what_is_wrong_with_an_endpoint(filled: Panel, store: S3Server) -> None:
    panel = filled
    unused = f"http://127.0.0.1:{free_port()}"
    panel.button("Settings").click()
    form = panel.dialog.get_by_role("form", name="S3 connection")
    endpoint = form.get_by_role("textbox", name="Endpoint")
    save = form.get_by_role("button", name="Save")
    said = form.get_by_role("status")
    endpoint.wait_for()
    assert endpoint.input_value() == store.endpoint_url
    assert save.is_disabled()
    assert form.get_by_role("textbox", name="Secret access key").input_value() == ""
    assert store.secret_access_key not in panel.page.content()

    form.get_by_role("button", name="Test").click()
    said.filter(has_text="models can be read").wait_for()
    endpoint.fill(unused)
    form.get_by_role("button", name="Test").click()
    said.filter(has_text="Enter the secret access key of the new endpoint").wait_for()
    secret = form.get_by_role("textbox", name="Secret access key")
    secret.fill("of-the-new-endpoint")
    form.get_by_role("button", name="Test").click()
    said.filter(has_text=f"{unused.removeprefix('http://')}").filter(has_text="reached").wait_for()
    secret.fill("")

    endpoint.fill("ftp://nowhere")
    save.click()
    said.filter(has_text=re.compile("endpoint", re.IGNORECASE)).wait_for()
    endpoint.fill(store.endpoint_url)
    assert save.is_disabled(), "nothing was stored"
    panel.press("Escape")
    panel.dialog.wait_for(state="detached")
    panel.button("Refresh").click()
    panel.row("one.txt").wait_for()
