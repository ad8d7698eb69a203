"""Detection of an object's format by its first bytes and its name, and its preview."""

from __future__ import annotations

import mimetypes
from collections.abc import Callable

from odhtec_jupyter.errors import StoreError, Unreadable
from odhtec_jupyter.models import Preview
from odhtec_jupyter.preview.arrow import process as arrow_process
from odhtec_jupyter.preview.formats import (
    binary,
    delimited,
    gguf,
    gzipped,
    image,
    jsonl,
    notebook,
    pdf,
    safetensors,
    tar_archive,
    text,
    zip_archive,
)
from odhtec_jupyter.preview.preview_input import PreviewInput
from odhtec_jupyter.preview.ranged_file import RangedFile
from odhtec_jupyter.stores.s3.store import S3Store

Previewer = Callable[[PreviewInput], object]


def preview_object(store: S3Store, bucket: str, key: str, is_stopped: Callable[[], bool] = lambda: False) -> Preview:
    """Return the preview of an object, of which only a part is read. Raises :class:`Cancelled`. Blocks."""
    head = store.head(bucket, key)
    if head is None:
        raise StoreError("The object does not exist.", code="NoSuchKey")
    file = RangedFile(store.source(bucket, key, head.size, head.etag or ""), is_stopped=is_stopped)
    return preview(PreviewInput(key, file, head.etag, _content_type(key, head.content_type)))


def preview(item: PreviewInput) -> Preview:
    """Return the preview in the object's format; if that fails, as text or bytes with the reason as a note."""
    found = _format(item)
    if item.head.startswith(gzipped.MAGIC) and found is not _TAR_GZ:
        try:
            inside = gzipped.GzippedInput(item)
            return _shown(inside, _text_format(inside))
        except Unreadable:
            return Preview(binary.preview(item))
    try:
        return _shown(item, found)
    except Unreadable:
        return Preview(binary.preview(item))


def _shown(item: PreviewInput, found: tuple[str, Previewer] | None) -> Preview:
    """Return the preview in this format, else as text. Raises :class:`Unreadable` if it is neither."""
    if found is not None:
        name, shows = found
        try:
            return Preview.model_validate(shows(item))
        except Unreadable as error:
            item.notes[:] = [f"This cannot be shown as {name}. {error}"]
    return Preview(text.preview(item))


def _text_format(item: PreviewInput) -> tuple[str, Previewer] | None:
    """Return the format by name or type if it is a text format that is read from its beginning."""
    found = _BY_EXTENSION.get(item.extension) or _BY_TYPE.get(item.media_type)
    return found if found in (_TABLE, _LINES, _NOTEBOOK) else None


def _format(item: PreviewInput) -> tuple[str, Previewer] | None:
    """Return name and function of the format.

    The first bytes, if they are conclusive, overrule the name of the object.
    """
    return _by_magic(item) or _BY_EXTENSION.get(item.extension) or _BY_TYPE.get(item.media_type)


def _by_magic(item: PreviewInput) -> tuple[str, Previewer] | None:
    head = item.head
    for magic, found in _MAGIC.items():
        if head.startswith(magic):
            return found
    if image.media_type(head):
        return _IMAGE
    if safetensors.is_safetensors(head, item.size):
        return _SAFETENSORS
    if head.startswith(b"\x1f\x8b"):
        return _TAR_GZ if tar_archive.is_compressed_tar(head) else None
    return _TAR if tar_archive.is_tar(head) else None


_PARQUET = ("Parquet", arrow_process.preview_parquet)
_ARROW = ("Arrow", arrow_process.preview_arrow)
_SAFETENSORS = ("safetensors", safetensors.preview)
_GGUF = ("GGUF", gguf.preview)
_IMAGE = ("an image", image.preview)
_PDF = ("a PDF", pdf.preview)
_ZIP = ("a zip file", zip_archive.preview)
_TAR = ("a tar file", tar_archive.preview)
_TAR_GZ = ("a compressed tar file", tar_archive.preview_compressed)
_TABLE = ("a table", delimited.preview)
_LINES = ("a table", jsonl.preview)
_NOTEBOOK = ("a notebook", notebook.preview)

_MAGIC: dict[bytes, tuple[str, Previewer]] = {
    b"PAR1": _PARQUET,
    b"PARE": _PARQUET,
    b"ARROW1": _ARROW,
    b"FEA1": _ARROW,
    b"GGUF": _GGUF,
    b"%PDF-": _PDF,
    b"PK\3\4": _ZIP,
    b"PK\5\6": _ZIP,  # an empty archive
}
_BY_EXTENSION: dict[str, tuple[str, Previewer]] = {
    **dict.fromkeys(("parquet", "parq", "pq"), _PARQUET),
    **dict.fromkeys(("arrow", "arrows", "feather", "ipc"), _ARROW),
    "safetensors": _SAFETENSORS,
    "gguf": _GGUF,
    **dict.fromkeys(("png", "jpg", "jpeg", "gif", "bmp", "webp", "ico", "avif", "svg"), _IMAGE),
    "pdf": _PDF,
    **dict.fromkeys(("zip", "whl", "jar", "npz", "docx", "xlsx", "pptx"), _ZIP),
    "tar": _TAR,
    "tgz": _TAR_GZ,
    **dict.fromkeys(("csv", "tsv", "tab"), _TABLE),
    **dict.fromkeys(("jsonl", "ndjson"), _LINES),
    "ipynb": _NOTEBOOK,
}
# If the extension is unknown. The uploader can have set any type.
_BY_TYPE: dict[str, tuple[str, Previewer]] = {
    "text/csv": _TABLE,
    "text/tab-separated-values": _TABLE,
    "application/x-ndjson": _LINES,
    "application/jsonl": _LINES,
    "application/x-ipynb+json": _NOTEBOOK,
    "image/svg+xml": _IMAGE,
}


def _content_type(key: str, stored: str | None) -> str:
    """Return the stored content type, else the type by the name."""
    plain = stored or ""
    return plain if plain not in binary.UNTYPED else mimetypes.guess_type(key)[0] or "application/octet-stream"
