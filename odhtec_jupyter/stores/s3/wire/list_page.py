"""One page of ListObjectsV2 or ListObjects: the XML that S3 sent, and what can be read from it.

Read by patterns where all entries are written alike (``list_run.py``), else by expat; botocore's parser takes many
times as long. And an entry becomes an object only when it is wanted: a search or a count looks at a million of them and
keeps a few.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import cached_property
from urllib.parse import unquote_plus
from xml.parsers.expat import ExpatError, ParserCreate

from pydantic import TypeAdapter

from odhtec_jupyter.errors import StoreError, clipped
from odhtec_jupyter.keys import MAX_KEY_BYTES, decode_key, encode_key
from odhtec_jupyter.models import S3Object
from odhtec_jupyter.stores.http import http_date
from odhtec_jupyter.stores.s3.wire.etag import normal
from odhtec_jupyter.stores.s3.wire.list_run import MARK, ListRun, split

# Validating a page as a whole takes pydantic half the time.
_OBJECTS = TypeAdapter(list[S3Object])
MAX_ENTRIES = 10_000  # of a page; S3 returns up to 1000
_AFTER = "odhtec-after-"  # start of our own tokens, for stores without tokens
_LAST = "\U0010ffff"  # sorts after every other character
PIECE_BYTES = 64 * 1024  # parsed in one call, so that other threads do not wait long for the interpreter


class ListPage:
    """One page, in the order of the store. ``date`` is the time of the reply by the store's clock."""

    def __init__(self, body: bytes, date: str = "") -> None:
        """Raises :class:`StoreError` unless ``body`` is a ListBucketResult."""
        read, self._has_odd = _parse(body)
        if read.root != "ListBucketResult":
            raise _invalid(f"{clipped(read.root, 64)} instead of a list")
        if len(read) > MAX_ENTRIES:
            raise _invalid(f"more than {MAX_ENTRIES:,} entries in one page instead of up to 1,000")
        self._is_encoded = read.fields.get("EncodingType", "").strip().lower() == "url"
        self._column = read.column
        #: The key of each object.
        self.keys = [self._name(text, "Key") for text in read.column("Key")]
        #: The common prefixes.
        self.folders = [self._name(entry.get("Prefix"), "Prefix") for entry in read.folders]
        #: The token of the next page; None for the last page.
        self.next_token: str | None = None
        if read.fields.get("IsTruncated", "").strip().lower() == "true":
            marker = self._decoded(read.fields.get("NextMarker", "")) or self._last
            self.next_token = self._plain(read.fields.get("NextContinuationToken", "")) or _token_after(marker)
            if not self.next_token:
                raise _invalid("a truncated page without a continuation token")
        self.date = http_date(date)

    def __len__(self) -> int:
        return len(self.keys) + len(self.folders)

    @property
    def _last(self) -> str:
        """Return where a list without tokens continues: after its last key, or after everything in its last folder."""
        ends = [folder + _LAST for folder in self.folders[-1:]]
        return max([*self.keys[-1:], *ends], key=str.encode, default="")

    @cached_property
    def objects(self) -> list[S3Object]:
        """Return all objects."""
        return self.take(range(len(self.keys)))

    def take(self, indexes: Iterable[int]) -> list[S3Object]:
        """Return some of the objects."""
        wanted = list(indexes)
        if not wanted:
            return []
        sizes, times, etags, classes = map(self._column, ("Size", "LastModified", "ETag", "StorageClass"))
        rows = ((index, _size(sizes[index]), _time(times[index])) for index in wanted)
        return _OBJECTS.validate_python(
            [
                {
                    "Key": self.keys[index],
                    "Size": size,
                    "LastModified": modified,
                    "ETag": normal(etags[index], size, modified),
                    "StorageClass": classes[index] or None,
                }
                for index, size, modified in rows
            ]
        )

    def sizes(self) -> Iterator[int]:
        """Return the size of each object."""
        return map(_size, self._column("Size"))

    def _name(self, text: str | None, field: str) -> str:
        if not text:
            raise _invalid(f"an entry without a {field}")
        return self._decoded(text)

    def _decoded(self, text: str) -> str:
        return unquote_plus(text) if self._is_encoded and ("%" in text or "+" in text) else self._plain(text)

    def _plain(self, text: str) -> str:
        return text.translate(_BACK) if self._has_odd else text


def _token_after(key: str) -> str:
    return _AFTER + encode_key(key) if key else ""


def position_of(token: str | None) -> str | None:
    """Return the key after which a page with one of our tokens starts; None for a token of the store."""
    if not token or not token.startswith(_AFTER):
        return None
    return decode_key(token.removeprefix(_AFTER), most=MAX_KEY_BYTES + len(_LAST.encode()))


