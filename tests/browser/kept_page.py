"""One page of JupyterLab that tests use one after the other.

Loading Lab takes five seconds of CPU, more than most tests need. A page is kept only if it can be reset to the state
after loading; otherwise the next test loads a new page.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from tests.browser.panel import Panel
from tests.browser.waiting import TIMEOUT_MS

if TYPE_CHECKING:
    from collections.abc import Callable

VIEWPORT = {"width": 1180, "height": 720}
RESET_TIMEOUT_MS = 10_000  # a page that takes longer to reset is closed, and another one is loaded

OVERLAYS = ".jp-Dialog, .lm-Menu, #modal-command-palette:not(.lm-mod-hidden)"

# Disposed, not closed: closing would ask whether to save.
CLOSE_TABS = """() => {
  const { shell } = window.jupyterapp;
  for (const widget of ['main', 'down'].flatMap(area => [...shell.widgets(area)])) {
    if (!widget.node.querySelector('.jp-Launcher')) widget.dispose();
  }
  shell.collapseRight();
  shell.activateById('odhtec-browser');
}"""

# Returns whether the page looks as after loading; otherwise it presses the button that closes or resets the next
# difference. It is called in each frame, so a button is pressed at most once a second.
AS_LOADED = """() => {
  const panel = document.querySelector('#odhtec-browser');
  const press = button => {
    if (button && performance.now() - (button.pressedAt ?? -Infinity) > 1000) {
      button.pressedAt = performance.now();
      button.click();
    }
    return !button;
  };
  const name = panel.querySelector('[role=columnheader]');
  if (name?.getAttribute('aria-sort') !== 'ascending') return press(name?.querySelector('button')) && false;
  return press(panel.querySelector('.odhtec-Transfers [aria-label="Clear finished transfers"]'))
    && press(document.querySelector('.Toastify__close-button'))
    && !document.querySelector('.Toastify__toast')
    && !panel.querySelector('.odhtec-Transfers')
    && panel.offsetParent !== null
    && document.querySelectorAll('.jp-Launcher').length === 1
    && document.body.dataset.jpThemeName === 'JupyterLab Light';
}"""


class KeptPage:
    """The page of one Lab, kept while it can be used again."""

    def __init__(self) -> None:
        self._url = ""
        self._panel: Panel | None = None

    def take(self, url: str, load: Callable[[str], Panel]) -> Panel:
        """Return the kept page of this address, with an empty bucket, or load one."""
        if self._panel is not None and (url != self._url or not self._is_at_start(self._panel)):
            self.close()
        if self._panel is None:
            self._panel, self._url = load(url), url
        return self._panel

    def give_back(self) -> None:
        """Reset the page after a test that passed."""
        if self._panel is not None and not self._is_cleared(self._panel):
            self.close()

    def close(self) -> None:
        """Close the page. Only one page of a Lab can be open: two would overwrite each other's layout."""
        from playwright.sync_api import Error

        panel, self._panel = self._panel, None
        if panel is not None:
            with suppress(Error):  # of a browser that has crashed
                panel.page.context.close()

    @staticmethod
    def _is_cleared(panel: Panel) -> bool:
        from playwright.sync_api import Error

        page = panel.page
        try:
            if len(page.context.pages) > 1:
                return False
            page.context.clear_permissions()
            page.unroute_all(behavior="ignoreErrors")
            page.set_viewport_size(VIEWPORT)  # type: ignore[arg-type]
            page.mouse.move(900, 600)
            for _ in range(5):
                if page.locator(OVERLAYS).count() == 0:
                    break
                panel.press("Escape")
            if page.locator(OVERLAYS).count():
                return False
            page.evaluate(CLOSE_TABS)
            if page.evaluate("document.body.dataset.jpThemeName") != "JupyterLab Light":
                panel.use_theme("JupyterLab Light")
            page.wait_for_function(AS_LOADED, timeout=RESET_TIMEOUT_MS)
        except Error:
            return False
        return True

    @staticmethod
    def _is_at_start(panel: Panel) -> bool:
        from playwright.sync_api import Error

        page = panel.page
        page.set_default_timeout(RESET_TIMEOUT_MS)
        try:
            page.get_by_role("button", name="Top level of models").click()
            page.get_by_role("heading", name="This bucket is empty").wait_for()
            page.wait_for_function(AS_LOADED)
        except Error:
            return False
        finally:
            page.set_default_timeout(TIMEOUT_MS)
        return True
