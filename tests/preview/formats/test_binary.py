"""Objects of no known format."""

from __future__ import annotations

import pickle
import random
from typing import Any


def test_the_first_bytes_are_shown(see: Any) -> None:
    data = b"\x00\x01\xff" * 1000
    reply = see("thing", data)
    assert (reply["kind"], reply["note"], reply["contentType"]) == ("binary", None, "application/octet-stream")
    assert reply["head"] == data[:512].hex()


def test_kind_of_a_binary_file_is_detected(see: Any) -> None:
    for data, kind in {
        b"\x89HDF\r\n\x1a\n" + bytes(9): "application/x-hdf5",
        b"\x93NUMPY\1\0" + bytes(9): "application/x-npy",
        pickle.dumps({"a": 1}): "application/x-python-pickle",
    }.items():
        assert see("data", data, "binary/octet-stream")["contentType"] == kind
        assert see("data", data, "application/x-mine")["contentType"] == "application/x-mine"


def test_random_bytes_never_raise(see: Any) -> None:
    rng = random.Random(7)
    names = (
        "a.csv",
        "a.jsonl",
        "a.ipynb",
        "a.png",
        "a.svg",
        "a.safetensors",
        "a.gguf",
        "a.zip",
        "a.tar",
        "a.tgz",
        "a.pdf",
    )
    starts = (
        b"",
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff",
        b"GGUF\3\0\0\0",
        b"PK\3\4",
        b"\x1f\x8b\x08",
        b"BM",
        b"RIFF1234WEBP",
    )
    for name in names:
        for start in starts:
            see(name, start + rng.randbytes(rng.randrange(3000)))
