"""The fsspec file system; fsspec's entry point names it by this path."""

from __future__ import annotations

from odhtec_jupyter.client.filesystem.filesystem import OdhTecFileSystem

__all__ = ["OdhTecFileSystem"]
