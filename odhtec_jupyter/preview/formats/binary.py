"""Previews of all other objects: the kind of file, if its first bytes show it, and those bytes."""

from __future__ import annotations

from odhtec_jupyter.models import BinaryPreview
from odhtec_jupyter.preview.preview_input import PreviewInput

SHOWN_BYTES = 512

_MAGIC = {
    b"\x89HDF\r\n\x1a\n": "application/x-hdf5",
    b"\x93NUMPY": "application/x-npy",
    b"SQLite format 3\0": "application/vnd.sqlite3",
    b"\x7fELF": "application/x-executable",
    b"BZh": "application/x-bzip2",
    b"\xfd7zXZ\0": "application/x-xz",
    b"\x28\xb5\x2f\xfd": "application/zstd",
    b"7z\xbc\xaf\x27\x1c": "application/x-7z-compressed",
    b"\x1f\x8b": "application/gzip",
    b"Rar!\x1a\x07": "application/vnd.rar",
    b"OggS": "application/ogg",
    b"ID3": "audio/mpeg",
    b"fLaC": "audio/flac",
    b"\x1aE\xdf\xa3": "video/webm",
    b"ORC": "application/vnd.apache.orc",
    b"Obj\x01": "application/vnd.apache.avro",
    b"\x80\x02": "application/x-python-pickle",
    b"\x80\x03": "application/x-python-pickle",
    b"\x80\x04\x95": "application/x-python-pickle",
    b"\x80\x05\x95": "application/x-python-pickle",
}
UNTYPED = {"", "binary/octet-stream", "application/octet-stream"}


def preview(item: PreviewInput) -> BinaryPreview:
    """Return the first bytes."""
    common = item.common()
    if common["content_type"] in UNTYPED:
        found = (name for magic, name in _MAGIC.items() if item.head.startswith(magic))
        common["content_type"] = next(found, "application/octet-stream")
    return BinaryPreview(head=item.head[:SHOWN_BYTES].hex(), **common)
