"""GGUF: metadata, then the tensor table. Every length is compared with the file's size before it is used."""

from __future__ import annotations

import math
import re
import struct
from dataclasses import dataclass, field
from typing import Any

from odhtec_jupyter.errors import Unreadable
from odhtec_jupyter.models import Tensor, TensorsPreview
from odhtec_jupyter.preview.cell import words
from odhtec_jupyter.preview.formats.gguf_vocabulary import ends_of_strings
from odhtec_jupyter.preview.preview_input import PreviewInput
from odhtec_jupyter.preview.ranged_file import KIB, BudgetSpent, RangedFile

MAX_KEY = 65_535  # bytes, from the specification
MAX_STRING = 1024 * KIB
MAX_METADATA = 500
MAX_TENSORS = 1000  # that are shown
MAX_RANK = 8
MAX_SHOWN = 8  # elements of an array
MAX_PARAMETERS = 2**63
CHUNK_BYTES = 256 * KIB
MAX_STEPS = 1_000_000  # reading steps; at worst some seconds
MAX_SEARCHES = 6
LARGE_VOCABULARY = 65_536  # strings; larger vocabularies are skipped in another way

# GGUF's value types as format characters of struct.
_SCALARS = dict(enumerate(("B", "b", "H", "h", "I", "i", "f", "?"))) | {10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9

# ggml's tensor types; those without a name were removed from ggml.
_DTYPES = re.split(
    " ",
    "F32 F16 Q4_0 Q4_1 - - Q5_0 Q5_1 Q8_0 Q8_1 Q2_K Q3_K Q4_K Q5_K Q6_K Q8_K IQ2_XXS IQ2_XS IQ3_XXS IQ1_S IQ4_NL IQ3_S"
    " IQ2_S IQ4_XS I8 I16 I32 I64 F64 IQ1_M BF16 - - - TQ1_0 TQ2_0 - - - MXFP4",
)


def preview(item: PreviewInput) -> TensorsPreview:
    """Return metadata and tensors within the limits of reading. Raises :class:`Unreadable`."""
    reader = _Reader(item.file)
    tensor_count, entries = reader.head()
    header = _Header(tensor_count)
    parameters: int | None
    try:
        _read(reader, header, entries)
        parameters = sum(header.dtypes.values())
    except BudgetSpent:
        item.notes.append("The header is larger than a preview reads, so its end is not shown.")
        count = header.metadata.get("general.parameter_count", "")
        parameters = int(count) if count.isdecimal() else None
    return TensorsPreview(
        format="gguf",
        tensors=header.tensors,
        tensor_count=tensor_count,
        parameters=parameters,
        dtypes=header.dtypes,
        metadata=header.metadata,
        truncated=len(header.tensors) < tensor_count,
        **item.common(),
    )


@dataclass
class _Header:
    """The result of reading a header."""

    tensor_count: int
    metadata: dict[str, str] = field(default_factory=dict)
    tensors: list[Tensor] = field(default_factory=list)
    dtypes: dict[str, int] = field(default_factory=dict)

    def add_entry(self, name: str, value: str) -> None:
        if len(self.metadata) < MAX_METADATA:
            self.metadata[words(name, 200)] = words(value)

    def add_tensor(self, tensor: Tensor) -> None:
        if len(self.tensors) < MAX_TENSORS:
            self.tensors.append(tensor)
        self.dtypes[tensor.dtype] = self.dtypes.get(tensor.dtype, 0) + math.prod(tensor.shape)


class _Vocabulary(Exception):
    """An array of very many strings, which is not read; ``shown`` is its beginning."""

    def __init__(self, name: str, shown: str) -> None:
        super().__init__(name)
        self.name = name
        self.shown = shown


def _read(reader: _Reader, header: _Header, entries: int) -> None:
    try:
        for _ in range(entries):
            header.add_entry(*reader.entry())
        for _ in range(header.tensor_count):
            header.add_tensor(reader.tensor()[0])
    except _Vocabulary as found:
        header.add_entry(found.name, found.shown)
        _read_behind(reader, header, entries)


def _read_behind(reader: _Reader, header: _Header, entries: int) -> None:
    """Return entries and tensors after a vocabulary. Raises :class:`BudgetSpent` if they are not found."""
    reader.searches += 1
    if reader.searches > MAX_SEARCHES:
        raise BudgetSpent("The file has more vocabularies than a preview reads.")
    for place in ends_of_strings(reader.file, reader.position, reader.order):
        found = _Header(header.tensor_count, dict(header.metadata))
        reader.position = place
        try:
            _read_unnumbered(reader, found, entries)
        except Unreadable:
            continue
        header.metadata, header.tensors, header.dtypes = found.metadata, found.tensors, found.dtypes
        return
    raise BudgetSpent("A preview would have to read more to find the end of the vocabulary.")


def _read_unnumbered(reader: _Reader, header: _Header, most: int) -> None:
    """Read all entries up to the tensor table, which differs from every entry."""
    for _ in range(most):
        place = reader.position
        try:
            for index in range(header.tensor_count):
                tensor, offset = reader.tensor()
                if not (tensor.name.isprintable() and tensor.shape and (index > 0) == (offset > 0)):
                    raise Unreadable("This is not a tensor table.")
                header.add_tensor(tensor)
            return
        except Unreadable:
            header.tensors, header.dtypes, reader.position = [], {}, place
        try:
            header.add_entry(*reader.entry())
        except _Vocabulary as found:
            header.add_entry(found.name, found.shown)
            _read_behind(reader, header, most - 1)
            return
    raise Unreadable("The file has no tensor table.")


class _Reader:
    """A sequential reader, which reads one window at a time."""

    def __init__(self, file: RangedFile) -> None:
        self.file = file
        self.position = 0
        self.searches = 0
        self._steps = 0
        self._window = b""
        self._base = 0
        self.order = "<"

    def head(self) -> tuple[int, int]:
        """Return the numbers of tensors and of metadata entries in the header."""
        self._take(4)
        version = self._number("I")
        if version in {2 << 24, 3 << 24}:
            self.order, version = ">", version >> 24
        if version not in {2, 3}:
            raise Unreadable(f"GGUF version {version} is not supported.")
        tensors, entries = self._number("Q"), self._number("Q")
        # An entry has at least 13 bytes, a tensor 24.
        if tensors * 24 + entries * 13 > self.file.size:
            raise Unreadable(f"The file is damaged: it is too small for {tensors} tensors and {entries} entries.")
        return tensors, entries

    def entry(self) -> tuple[str, str]:
        """Return a name and its value, with a shortened array."""
        self._step(1)
        name = self._string(MAX_KEY)
        return name, self._value(name, self._number("I"))

    def tensor(self) -> tuple[Tensor, int]:
        """Return the next entry of the tensor table, and the offset of its data."""
        self._step(1)
        name = self._string(MAX_KEY)
        rank = self._number("I")
        if rank > MAX_RANK:
            raise Unreadable(f"The file is damaged: tensor {words(name, 100)} has {rank} dimensions.")
        shape = [self._number("Q") for _ in range(rank)]
        kind = self._number("I")
        offset = self._number("Q")
        if math.prod(shape) >= MAX_PARAMETERS:
            raise Unreadable(f"The file is damaged: tensor {words(name, 100)} has an impossible size.")
        known = kind < len(_DTYPES) and _DTYPES[kind] != "-"
        dtype = _DTYPES[kind] if known else f"type {kind}"
        return Tensor(name=words(name, 500), dtype=dtype, shape=shape), offset

    def _value(self, name: str, kind: int) -> str:
        if kind == _STRING:
            return self._string(MAX_STRING)
        if kind == _ARRAY:
            return self._array(name)
        if kind not in _SCALARS:
            raise Unreadable(f"The file is damaged: metadata type {kind} does not exist.")
        return str(self._number(_SCALARS[kind]))

    def _array(self, name: str) -> str:
        """Return the first elements and skip the others."""
        kind, count = self._number("I"), self._number("Q")
        if kind in _SCALARS:
            step = struct.calcsize(f"={_SCALARS[kind]}")
            self._require(count * step)
            shown = [str(self._number(_SCALARS[kind])) for _ in range(min(count, MAX_SHOWN))]
            self.position += (count - len(shown)) * step
        elif kind == _STRING:
            self._require(count * 8)
            shown = [words(self._string(MAX_STRING), 100) for _ in range(min(count, MAX_SHOWN))]
            if count > LARGE_VOCABULARY:
                raise _Vocabulary(name, f"[{', '.join(shown)}, … {count - len(shown)} more]")
            self._step(count - len(shown))
            for _ in range(count - len(shown)):
                self._skip_string()
        else:  # arrays of arrays are allowed but not used
            raise Unreadable(f"Metadata arrays of type {kind} are not supported.")
        more = f", … {count - len(shown)} more" if count > len(shown) else ""
        return f"[{', '.join(shown)}{more}]"

    def _step(self, count: int) -> None:
        """Count a step: while the end of a vocabulary is searched, bytes can be read several times."""
        self._steps += count
        if self._steps > MAX_STEPS:
            raise BudgetSpent("Reading the file takes too long for a preview.")

    def _string(self, most: int) -> str:
        length = self._number("Q")
        if length > most:
            raise Unreadable(f"The file is damaged: a string would have {length} bytes.")
        return self._take(length).decode("utf-8", "replace")

    def _skip_string(self) -> None:
        length = self._number("Q")
        self._require(length)
        self.position += length

    def _number(self, code: str) -> Any:
        (value,) = struct.unpack(self.order + code, self._take(struct.calcsize(f"={code}")))
        return value

    def _require(self, count: int) -> None:
        if count > self.file.size - self.position:
            raise Unreadable("The file is damaged or incomplete: it ends within its header.")

    def _take(self, count: int) -> bytes:
        self._require(count)
        start = self.position - self._base
        if start < 0 or start + count > len(self._window):
            self._window, self._base, start = self._read(max(count, CHUNK_BYTES), count), self.position, 0
        self.position += count
        return self._window[start : start + count]

    def _read(self, count: int, least: int) -> bytes:
        """Return a whole window, or as much of it as the limit allows."""
        try:
            return self.file.at(self.position, count)
        except BudgetSpent:
            return self.file.at(self.position, least)
