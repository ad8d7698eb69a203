"""Images and PDFs: recognized by their first bytes, with the size from their headers."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import pytest

from odhtec_jupyter import demo
from tests.preview.conftest import damaged


def png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes((width + 1) * height))) + chunk(b"IEND", b"")
    )


def jpeg(width: int, height: int, before: int = 1) -> bytes:
    segments = (b"\xff\xe1" + struct.pack(">H", 60_002) + bytes(60_000)) * before
    frame = b"\xff\xc2" + struct.pack(">HBHHB", 8, 8, height, width, 0)
    return b"\xff\xd8\xff\xe0" + struct.pack(">H", 16) + bytes(14) + segments + frame + bytes(100)


def webp(kind: bytes, data: bytes) -> bytes:
    return b"RIFF\0\0\0\0WEBP" + kind + struct.pack("<I", len(data)) + data


IMAGES = [
    (png(31, 17), "image/png"),
    (jpeg(31, 17), "image/jpeg"),
    (jpeg(31, 17, before=20), "image/jpeg"),
    (b"GIF89a" + struct.pack("<HH", 31, 17) + bytes(50), "image/gif"),
    (b"BM" + bytes(12) + struct.pack("<Iii", 40, 31, -17) + bytes(50), "image/bmp"),
    (b"BM" + bytes(12) + struct.pack("<IHH", 12, 31, 17) + bytes(50), "image/bmp"),
    (webp(b"VP8 ", bytes(3) + b"\x9d\x01\x2a" + struct.pack("<HH", 31, 17)), "image/webp"),
    (webp(b"VP8L", b"\x2f" + struct.pack("<I", 30 | 16 << 14) + bytes(9)), "image/webp"),
    (webp(b"VP8X", bytes(4) + (30).to_bytes(3, "little") + (16).to_bytes(3, "little")), "image/webp"),
    (b"\0\0\1\0\1\0\x1f\x11" + bytes(50), "image/x-icon"),
]


@pytest.mark.parametrize(("data", "media_type"), IMAGES)
def test_size_is_read_from_the_header(see: Any, data: bytes, media_type: str) -> None:
    # Independent of the name and of the media type.
    for name in ("picture", "picture.CSV", "picture.PNG"):
        reply = see(name, data, "application/octet-stream")
        assert (reply["kind"], reply["contentType"]) == ("image", media_type)
        assert (reply["width"], reply["height"]) == (31, 17)


def test_real_image_is_shown_with_its_size(see: Any) -> None:
    reply = see("pattern.png", (Path(demo.__file__).parent / "assets" / "pattern.png").read_bytes())
    assert (reply["width"], reply["height"], reply["contentType"]) == (160, 160, "image/png")


@pytest.mark.parametrize(
    ("tag", "size"),
    [
        ('<svg xmlns="http://www.w3.org/2000/svg" width="31px" height="17">', (31, 17)),
        ("<svg stroke-width='9' height='17.2' width='31'>", (31, 17)),
        ('<?xml version="1.0"?>\n<!-- <b> -->\n<SVG viewBox="0 0 31 17">', (31, 17)),
        ('<svg width="100%" height="2em">', (None, None)),
        ('<svg viewBox="x">', (None, None)),
    ],
)
def test_svg_is_an_image_that_is_not_parsed(see: Any, tag: str, size: tuple[int | None, int | None]) -> None:
    reply = see("drawing.svg", f"{tag}<script>alert(1)</script></svg>".encode())
    assert (reply["kind"], reply["contentType"]) == ("image", "image/svg+xml")
    assert (reply["width"], reply["height"]) == size


def test_hostile_svg_takes_bounded_time(see: Any) -> None:
    for data in (b"<svg " + b"width=" * 20_000, b'<svg viewBox="' + b"1 " * 30_000, b"<svg " + b" " * 60_000):
        assert see("a.svg", data)["kind"] == "image"


def test_file_that_is_not_an_image_is_shown_as_text_or_bytes(see: Any) -> None:
    reply = see("a.png", b"an error page")
    assert (reply["kind"], reply["text"]) == ("text", "an error page")
    assert reply["note"] == "This cannot be shown as an image. The file does not start like an image of this type."
    reply = see("a.jpg", b"\xff\xd8\xff\xe0" + b"\xff\xff" * 3)
    assert (reply["kind"], "damaged" in reply["note"]) == ("binary", True)


def test_pdf_is_shown_by_the_browser(see: Any) -> None:
    for name in ("paper.pdf", "paper", "paper.txt"):
        reply = see(name, b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + bytes(300_000))
        assert (reply["kind"], reply["contentType"]) == ("pdf", "application/pdf")
        assert reply["bytesRead"] < 200_000
    assert (
        see("paper.pdf", b"not at all")["note"] == "This cannot be shown as a PDF. The file does not start like a PDF."
    )


def test_damaged_file_never_raises(see: Any) -> None:
    for data, _ in IMAGES:
        for broken in (*damaged(data, 30), *(data[:length] for length in range(40))):
            see("a.png", broken)
