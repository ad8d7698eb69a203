"""Fills the reference pages from the code: the line ``% generated: NAME`` becomes what the function NAME writes."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import errors_reference
import rest_reference
import settings_reference

GENERATORS: dict[str, Callable[[], str]] = {
    "errors": errors_reference.errors,
    "rest": rest_reference.rest,
    "settings": settings_reference.settings,
    "panel": settings_reference.panel,
    "widget": settings_reference.widget,
}
MARK = re.compile(r"^% generated: (\w+)$", re.MULTILINE)


def fill(_app: Any, _page: str, source: list[str]) -> None:
    """Replace the marks of a page."""
    source[0] = MARK.sub(lambda mark: GENERATORS[mark[1]](), source[0])


def setup(app: Any) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("source-read", fill)
    return {"parallel_read_safe": True}
