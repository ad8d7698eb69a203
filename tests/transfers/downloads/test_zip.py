"""ZIP archives without a store: names, records, and files beyond 4 GiB."""

from __future__ import annotations

import re
import shutil
import subprocess
import tracemalloc
import zipfile
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from unicodedata import normalize

import pytest

from odhtec_jupyter.errors import BadRequest
from odhtec_jupyter.transfers.downloads.zip_format import ZipRecords
from odhtec_jupyter.transfers.downloads.zip_names import ZipNames
from odhtec_jupyter.transfers.planning.selection import Selection

GIB = 1024**3
WHEN = datetime(2024, 2, 29, 13, 37, 42, tzinfo=UTC)
DEVICES = {"CON", "PRN", "AUX", "NUL", *(f"{port}{number}" for port in ("COM", "LPT") for number in "0123456789¹²³")}


def names_of(*keys: str, base: str = "") -> dict[str, str]:
    """Return the name of each key. The keys are sorted as S3 does."""
    given = ZipNames(base)
    ordered = sorted(keys, key=str.encode)
    return {key: given.folder(key) if key.endswith("/") else given.file(key) for key in ordered}


def test_usual_name_is_kept() -> None:
    keys = ["a.txt", "data/日本 é.csv", "x y+z%2F&;'!.bin", ".hidden", "a..b/c.d", "📦", "com/null/CONTENT.md", "COMB"]
    assert names_of(*keys) == {key: key for key in keys}
    assert names_of("in/side/x", base="in/") == {"in/side/x": "side/x"}


HOSTILE = [
    "../../etc/passwd",
    "a/../../b",
    "/etc/shadow",
    "//x",
    "a//b",
    ".",
    "..",
    "a/./b",
    "C:/windows/x",
    "c:x",
    "..\\..\\evil",
    "back\\slash",
    "line\nbreak",
    "nul\0byte",
    "esc\x1b[2J",
    "c1\x9b",
    "2024-01-01T10:00:00/10:00:00.csv",
    'a<b>"c"|d?e*',
    "CON",
    "nul.tar.gz",
    "LPT¹",
    "logs/aux /com0.txt",
    "trailing dots...",
    "trailing space /x. .",
    "photo\u202egpj.exe",
    "\u2066a\u2028b",
    "k" * 300,
    "é" * 500,
]


def test_names_have_no_parent_folders_or_control_characters() -> None:
    given = names_of(*HOSTILE)
    for key, name in given.items():
        parts = name.split("/")
        assert not {"", ".", ".."} & set(parts), key
        assert "\\" not in name, key
        assert name.isprintable(), key
        assert parts[0][1:2] != ":", key
        assert all(len(part.encode()) <= 255 for part in parts), key
    assert len(set(given.values())) == len(HOSTILE)
    assert given["k" * 300] != given["é" * 500]


def test_names_can_be_unpacked_on_windows() -> None:
    given = names_of(*HOSTILE)
    for key, name in given.items():
        for part in name.split("/"):
            assert not set(part) & set('<>:"\\|?*'), key
            assert part == part.rstrip(". "), key
            assert part.partition(".")[0].rstrip().upper() not in DEVICES, key
    assert re.fullmatch(r"10_00_00~[0-9a-f]{16}\.csv", given["2024-01-01T10:00:00/10:00:00.csv"].split("/")[1])
    assert re.fullmatch(r"_nul\.tar~[0-9a-f]{16}\.gz", given["nul.tar.gz"])


def test_names_that_are_equal_on_a_file_system_are_made_unique() -> None:
    keys = ["A.txt", "Data/x", "Data/y", "a.txt", "a.txt/deep", "data/X", "data/x", "data/y/1", "data/Y/2"]
    keys += ["a:b", "a_b", "a|b", "caf\u00e9", "cafe\u0301", "K", "k", "k/", "k/1"]
    given = names_of(*keys)

    def seen(path: str) -> str:
        return normalize("NFC", path).casefold()

    files = [seen(name) for key, name in given.items() if not key.endswith("/")]
    folders = {seen(name[:at]) for name in given.values() for at, letter in enumerate(name) if letter == "/"}
    assert len(set(files)) == len(files)
    assert not folders & set(files)
    assert (given["A.txt"], given["Data/x"], given["Data/y"], given["K"]) == ("A.txt", "Data/x", "Data/y", "K")
    # Files of one folder stay in one folder.
    assert len({given[key].split("/")[0] for key in ("data/X", "data/x", "data/y/1", "data/Y/2")}) == 1


def test_a_folder_of_many_files_takes_little_memory() -> None:
    given = ZipNames("")
    tracemalloc.start()
    try:
        for number in range(10_000):
            assert given.file(f"{number:08}") == f"{number:08}"
        assert tracemalloc.get_traced_memory()[1] < 40 * 10_000
        assert given.file("00000000 ").startswith("00000000_~")
    finally:
        tracemalloc.stop()


def test_names_that_become_equal_are_made_unique() -> None:
    first = names_of("a\\b.csv")["a\\b.csv"]
    assert first.startswith("a_b~")
    assert first.endswith(".csv")
    # The last key equals the generated name of another one.
    keys = ["a\\b.csv", "a_b.csv", "a\nb.csv", "a\x01b.csv", first, "x//y", "x/_/y", "x/y", "x/./y"]
    given = names_of(*keys)
    assert len(set(given.values())) == len(keys)
    assert (given["a_b.csv"], given["x/y"], given["x/_/y"]) == ("a_b.csv", "x/y", "x/_/y")


