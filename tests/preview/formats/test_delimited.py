"""CSV and TSV."""

from __future__ import annotations

import csv
import io
import tracemalloc
from typing import Any

import pandas
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


def test_tsv_is_separated_by_tabs_even_with_other_delimiters(see: Any) -> None:
    reply = see("DATA.TSV", b"a\tb,c,d\n1,1,1\t2,2,2\n")
    assert (reply["format"], names(reply), reply["rows"]) == ("tsv", ["a", "b,c,d"], [["1,1,1", "2,2,2"]])


def test_a_quoted_line_break_does_not_end_a_row(see: Any) -> None:
    reply = see("data.csv", b'a,b\r\n"one\r\ntwo","say ""hi"""\r\n3,4\r\n')
    assert reply["rows"] == [["one\r\ntwo", 'say "hi"'], ["3", "4"]]


@pytest.mark.parametrize(
    "rows",
    [
        "1,2.5\n3,4",
        "2024-01-01,x\n3,4",
        "1e-5,-.5\n2.5E+10,nan",
        "yes,no\nno,yes\nyes,yes",
        "a,a\na,b",
        "da39a3ee,x\n7c211433,y\n98b3f2f1,z\n5ba93c9d,w",
        ",1,2\n3,4,5",
        "x,\ny,",
    ],
)
def test_first_row_like_the_others_is_not_a_header(see: Any, rows: str) -> None:
    reply = see("data.csv", rows.encode())
    assert {name.rstrip("0123456789") for name in names(reply)} == {"column "}
    assert len(reply["rows"]) == rows.count("\n") + 1


@pytest.mark.parametrize(
    ("rows", "header"),
    [
        (",a,b\n0,1.5,x\n1,2.5,y", ["column 1", "a", "b"]),  # pandas with its index
        (",a,b\n0,x,y\n1,z,w", ["column 1", "a", "b"]),
        (",0,1,2\n0,1.5,2.5,3.5", ["column 1", "0", "1", "2"]),
        ("0,1\nx,2\ny,3", ["0", "1"]),  # pandas without names
        ("a,a\n3,4", ["a", "a"]),
        ("name,\nx,4\ny,5\nz,6", ["name", "column 2"]),
        ("country,2019,note\nDE,1.5,good\nFR,2.5,fine\nIT,3.5,bad", ["country", "2019", "note"]),
        ("name,city\nAnna,Rome\nBert,Paris", ["name", "city"]),
        ("id,when\n1,2024-01-01T10:00:00Z", ["id", "when"]),
        ("only,a,header", ["only", "a", "header"]),
        ("a,b\n1,2\na,b\n3,4", ["a", "b"]),  # two files concatenated
    ],
)
def test_header_is_detected_by_the_rows_below(see: Any, rows: str, header: list[str]) -> None:
    reply = see("data.csv", rows.encode())
    assert names(reply) == header
    assert len(reply["rows"]) == rows.count("\n")


def test_pandas_and_the_preview_see_the_same_columns(see: Any) -> None:
    frame = pandas.DataFrame({"x": [1.5, 2.5, None], "label": ["a", 'say "hi"\nthere', "c,d"]})
    reply = see("data.csv", frame.to_csv().encode())
    assert names(reply) == ["column 1", "x", "label"]
    assert [row[2] for row in reply["rows"]] == list(frame.label)


LONE = [
    ("data.tsv", '1\t5\tsay\n2\t"\tx\n3\t6\ty\n4\t7\tz', 4),  # a ditto mark
    ("data.tsv", '1\t"\tx\n2\t"\ty\n3\tb\tz', 3),  # closed by the next quote, as in the csv module
    ("data.tsv", '"a\t1\nb"\t2\n"c\t3\nd\t4\n', 4),
    ("data.tsv", "".join(f'{number}\t"big {number}\tx\n' for number in range(30)), 30),
    ("data.csv", 'n,size,what\n1,"5 inch,pipe\n2,6,tube\n3,7,rod\n', 3),
    ("data.csv", 'n,what\n1,"never closed\n2,b\n3,"closed, here"\n4,d\n', 4),
]


