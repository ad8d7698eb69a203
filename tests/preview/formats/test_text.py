"""Text and code: encodings, languages, and truncation between two characters."""

from __future__ import annotations

import codecs
from typing import Any

import pytest

from odhtec_jupyter.preview.encoding import decode
from odhtec_jupyter.preview.formats.text import MAX_TEXT_BYTES

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
def test_encoding_is_detected_from_the_bytes(see: Any, data: bytes, encoding: str) -> None:
    reply = see("greeting", data)
    assert (reply["kind"], reply["text"], reply["encoding"], reply["note"]) == ("text", GREETING, encoding, None)


def test_older_encodings_are_read_as_on_windows(see: Any) -> None:
    reply = see("old.txt", "Preis: 5 € für Öl\n".encode("cp1252"))
    assert (reply["text"], reply["encoding"]) == ("Preis: 5 € für Öl\n", "windows-1252")
    reply = see("old.txt", b"caf\xe9 \x81\n")
    assert (reply["text"], reply["encoding"]) == ("café \x81\n", "latin-1")


RUSSIAN = "Имя,Город\nИван,Москва\nЭто тестовый файл. Он написан на русском языке.\n"  # noqa: RUF001


@pytest.mark.parametrize(
    ("codec", "encoding", "text"),
    [
        ("gbk", "gb18030", "姓名,城市\n张伟,北京\n李娜,上海\n这是一个测试文件。内容是中文。\n"),
        ("big5", "big5", "姓名,城市\n王小明,台北\n這是一個測試檔案。內容是中文。\n"),
        ("shift_jis", "shift_jis", "名前,都市\n田中,東京\nこれはテストです。データをノートブックで閲覧します。\n"),
        ("euc_jp", "euc-jp", "これはテストファイルです。データをノートブックで閲覧します。\n"),
        ("euc_kr", "euc-kr", "이름,도시\n김철수,서울\n이것은 테스트 파일입니다. 내용은 한국어입니다.\n"),
        ("cp1251", "windows-1251", RUSSIAN),
        ("koi8_r", "koi8-r", RUSSIAN),
    ],
    ids=lambda value: value if value.isascii() else "",
)
def test_other_scripts_are_read_in_their_encoding(see: Any, codec: str, encoding: str, text: str) -> None:
    for times in (1, 50):
        reply = see("old.txt", (text * times).encode(codec))
        assert (reply["text"], reply["encoding"], reply["note"]) == (text * times, encoding, None)
    # Truncated in the middle of a character, and surrounded by English.
    english = "The quick brown fox jumps over the lazy dog, and then does it again.\n"
    long = english * 200 + (english + text) * (MAX_TEXT_BYTES // len(english.encode() + text.encode(codec)) + 10)
    reply = see("old.txt", long.encode(codec))
    assert (reply["encoding"], reply["note"]) == (encoding, None)
    assert long.startswith(reply["text"])
    rows = "".join(f"{number};{word}\n" for number, word in enumerate(text.split()))
    reply = see("data.csv", b"id;text\n" + rows.encode(codec))
    assert (reply["kind"], reply["metadata"]["encoding"]) == ("table", encoding)
    assert [row[1] for row in reply["rows"]] == text.split()


@pytest.mark.parametrize(
    "text",
    [
        "Ort;Höhe\nKöln;53\n",
        "Größe;Öffnung\n",
        "São Paulo,João\n",
        "naïve café\n",
        "é;è;à\n",
        "price £5, 20°C\n",
        "Les élèves créées à Orléans sont là.\nÇa marche bien, n\u2019est-ce pas ?\n",
        "Å,Ø,Æ\nblåbær,smørrebrød\n",
    ],
)
def test_text_in_latin_letters_is_not_read_as_another_script(see: Any, text: str) -> None:
    reply = see("old.txt", text.encode("cp1252"))
    assert (reply["text"], reply["encoding"]) == (text, "windows-1252")


def test_invalid_byte_in_another_script_is_marked(see: Any) -> None:
    text = RUSSIAN * 300
    reply = see("old.txt", text.encode("cp1251") + b"\x98\n")
    assert (reply["encoding"], reply["note"]) == ("windows-1251", "Some bytes are not WINDOWS-1251.")
    assert reply["text"] == f"{text}\ufffd\n"


def test_one_invalid_byte_does_not_change_the_encoding(see: Any) -> None:
    reply = see("app.log", ("Übergröße " * 20).encode() + b"\xff" + b"Ende")
    assert reply["encoding"] == "utf-8"
    assert "Übergröße" in reply["text"]
    assert reply["note"] == "Some bytes are not UTF-8."


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
def test_long_text_is_truncated_between_two_characters(see: Any, encoding: str) -> None:
    text = "x" + "日本😀" * 400_000
    mark = {"utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}.get(encoding, b"")
    reply = see("long.txt", mark + text.encode(encoding))
    assert text.startswith(reply["text"])
    assert len(reply["text"]) > MAX_TEXT_BYTES // 4
    assert reply["truncated"] is True
    assert reply["bytesRead"] < 2 * MAX_TEXT_BYTES


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
def test_language_is_detected_by_the_name(see: Any, name: str, language: str | None) -> None:
    reply = see(name, b"plain words\n")
    assert (reply["kind"], reply["language"]) == ("text", language)


def test_html_is_shown_as_source(see: Any) -> None:
    page = "<script>alert(1)</script>"
    reply = see("page.html", page.encode(), "text/html")
    assert (reply["kind"], reply["text"], reply["language"]) == ("text", page, "html")


def test_an_empty_object_is_an_empty_text(see: Any) -> None:
    for name in ("empty", "folder/", "empty.csv", "empty.jsonl", "empty.parquet", "empty.zip"):
        reply = see(name, b"")
        assert reply.get("text", "") == ""
        assert reply["bytesRead"] == 0


def test_binary_data_is_not_shown_as_text() -> None:
    for data in (b"\x00\x01\x02\x03" * 100, bytes(1000), b"a\0b" * 100, bytes(range(256)) * 4, b"\x01\x00" * 500):
        assert decode(data, whole=True) is None
