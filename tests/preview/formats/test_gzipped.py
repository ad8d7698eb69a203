"""Text compressed with gzip is shown decompressed, within the limits of a preview."""

from __future__ import annotations

import gzip
import json
import random
import tracemalloc
import zlib
from typing import Any

import pytest

from odhtec_jupyter.preview.formats.text import MAX_TEXT_BYTES
from tests.preview.conftest import damaged

CSV = b"id,name\n" + b"".join(b"%d,thing %d\n" % (number, number) for number in range(50))


@pytest.mark.parametrize(
    ("key", "type_"),
    [("data.csv.gz", ""), ("Data.CSV.GZ", "application/gzip"), ("data.csv", "text/csv"), ("data", "text/csv")],
)
def test_compressed_table_is_shown(see: Any, key: str, type_: str) -> None:
    packed = gzip.compress(CSV)
    reply = see(key, packed, type_)
    assert (reply["kind"], reply["format"], reply["totalRows"]) == ("table", "csv", 50)
    assert reply["rows"][49] == ["49", "thing 49"]
    # Size and ETag are those of the compressed object.
    assert (reply["compression"], reply["size"], reply["bytesRead"]) == ("gzip", len(packed), len(packed))


def test_other_compressed_texts_are_shown(see: Any) -> None:
    lines = b"".join(json.dumps({"a": number}).encode() + b"\n" for number in range(3))
    assert see("lines.jsonl.gz", gzip.compress(lines))["rows"] == [[0], [1], [2]]
    reply = see("config.json.gz", gzip.compress(b'{"a": 1}'))
    assert (reply["kind"], reply["text"], reply["language"]) == ("text", '{"a": 1}', "json")
    assert see("notes", gzip.compress("Grüße\n".encode("latin-1")))["text"] == "Grüße\n"
    cells = {"cells": [{"cell_type": "raw", "source": "x"}], "metadata": {}, "nbformat": 4}
    assert see("a.ipynb.gz", gzip.compress(json.dumps(cells).encode()))["cells"][0]["source"] == "x"
    assert see("empty.txt.gz", gzip.compress(b""))["text"] == ""
    # Several members in one file, as written by bgzip.
    assert see("a.csv.gz", b"".join(gzip.compress(line + b"\n") for line in CSV.splitlines()))["totalRows"] == 50


def test_compressed_binary_data_is_shown_as_bytes(see: Any) -> None:
    for key in ("weights.bin.gz", "part.parquet.gz", "data.csv.gz"):
        reply = see(key, gzip.compress(b"PAR1" + bytes(range(256)) * 10))
        assert (reply["kind"], reply["contentType"], reply["compression"]) == ("binary", "application/gzip", None)


def test_long_text_is_read_only_as_far_as_it_is_shown(see: Any) -> None:
    rng = random.Random(1)
    text = b"".join(b"%d %d\n" % (rng.getrandbits(60), rng.getrandbits(60)) for _ in range(300_000))
    packed = gzip.compress(text, 1)
    reply = see("app.log.gz", packed)
    assert reply["text"].encode() == text[:MAX_TEXT_BYTES]
    assert reply["truncated"] is True
    assert reply["bytesRead"] < 1024 * 1024 < len(packed)
    assert reply["size"] == len(packed)
    reply = see("app.csv.gz", packed)
    assert (reply["kind"], reply["totalRows"], reply["truncated"]) == ("table", None, True)


@pytest.mark.parametrize(
    "packed",
    [
        pytest.param(lambda: gzip.compress(b"a," * 20_000_000, 1), id="one line"),
        pytest.param(lambda: gzip.compress(gzip.compress(b"a,b\n" * 8_000_000, 1)), id="packed twice"),
        pytest.param(lambda: gzip.compress(b"") * 150_000, id="many empty members"),
    ],
)
def test_gzip_bomb_uses_little_memory(see: Any, packed: Any) -> None:
    data = packed()
    tracemalloc.start()
    try:
        reply = see("bomb.csv.gz", data)
        assert tracemalloc.get_traced_memory()[1] < 32 * 1024 * 1024
    finally:
        tracemalloc.stop()
    assert reply["kind"] in {"text", "binary", "table"}


def test_incomplete_gzip_has_a_note(see: Any) -> None:
    packed = gzip.compress(zlib.compress(b"", 0).hex().encode() * 10_000, 0)
    reply = see("notes.txt.gz", packed[: len(packed) // 2])
    assert reply["text"]
    assert "damaged or incomplete" in reply["note"]
    reply = see("data.csv.gz", b"\x1f\x8b" + b"nonsense" * 100)
    assert reply["kind"] == "binary"
    assert reply["note"] == "This cannot be shown as a table. The file is not valid gzip data."


def test_damaged_file_never_raises(see: Any) -> None:
    for data in damaged(gzip.compress(CSV), 60):
        see("data.csv.gz", data)
