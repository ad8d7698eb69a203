"""Images: width and height from the header. The browser shows the image."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable

from odhtec_jupyter.errors import Unreadable
from odhtec_jupyter.models import ImagePreview
from odhtec_jupyter.preview.encoding import decode
from odhtec_jupyter.preview.preview_input import PreviewInput
from odhtec_jupyter.preview.ranged_file import KIB, RangedFile

MAX_SEGMENTS = 100  # of a JPEG, before the segment with the size
SVG_HEAD = 64 * KIB
SVG_TAG = 4 * KIB
Size = tuple[int | None, int | None]


def preview(item: PreviewInput) -> ImagePreview:
    """Return width, height and the detected type. Raises :class:`Unreadable`."""
    found = media_type(item.head)
    if found is None:
        return _svg(item)
    try:
        width, height = _SIZES[found](item.file)
    except (struct.error, IndexError, KeyError):
        raise Unreadable("The image is damaged or incomplete.") from None
    return ImagePreview(width=width, height=height, **{**item.common(), "content_type": found})


def media_type(head: bytes) -> str | None:
    """Return the type that the first bytes show."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if head[4:8] == b"ftyp" and head[8:12] in {b"avif", b"avis"}:
        return "image/avif"
    # Two letters are not conclusive, so the size of the header is checked, too.
    if head[:2] == b"BM" and head[14:18] in {bytes([size, 0, 0, 0]) for size in (12, 40, 52, 56, 64, 108, 124)}:
        return "image/bmp"
    return next((name for magic, name in _MAGIC.items() if head.startswith(magic)), None)


_MAGIC = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
    b"\0\0\1\0": "image/x-icon",
}


def _png(file: RangedFile) -> Size:
    return struct.unpack(">II", file.at(16, 8))


def _gif(file: RangedFile) -> Size:
    return struct.unpack("<HH", file.at(6, 4))


def _icon(file: RangedFile) -> Size:
    width, height = struct.unpack("BB", file.at(6, 2))
    return width or 256, height or 256


def _bmp(file: RangedFile) -> Size:
    head = file.at(0, 26)
    if head[14] == 12:
        return struct.unpack_from("<HH", head, 18)
    width, height = struct.unpack_from("<ii", head, 18)
    return abs(width), abs(height)  # a negative height means that rows are stored from the top


def _jpeg(file: RangedFile) -> Size:
    """Return the size from the frame segment, after skipping the other segments by their lengths."""
    position = 2
    for _ in range(MAX_SEGMENTS):
        marker, code, length = struct.unpack(">BBH", file.at(position, 4))
        if marker != 0xFF:
            break
        if code == 0xFF:  # padding
            position += 1
            continue
        if 0xC0 <= code <= 0xCF and code not in {0xC4, 0xC8, 0xCC}:
            height, width = struct.unpack(">HH", file.at(position + 5, 4))
            return width, height
        position += 2 + length
    raise Unreadable("The image is damaged or incomplete.")


def _webp(file: RangedFile) -> Size:
    head = file.at(0, 30)
    if head[12:16] == b"VP8 ":
        width, height = struct.unpack_from("<HH", head, 26)
        return width & 0x3FFF, height & 0x3FFF
    if head[12:16] == b"VP8L":
        (bits,) = struct.unpack_from("<I", head, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if head[12:16] == b"VP8X" and len(head) == 30:
        return int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1
    raise Unreadable("The image is damaged or incomplete.")


_SIZES: dict[str, Callable[[RangedFile], Size]] = {
    "image/png": _png,
    "image/gif": _gif,
    "image/jpeg": _jpeg,
    "image/webp": _webp,
    "image/bmp": _bmp,
    "image/x-icon": _icon,
    "image/avif": lambda _: (None, None),
}


def _svg(item: PreviewInput) -> ImagePreview:
    """Find the svg tag without an XML parser, because entities are dangerous and one tag is enough."""
    head = item.head[:SVG_HEAD]
    found = decode(head, whole=len(head) == item.size)
    start = found.text.lower().find("<svg") if found else -1
    if found is None or start < 0:
        raise Unreadable("The file does not start like an image of this type.")
    tag = found.text[start : start + SVG_TAG].partition(">")[0]
    width, height = _length(tag, "width"), _length(tag, "height")
    box = re.search(r"""\bviewBox\s?=\s?["']([-0-9., ]{1,100})["']""", tag)
    if (width is None or height is None) and box:
        numbers = [float(one) for one in re.findall(r"-?[0-9]{1,9}(?:\.[0-9]{1,9})?", box[1])]
        width, height = (round(numbers[2]), round(numbers[3])) if len(numbers) == 4 else (None, None)
    return ImagePreview(width=width, height=height, **{**item.common(), "content_type": "image/svg+xml"})


def _length(tag: str, name: str) -> int | None:
    """Return a length in pixels; other units are ignored."""
    match = re.search(rf"""(?<![-\w]){name}\s?=\s?["']([0-9]{{1,9}}(?:\.[0-9]{{1,9}})?)(?:px)?["']""", tag)
    return round(float(match[1])) if match else None
