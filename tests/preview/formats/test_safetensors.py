"""safetensors: a real model, and invalid headers."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from odhtec_jupyter.demo.content import FileContent
from odhtec_jupyter.demo.model import ModelUnavailableError, fetch_model
from tests.installed import missing
from tests.preview.conftest import damaged


def file(header: Any, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def tensor(dtype: str, shape: list[Any], start: int, end: int) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


@pytest.mark.network
def test_a_published_model_is_read(see: Any) -> None:
    try:
        path = fetch_model() / "model.safetensors"
    except ModelUnavailableError as error:
        missing(str(error))
    reply = see("models/model.safetensors", FileContent(path))
    assert reply["kind"] == "tensors"
    assert (reply["tensorCount"], reply["truncated"]) == (103 + (reply["tensorCount"] - 103), False)
    assert reply["parameters"] == sum(math.prod(one["shape"]) for one in reply["tensors"]) == 22_713_728
    assert reply["dtypes"]["F32"] > 22_000_000
    assert {one["name"]: one["shape"] for one in reply["tensors"]}["embeddings.word_embeddings.weight"] == [30522, 384]
    assert reply["bytesRead"] < 200_000


def test_dtypes_are_counted_and_metadata_is_shown(see: Any) -> None:
    header = {
        "__metadata__": {"format": "pt", "long": "x" * 5000},
        "a": tensor("BF16", [2, 3], 0, 12),
        "b": tensor("F8_E4M3", [], 12, 13),
        "c": tensor("BF16", [0, 7], 13, 13),
    }
    reply = see("no extension", file(header, bytes(13)))
    assert (reply["dtypes"], reply["parameters"], reply["tensorCount"]) == ({"BF16": 6, "F8_E4M3": 1}, 7, 3)
    assert reply["metadata"]["format"] == "pt"
    assert len(reply["metadata"]["long"]) == 1001
    assert reply["note"] is None


def test_incomplete_file_has_a_note_about_the_missing_bytes(see: Any) -> None:
    reply = see("m.safetensors", file({"a": tensor("F32", [100], 0, 400)}, bytes(150)))
    assert reply["note"] == "The file is incomplete: 250 bytes of its tensors are missing."


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ((2**60).to_bytes(8, "little") + b"{}" + bytes(100), "header would have 1152921504606846976 bytes"),
        ((2**64 - 1).to_bytes(8, "little") + b"{" + bytes(100), "header would have 18446744073709551615 bytes"),
        (b"\x05\0\0", "header would have"),
        (file(b'{"a":' * 50_000), "nested too deeply"),
        (file(b'{"a":[' + b"0," * 400_000), "too many values"),
        (file(b"{\xff\xfe}  "), "not UTF-8"),
        (file(b"[1,2,3]  "), "not a tensor table"),
        (file(b'{"a":{}}  '), "tensor a has no valid type, shape or offsets"),
        (file({"a": tensor("F32", [2**62, 2**62], 0, 8)}), "impossible size"),
        (file({"a": tensor("F32", [-1], 0, 8)}), "no valid type, shape or offsets"),
        (file({"a": tensor("F32", [1.5], 0, 8)}), "no valid type, shape or offsets"),
        (file({"a": tensor("F32", [True], 0, 8)}), "no valid type, shape or offsets"),
        (file({"a": tensor("F32", [1] * 1000, 0, 8)}), "no valid type, shape or offsets"),
        (file(b'{"a":{"dtype":"F32","shape":[' + b"9" * 5000 + b"]}}"), "JSON is not valid"),
    ],
)
def test_damaged_header_is_reported_in_a_note(see: Any, data: bytes, why: str) -> None:
    reply = see("m.safetensors", data)
    assert reply["kind"] in {"binary", "text"}
    assert reply["note"].startswith("This cannot be shown as safetensors. ")
    assert why in reply["note"]


def test_a_header_of_gigabytes_is_not_read(see: Any, huge_files: Any) -> None:
    content = huge_files.Sparse(10**10, {0: (9 * 10**9).to_bytes(8, "little") + b"{"})
    reply = see("m.safetensors", content)
    assert "9000000000 bytes, but a preview reads only 3145728" in reply["note"]
    assert reply["bytesRead"] < 1_000_000


def test_git_lfs_pointer_is_shown_as_text(see: Any) -> None:
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n"
    reply = see("m.safetensors", pointer)
    assert (reply["kind"], reply["text"]) == ("text", pointer.decode())


def test_damaged_file_never_raises(see: Any) -> None:
    header = {f"layer.{number}": tensor("F16", [4, 4], number * 32, number * 32 + 32) for number in range(30)}
    for data in damaged(file(header, bytes(960)), 90):
        see("m.safetensors", data)
