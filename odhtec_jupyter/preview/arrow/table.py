"""Parquet and Arrow with pyarrow: the schema, then the first rows column by column, within the limits of reading.

Runs in the process of ``worker.py``. Reading column by column limits what is read at once, and a column that is too
large does not prevent the others from being shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from odhtec_jupyter.preview.arrow.pipe import BudgetSpentError, RemoteFile
from odhtec_jupyter.preview.cell import MAX_COLUMNS, MAX_ITEMS, MAX_ROWS, UNREAD, cell, words

if TYPE_CHECKING:
    from pydantic import JsonValue

BUFFER_BYTES = 64 * 1024  # chunk size for reading a column; without a buffer it would be read as a whole
MAX_GROUPS = 5  # row groups that are read for the first rows
MAX_METADATA = 50
MAX_MISSES = 3  # after so many columns that are too large, no more are tried
THRIFT = {"thrift_string_size_limit": 4 * 1024 * 1024, "thrift_container_size_limit": 200_000}


def parquet(file: RemoteFile) -> dict[str, Any]:
    """Read a Parquet file."""
    opened = pq.ParquetFile(file, buffer_size=BUFFER_BYTES, pre_buffer=False, **THRIFT)
    metadata, schema = opened.metadata, opened.schema_arrow
    groups = list(range(min(metadata.num_row_groups, MAX_GROUPS)))

    def column(index: int) -> Iterator[Any]:
        name = schema.names[index]
        same = schema.names[:index].count(name)  # several columns can have the same name
        for batch in opened.iter_batches(MAX_ROWS, groups, [name], use_threads=False):
            yield batch.column(same)

    table = _table(file, schema, column, _by_size(schema.names, metadata))
    return {
        **table,
        "total_rows": metadata.num_rows,
        "row_groups": metadata.num_row_groups,
        "metadata": {
            "created by": words(metadata.created_by or ""),
            "compression": metadata.row_group(0).column(0).compression if groups and metadata.num_columns else "",
            **_metadata(metadata.metadata),
        },
        "truncated": metadata.num_rows > len(table["rows"]) or len(schema) > MAX_COLUMNS,
    }


def _by_size(names: list[str], metadata: Any) -> list[int]:
    """Return the columns, sorted by their number of bytes in the first row group."""
    sizes: dict[str, int] = {}
    if metadata.num_row_groups:
        group = metadata.row_group(0)
        for index in range(group.num_columns):
            leaf = group.column(index)
            root = leaf.path_in_schema.partition(".")[0]
            sizes[root] = sizes.get(root, 0) + leaf.total_compressed_size
    return sorted(range(min(len(names), MAX_COLUMNS)), key=lambda index: sizes.get(names[index].partition(".")[0], 0))


def arrow(file: RemoteFile) -> dict[str, Any]:
    """Read an Arrow file (Feather is one, too), or a stream of batches."""
    is_file = file.read(6) == b"ARROW1"
    file.seek(0)
    return _arrow_file(file) if is_file else _arrow_stream(file)


def _arrow_file(file: RemoteFile) -> dict[str, Any]:
    def opened(*fields: int) -> Any:
        file.seek(0)
        return pa.ipc.open_file(file, options=pa.ipc.IpcReadOptions(use_threads=False, included_fields=list(fields)))

    whole = opened()
    lengths: dict[int, int] = {}  # of the batches that were read

    def column(index: int) -> Iterator[Any]:
        reader = opened(index)
        for number in range(min(whole.num_record_batches, MAX_GROUPS)):
            batch = reader.get_batch(number)
            lengths[number] = batch.num_rows
            yield batch.column(0)

    table = _table(file, whole.schema, column, list(range(len(whole.schema))[:MAX_COLUMNS]))
    return _batches(table, whole.schema, lengths, whole.num_record_batches)


def _arrow_stream(file: RemoteFile) -> dict[str, Any]:
    with pa.ipc.open_stream(file, options=pa.ipc.IpcReadOptions(use_threads=False)) as stream:
        batches: list[Any] = []
        ended = False
        try:
            while sum(batch.num_rows for batch in batches) <= MAX_ROWS:
                batches.append(stream.read_next_batch())
        except StopIteration:
            ended = True
        except BudgetSpentError:
            pass
        shown = list(range(len(stream.schema))[:MAX_COLUMNS]) if batches or ended else []
        table = _table(file, stream.schema, lambda index: (batch.column(index) for batch in batches), shown)
        lengths = {number: batch.num_rows for number, batch in enumerate(batches)}
        return _batches(table, stream.schema, lengths, len(batches) if ended else None)


def _batches(table: dict[str, Any], schema: Any, lengths: dict[int, int], count: int | None) -> dict[str, Any]:
    total = sum(lengths.values()) if len(lengths) == count else None
    return {
        **table,
        "total_rows": total,
        "row_groups": count,
        "metadata": _metadata(schema.metadata),
        "truncated": total is None or total > len(table["rows"]) or len(schema) > MAX_COLUMNS,
    }


def _table(file: RemoteFile, schema: Any, column: Callable[[int], Iterator[Any]], order: list[int]) -> dict[str, Any]:
    """Return columns, rows and notes; columns are tried in the order of ``order``."""
    names = [words(name, 200) for name in schema.names[:MAX_COLUMNS]]
    notes, misses = [], 0
    found: dict[int, list[JsonValue]] = {}
    for index in order:
        try:
            found[index] = _first_cells(column(index))
        except MemoryError:
            misses += 1
        except Exception:  # any error of pyarrow for this column
            if file.refused:
                misses += 1
            else:
                notes.append(f"The column {names[index]} cannot be read.")
            file.refused = False
        if misses >= MAX_MISSES:
            break
    if len(found) + len(notes) < len(names):
        left = ", ".join(name for index, name in enumerate(names) if index not in found)
        notes.append(
            f"Values shown as {UNREAD} were not read, because a preview reads only a part: {words(left, 200)}."
        )
    if len(schema) > MAX_COLUMNS:
        notes.append(f"Showing the first {MAX_COLUMNS} of {len(schema)} columns.")
    height = max(map(len, found.values()), default=0)
    empty: list[JsonValue] = [UNREAD] * height
    columns = [found.get(index, empty) for index in range(len(names))]
    return {
        "columns": [
            {"name": name, "type": words(str(schema.field(index).type), 200)} for index, name in enumerate(names)
        ],
        "rows": [[values[row] if row < len(values) else UNREAD for values in columns] for row in range(height)],
        "notes": notes[:5],
    }


def _first_cells(arrays: Iterator[Any]) -> list[JsonValue]:
    found: list[JsonValue] = []
    for array in arrays:
        some = array.slice(0, MAX_ROWS - len(found))
        some.validate(full=True)  # offsets in a damaged file can point anywhere
        found += [cell(_value(scalar)) for scalar in some]
        if len(found) >= MAX_ROWS:
            break
    return found


def _value(scalar: Any) -> object:
    """Return a value as a Python object; of a long list only the beginning."""
    if not scalar.is_valid:
        return None
    kind = scalar.type
    if isinstance(scalar, pa.ListScalar | pa.LargeListScalar | pa.FixedSizeListScalar):  # includes maps
        length = len(scalar.values)
        some = [_value(one) for one in islice(scalar.values, MAX_ITEMS if length <= MAX_ITEMS else MAX_ITEMS - 1)]
        more = length - len(some)
        return [*some, f"{UNREAD} {more} more"] if more else some
    if isinstance(scalar, pa.DictionaryScalar | pa.ExtensionScalar):
        return _value(scalar.value)
    try:
        return scalar.as_py()
    except (ValueError, OverflowError, KeyError):  # nanoseconds, years and time zones that Python does not support
        return scalar.cast(pa.string()).as_py() if pa.types.is_temporal(kind) else UNREAD


def _metadata(metadata: dict[bytes, bytes] | None) -> dict[str, str]:
    """Return the metadata of the file, without the copy of its schema."""
    return {
        words(name.decode("utf-8", "replace"), 200): words(value[:4000].decode("utf-8", "replace"))
        for name, value in islice((metadata or {}).items(), MAX_METADATA)
        if name != b"ARROW:schema"
    }
