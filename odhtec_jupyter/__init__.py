"""ODH-TEC for Jupyter: object storage inside the notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from odhtec_jupyter._version import __version__

if TYPE_CHECKING:
    from odhtec_jupyter.client import Client
    from odhtec_jupyter.widget import S3Browser

__all__ = ["Client", "S3Browser", "__version__"]


def __getattr__(name: str) -> Any:
    # Loaded on first use, because the server does not need it.
    if name == "Client":
        from odhtec_jupyter.client import Client

        return Client
    if name == "S3Browser":
        from odhtec_jupyter.widget import S3Browser

        return S3Browser
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "labextension", "dest": "odhtec-jupyter"}]


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    # Imported here, because a kernel that imports the package must not load the server's libraries.
    from odhtec_jupyter.app import OdhTecApp

    return [{"module": "odhtec_jupyter.app", "app": OdhTecApp}]
