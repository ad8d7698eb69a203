"""Text and code: the beginning, decoded."""

from __future__ import annotations

from odhtec_jupyter.errors import Unreadable
from odhtec_jupyter.models import TextPreview
from odhtec_jupyter.preview.encoding import Decoded, decode
from odhtec_jupyter.preview.preview_input import PreviewInput
from odhtec_jupyter.preview.ranged_file import KIB

MAX_TEXT_BYTES = 512 * KIB

# Names of languages in JupyterLab's editor, by extension or by the whole file name.
LANGUAGES = {
    "bash": "shell",
    "bashrc": "shell",
    "bat": "bat",
    "c": "c",
    "cc": "cpp",
    "cfg": "ini",
    "conf": "ini",
    "cpp": "cpp",
    "css": "css",
    "dockerfile": "dockerfile",
    "containerfile": "dockerfile",
    "diff": "diff",
    "env": "ini",
    "geojson": "json",
    "gitconfig": "ini",
    "go": "go",
    "h": "c",
    "hpp": "cpp",
    "htm": "html",
    "html": "html",
    "ini": "ini",
    "ipynb": "json",
    "java": "java",
    "jl": "julia",
    "js": "javascript",
    "json": "json",
    "jsonl": "json",
    "jsx": "jsx",
    "kt": "kotlin",
    "lua": "lua",
    "makefile": "makefile",
    "markdown": "markdown",
    "md": "markdown",
    "mjs": "javascript",
    "mk": "makefile",
    "ndjson": "json",
    "patch": "diff",
    "php": "php",
    "pl": "perl",
    "properties": "properties",
    "proto": "protobuf",
    "py": "python",
    "pyi": "python",
    "r": "r",
    "rb": "ruby",
    "rs": "rust",
    "rst": "rst",
    "scala": "scala",
    "sh": "shell",
    "sql": "sql",
    "svg": "xml",
    "swift": "swift",
    "tex": "latex",
    "tf": "hcl",
    "toml": "toml",
    "ts": "typescript",
    "tsx": "tsx",
    "xml": "xml",
    "xsd": "xml",
    "yaml": "yaml",
    "yml": "yaml",
    "zsh": "shell",
}
_TYPES = {"text/markdown": "markdown", "application/json": "json", "text/html": "html", "text/x-python": "python"}


def decoded(item: PreviewInput, limit: int) -> Decoded:
    """Return the beginning as text. Raises :class:`Unreadable` if it is not text."""
    found = decode(item.head, whole=len(item.head) == item.size)
    # Read more only if the beginning is text.
    if found is not None and limit > len(item.head):
        data = item.beginning(limit)
        found = decode(data, whole=len(data) == item.size)
    if found is None:
        raise Unreadable("The file is not text.")
    return found


def preview(item: PreviewInput) -> TextPreview:
    """Return the beginning of any text."""
    found = decoded(item, MAX_TEXT_BYTES)
    if found.damaged:
        item.notes.append(f"Some bytes are not {found.encoding.upper()}.")
    return TextPreview(
        text=found.text,
        encoding=found.encoding,
        language=language(item),
        truncated=item.size > MAX_TEXT_BYTES,
        **item.common(),
    )


def language(item: PreviewInput) -> str | None:
    """Return the language by the name, else by the content type."""
    name = item.name.lstrip(".")
    for word in (name, item.extension, name.partition(".")[0] if name.startswith("dockerfile.") else ""):
        if word in LANGUAGES:
            return LANGUAGES[word]
    return _TYPES.get(item.media_type)
