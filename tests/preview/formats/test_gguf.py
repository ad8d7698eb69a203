"""GGUF: headers as llama.cpp writes them, and invalid headers."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from tests.preview.conftest import damaged


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value.encode())) + value.encode()


def entry(name: str, kind: int, value: bytes) -> bytes:
    return text(name) + struct.pack("<I", kind) + value


def tensor(name: str, shape: list[int], kind: int, offset: int = 0) -> bytes:
    return text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, offset)


def head(tensors: int, entries: int, version: int = 3) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", version, tensors, entries)


MODEL = (
    head(2, 5)
    + entry("general.architecture", 8, text("llama"))
    + entry("general.size_label", 8, text("8B"))
    + entry("llama.rope.freq_base", 6, struct.pack("<f", 0.5))
    + entry("tokenizer.ggml.tokens", 9, struct.pack("<IQ", 8, 20) + b"".join(text(f"t{n}") for n in range(20)))
    + entry("tokenizer.ggml.scores", 9, struct.pack("<IQ", 6, 30) + bytes(120))
    + tensor("token_embd.weight", [4096, 32000], 12)
    + tensor("blk.0.attn_norm.weight", [4096], 0, 73728000)
    + bytes(500)
)


def test_metadata_and_tensors_are_listed(see: Any) -> None:
    reply = see("model-Q4_K_M.gguf", MODEL)
    assert (reply["kind"], reply["format"], reply["note"], reply["truncated"]) == ("tensors", "gguf", None, False)
    assert reply["metadata"] == {
        "general.architecture": "llama",
        "general.size_label": "8B",
        "llama.rope.freq_base": "0.5",
        "tokenizer.ggml.tokens": "[t0, t1, t2, t3, t4, t5, t6, t7, … 12 more]",
        "tokenizer.ggml.scores": "[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, … 22 more]",
    }
    assert reply["tensors"] == [
        {"name": "token_embd.weight", "dtype": "Q4_K", "shape": [4096, 32000]},
        {"name": "blk.0.attn_norm.weight", "dtype": "F32", "shape": [4096]},
    ]
    assert reply["dtypes"] == {"Q4_K": 131_072_000, "F32": 4096}
    assert (reply["parameters"], reply["tensorCount"]) == (131_076_096, 2)


def test_big_endian_file_is_read(see: Any) -> None:
    data = b"GGUF" + struct.pack(">IQQ", 3, 1, 0) + struct.pack(">Q", 1) + b"w" + struct.pack(">IQIQ", 1, 7, 30, 0)
    reply = see("m.gguf", data)
    assert reply["tensors"] == [{"name": "w", "dtype": "BF16", "shape": [7]}]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"GGUF", "ends within its header"),
        (head(1, 1, version=77), "version 77"),
        (head(2**40, 1) + bytes(1000), "too small for 1099511627776 tensors and 1 entries"),
        (head(1, 2**63) + bytes(1000), "too small for 1 tensors and 9223372036854775808 entries"),
        (head(0, 1) + struct.pack("<Q", 2**62) + bytes(1000), "a string would have 4611686018427387904 bytes"),
        (head(0, 1) + entry("k", 8, struct.pack("<Q", 2**50)) + bytes(50), "would have 1125899906842624 bytes"),
        (head(0, 1) + entry("k", 9, struct.pack("<IQ", 4, 2**60)) + bytes(50), "ends within its header"),
        (head(0, 1) + entry("k", 9, struct.pack("<IQ", 8, 2**60)) + bytes(50), "ends within its header"),
        (head(0, 1) + entry("k", 9, struct.pack("<IQ", 9, 1)) + bytes(50), "arrays of type 9"),
        (head(0, 1) + entry("k", 99, b"") + bytes(50), "metadata type 99 does not exist"),
        (head(1, 0) + text("w") + struct.pack("<I", 2**31) + bytes(50), "has 2147483648 dimensions"),
        (head(1, 0) + tensor("w", [2**62, 2**62], 0) + bytes(50), "impossible size"),
    ],
)
def test_damaged_header_is_reported_in_a_note(see: Any, data: bytes, why: str) -> None:
    reply = see("m.gguf", data)
    assert reply["kind"] in {"binary", "text"}
    assert reply["note"].startswith("This cannot be shown as GGUF. ")
    assert why in reply["note"]


def vocabulary(count: int) -> bytes:
    words = [text(f"w{number:x}" * (number % 5)) for number in range(count)]
    return struct.pack("<IQ", 8, count) + b"".join(words)


@pytest.mark.parametrize("last", ["merges", "scores", "flag"])
def test_tensors_after_a_large_vocabulary_are_found(see: Any, huge_files: Any, last: str) -> None:
    count = 150_000
    entries = [
        entry("general.architecture", 8, text("llama")),
        entry("tokenizer.ggml.tokens", 9, vocabulary(count)),
        entry("tokenizer.ggml.token_type", 9, struct.pack("<IQ", 5, count) + struct.pack("<i", 1) * count),
    ]
    if last == "merges":
        entries.append(entry("tokenizer.ggml.merges", 9, vocabulary(count)))
    if last == "scores":
        entries.append(entry("tokenizer.ggml.scores", 9, struct.pack("<IQ", 6, count) + bytes(4 * count)))
    if last == "flag":  # followed by a zero, this could be another word
        entries.append(entry("tokenizer.ggml.bos_token_id", 4, struct.pack("<I", 0)))
    entries.append(entry("tokenizer.chat_template", 8, text("{{ messages }}" * 500)))
    tensors = [tensor(f"blk.{index}.weight", [4096, 64], 12, index * 200_000) for index in range(300)]
    header = head(300, len(entries)) + b"".join(entries) + b"".join(tensors)
    assert len(header) > 3_000_000
    reply = see("m.gguf", huge_files.Sparse(10**9, {0: header}, header[-1::-1]))
    assert (reply["note"], reply["truncated"]) == (None, False)
    assert [one["name"] for one in reply["tensors"]] == [f"blk.{index}.weight" for index in range(300)]
    assert reply["parameters"] == 300 * 4096 * 64
    assert reply["metadata"]["general.architecture"] == "llama"
    assert reply["metadata"]["tokenizer.ggml.tokens"].startswith("[, w1, w2w2, ")
    assert reply["metadata"]["tokenizer.chat_template"].startswith("{{ messages }}")
    assert reply["bytesRead"] < 2_500_000


def test_endless_vocabulary_has_a_note(see: Any, huge_files: Any) -> None:
    start = head(300, 3) + entry("general.parameter_count", 10, struct.pack("<Q", 8_000_000_000))
    start += text("tokenizer.ggml.tokens") + struct.pack("<IIQ", 9, 8, 200_000) + text("word") * 9
    for filling in (text("word") * 10_000, bytes(1000), text(""), vocabulary(1000), entry("a", 9, vocabulary(9))):
        reply = see("m.gguf", huge_files.Sparse(10**9, {0: start}, filling))
        assert (reply["kind"], reply["tensors"], reply["tensorCount"]) == ("tensors", [], 300)
        assert reply["parameters"] == 8_000_000_000
        assert reply["note"].startswith("The header is larger than a preview reads")


def test_nested_vocabularies_take_bounded_time(see: Any) -> None:
    nested = text("k") + struct.pack("<IIQ", 9, 8, 70_000) + text("") * 40
    tensors = tensor("w", [1], 0) + tensor("w", [1], 0, 32) * 40
    for filling in (nested * 1500, (nested + tensors) * 700, text("k") + struct.pack("<II", 4, 1) + tensors * 1000):
        assert see("m.gguf", head(30, 2) + nested + filling)["kind"] in {"tensors", "binary", "text"}


def test_damaged_file_never_raises(see: Any) -> None:
    for data in damaged(MODEL, 120):
        see("m.gguf", data)
