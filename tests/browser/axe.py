"""The accessibility checker axe-core, run in a page."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.conftest import ROOT
from tests.installed import missing

if TYPE_CHECKING:
    from playwright.sync_api import Page

CHECKER = ROOT / "labextension" / "node_modules" / "axe-core" / "axe.min.js"


def load_checker(page: Page) -> None:
    if not CHECKER.is_file():
        missing("axe-core is not installed: run scripts/test once")
    page.evaluate(CHECKER.read_text())


def require_no_violation(page: Page, where: str) -> None:
    """Require that axe-core finds no violation of WCAG 2.1 A and AA in the elements of the selector ``where``."""
    result: dict[str, Any] = page.evaluate(
        """where => axe.run(where, {
             runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'],
             resultTypes: ['violations'],
           })""",
        where,
    )
    found = [
        {"rule": one["id"], "says": one["help"], "nodes": [node["html"][:200] for node in one["nodes"]]}
        for one in result["violations"]
    ]
    assert not found, json.dumps(found, indent=1)