@pytest.mark.parametrize(("key", "text", "count"), LONE)
def test_lone_quote_does_not_join_rows(see: Any, key: str, text: str, count: int) -> None:
    reply = see(key, text.encode())
    shown = [[column["name"] for column in reply["columns"]], *reply["rows"]][-count:]
    assert len(shown) == count
    assert reply["totalRows"] in {count, count - 1}
    assert not any("\n" in str(field) for row in shown for field in row)
    assert None not in {field for row in shown for field in row}


def test_fields_of_many_lines_stay_whole(see: Any) -> None:
    long = "\n".join(f"line {number}, with commas" for number in range(200))
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows([["id", "text"], ["1", long], ["2", f"{long}\n"], ["3", '"']])
    reply = see("data.csv", out.getvalue().encode())
    assert [row[1] for row in reply["rows"]] == [long[:1000] + "…", long[:1000] + "…", '"']


def test_many_lone_quotes_take_bounded_time(see: Any) -> None:
    lines = [f'{number}\t"{"x" * 20}\t"y\tz"w\n' for number in range(20_000)]
    assert len(see("data.tsv", "".join(lines).encode())["rows"]) == 100
    assert len(see("data.csv", b'a,"b\n' * 200_000)["rows"]) > 0


def test_empty_lines_are_skipped(see: Any) -> None:
    reply = see("data.csv", b"a,b\n" + b"\n1,2\n" * 100)
    assert (len(reply["rows"]), reply["totalRows"]) == (100, 100)
    reply = see("data.csv", b"a,b\n1,2\n" + b"\n" * 100_000)
    assert (reply["rows"], reply["totalRows"]) == ([["1", "2"]], None)


def test_rows_of_different_lengths_are_filled_up(see: Any) -> None:
    reply = see("data.csv", b"a,b\n1\n\n1,2,3\n")
    assert names(reply) == ["a", "b", "column 3"]
    assert reply["rows"] == [["1", None, None], ["1", "2", "3"]]


def test_long_table_is_truncated_after_a_complete_row(see: Any) -> None:
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
    assert reply["note"] == "Showing the first 100 of 1000001 columns."


def test_a_wide_table_shows_its_first_columns(see: Any) -> None:
    reply = see("data.csv", (",".join(f"c{number}" for number in range(500)) + "\n").encode() * 3)
    assert len(reply["columns"]) == len(reply["rows"][0]) == 100
    assert reply["note"] == "Showing the first 100 of 500 columns."


def test_older_encodings_and_media_types_are_recognized(see: Any) -> None:
    reply = see("table", "Ort;Höhe\nKöln;53\n".encode("utf-16"), "text/csv; charset=utf-8")
    assert (names(reply), reply["rows"]) == (["Ort", "Höhe"], [["Köln", "53"]])
    assert reply["metadata"]["encoding"] == "utf-16-le"


@pytest.mark.parametrize("filling", [b"a" * 100, b"0123456789,", b'"' + b"x" * 99, b'"",' * 30, b'""' * 50])
def test_one_endless_line_is_shown_as_text(see: Any, huge_files: Any, filling: bytes) -> None:
    reply = see("line.csv", huge_files.Sparse(4 * 10**9, {0: b'"'}, filling * 1000))
    assert reply["kind"] == "text"
    assert reply["note"].startswith("This cannot be shown as a table. The first row ")


def test_unclosed_quote_ends_the_table(see: Any) -> None:
    reply = see("data.csv", b'a,b\n1,2\n"' + b"x" * 300_000)
    assert reply["rows"] == [["1", "2"]]
    assert "field of more than 128 KiB" in reply["note"]


def test_binary_data_is_not_shown_as_a_table(see: Any) -> None:
    reply = see("data.csv", bytes(range(256)) * 10)
    assert (reply["kind"], reply["note"]) == ("binary", "This cannot be shown as a table. The file is not text.")


def test_damaged_file_never_raises(see: Any) -> None:
    for data in damaged(b"id;name\n" + '1;"Grüße\nan alle"\n'.encode() * 200, 60):
        see("data.csv", data)
