"""CSV and TSV."""

from __future__ import annotations

import csv
import io
import tracemalloc
from typing import Any

import pytest

from tests.preview.conftest import damaged


def names(reply: Any) -> list[str]:
    return [column["name"] for column in reply["columns"]]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(see: Any, delimiter: str) -> None:
    rows = [
        ["id", "name", "price"],
        *([str(number), f"thing {number}", "1,5" * (delimiter != ",")] for number in range(9)),
    ]
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows(rows)
    reply = see("data.csv", out.getvalue().encode())
    assert names(reply) == rows[0]
    assert reply["rows"] == rows[1:]
    assert reply["totalRows"] == 9
    assert reply["truncated"] is False
    assert reply["metadata"]["delimiter"] == ("tab" if delimiter == "\t" else delimiter)


def test_a_tsv_has_tabs_whatever_else_it_has(see: Any) -> None:
    reply = see("DATA.TSV", b"a\tb,c,d\n1,1,1\t2,2,2\n")
    assert (reply["format"], names(reply), reply["rows"]) == ("tsv", ["a", "b,c,d"], [["1,1,1", "2,2,2"]])


def test_a_quoted_line_break_does_not_end_a_row(see: Any) -> None:
    reply = see("data.csv", b'a,b\r\n"one\r\ntwo","say ""hi"""\r\n3,4\r\n')
    assert reply["rows"] == [["one\r\ntwo", 'say "hi"'], ["3", "4"]]


def test_no_header_where_the_first_row_has_values(see: Any) -> None:
    for first in ("1,2.5", "2024-01-01,x", "a,a", "a,"):
        reply = see("data.csv", f"{first}\n3,4\n".encode())
        assert names(reply) == ["column 1", "column 2"], first
        assert len(reply["rows"]) == 2


def test_rows_of_different_lengths_are_filled_up(see: Any) -> None:
    reply = see("data.csv", b"a,b\n1\n\n1,2,3\n")
    assert names(reply) == ["a", "b", "column 3"]
    assert reply["rows"] == [["1", None, None], ["1", "2", "3"]]


def test_a_long_table_is_cut_after_whole_rows(see: Any) -> None:
    reply = see("data.csv", b"a,b\n" + b"".join(b"%d,%s\n" % (number, b"x" * 3000) for number in range(2000)))
    assert len(reply["rows"]) == 100
    assert reply["rows"][99][0] == "99"
    assert len(reply["rows"][0][1]) == 1001
    assert (reply["truncated"], reply["totalRows"]) == (True, None)
    assert reply["bytesRead"] <= 1024 * 1024


def test_a_row_of_a_million_fields_takes_little_memory(see: Any) -> None:
    see("data.csv", b"a,b\n1,2\n")
    tracemalloc.start()
    try:
        reply = see("data.csv", b"," * 1_000_000 + b"\n")
        assert tracemalloc.get_traced_memory()[1] < 48 * 1024 * 1024
    finally:
        tracemalloc.stop()
    assert reply["note"] == "Of its 1000001 columns the first 100 are shown."


def test_a_wide_table_shows_its_first_columns(see: Any) -> None:
    reply = see("data.csv", (",".join(f"c{number}" for number in range(500)) + "\n").encode() * 3)
    assert len(reply["columns"]) == len(reply["rows"][0]) == 100
    assert reply["note"] == "Of its 500 columns the first 100 are shown."


def test_old_encodings_and_types_without_a_name(see: Any) -> None:
    reply = see("table", "Ort;Höhe\nKöln;53\n".encode("utf-16"), "text/csv; charset=utf-8")
    assert (names(reply), reply["rows"]) == (["Ort", "Höhe"], [["Köln", "53"]])
    assert reply["metadata"]["encoding"] == "utf-16-le"


@pytest.mark.parametrize("filling", [b"a" * 100, b"0123456789,", b'"' + b"x" * 99, b'"",' * 30, b'""' * 50])
def test_one_endless_line_is_shown_as_text(see: Any, huge_files: Any, filling: bytes) -> None:
    reply = see("line.csv", huge_files.Sparse(4 * 10**9, {0: b'"'}, filling * 1000))
    assert reply["kind"] == "text"
    assert reply["note"].startswith("This cannot be shown as a table. Its first row ")


def test_a_quote_that_is_never_closed_ends_the_table(see: Any) -> None:
    reply = see("data.csv", b'a,b\n1,2\n"' + b"x" * 300_000)
    assert reply["rows"] == [["1", "2"]]
    assert "field of more than 128 KiB" in reply["note"]


def test_binary_data_is_no_table(see: Any) -> None:
    reply = see("data.csv", bytes(range(256)) * 10)
    assert (reply["kind"], reply["note"]) == ("binary", "This cannot be shown as a table. It is not text.")


def test_damage_does_no_harm(see: Any) -> None:
    for data in damaged(b"id;name\n" + '1;"Grüße\nan alle"\n'.encode() * 200, 60):
        see("data.csv", data)
