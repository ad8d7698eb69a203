"""Files that are too large to make: a few places in them are real, the rest is computed when it is read."""

from __future__ import annotations

import gzip
import io
import itertools
import json
import random
import struct
import zipfile
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from odhtec_jupyter.demo.content import Content

MB = 1000 * 1000
GB = 1000 * MB
_BLOCK = 1024 * 1024


class Sparse(Content):
    """``size`` bytes: the pieces at their places, ``filling`` over and over between them."""

    def __init__(self, size: int, pieces: Mapping[int, bytes], filling: bytes = bytes(_BLOCK)) -> None:
        self.size = size
        self._pieces = sorted(pieces.items())
        self._filling = memoryview(filling)

    def chunks(self, start: int, stop: int) -> Iterator[memoryview]:
        """Piece by piece."""
        stop = min(stop, self.size)
        while start < stop:
            chunk = self._at(start)[: stop - start]
            yield chunk
            start += len(chunk)

    def _at(self, position: int) -> memoryview:
        following = self.size
        for start, piece in self._pieces:
            if start <= position < start + len(piece):
                return memoryview(piece)[position - start :]
            if start > position:
                following = start
                break
        return self._filling[position % len(self._filling) :][: following - position]


def parquet(size: int = 5 * GB, rows: int = 200_000) -> Content:
    """One real row group, and a description that tells of as many of them as the size has room for.

    All of them are said to be where the first one is, so that only one has to be made.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    noise = random.Random(1)

    def numbers() -> pa.Array:
        return pa.Array.from_buffers(pa.int64(), rows, [None, pa.py_buffer(noise.randbytes(8 * rows))])

    columns = {f"number {index}": numbers().cast(pa.float64(), safe=False) for index in range(8)}
    columns |= {f"id {index}": numbers() for index in range(4)}
    kinds = [f"kind {index}" for index in range(90)]
    columns |= {f"category {name}": pa.array(noise.choices(kinds, k=rows)) for name in "ab"}
    columns |= {"text": pa.array([f"a sentence with {noise.random()} in it" for _ in range(rows)])}
    table = pa.table(columns)
    file, described = io.BytesIO(), io.BytesIO()
    pq.write_table(table, file, row_group_size=rows)
    told = pq.read_metadata(file)
    one = told.row_group(0)
    stored = sum(one.column(index).total_compressed_size for index in range(one.num_columns))
    for _ in range(size // stored - 1):
        told.append_row_groups(pq.read_metadata(file))
    told.write_metadata_file(described)
    footer = described.getvalue()[4:]
    return Sparse(size, {0: file.getvalue()[: 4 + stored], size - len(footer): footer})


def wide_parquet(size: int = 1 * GB, columns: int = 40, rows: int = 100_000) -> Content:
    """Row groups where a reader expects them, one behind the other; all of them hold the same numbers."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    noise = random.Random(1)
    table = pa.table(
        {
            f"number {index}": pa.Array.from_buffers(pa.int64(), rows, [None, pa.py_buffer(noise.randbytes(8 * rows))])
            for index in range(columns)
        }
    )
    groups = size // (8 * columns * rows)
    with _Ends(10 * columns * rows) as file:
        with pq.ParquetWriter(file, table.schema, compression="none", use_dictionary=False) as writer:
            for _ in range(groups):
                writer.write_table(table, row_group_size=rows)
        (described,) = struct.unpack_from("<L", file.tail, len(file.tail) - 8)
        footer = bytes(file.tail[-8 - described :])
        stored, rest = divmod(file.tell() - len(footer) - 4, groups)
        assert not rest
        first = bytes(file.head[: 4 + stored])
    # The filling counts from the beginning of the file, the row groups begin behind its four letters.
    return Sparse(
        4 + groups * stored + len(footer), {0: first[:4], 4 + groups * stored: footer}, first[-4:] + first[4:-4]
    )


class _Ends(io.RawIOBase):
    """A file of which only the beginning and the end are kept."""

    def __init__(self, keep: int) -> None:
        super().__init__()
        self.head, self.tail, self._keep, self._size = bytearray(), bytearray(), keep, 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._size

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        self.head += view[: max(0, self._keep - len(self.head))]
        self.tail += view
        if len(self.tail) > 2 * self._keep:
            del self.tail[: -self._keep]
        self._size += len(view)
        return len(view)


def safetensors(size: int = 10 * GB, tensors: int = 700) -> Content:
    """A header like that of a model of so many tensors."""
    rows = size // tensors // 4096
    each = rows * 4096  # bytes of a tensor
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    for index in range(tensors):
        place = [index * each, (index + 1) * each]
        name = f"model.layers.{index}.mlp.down_proj.weight"
        header[name] = {"dtype": "BF16", "shape": [rows, 2048], "data_offsets": place}
    text = json.dumps(header).encode()
    return Sparse(8 + len(text) + tensors * each, {0: struct.pack("<Q", len(text)) + text})


