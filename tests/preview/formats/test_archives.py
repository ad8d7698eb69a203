"""Zip and tar: contents are listed, never unpacked."""

from __future__ import annotations

import gzip
import io
import os
import struct
import tarfile
import zipfile
from typing import Any

import pytest

from odhtec_jupyter.demo.content import BytesContent
from tests.preview.conftest import damaged


def zipped(*files: tuple[str, bytes], comment: bytes = b"") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.comment = comment
        for name, data in files:
            archive.writestr(name, data)
    return out.getvalue()


def tarred(*members: tuple[str, bytes], format_: int = tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=format_) as archive:
        for name, data in members:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return out.getvalue()


def listed(reply: Any) -> dict[str, int]:
    return {entry["path"]: entry["size"] for entry in reply["entries"]}


FILES = (("a.txt", b"x" * 1000), ("Ordner/größe.bin", os.urandom(3000)), ("empty/", b""))


@pytest.mark.parametrize("name", ["data.ZIP", "package-1.0-py3-none-any.whl", "model.pt", "weights", "report.docx"])
def test_zip_is_listed_by_its_directory(see: Any, name: str) -> None:
    for comment in (b"", b"made for a test PK\5\6"):
        reply = see(name, zipped(*FILES, comment=comment))
        assert (reply["kind"], reply["format"], reply["truncated"], reply["note"]) == ("archive", "zip", False, None)
        assert listed(reply) == {"a.txt": 1000, "Ordner/größe.bin": 3000, "empty/": 0}
        assert reply["entries"][0]["compressedSize"] < 100
        assert (reply["entryCount"], reply["totalSize"]) == (3, 4000)


def test_zip_with_a_prefix_is_listed(see: Any) -> None:
    assert listed(see("setup.zip", b"#!/bin/sh\n" * 100 + zipped(*FILES)))["a.txt"] == 1000
    assert see("nothing.zip", zipped())["entryCount"] == 0


def test_sizes_of_zip64_are_read(see: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 100)
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 2)
    data = zipped(*FILES)
    assert b"PK\6\6" in data
    assert b"PK\6\7" in data
    reply = see("large.zip", data)
    assert listed(reply) == {"a.txt": 1000, "Ordner/größe.bin": 3000, "empty/": 0}
    assert see("large.zip", b"before" + data)["entryCount"] == 3


def test_list_of_a_zip_with_many_files_is_truncated(see: Any) -> None:
    reply = see("many.zip", zipped(*((f"{number:05d}", b"12") for number in range(3000))))
    assert (len(reply["entries"]), reply["entryCount"], reply["totalSize"]) == (1000, 3000, 6000)
    assert reply["truncated"] is True


def test_a_zip_bomb_is_only_listed(see: Any) -> None:
    # The unpacked size is only a claim. Several entries can even claim the same bytes.
    data = bytearray(zipped(*((f"{number}", b"x") for number in range(50))))
    position = data.find(b"PK\1\2")
    while position >= 0:
        struct.pack_into("<L", data, position + 24, 2**32 - 2)
        position = data.find(b"PK\1\2", position + 4)
    reply = see("bomb.zip", bytes(data))
    assert reply["totalSize"] == 50 * (2**32 - 2)


def end_of_zip(entries: int, size: int, offset: int, disk: int = 0) -> bytes:
    return struct.pack("<4s4H2LH", b"PK\5\6", disk, disk, entries, entries, size, offset, 0)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (zipped(*FILES)[:-30], "the directory at its end is missing"),
        (b"PK\3\4" + end_of_zip(5, 2**31, 0), "position of its directory is not valid"),
        (b"PK\3\4" + end_of_zip(5, 4, 2**31), "position of its directory is not valid"),
        (b"PK\3\4" + end_of_zip(5, 4, 0, disk=3), "one part of an archive that is split into several files"),
        (
            b"PK\3\4"
            + bytes(80)
            + struct.pack("<4sLQL", b"PK\6\7", 0, 2**63, 1)
            + end_of_zip(0xFFFF, 2**32 - 1, 2**32 - 1),
            "ZIP64 directory was not found",
        ),
    ],
)
def test_damaged_zip_is_reported_in_a_note(see: Any, data: bytes, why: str) -> None:
    reply = see("a.zip", data)
    assert (reply["kind"], why in reply["note"]) == ("binary", True), reply["note"]


def test_zip_directory_with_missing_entries_has_a_note(see: Any) -> None:
    reply = see("a.zip", b"PK\3\4" + bytes(100) + end_of_zip(60_000, 100, 4))
    assert (reply["entries"], reply["entryCount"], reply["totalSize"]) == ([], 60_000, None)
    assert "damaged" in reply["note"]