def test_file_and_folder_can_have_the_same_name(tmp_path: Path) -> None:
    keys = ["a", "a-b", "a.d/x", "a/b", "a/b/c", "a/b/d", "a/c", "ab/c", "b", "b/"]
    given = names_of(*keys)
    assert [given[key] for key in ("a", "a-b", "a.d/x", "ab/c", "b")] == ["a", "a-b", "a.d/x", "ab/c", "b"]
    for name in given.values():
        place = tmp_path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        assert not place.exists()
        if name.endswith("/"):
            place.mkdir()
        else:
            place.write_text(name)
    assert given["a/b"].partition("/")[0] == given["a/c"].partition("/")[0] != "a"


def test_zipfile_reads_the_records() -> None:
    records, out = ZipRecords(), BytesIO()
    out.write(records.folder("empty/", WHEN))
    contents = {"日本.txt": b"x" * 1000, "none": b"", "a/b": b"\0\1"}
    for name, content in contents.items():
        out.write(records.begin(name, len(content), WHEN))
        out.write(content)
        out.write(records.end(zlib.crc32(content)))
    for piece in records.finish():
        out.write(piece)
    with zipfile.ZipFile(out) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["empty/", *contents]
        assert {name: archive.read(name) for name in contents} == contents
        assert archive.getinfo("empty/").is_dir()
        assert all(info.date_time == (2024, 2, 29, 13, 37, 42) for info in archive.infolist())
        assert all(info.compress_type == zipfile.ZIP_STORED for info in archive.infolist())


def test_unsupported_time_becomes_the_nearest_supported_one() -> None:
    for when, year in ((datetime(1970, 1, 1, tzinfo=UTC), 1980), (datetime(2200, 1, 1, tzinfo=UTC), 2107)):
        records = ZipRecords()
        out = BytesIO(records.begin("x", 0, when) + records.end(0) + b"".join(records.finish()))
        with zipfile.ZipFile(out) as archive:
            assert archive.getinfo("x").date_time[0] == year


def large_archive(path: Path) -> Iterator[tuple[str, int, bytes]]:
    """An archive with sparse files of 5 GiB and of 4 GiB less a byte, and with small files."""
    records = ZipRecords()
    # The file of 4 GiB less a byte is last. Its size looks like the mark of ZIP64, so unzip 6 misreads the next record.
    files = [("first", 5, b"first"), ("hole", 5 * GIB, b""), ("last", 4, b"last"), ("edge", 4 * GIB - 1, b"")]
    with path.open("wb") as out:
        for name, size, content in files:
            out.write(records.begin(name, size, WHEN))
            if content:
                out.write(content)
            else:
                out.seek(size, 1)
            out.write(records.end(zlib.crc32(content)))
        for piece in records.finish():
            out.write(piece)
    yield from files


def test_files_beyond_4_gib_are_read(tmp_path: Path) -> None:
    path = tmp_path / "large.zip"
    files = list(large_archive(path))
    assert path.stat().st_size > 9 * GIB
    assert path.stat().st_blocks * 512 < 1024**2, "the file has to be sparse"
    with zipfile.ZipFile(path) as archive:
        infos = archive.infolist()
        assert [(info.filename, info.file_size) for info in infos] == [(name, size) for name, size, _ in files]
        assert infos[2].header_offset > 5 * GIB
        assert (archive.read("first"), archive.read("last")) == (b"first", b"last")
        with archive.open("hole") as hole:
            assert hole.read(1024) == bytes(1024)
    if shutil.which("unzip"):
        listed = subprocess.run(["unzip", "-l", path], capture_output=True, text=True, check=True).stdout
        assert str(5 * GIB) in listed


def test_archive_can_have_more_files_than_16_bits_count() -> None:
    records = ZipRecords()
    out = BytesIO()
    for number in range(70_000):
        out.write(records.begin(f"data/part-{number:06}.parquet", 0, WHEN))
        out.write(records.end(0))
    kept = sum(map(len, records._packed))
    for piece in records.finish():
        out.write(piece)
    with zipfile.ZipFile(out) as archive:
        assert len(archive.infolist()) == 70_000
    assert kept < 70_000 * 40, f"{kept / 70_000:.0f} bytes a file"


def test_object_selected_twice_is_archived_once() -> None:
    selection = Selection("b", ["x", "a/b/c", "x", "a/b"], ["a/b/", "a/b/d/", "c/"])
    assert (selection.keys, selection.prefixes) == (["x", "a/b"], ["a/b/", "c/"])
    assert Selection("b", ["x", "a/"], [""]).keys == []
    with pytest.raises(BadRequest, match="slash"):
        Selection("b", [], ["foo"])


@pytest.mark.parametrize(
    ("keys", "prefixes", "folder"),
    [
        (["a/b/x", "a/b/y"], [], "a/b/"),
        (["a/b/x", "a/c"], [], "a/"),
        (["a/b"], ["a/b/"], "a/"),
        ([], ["a/b/"], "a/"),
        ([], ["a/"], ""),
        ([], [""], ""),
        (["x"], ["a/"], ""),
        (["abc/x", "abd/x"], [], ""),
        (["//x"], [], "//"),
    ],
)
def test_folder_of_a_selection_is_its_common_folder(keys: list[str], prefixes: list[str], folder: str) -> None:
    assert Selection("b", keys, prefixes).folder == folder
