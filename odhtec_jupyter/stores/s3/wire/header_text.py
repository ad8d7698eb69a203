"""Text outside ASCII in headers, which carry only ASCII.

Amazon sends and accepts metadata in RFC 2047; most other stores send the bytes of UTF-8 unchanged, and store RFC 2047
literally. Both forms are read, and RFC 2047 is written, because every store can carry it and boto3 can sign it.
"""

from __future__ import annotations

import base64
import binascii
import quopri
import re
from contextlib import suppress
from urllib.parse import quote

WORD_BYTES = 45  # of text in one encoded word, which has up to 75 characters
_CHARSET = r"utf-?8|us-ascii|iso-8859-\d{1,2}|windows-125\d|gb\w{1,6}|big5|shift_jis|euc-(?:jp|kr)|koi8-[ru]"
_ONE = re.compile(rf"=\?({_CHARSET})(?:\*[\w-]{{0,20}})?\?([bq])\?([^?\s]*)\?=", re.IGNORECASE | re.ASCII)
_WORD = r"=\?[^?\s]{1,60}+\?[bqBQ]\?[^?\s]*+\?=(?!\S)"
_MANY = re.compile(rf"(?<!\S){_WORD}(?:[ \t]++{_WORD})*+")
_PLAIN = re.compile(r"(?:[!-~](?:[ -~]*[!-~])?)?")
_FILE_NAME = re.compile(r'\bfilename=(?:"([^"]*)"|([^";\s]*))', re.IGNORECASE)


def readable(text: str | None) -> str | None:
    """Return the text of a reply header, of which http.client reads each byte as one character."""
    if text is None or (text.isascii() and "=?" not in text):
        return text
    with suppress(UnicodeError):  # otherwise it is read as Latin-1
        text = text.encode("latin-1").decode()
    return _MANY.sub(_decoded, text)


def _decoded(match: re.Match[str]) -> str:
    parts: list[tuple[str, list[bytes]]] = []
    for word in match[0].split():
        found = _ONE.fullmatch(word)
        if found is None:
            return match[0]
        charset, coding, written = found.groups()
        try:
            if coding in "bB":
                content = base64.b64decode(written + "=" * (-len(written) % 4), validate=True)
            else:
                content = quopri.decodestring(written.encode("ascii"), header=True)
        except (binascii.Error, UnicodeError):
            return match[0]
        if not parts or parts[-1][0] != charset.lower():
            parts.append((charset.lower(), []))
        parts[-1][1].append(content)
    try:
        # Decoded together, because some encoders split a character.
        return "".join(b"".join(contents).decode(charset) for charset, contents in parts)
    except (UnicodeError, LookupError):
        return match[0]


def sendable(text: str) -> str:
    """Return the text in a form that a header can contain; :func:`readable` reverses it."""
    if _PLAIN.fullmatch(text) and not _MANY.search(text):
        return text
    words, word = [], b""
    for character in text:
        encoded = character.encode("utf-8", "replace")
        if len(word) + len(encoded) > WORD_BYTES:
            words.append(word)
            word = b""
        word += encoded
    words.append(word)
    return " ".join(f"=?UTF-8?B?{base64.b64encode(word).decode()}?=" for word in words)


def header_value(text: str) -> str:
    """Return the text for headers that browsers read: they support file names in the form of RFC 6266."""
    text = text.strip()
    if _PLAIN.fullmatch(text):
        return text
    if match := _FILE_NAME.search(text):
        name = match[1] if match[1] is not None else match[2]
        plain = re.sub(r"[^ -~]", "_", name)
        extended = "" if "filename*" in text.lower() else f"; filename*=UTF-8''{quote(name, safe='')}"
        text = f'{text[: match.start()]}filename="{plain}"{extended}{text[match.end() :]}'
    return text if _PLAIN.fullmatch(text) else sendable(text)
