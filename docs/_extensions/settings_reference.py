"""The settings of the server, of the panel and of the widget, as Markdown."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any
from unittest.mock import patch

from jupyter_core.paths import jupyter_data_dir
from traitlets import HasTraits

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = ROOT / "labextension" / "schema" / "plugin.json"
# Of help texts: names of environment variables, and commands that are marked already.
VARIABLE = re.compile(r"`[^`]*`|\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b")
TYPES = {"Unicode": "string", "Int": "integer", "Bool": "boolean", "List": "list of strings", "Dict": "dictionary"}


def settings() -> str:
    """The traits of ``OdhTecSettings``."""
    from odhtec_jupyter.settings import OdhTecSettings

    return "\n".join(_traits(OdhTecSettings, config=True))


def widget() -> str:
    """The public traits of ``S3Browser``."""
    from odhtec_jupyter.widget import S3Browser

    return "\n".join(_traits(S3Browser, help=bool))


def _traits(cls: type[HasTraits], **metadata: Any) -> list[str]:
    """The traits that this package adds to the class, in the order of the source."""
    known = cls.class_traits(**metadata)
    own = [base for base in cls.__mro__ if base.__module__.startswith("odhtec_jupyter.")]
    traits = {key: known[key] for base in own for key in vars(base) if key in known}
    with patch.dict(os.environ, clear=True):  # what this machine sets is no default
        one, data = cls(), jupyter_data_dir()
        defaults = {key: getattr(one, key) for key in traits}
    lines: list[str] = []
    for key, trait in traits.items():
        shown = repr(defaults[key]).replace(data, "JUPYTER_DATA_DIR")
        lines += _entry(key, TYPES[type(trait).__name__], shown, _marked(trait.help))
    return lines


def _marked(text: str) -> str:
    return VARIABLE.sub(lambda found: found[0] if found[0].startswith("`") else f"`{found[0]}`", text)


def _entry(name: str, kind: str, default: str, text: str) -> list[str]:
    return [f"```{{confval}} {name}", f":type: {kind}", f":default: `{default}`", "", text, "```", ""]


def panel() -> str:
    """The settings of the panel, which users change in JupyterLab's Settings Editor."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    lines: list[str] = []
    for key, prop in schema["properties"].items():
        values = "".join(f"\n- `{one['const']}`: {one['title']}" for one in prop.get("oneOf", ()))
        text = f"**{prop['title']}.** {prop['description']}{values and chr(10)}{values}"
        lines += _entry(key, prop["type"], json.dumps(prop["default"]), text)
    return "\n".join(lines)
