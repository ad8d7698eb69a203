"""Parquet and Arrow, with pyarrow in a process of its own."""

from __future__ import annotations

import datetime
import decimal
import io
import os
import random
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

from odhtec_jupyter import demo
from odhtec_jupyter.errors import Unreadable
from odhtec_jupyter.preview.arrow import process as arrow_process
from tests.preview.conftest import damaged, input_of

ROWS = 1000
TABLE = pa.table(
    {
        "number": list(range(ROWS)),
        "text": [f"Zeile {number}" if number % 3 else None for number in range(ROWS)],
        "list": [[number] * 50 for number in range(ROWS)],
        "struct": [{"a": 1, "b": {"c": None}}] * ROWS,
        "map": pa.array([[("k", 1)]] * ROWS, pa.map_(pa.string(), pa.int32())),
        "bytes": [b"\xff\x00"] * ROWS,
        "decimal": [decimal.Decimal("1.50")] * ROWS,
        "date": [datetime.date(2026, 1, 2)] * ROWS,
        "time": pa.array([datetime.datetime(2026, 1, 2, 3, 4, 5)] * ROWS, pa.timestamp("us", "UTC")),
        "nano": pa.array([1] * ROWS, pa.timestamp("ns")),
        "far": pa.array([2**52] * ROWS, pa.timestamp("ms")),
        "nan": [float("nan")] * ROWS,
        "large": pa.array([2**64 - 1] * ROWS, pa.uint64()),
        "category": pa.array(["x", "y"] * (ROWS // 2)).dictionary_encode(),
        "dotted.name": [True] * ROWS,
    }
)
FIRST = {
    "number": 0,
    "text": None,
    "list": [0] * 19 + ["… 31 more"],
    "struct": {"a": 1, "b": {"c": None}},
    "map": [{"key": "k", "value": 1}],
    "bytes": "0xff00",
    "decimal": "1.50",
    "date": "2026-01-02",
    "time": "2026-01-02T03:04:05+00:00",
    "nano": "1970-01-01 00:00:00.000000001",
    "nan": "nan",
    "large": str(2**64 - 1),
    "category": "x",
    "dotted.name": True,
}


def parquet(table: pa.Table = TABLE, **options: Any) -> bytes:
    out = io.BytesIO()
    pq.write_table(table, out, **options)
    return out.getvalue()


def arrow(table: pa.Table = TABLE, *, stream: bool = False, rows: int = 300) -> bytes:
    out = io.BytesIO()
    with (pa.ipc.new_stream if stream else pa.ipc.new_file)(out, table.schema) as writer:
        writer.write_table(table, rows)
    return out.getvalue()


def first_row(reply: Any) -> dict[str, Any]:
    return dict(zip((column["name"] for column in reply["columns"]), reply["rows"][0], strict=True))


@pytest.mark.parametrize(
    ("name", "data", "groups", "total"),
    [
        ("part-0.PARQUET", parquet(row_group_size=30), 34, ROWS),
        ("renamed.txt", parquet(compression="zstd"), 1, ROWS),
        ("table.arrow", arrow(), 4, None),
        ("table.feather", arrow(rows=ROWS), 1, ROWS),
        ("stream.arrow", arrow(stream=True), None, None),
    ],
)
def test_schema_and_first_rows(see: Any, name: str, data: bytes, groups: int | None, total: int | None) -> None:
    reply = see(name, data)
    assert (reply["kind"], reply["note"], reply["truncated"]) == ("table", None, True)
    found = first_row(reply)
    assert isinstance(found.pop("far"), str)  # a year beyond Python's range
    assert found == FIRST
    assert [row[0] for row in reply["rows"]] == list(range(100))
    types = {column["name"]: column["type"] for column in reply["columns"]}
    assert (types["number"], types["time"]) == ("int64", "timestamp[us, tz=UTC]")
    assert (reply["rowGroups"], reply["totalRows"]) == (groups, total)


def test_a_real_file_is_shown_whole(see: Any) -> None:
    path = Path(demo.__file__).parent / "assets" / "readings.parquet"
    metadata = pq.read_metadata(path)
    reply = see("readings.parquet", path.read_bytes())
    assert reply["totalRows"] == metadata.num_rows
    assert len(reply["rows"]) == min(100, metadata.num_rows)
    assert reply["metadata"]["created by"] == metadata.created_by


def test_small_tables_are_not_truncated(see: Any) -> None:
    small = pa.table({"a": [1, 2], "b": ["x", None]}).replace_schema_metadata({"who": "me"})
    for name, data in {
        "a.parquet": parquet(small),
        "a.arrow": arrow(small),
        "b.arrow": arrow(small, stream=True),
    }.items():
        reply = see(name, data)
        assert reply["rows"] == [[1, "x"], [2, None]]
        assert (reply["totalRows"], reply["truncated"], reply["metadata"]["who"]) == (2, False, "me")
        empty = see(
            name, parquet(small.slice(0, 0)) if "parquet" in name else arrow(small.slice(0, 0), stream="b" in name)
        )
        assert (empty["rows"], len(empty["columns"]), empty["totalRows"]) == ([], 2, 0)


def test_duplicate_column_names_and_many_columns_are_shown(see: Any) -> None:
    twins = pa.Table.from_arrays([pa.array([1]), pa.array(["x"]), pa.array([2.5])], ["a", "a", "a"])
    assert see("a.parquet", parquet(twins))["rows"] == [[1, "x", 2.5]]
    wide = pa.table({f"c{number}": [number] for number in range(400)})
    for reply in (see("a.parquet", parquet(wide)), see("a.arrow", arrow(wide))):
        assert (len(reply["columns"]), reply["rows"], reply["truncated"]) == (100, [list(range(100))], True)
        assert reply["note"] == "Showing the first 100 of 400 columns."


def test_columns_that_exceed_the_limit_are_not_read(see: Any) -> None:
    rng = random.Random(1)
    large = pa.table({"page": [rng.randbytes(100_000) for _ in range(90)], "id": list(range(90))})
    for name, data in (("a.parquet", parquet(large)), ("a.arrow", arrow(large))):
        reply = see(name, data)
        assert [row[1] for row in reply["rows"]] == list(range(90)), name
        assert {row[0] for row in reply["rows"]} == {"…"}
        assert reply["note"] == "Values shown as … were not read, because a preview reads only a part: page."


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("a.parquet", parquet()[:-1], "incomplete"),
        ("a.parquet", parquet()[:1000], "incomplete"),
        (
            "a.parquet",
            b"PAR1" + bytes(1000) + struct.pack("<L", 2**32 - 1) + b"PAR1",
            "footer would have 4294967295 bytes",
        ),
        ("a.parquet", b"PAR1" + bytes(1000) + struct.pack("<L", 500) + b"PAR1", "The file is damaged or incomplete."),
        ("a.parquet", b"PAR1" + bytes(100) + b"PARE", "encrypted"),
        ("a.parquet", b"\0\1\2\3" * 99, "does not start with a Parquet header"),
        ("a.feather", b"FEA1" + bytes(100), "Feather version 1"),
        ("a.arrow", b"\0\1\2\3" * 99, "does not start with an Arrow header"),
        ("a.arrow", arrow()[:5000], "The file is damaged or incomplete."),
        (
            "a.arrow",
            b"ARROW1\0\0" + bytes(100) + struct.pack("<l", 2**31 - 1) + b"ARROW1",
            "The file is damaged or incomplete.",
        ),
        (
            "a.arrow",
            b"\xff\xff\xff\xff" + struct.pack("<l", 2**31 - 1) + bytes(100),
            "The file is damaged or incomplete.",
        ),
    ],
)
def test_damaged_file_is_reported_in_a_note(see: Any, name: str, data: bytes, why: str) -> None:
    reply = see(name, data)
    assert reply["kind"] == "binary"
    assert why in reply["note"]


