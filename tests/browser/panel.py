"""The panel as a user's eyes and hands have it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page


class Panel:
    """What is in the sidebar, found as a screen reader finds it: by role and name."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.grid = page.get_by_role("grid", name="Objects")
        self.toolbar = page.get_by_role("toolbar", name="Object storage")
        self.transfers = page.get_by_role("region", name="Transfers")
        self.dialog = page.get_by_role("dialog")
        self.filter = page.get_by_role("searchbox", name="Filter by name")

    def row(self, name: str) -> Locator:
        return self.grid.get_by_role("row", name=re.compile(rf"^{re.escape(name)}(?= |$)"))

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def button(self, name: str) -> Locator:
        return self.toolbar.get_by_role("button", name=name, exact=True)

    def use_theme(self, name: str) -> None:
        self.page.evaluate(
            "theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})",
            name,
        )
        self.page.locator(f'body[data-jp-theme-name="{name}"]').wait_for(state="attached")
        self.page.locator("#jupyterlab-splash").wait_for(state="detached")

    def widen(self) -> None:
        """Pull the sidebar's edge, as one does to read long names."""
        edge = self.page.locator("#jp-left-stack").bounding_box()
        assert edge is not None
        x, y = edge["x"] + edge["width"] + 2, 400
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        self.page.mouse.move(x + 90, y, steps=4)
        self.page.mouse.up()

    def shoot(self, folder: Path, name: str) -> None:
        """A picture without the pointer's traces."""
        self.page.mouse.move(900, 600)
        self.page.screenshot(path=folder / f"{name}.png")
