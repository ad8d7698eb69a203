"""Keys as path segments."""

from __future__ import annotations

import base64
import random

import pytest

from odhtec_jupyter.errors import BadRequest
from odhtec_jupyter.keys import MAX_KEY_BYTES, decode_key, encode_key, fitting


def test_every_text_makes_the_round_trip() -> None:
    source = random.Random(0)
    letters = "az/.%+ \"'\\\t\n日é́📦ÿ\x7f\x01\x00"
    for _ in range(2000):
        key = "".join(source.choices(letters, k=source.randint(1, 40)))
        segment = encode_key(key)
        assert segment.isascii()
        assert not set(segment) & set("/+=%?#. ")
        assert decode_key(segment) == key


def test_the_standard_alphabet_and_padding_are_read_too() -> None:
    for key in ("a", "ab", "abc", "ab?>~", "日本.txt"):
        raw = key.encode()
        for text in (base64.b64encode(raw), base64.urlsafe_b64encode(raw), base64.b64encode(raw).rstrip(b"=")):
            assert decode_key(text.decode()) == key


def test_invalid_key_is_refused() -> None:
    # The last two decode to invalid UTF-8 and to a surrogate.
    for text in ("", "=", "a", "YQ YQ", "Y*Q", "YQ\n", "日本", "_w", "7aCA"):
        with pytest.raises(BadRequest) as caught:
            decode_key(text)
        assert caught.value.code == "InvalidKey", text


def test_key_can_have_1024_bytes() -> None:
    longest = "é" * (MAX_KEY_BYTES // 2)
    assert decode_key(encode_key(longest)) == longest
    for key in (longest + "x", "k" * (MAX_KEY_BYTES + 1)):
        with pytest.raises(BadRequest) as caught:
            decode_key(encode_key(key))
        assert caught.value.code == "KeyTooLongError"
        with pytest.raises(BadRequest):
            fitting(key)
