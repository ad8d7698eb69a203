"""The panel as a user's eyes and hands have it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from tests.browser.waiting import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page


class Panel:
    """What is in the sidebar or in an output, found as a screen reader finds it: by role and name."""

    def __init__(self, page: Page, where: Locator | None = None) -> None:
        self.page = page
        root = where or page
        self.grid = root.get_by_role("grid", name="Objects")
        self.foot = root.locator(".odhtec-List-foot")  # what the rows are a part of
        self.toolbar = root.get_by_role("toolbar", name="Object Storage")
        self.transfers = root.get_by_role("region", name="Transfers")
        self.dialog = page.get_by_role("dialog")
        self.filter = root.get_by_role("searchbox", name="Filter by name")

    def row(self, name: str) -> Locator:
        escaped = re.escape(name).replace("/", r"\/")  # Playwright writes it between slashes
        return self.grid.get_by_role("row", name=re.compile(rf"^{escaped}(?= |$)"))

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def tab_to(self, target: Locator, key: str = "Tab") -> None:
        """Press the key until this has the focus; it is within reach."""
        for _ in range(40):
            if target.and_(self.page.locator(":focus")).count():
                return
            self.press(key)
        raise AssertionError(f"{key} does not lead to it: {target}")

    def button(self, name: str) -> Locator:
        return self.toolbar.get_by_role("button", name=name, exact=True)

    def names(self) -> list[str]:
        """The rows of the list from top to bottom."""
        texts: list[str] = self.grid.locator(".odhtec-Row").evaluate_all(
            """rows => rows
                 .sort((a, b) => a.ariaRowIndex - b.ariaRowIndex)
                 .map(row => row.querySelector('.odhtec-Row-text').textContent)"""
        )
        return texts

    def expect_names(self, *names: str, any_order: bool = False) -> None:
        """These rows and no others, as soon as they are there."""
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

    def expect_focus(self, name: str, patience: float | None = None) -> None:
        """This row has the focus."""
        self.row(name).and_(self.page.locator(":focus")).wait_for(timeout=patience)

    def drag(self, *paths: Path, drop: bool = True) -> None:
        """Drag from the desktop over the list; the entries in the DataTransfer are the browser's own."""
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
        """Through the palette, as one who has no mouse."""
        self.press("Control+Shift+C")
        self.page.keyboard.type(label)
        self.page.locator(".lm-CommandPalette-item.lm-mod-active", has_text=label).wait_for()
        self.press("Enter")

    def reload(self, remembered: str) -> None:
        """As a user does it, once Lab has told the server to remember this."""
        workspaces = "window.jupyterapp.serviceManager.workspaces.list()"
        asked = f"async text => JSON.stringify(await {workspaces}).includes(text)"
        wait_until(lambda: bool(self.page.evaluate(asked, remembered)), f"Lab does not remember {remembered}")
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
