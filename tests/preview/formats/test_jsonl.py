"""JSON Lines."""

from __future__ import annotations

import json
from typing import Any

from tests.preview.conftest import damaged


def test_keys_of_the_objects_are_the_columns(see: Any) -> None:
    lines = [
        {"id": 1, "text": "Grüße\u2028an alle"},
        {"id": 2.5, "tags": ["a", {"deep": None}]},
        {"id": None, "ok": True},
    ]
    reply = see("data.NDJSON", "\n".join(json.dumps(line, ensure_ascii=False) for line in lines).encode())
    assert reply["columns"] == [
        {"name": "id", "type": "number"},
        {"name": "text", "type": "string"},
        {"name": "tags", "type": "array"},
        {"name": "ok", "type": "boolean"},
    ]
    assert reply["rows"] == [
        [1, "Grüße\u2028an alle", None, None],
        [2.5, None, ["a", {"deep": None}], None],
        [None, None, None, True],
    ]
    assert (reply["totalRows"], reply["truncated"]) == (3, False)


def test_values_that_are_not_objects_have_their_own_column(see: Any) -> None:
    reply = see("data.jsonl", b'[1,2]\n"x"\n{"a":1}\n')
    assert [column["name"] for column in reply["columns"]] == ["value", "a"]
    assert reply["rows"] == [[[1, 2], None], ["x", None], [None, 1]]


def test_values_that_javascript_cannot_represent_become_text(see: Any) -> None:
    reply = see(
        "data.jsonl", b'{"half": "\\ud83d", "large": 12345678901234567890, "nan": NaN, "long": "' + b"x" * 5000 + b'"}'
    )
    half, large, nan, long = reply["rows"][0]
    assert (half, large, nan, len(long)) == ("?", "12345678901234567890", "nan", 1001)


def test_rows_end_before_a_damaged_line(see: Any) -> None:
    reply = see("data.jsonl", b'{"a":1}\n{"a":\n{"a":3}\n')
    assert reply["rows"] == [[1]]
    assert reply["note"] == "Line 2 cannot be read: the JSON is not valid."
    assert (reply["truncated"], reply["totalRows"]) == (True, None)


def test_hostile_lines_are_shown_as_text(see: Any, huge_files: Any) -> None:
    for line, why in {
        b"[" * 200_000: "nested too deeply",
        b'{"a":' * 100_000: "nested too deeply",
        b"[" + b"0," * 400_000 + b"0]": "too many values",
        b"1" * 100_000: "JSON is not valid",
        b"no json": "JSON is not valid",
    }.items():
        reply = see("data.jsonl", line + b"\n")
        assert reply["kind"] == "text"
        assert why in reply["note"], line[:10]
    reply = see("data.jsonl", huge_files.jsonl_line())
    assert (reply["kind"], "longer than 2048 KiB" in reply["note"]) == ("text", True)


def test_damaged_file_never_raises(see: Any) -> None:
    lines = [json.dumps({"id": number, "text": "Grüße", "list": [1, {"x": None}]}) for number in range(200)]
    for data in damaged("\n".join(lines).encode(), 60):
        see("data.jsonl", data)
