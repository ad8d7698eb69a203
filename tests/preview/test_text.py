"""Text and code: every encoding, every name, cut between two characters."""

from __future__ import annotations

import codecs
from typing import Any

import pytest

from odhtec_jupyter.preview.encoding import decode
from odhtec_jupyter.preview.text import MAX_TEXT

GREETING = "Grüße aus Łódź, 日本 und 😀\n"


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (GREETING.encode(), "utf-8"),
        (codecs.BOM_UTF8 + GREETING.encode(), "utf-8"),
        (codecs.BOM_UTF16_LE + GREETING.encode("utf-16-le"), "utf-16-le"),
        (codecs.BOM_UTF16_BE + GREETING.encode("utf-16-be"), "utf-16-be"),
        (codecs.BOM_UTF32_LE + GREETING.encode("utf-32-le"), "utf-32-le"),
        (codecs.BOM_UTF32_BE + GREETING.encode("utf-32-be"), "utf-32-be"),
        (GREETING.encode("utf-16-le"), "utf-16-le"),
        (GREETING.encode("utf-16-be"), "utf-16-be"),
    ],
)
def test_an_encoding_is_found_in_the_bytes(see: Any, data: bytes, encoding: str) -> None:
    reply = see("greeting", data)
    assert (reply["kind"], reply["text"], reply["encoding"], reply["note"]) == ("text", GREETING, encoding, None)


def test_older_encodings_are_read_as_windows_reads_them(see: Any) -> None:
    reply = see("old.txt", "Preis: 5 € für Öl\n".encode("cp1252"))
    assert (reply["text"], reply["encoding"]) == ("Preis: 5 € für Öl\n", "windows-1252")
    reply = see("old.txt", b"caf\xe9 \x81\n")
    assert (reply["text"], reply["encoding"]) == ("café \x81\n", "latin-1")


def test_one_bad_byte_does_not_change_the_encoding(see: Any) -> None:
    reply = see("app.log", ("Übergröße " * 20).encode() + b"\xff" + b"Ende")
    assert reply["encoding"] == "utf-8"
    assert "Übergröße" in reply["text"]
    assert reply["note"] == "Some of its bytes are not UTF-8."


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
def test_a_long_text_is_cut_between_two_characters(see: Any, encoding: str) -> None:
    text = "x" + "日本😀" * 400_000
    mark = {"utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}.get(encoding, b"")
    reply = see("long.txt", mark + text.encode(encoding))
    assert text.startswith(reply["text"])
    assert len(reply["text"]) > MAX_TEXT // 4
    assert reply["truncated"] is True
    assert reply["bytesRead"] < 2 * MAX_TEXT


@pytest.mark.parametrize(
    ("name", "language"),
    [
        ("README.MD", "markdown"),
        ("a/b/train.py", "python"),
        ("Dockerfile", "dockerfile"),
        ("Dockerfile.gpu", "dockerfile"),
        ("Makefile", "makefile"),
        ("pyproject.toml", "toml"),
        ("values.YAML", "yaml"),
        ("model.safetensors.index.json", "json"),
        (".bashrc", "shell"),
        (".gitignore", None),
        ("LICENSE", None),
        ("server.log", None),
        ("no extension at all", None),
        ("folder.py/notes", None),
    ],
)
def test_the_name_tells_the_language(see: Any, name: str, language: str | None) -> None:
    reply = see(name, b"plain words\n")
    assert (reply["kind"], reply["language"]) == ("text", language)


def test_html_is_text_like_any_other(see: Any) -> None:
    page = "<script>alert(1)</script>"
    reply = see("page.html", page.encode(), "text/html")
    assert (reply["kind"], reply["text"], reply["language"]) == ("text", page, "html")


def test_an_empty_object_is_an_empty_text(see: Any) -> None:
    for name in ("empty", "folder/", "empty.csv", "empty.jsonl", "empty.parquet", "empty.zip"):
        reply = see(name, b"")
        assert reply.get("text", "") == ""
        assert reply["bytesRead"] == 0


def test_what_is_no_text_is_not_shown_as_text() -> None:
    for data in (b"\x00\x01\x02\x03" * 100, bytes(1000), b"a\0b" * 100, bytes(range(256)) * 4, b"\x01\x00" * 500):
        assert decode(data, whole=True) is None