def test_a_footer_of_gigabytes_is_not_read(see: Any, huge_files: Any) -> None:
    size = 6 * 10**9
    content = huge_files.Sparse(size, {0: b"PAR1", size - 8: struct.pack("<L", 4 * 10**9) + b"PAR1"})
    reply = see("a.parquet", content)
    assert reply["note"] == "This cannot be shown as Parquet. The metadata of the file is larger than a preview reads."


def test_compression_bomb_uses_little_memory(see: Any) -> None:
    """A page of some KiB that decompresses to more than the limit of the process."""
    bomb = pa.table({"zeros": [bytes(300 * 2**20)], "id": [1]})
    data = parquet(bomb, compression="zstd", use_dictionary=False, write_statistics=False)
    assert len(data) < 200_000
    reply = see("bomb.parquet", data)
    assert reply["rows"] == [["…", 1]]


def test_damaged_file_never_raises(see: Any) -> None:
    small = TABLE.slice(0, 50)
    for name, data in (
        ("a.parquet", parquet(small)),
        ("a.arrow", arrow(small)),
        ("s.arrow", arrow(small, stream=True)),
    ):
        for broken in damaged(data, 8):
            see(name, broken)


def test_missing_pyarrow_is_reported_in_a_note(see: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrow_process, "find_spec", lambda name: None)
    for name, data in (("a.parquet", parquet()), ("a.arrow", arrow())):
        reply = see(name, data)
        assert (reply["kind"], reply["rows"], reply["columns"]) == ("table", [], [])
        assert "pip install 'odhtec-jupyter[preview]'" in reply["note"]


