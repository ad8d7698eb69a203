"""The code blocks of the README and the documentation, and what the comments before a block say about running it.

A comment is invisible on the page. ``<!-- not run: REASON -->`` excludes the block. ``<!-- before: PYTHON -->`` does
what the reader does between two blocks. ``<!-- variables: NAME … -->`` sets shell variables, after the block, to the
values of Python variables with the same names.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import ROOT

PAGES = [ROOT / "README.md", *sorted(path for path in (ROOT / "docs").rglob("*.md") if "_build" not in path.parts)]
RUN = {"python", "bash"}
# Languages of blocks that are only shown. A directive of MyST is written in braces.
SHOWN = {"dockerfile", "yaml", "json", "text"}

_BLOCK = re.compile(
    r"^(?P<comments>(?:<!-- [^\n]* -->\n)*)(?P<fence>`{3,})(?P<language>[^\n`]*)\n(?P<code>.*?)^(?P=fence)$",
    re.MULTILINE | re.DOTALL,
)
_COMMENT = re.compile(r"<!-- ([a-z ]+): (.+) -->")


@dataclass(frozen=True)
class Block:
    """A code block with its location and its comments."""

    page: Path
    line: int
    language: str
    code: str
    comments: dict[str, str]

    @property
    def location(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def is_run(self) -> bool:
        return self.language in RUN and "not run" not in self.comments


def blocks_of(page: Path) -> list[Block]:
    """Return all code blocks of a page in their order."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(
            page,
            text.count("\n", 0, found.start("code")) + 1,
            found["language"].strip(),
            found["code"],
            dict(_COMMENT.findall(found["comments"])),
        )
        for found in _BLOCK.finditer(text)
    ]