def gguf(size: int = 5 * GB, vocabulary: int = 128_000, tensors: int = 291) -> Content:
    """A header like that of a model with a large vocabulary, some 6 MB of it."""

    def text(value: str) -> bytes:
        return struct.pack("<Q", len(value.encode())) + value.encode()

    def strings(name: str, values: list[str]) -> bytes:
        return text(name) + struct.pack("<IIQ", 9, 8, len(values)) + b"".join(map(text, values))

    noise = random.Random(1)
    words = ["".join(noise.choices("abcdefghijklmnop", k=noise.randint(2, 12))) for _ in range(vocabulary)]
    header = b"GGUF" + struct.pack("<IQQ", 3, tensors, 6)
    header += text("general.architecture") + struct.pack("<I", 8) + text("llama")
    header += text("llama.context_length") + struct.pack("<II", 4, 8192)
    header += strings("tokenizer.ggml.tokens", words)
    header += text("tokenizer.ggml.token_type") + struct.pack("<IIQ", 9, 5, vocabulary)
    header += struct.pack("<i", 1) * vocabulary
    header += strings("tokenizer.ggml.merges", [f"{one} {two}" for one, two in itertools.pairwise(words)] * 2)
    header += text("tokenizer.ggml.eos_token_id") + struct.pack("<II", 4, 2)
    for index in range(tensors):
        header += text(f"blk.{index}.ffn_down.weight") + struct.pack("<IQQIQ", 2, 4096, 4096, 12, index * 9 * MB)
    return Sparse(size, {0: header}, noise.randbytes(_BLOCK))


def csv(size: int = 3 * GB) -> Content:
    """Rows of one length, over and over."""
    rows = "".join(f"{number:08d},station {number % 7},{number / 8:12.4f},ok\n" for number in range(20_000))
    return Sparse(size, {0: b"id,station,value,state\n"}, rows.encode())


def csv_line(size: int = 4 * GB) -> Content:
    """One line that does not end."""
    return Sparse(size, {}, b"0123456789," * 10_000)


def jsonl_line(size: int = 4 * GB) -> Content:
    """One array that does not end."""
    return Sparse(size, {0: b"["}, b'{"a":1},' * 10_000)


def zip_file(size: int = 1 * GB, entries: int = 1000) -> Content:
    """Stored files of zeros, with the directory that zipfile writes."""
    each = size // entries
    kept: dict[int, bytes] = {}
    position = 0
    names = io.BytesIO()
    with zipfile.ZipFile(names, "w") as archive:
        for index in range(entries):
            archive.writestr(f"images/{index:06d}.png", b"")
    data = names.getvalue()
    end = data.rfind(b"PK\5\6")
    directory_size, start = struct.unpack_from("<LL", data, end + 12)
    directory = bytearray(data[start : start + directory_size])
    for _ in range(entries):
        (name,) = struct.unpack_from("<H", directory, position + 28)
        struct.pack_into("<LL", directory, position + 20, each, each)
        position += 46 + name
    kept[0] = b"PK\3\4"
    kept[entries * each] = (
        bytes(directory) + data[end : end + 16] + struct.pack("<L", entries * each) + data[end + 20 :]
    )
    return Sparse(entries * each + len(kept[entries * each]), kept)


def tar(size: int = 2 * GB, entries: int = 500) -> Content:
    """Files of some megabytes, each behind its header."""
    import tarfile

    each = size // entries // 512 * 512
    kept = {}
    for index in range(entries):
        member = tarfile.TarInfo(f"shard/{index:06d}.jpg")
        member.size = each
        kept[index * (512 + each)] = member.tobuf()
    return Sparse(entries * (512 + each) + 1024, kept)


def gzip_bomb(size: int = 1 * GB) -> Content:
    """What becomes a thousand times as large when it is unpacked, and pretends to be a tar file."""
    import tarfile

    member = tarfile.TarInfo("zeros")
    member.size = 1000 * GB
    beginning = gzip.compress(member.tobuf(tarfile.GNU_FORMAT) + bytes(64 * MB))
    return Sparse(size, {0: beginning})


# By the names under which they are served.
FILES: dict[str, Callable[[], Content]] = {
    "1gb.parquet": wide_parquet,
    "5gb.parquet": parquet,
    "10gb.safetensors": safetensors,
    "5gb.gguf": gguf,
    "3gb.csv": csv,
    "one-line.csv": csv_line,
    "one-line.jsonl": jsonl_line,
    "1gb.zip": zip_file,
    "2gb.tar": tar,
    "bomb.tar.gz": gzip_bomb,
}


@cache
def content(name: str) -> Content:
    """Made once: some of it takes a moment."""
    return FILES[name]()
