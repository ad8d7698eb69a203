"""Detection of the encoding of a text from its bytes."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, replace

SAMPLE_BYTES = 8192
MAX_NOISE = 0.35  # threshold for charset-normalizer's mess ratio; its default is 0.2
# Longer ones first: the BOM of UTF-32 starts with that of UTF-16.
_MARKS = [
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
]
_CONTROLS = re.compile(rb"[\x00-\x06\x0e-\x1a\x1c-\x1f\x7f]")
_ASCII = bytes(range(128))
_NOT_ASCII = bytes(range(128, 256))
_BEYOND = re.compile(rb"[\x80-\xff]+")
_LETTERS = re.compile(rb"[A-Za-z]")
# Encodings of non-Latin scripts, and their names in browsers.
_OTHER_SCRIPTS = {
    "gb18030": "gb18030",  # includes GBK and GB 2312
    "big5": "big5",
    "cp932": "shift_jis",
    "euc_jp": "euc-jp",
    "cp949": "euc-kr",
    "cp1251": "windows-1251",
    "koi8_r": "koi8-r",
    "cp1253": "windows-1253",
}
# Not assigned in Windows-1252.
_UNDEFINED = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")


@dataclass(frozen=True)
class Decoded:
    """A text and its encoding; ``damaged`` if some bytes were not valid in it."""

    text: str
    encoding: str
    damaged: bool = False


def decode(data: bytes, *, whole: bool) -> Decoded | None:
    """Return the text, cut at the last complete character unless ``whole``; None if the bytes are not text."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _lenient(data[len(mark) :], encoding, whole)
    if found := _strict(data, "utf-8", whole):
        return None if _binary(data) else found
    if wide := _two_bytes(data):
        return _strict(data, wide, whole)
    if _binary(data):
        return None
    if _mostly_utf8(data):
        return _lenient(data, "utf-8", whole)
    if found := _other_script(data, whole):
        return found
    if _foreign(data):
        return None
    return Decoded(data.decode("latin-1"), "latin-1") if _UNDEFINED.search(data) else _strict(data, "cp1252", whole)


def _strict(data: bytes, encoding: str, whole: bool) -> Decoded | None:
    try:
        text = codecs.getincrementaldecoder(encoding)("strict").decode(data, whole)
    except UnicodeDecodeError:
        return None
    return Decoded(text, encoding.replace("cp", "windows-"))


def _lenient(data: bytes, encoding: str, whole: bool) -> Decoded:
    text = codecs.getincrementaldecoder(encoding)("replace").decode(data, whole)
    return Decoded(text, encoding, damaged="\ufffd" in text)


def _other_script(data: bytes, whole: bool) -> Decoded | None:
    """Return text in an encoding of another script, detected by charset-normalizer in its first such lines, or None."""
    lines = data[: 16 * SAMPLE_BYTES].split(b"\n")
    if len(lines) > 1 and (not whole or len(data) > 16 * SAMPLE_BYTES):
        lines.pop()  # cut
    joined = b"".join(line + b"\n" for line in lines if not line.isascii())
    sample = joined[:SAMPLE_BYTES]
    if len(sample) < len(joined):
        # Cut at a separator, which is not a byte of a character in any of these encodings.
        sample = sample[: max(map(sample.rfind, (b"\n", b" ", b",", b"\t"))) + 1] or sample
    if not data[: 16 * SAMPLE_BYTES].strip(_NOT_ASCII) or not _in_words(sample):  # text without any space is unlikely
        return None
    from charset_normalizer import from_bytes

    # In one chunk, because it splits longer ones within characters. Numbers beside words count as mess.
    best = from_bytes(
        sample, steps=1, chunk_size=len(sample), threshold=MAX_NOISE, cp_isolation=list(_OTHER_SCRIPTS)
    ).best()
    if best is None or best.encoding not in _OTHER_SCRIPTS:
        return None
    found = _strict(data, best.encoding, whole) or _lenient(data, best.encoding, whole)
    return replace(found, encoding=_OTHER_SCRIPTS[best.encoding])


def _in_words(sample: bytes) -> bool:
    """Return whether the bytes beyond ASCII form words.

    In Latin scripts, nearly each of them is between ASCII letters.
    """
    runs = [len(run) for run in _BEYOND.findall(sample)]
    count, together = sum(runs), sum(run for run in runs if run > 1)
    if count > 16 and together > 0.5 * count:
        return True
    return together >= 0.5 * count > 0 and count > 0.4 * (count + len(_LETTERS.findall(sample)))


def _foreign(data: bytes) -> bool:
    """Return whether most bytes are outside ASCII, unlike in text with mostly Latin letters."""
    sample = data[:SAMPLE_BYTES]
    return len(sample.translate(None, _ASCII)) * 2 > len(sample)


def _binary(data: bytes) -> bool:
    """Return whether the data is binary: texts have no NUL and hardly any other control characters."""
    sample = data[:SAMPLE_BYTES]
    return b"\0" in data or len(_CONTROLS.findall(sample)) > len(sample) // 64


def _two_bytes(data: bytes) -> str | None:
    """Return whether it is UTF-16 without BOM: every other byte of text in Latin letters is zero."""
    sample = data[: SAMPLE_BYTES // 2 * 2]
    if len(sample) < 4:
        return None
    half = len(sample) // 2
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if odd > half * 0.4 and even < half * 0.05:
        return "utf-16-le" if _printable(sample, "utf-16-le") else None
    if even > half * 0.4 and odd < half * 0.05:
        return "utf-16-be" if _printable(sample, "utf-16-be") else None
    return None


def _printable(sample: bytes, encoding: str) -> bool:
    """Return whether the characters are printable: small numbers of two bytes look like UTF-16."""
    text = sample.decode(encoding, "replace")
    return sum(ord(char) < 32 and char not in "\t\n\r\f" for char in text) * 64 <= len(text)


def _mostly_utf8(data: bytes) -> bool:
    """Return whether it is UTF-8 with few invalid bytes: one bad byte in a log must not change the encoding of all."""
    text = data[: 8 * SAMPLE_BYTES].decode("utf-8", "replace")
    good = sum(char > "\x7f" for char in text)
    bad = text.count("\ufffd")
    return good - bad > 4 * bad
