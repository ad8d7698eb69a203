"""The panel as a user sees and operates it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from tests.browser.waiting import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page


class Panel:
    """The browser in the sidebar or in an output. Like a screen reader, it finds elements by role and name."""

    def __init__(self, page: Page, where: Locator | None = None) -> None:
        self.page = page
        root = where or page
        self.grid = root.get_by_role("grid", name="Objects")
        self.foot = root.locator(".odhtec-List-foot")  # what is shown below the rows
        self.toolbar = root.get_by_role("toolbar", name="Object Storage")
        self.transfers = root.get_by_role("region", name="Transfers")
        self.dialog = page.get_by_role("dialog")
        self.filter = root.get_by_role("searchbox", name="Filter by name")

    def row(self, name: str) -> Locator:
        escaped = re.escape(name).replace("/", r"\/")  # Playwright puts the pattern between slashes
        return self.grid.get_by_role("row", name=re.compile(rf"^{escaped}(?= |$)"))

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def tab_to(self, target: Locator, key: str = "Tab") -> None:
        """Press the key until the target has the focus, at most 40 times."""
        for _ in range(40):
            if target.and_(self.page.locator(":focus")).count():
                return
            self.press(key)
        raise AssertionError(f"{key} does not reach {target}")

    def button(self, name: str) -> Locator:
        return self.toolbar.get_by_role("button", name=name, exact=True)

    def names(self) -> list[str]:
        """Return the names in the list from top to bottom."""
        texts: list[str] = self.grid.locator(".odhtec-Row").evaluate_all(
            """rows => rows
                 .sort((a, b) => a.ariaRowIndex - b.ariaRowIndex)
                 .map(row => row.querySelector('.odhtec-Row-text').textContent)"""
        )
        return texts

    def expect_names(self, *names: str, any_order: bool = False) -> None:
        """Wait until the list has exactly these rows."""
        self.page.wait_for_function(
            """([names, anyOrder]) => {
                 const shown = [...document.querySelectorAll('#odhtec-browser .odhtec-Row')]
                   .sort((a, b) => a.ariaRowIndex - b.ariaRowIndex)
                   .map(row => row.querySelector('.odhtec-Row-text')?.textContent);
                 if (anyOrder) { shown.sort(); names.sort(); }
                 return JSON.stringify(names) === JSON.stringify(shown);
               }""",
            arg=[list(names), any_order],
        )

    def expect_focus(self, name: str) -> None:
        """Wait until the row has the focus."""
        self.row(name).and_(self.page.locator(":focus")).wait_for()

    def drag(self, *paths: Path, drop: bool = True) -> None:
        """Drag files from the desktop over the list. Chromium itself creates the entries of the DataTransfer."""
        box = self.grid.bounding_box()
        assert box is not None
        session = self.page.context.new_cdp_session(self.page)
        data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
        marked = self.page.locator(".odhtec-mod-drop")

        def send(kind: str, x: float, y: float) -> None:
            session.send("Input.dispatchDragEvent", {"type": kind, "data": data, "x": x, "y": y})

        x, y = box["x"] + box["width"] / 2, box["y"]
        send("dragEnter", x, y + 10)
        send("dragOver", x, y + 60)
        send("dragOver", x, y + 120)
        marked.wait_for()
        if drop:
            send("drop", x, y + 120)
        else:
            send("dragOver", x + 500, y)
        marked.wait_for(state="detached")
        session.detach()

    def run_command(self, label: str) -> None:
        """Run a command through the palette, by keyboard."""
        self.press("Control+Shift+C")
        self.page.keyboard.type(label)
        self.page.locator(".lm-CommandPalette-item.lm-mod-active", has_text=label).wait_for()
        self.press("Enter")

    def reload(self, remembered: str) -> None:
        """Reload the page as soon as the workspace that Lab has saved contains the text ``remembered``."""
        workspaces = "window.jupyterapp.serviceManager.workspaces.list()"
        is_saved = f"async text => JSON.stringify(await {workspaces}).includes(text)"
        wait_until(lambda: bool(self.page.evaluate(is_saved, remembered)), f"Lab has not saved {remembered}")
        self.page.goto(re.sub("[&?]reset$", "", self.page.url))
        self.grid.first.wait_for()

    def use_theme(self, name: str) -> None:
        self.page.evaluate(
            "theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})",
            name,
        )
        self.page.locator(f'body[data-jp-theme-name="{name}"]').wait_for(state="attached")
        self.page.locator("#jupyterlab-splash").wait_for(state="detached")

    def widen(self) -> None:
        """Make the sidebar wider by its edge, for long names."""
        edge = self.page.locator("#jp-left-stack").bounding_box()
        assert edge is not None
        x, y = edge["x"] + edge["width"] + 2, 400
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        self.page.mouse.move(x + 90, y, steps=4)
        self.page.mouse.up()

    def shoot(self, folder: Path, name: str) -> None:
        """Take a screenshot without the effects of the pointer."""
        self.page.mouse.move(900, 600)
        self.page.screenshot(path=folder / f"{name}.png")