@pytest.mark.parametrize("format_", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
def test_tar_is_listed_by_its_headers(see: Any, format_: int) -> None:
    deep = "d" * 90 + "/" + "n" * 95
    files = (("a.txt", b"x" * 1000), ("Ordner/größe.bin", b"y" * 300_000), (deep, b""), ("last", b"z" * 5))
    for name, data in (("data.TAR", tarred(*files, format_=format_)), ("data", tarred(*files, format_=format_))):
        reply = see(name, data)
        assert (reply["kind"], reply["format"], reply["truncated"]) == ("archive", "tar", False)
        assert listed(reply) == {"a.txt": 1000, "Ordner/größe.bin": 300_000, deep: 0, "last": 5}
        assert (reply["entryCount"], reply["totalSize"]) == (4, 301_005)


def test_long_names_links_and_folders_of_a_tar_are_listed(see: Any) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name, kind in (("folder", tarfile.DIRTYPE), ("link", tarfile.SYMTYPE), ("n" * 300, tarfile.REGTYPE)):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, "t" * 200
            archive.addfile(member)
    assert list(listed(see("a.tar", out.getvalue()))) == ["folder/", "link", "n" * 300]


def test_contents_of_a_tar_are_not_read(see: Any) -> None:
    reply = see("a.tar", tarred(*((f"{number}", bytes(1_000_000)) for number in range(20))))
    assert len(reply["entries"]) == 20
    assert reply["bytesRead"] < 2_000_000


def test_beginning_of_a_compressed_tar_is_listed(see: Any) -> None:
    for name in ("data.tar.gz", "data.TGZ", "data"):
        reply = see(name, gzip.compress(tarred(*FILES[:2])))
        assert (reply["format"], reply["entryCount"], reply["truncated"]) == ("tar.gz", 2, False)
    noise = [(f"{number}", os.urandom(400_000)) for number in range(10)]
    reply = see("data.tgz", gzip.compress(tarred(*noise), compresslevel=1))
    assert list(listed(reply)) == ["0", "1", "2"]
    assert (reply["entryCount"], reply["truncated"]) == (None, True)
    assert reply["note"] == "Showing the first entries: a tar file has no directory."


def test_a_compressed_bomb_is_not_unpacked(see: Any, huge_files: Any) -> None:
    reply = see("bomb.tgz", huge_files.gzip_bomb())
    assert listed(reply) == {"zeros": 10**12}
    reply = see("bomb.gz", gzip.compress(bytes(50_000_000)))
    assert (reply["kind"], reply["contentType"]) == ("binary", "application/gzip")


def header(name: str, size: int, kind: bytes = b"0") -> bytes:
    member = tarfile.TarInfo(name)
    member.size, member.type = size, kind
    return member.tobuf(tarfile.GNU_FORMAT)


def test_tar_with_invalid_sizes_never_raises(see: Any) -> None:
    reply = see("a.tar", header("a", 2**70) + bytes(10_000))
    assert listed(reply) == {"a": 2**70}
    assert reply["note"] == "After these entries the archive is damaged or incomplete."
    for kind in (b"L", b"x", b"g", b"K"):
        reply = see("a.tar", header("name", 2**60, kind) + b"9" * 100_000)
        assert (reply["kind"], "cannot be read" in reply["note"]) == ("binary", True)
    for record in (b"99999999999999 path=x\n", b"20 size=" + b"9" * 5000, b"5 a=b", b"0 a=b\n" * 100, b"11 size=-5\n"):
        data = header("pax", len(record), b"x") + record.ljust(-(-len(record) // 512) * 512, b"\0")
        assert see("a.tar", data + tarred(("real", b"x")))["kind"] == "archive"


def test_damaged_file_never_raises(see: Any) -> None:
    small = (("a.txt", b"x" * 10), ("n" * 150, b"y" * 600), ("ö", b""))
    for data in (zipped(*small), tarred(*small), tarred(*small, format_=tarfile.GNU_FORMAT)):
        for broken in damaged(data, 60):
            see("a.zip", broken)
            see("a.tar", broken)
    for broken in damaged(gzip.compress(tarred(*small)), 60):
        see("a.tgz", broken)


def test_names_with_markup_are_not_interpreted(see: Any) -> None:
    assert list(listed(see("a.zip", zipped(("<b>&\n\x1b[0m", b""))))) == ["<b>&\n\x1b[0m"]
    content = BytesContent(zipped(("x" * 5000, b"")))
    assert len(see("a.zip", content)["entries"][0]["path"]) == 1001