class _Reader:
    """The texts in the XML, without a tree of elements.

    Python's garbage collector would traverse a tree and, every few pages, all objects of the server, which blocks
    everything else.
    """

    def __init__(self) -> None:
        self.root = ""
        self.fields: dict[str, str] = {}
        self.contents: list[dict[str, str]] = []
        self.folders: list[dict[str, str]] = []
        #: The objects in place of the marks.
        self.run: ListRun | None = None
        self.marks = 0
        self._depth = 0
        self._entry: dict[str, str] = {}
        self._text: list[str] = []

    def __len__(self) -> int:
        return len(self.contents if self.run is None else self.run) + len(self.folders)

    def column(self, name: str) -> Sequence[str | None]:
        """Return a field of each entry, in their order."""
        if self.run is None:
            return [entry.get(name) for entry in self.contents]
        return self.run.column(name) or [None] * len(self.run)

    def read(self, body: bytes) -> None:
        # Ignores the encoding that the document declares.
        parser = ParserCreate("utf-8")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text.append
        for start in range(0, len(body), PIECE_BYTES):
            parser.Parse(body[start : start + PIECE_BYTES], False)
        parser.Parse(b"", True)

    def _start(self, name: str, _: dict[str, str]) -> None:
        self._depth += 1
        if self._depth <= 2:
            self._entry = {}
            if self._depth == 1:
                self.root = name
        self._text.clear()

    def _end(self, name: str) -> None:
        if self._depth == 3:
            self._entry[name] = "".join(self._text)
        elif self._depth == 2:
            if name == "Contents":
                self.contents.append(self._entry)
            elif name == "CommonPrefixes":
                self.folders.append(self._entry)
            elif name == MARK:
                self.marks += 1
            else:
                self.fields[name] = "".join(self._text)
        self._depth -= 1


# Characters that XML 1.0 does not allow. Ceph RGW's tokens are keys, which can have them as "&#x01;", and no parser
# accepts those. So they are moved to a range that XML allows, and back.
_ODD = "".join(map(chr, range(32))) + "\ufffe\uffff"
_ELSEWHERE = 0xF0000  # private use; a page with characters of this range is not read like this
_BACK = {_ELSEWHERE + index: odd for index, odd in enumerate(_ODD)}
_WRITTEN = re.compile("&#(x[0-9a-fA-F]{1,6}|[0-9]{1,7});|[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\ufffe\uffff]")


def _parse(body: bytes) -> tuple[_Reader, bool]:
    """Return the content, and whether characters were moved so that it can be parsed."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise _invalid("something that is not UTF-8") from None
    if b"<!DOCTYPE" in body or b"\0" in body[:4]:
        # Entities could expand a few bytes to many, or name files; UTF-16 could hide them.
        raise _invalid("XML with a document type")
    if (found := _read_run(body, text)) is not None:
        return found, False
    try:
        return _read(body), False
    except ExpatError as error:
        if any(chr(moved) in text for moved in _BACK):
            raise _invalid(f"no XML: {error}") from None
    try:
        return _read(_WRITTEN.sub(_moved, text).encode()), True
    except ExpatError as error:
        raise _invalid(f"no XML: {error}") from None


def _read_run(body: bytes, text: str) -> _Reader | None:
    """Return the content if all entries are written alike and are where those of a list are; else None."""
    if (parted := split(body, text)) is None:
        return None
    run, rest = parted
    try:
        reader = _read(rest.encode())
    except ExpatError:
        return None
    reader.run = run
    return reader if reader.marks == 1 and not reader.contents else None


def _moved(match: re.Match[str]) -> str:
    written = match[1]
    number = ord(match[0]) if written is None else int(written[1:], 16) if written[0] == "x" else int(written)
    index = _ODD.find(chr(number)) if number < 0x10000 else -1
    return match[0] if index < 0 else chr(_ELSEWHERE + index)


def _read(body: bytes) -> _Reader:
    reader = _Reader()
    reader.read(body)
    return reader


def _size(text: str | None) -> int:
    if not text or not (text.isascii() and text.isdigit() and len(text) < 20):
        raise _invalid("an object without a size")
    return int(text)


def _time(text: str | None) -> datetime | None:
    """Parse a time in the form of S3 or of some other servers. Return None if that is not possible."""
    if not text:
        return None
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return http_date(text)
    if when.tzinfo in {UTC, None}:
        return when.replace(tzinfo=UTC)
    try:
        return when.astimezone(UTC)
    except OverflowError:  # a date at the end of year 9999
        return None


def _invalid(what: str) -> StoreError:
    return StoreError(f"The S3 store answered a list request with {what}.", code="InvalidListing")