def test_pyarrow_process_has_no_secrets_and_ends(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush")
    monkeypatch.setenv("HF_TOKEN", "hush")
    monkeypatch.setenv("PYTHONUSERBASE", str(tmp_path / "base"))
    # Modules in the workspace are not imported.
    (tmp_path / "pyarrow.py").write_text("raise SystemExit(1)")
    (tmp_path / "json.py").write_text("raise SystemExit(1)")
    monkeypatch.chdir(tmp_path)
    started: list[Any] = []
    original = subprocess.Popen

    def popen(*args: Any, **options: Any) -> Any:
        started.append((original(*args, **options), options["env"]))
        return started[-1][0]

    monkeypatch.setattr(subprocess, "Popen", popen)
    assert arrow_process.preview_parquet(input_of("a.parquet", parquet())).rows
    process, environment = started[0]
    assert "hush" not in environment.values()
    # Packages installed by the user are found.
    assert {"HOME", "PYTHONUSERBASE"} <= set(environment)
    assert process.returncode is not None


def test_crash_of_the_pyarrow_process_is_reported_in_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    for code in ("import os; os.abort()", "pass", "import sys; sys.stdout.buffer.write(b'd' + b'\\xff' * 16)"):
        with pytest.raises(Unreadable, match="pyarrow cannot read it"), stand_in(monkeypatch, code):
            arrow_process.preview_parquet(input_of("a.parquet", parquet()))


def stand_in(monkeypatch: pytest.MonkeyPatch, code: str) -> Any:
    """A function that replaces the worker by another program."""
    from contextlib import contextmanager

    original = subprocess.Popen

    @contextmanager
    def replaced() -> Iterator[None]:
        with monkeypatch.context() as patch:
            patch.setattr(
                subprocess, "Popen", lambda _command, **options: original([sys.executable, "-c", code], **options)
            )
            yield

    return replaced()


def test_memory_of_the_pyarrow_process_is_limited() -> None:
    """The operating system limits the memory of the process."""
    code = (
        "from odhtec_jupyter.preview.arrow.worker import limit\n"
        "limit()\n"
        "try:\n"
        "    bytearray(300 * 1024 * 1024)\n"
        "except MemoryError:\n"
        "    print('refused')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=dict(os.environ), check=True
    )
    assert done.stdout.split() == (["refused"] if sys.platform == "linux" else [])
