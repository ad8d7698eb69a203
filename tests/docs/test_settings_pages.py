"""The pages for administrators name every setting."""

from __future__ import annotations

from odhtec_jupyter.settings import OdhTecSettings
from tests.conftest import ROOT

PAGES = [ROOT / "docs" / "administrators" / name for name in ("settings.md", "policy.md", "security.md")]


def test_administrators_find_every_setting() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert [name for name in OdhTecSettings.class_traits(config=True) if f"`{name}`" not in text] == []
