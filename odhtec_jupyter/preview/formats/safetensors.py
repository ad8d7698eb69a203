"""safetensors: eight bytes with the length of the header, and the header in JSON."""

from __future__ import annotations

import math
from typing import Any

from odhtec_jupyter.errors import Unreadable
from odhtec_jupyter.models import Tensor, TensorsPreview
from odhtec_jupyter.preview.cell import words
from odhtec_jupyter.preview.json_text import parse_json
from odhtec_jupyter.preview.preview_input import PreviewInput
from odhtec_jupyter.preview.ranged_file import KIB

MAX_HEADER_BYTES = 3072 * KIB  # about 30,000 tensors
MAX_TENSORS = 1000  # that are shown
MAX_METADATA = 200
MAX_PARAMETERS = 2**63  # more than the dimensions of any real tensor
MAX_RANK = 32


def is_safetensors(head: bytes, size: int) -> bool:
    """Return whether the file starts with a plausible length and a brace, because the format has no magic number."""
    return len(head) > 8 and head[8] == ord("{") and head[5:8] == b"\0\0\0" and _length(head) + 8 <= size


def preview(item: PreviewInput) -> TensorsPreview:
    """Return the tensor table in the header. Raises :class:`Unreadable`."""
    header = _header(item)
    found = header.pop("__metadata__", {})
    metadata = found if isinstance(found, dict) else {}
    start = 8 + _length(item.head)
    tensors: list[Tensor] = []
    dtypes: dict[str, int] = {}
    end = 0
    for name, found in header.items():
        tensor, parameters, tensor_end = _tensor(name, found)
        if len(tensors) < MAX_TENSORS:
            tensors.append(tensor)
        dtypes[tensor.dtype] = dtypes.get(tensor.dtype, 0) + parameters
        end = max(end, tensor_end)
    if start + end > item.size:
        item.notes.append(f"The file is incomplete: {start + end - item.size} bytes of its tensors are missing.")
    return TensorsPreview(
        format="safetensors",
        tensors=tensors,
        tensor_count=len(header),
        parameters=sum(dtypes.values()),
        dtypes=dtypes,
        metadata={words(k, 200): words(str(v)) for k, v in list(metadata.items())[:MAX_METADATA]},
        truncated=len(header) > len(tensors),
        **item.common(),
    )


def _length(head: bytes) -> int:
    return int.from_bytes(head[:8], "little")


def _header(item: PreviewInput) -> dict[str, Any]:
    length = _length(item.head)
    if item.size < 10 or length > item.size - 8:
        raise Unreadable(f"The file is damaged: its header would have {length} bytes, but the file has {item.size}.")
    if length > MAX_HEADER_BYTES:
        raise Unreadable(f"The header has {length} bytes, but a preview reads only {MAX_HEADER_BYTES}.")
    data = item.head[8 : 8 + length] if 8 + length <= len(item.head) else item.file.at(8, length)
    try:
        found = parse_json(data.decode())
    except UnicodeDecodeError:
        raise Unreadable("The header is not UTF-8.") from None
    if not isinstance(found, dict):
        raise Unreadable("The header is not a tensor table.")
    return found


def _tensor(name: str, found: Any) -> tuple[Tensor, int, int]:
    """Return a tensor, its number of parameters, and the end of its data."""
    found = found if isinstance(found, dict) else {}
    dtype, shape, offsets = found.get("dtype"), found.get("shape"), found.get("data_offsets")
    if not (
        isinstance(dtype, str) and len(dtype) <= 32 and _numbers(shape) and _numbers(offsets) and len(offsets) == 2
    ):
        raise Unreadable(f"The header is damaged: tensor {words(name, 100)} has no valid type, shape or offsets.")
    parameters = math.prod(shape)
    if parameters >= MAX_PARAMETERS:
        raise Unreadable(f"The header is damaged: tensor {words(name, 100)} has an impossible size.")
    return Tensor(name=words(name, 500), dtype=words(dtype), shape=shape), parameters, offsets[1]


def _numbers(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) <= MAX_RANK
        and all(type(one) is int and 0 <= one < MAX_PARAMETERS for one in value)
    )
