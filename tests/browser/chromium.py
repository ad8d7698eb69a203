"""The Chromium that all tests of a process share."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from tests.installed import missing

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Playwright

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class Chromium:
    """Chromium, started when it is first used. It can be stopped and started again."""

    def __init__(self) -> None:
        self._playwright: Playwright | None = None
        self._browser: Browser | None = None

    def start(self) -> Browser:
        """Return the browser. Skip the test if none is installed."""
        if self._browser is None or not self._browser.is_connected():
            self.stop()
            program = next((found for name in PROGRAMS if (found := shutil.which(name))), None)
            if program is None:
                missing("chromium is not installed, so browser tests cannot run")
            from playwright.sync_api import sync_playwright

            self._playwright = sync_playwright().start()
            self._browser = self._playwright.chromium.launch(executable_path=program, args=FLAGS)
        return self._browser

    def stop(self) -> None:
        """End Chromium and Playwright if they run."""
        browser, self._browser = self._browser, None
        playwright, self._playwright = self._playwright, None
        if browser is not None:
            browser.close()
        if playwright is not None:
            playwright.stop()
