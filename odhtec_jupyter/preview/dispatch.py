"""Which format an object has, by its first bytes and its name, and the preview of it."""

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
    """What is inside an object, of which only a part is read. Raises :class:`Cancelled`. Blocks; runs in a thread."""
    head = store.head(bucket, key)
    if head is None:
        raise StoreError("The object does not exist.", code="NoSuchKey")
    file = RangedFile(store.source(bucket, key, head.size, head.etag or ""), is_stopped=is_stopped)
    return preview(PreviewInput(key, file, head.etag, _content_type(key, head.content_type)))


def preview(item: PreviewInput) -> Preview:
    """The preview of its format; text or bytes, with the reason as a note, of what cannot be shown as that."""
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
    """The preview of this format, else as text. Raises :class:`Unreadable` for what is neither."""
    if found is not None:
        name, shows = found
        try:
            return Preview.model_validate(shows(item))
        except Unreadable as error:
            item.notes[:] = [f"This cannot be shown as {name}. {error}"]
    return Preview(text.preview(item))


def _text_format(item: PreviewInput) -> tuple[str, Previewer] | None:
    """The format by name or type, where it is one of those that read text from its beginning."""
    found = _BY_EXTENSION.get(item.extension) or _BY_TYPE.get(item.media_type)
    return found if found in (_TABLE, _LINES, _NOTEBOOK) else None


def _format(item: PreviewInput) -> tuple[str, Previewer] | None:
    """Name and module of the format. Where the first bytes are certain, the name of the object does not count."""
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
    b"PK\5\6": _ZIP,  # an empty one
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
# Where the extension says nothing; anyone may have written this type.
_BY_TYPE: dict[str, tuple[str, Previewer]] = {
    "text/csv": _TABLE,
    "text/tab-separated-values": _TABLE,
    "application/x-ndjson": _LINES,
    "application/jsonl": _LINES,
    "application/x-ipynb+json": _NOTEBOOK,
    "image/svg+xml": _IMAGE,
}


def _content_type(key: str, stored: str | None) -> str:
    """What the uploader said, else what the name says."""
    plain = stored or ""
    return plain if plain not in binary.UNTYPED else mimetypes.guess_type(key)[0] or "application/octet-stream"
