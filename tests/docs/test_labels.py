"""Labels of the panel that the documentation names are those of the front end."""

from __future__ import annotations

import re

from tests.conftest import ROOT
from tests.docs.snippets import PAGES

LABEL = re.compile(r"\*\*([A-Z][\w ]*(?:…|(?<= of Folder)|(?<= into Notebook)))\*\*")
SOURCES = ROOT / "labextension" / "src"


def test_documentation_names_labels_of_the_panel() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in SOURCES.rglob("*.ts*") if ".spec." not in path.name)
    found = {label for page in PAGES for label in LABEL.findall(page.read_text(encoding="utf-8"))}
    assert {"Connection Settings…", "Insert into Notebook"} <= found
    assert [label for label in sorted(found) if f"'{label}'" not in source] == []
