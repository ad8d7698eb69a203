"""ODH-TEC for Jupyter: object storage inside the notebook."""

from __future__ import annotations

from typing import Any

from odhtec_jupyter._version import __version__

__all__ = ["__version__"]


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "labextension", "dest": "odhtec-jupyter"}]


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    # Imported here: a kernel that imports the package must not load the server's stack.
    from odhtec_jupyter.app import OdhTecApp

    return [{"module": "odhtec_jupyter.app", "app": OdhTecApp}]
