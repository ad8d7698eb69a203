"""The parser of a multipart/form-data body while it is received. Each file is passed to its own upload."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import unquote

from odhtec_jupyter.errors import BadRequest, OdhTecError
from odhtec_jupyter.models import KeyFailure, StoredObject, UploadReply
from odhtec_jupyter.transfers.uploads.streamed_upload import StreamedUpload

MAX_HEADER_BYTES = 16 * 1024  # of the headers of one part
MAX_DISPOSITION_BYTES = 8 * 1024  # a key of 1024 bytes, percent-encoded, twice
OpenFile = Callable[[str, str | None, int | None], Awaitable[StreamedUpload | None]]


class FormFiles:
    """The files of a form; its body is passed to :meth:`write`. Fields without a file name are ignored.

    If a file fails, the others are still stored: its bytes are skipped and its error is in the reply.
    """

    def __init__(self, content_type: str, open_file: OpenFile, *, prefix: str, length: int | None) -> None:
        from python_multipart.multipart import MultipartParser, parse_options_header

        kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary", b"")
        if kind != b"multipart/form-data" or not boundary:
            raise BadRequest("The body must be multipart/form-data with a boundary.")
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._part_begin,
                "on_header_field": lambda data, start, end: self._header("name", data[start:end]),
                "on_header_value": lambda data, start, end: self._header("value", data[start:end]),
                "on_header_end": self._header_end,
                "on_headers_finished": lambda: self._events.append(("body", b"")),
                "on_part_data": lambda data, start, end: self._events.append(("data", memoryview(data)[start:end])),
                "on_part_end": lambda: self._events.append(("end", b"")),
                "on_end": lambda: self._events.append(("done", b"")),
            },
        )
        self._events: list[tuple[str, Any]] = []
        self._open_file = open_file
        self._prefix = prefix
        self._length = length
        self._received = self._in_hand = 0
        self._name, self._value, self._header_size = b"", b"", 0
        self._part_headers: dict[str, bytes] = {}
        self._key = ""
        self._upload: StreamedUpload | None = None
        self._done = False
        self._reply = UploadReply(uploaded=[], skipped=[], errors=[])

    def _part_begin(self) -> None:
        self._header_size = 0  # here, because one chunk of the body can have the headers of many files
        self._events.append(("begin", b""))

    def _header(self, which: str, data: bytes) -> None:
        self._header_size += len(data)
        if self._header_size > MAX_HEADER_BYTES:
            raise BadRequest("The headers of a file in the form are too long.")
        if which == "name":
            self._name += data
        else:
            self._value += data

    def _header_end(self) -> None:
        self._events.append(("header", (self._name, self._value)))
        self._name = self._value = b""

    async def write(self, data: bytes) -> None:
        """Process the next bytes of the body."""
        from python_multipart.exceptions import MultipartParseError

        self._received += len(data)
        self._in_hand = len(data)
        try:
            self._parser.write(data)
        except MultipartParseError as error:
            raise BadRequest(f"The form cannot be read: {error}.") from None
        events, self._events = self._events, []
        for kind, value in events:
            await self._handle(kind, value)

    async def _handle(self, kind: str, value: Any) -> None:
        if kind == "data":
            await self._take(value)
        elif kind == "begin":
            self._part_headers = {}
        elif kind == "header":
            name, content = value
            self._part_headers[name.decode("latin-1").lower()] = content
        elif kind == "body":
            await self._begin_file()
        elif kind == "end":
            await self._end_file()
        else:
            self._done = True

    async def _begin_file(self) -> None:
        name = file_name(self._part_headers.get("content-disposition", b""))
        if not name:
            return
        kind = self._part_headers.get("content-type")
        content_type = None if kind is None else kind.decode("utf-8", "replace")
        self._key = self._prefix + name
        # The rest of the body is an upper limit for the file, so that a small one uses little memory.
        left = None if self._length is None else self._length - self._received + self._in_hand
        try:
            self._upload = await self._open_file(name, content_type, left)
        except OdhTecError as error:
            self._failed(error)
            return
        if self._upload is None:
            self._reply.skipped.append(self._key)

    async def _take(self, data: memoryview) -> None:
        if self._upload is None:
            return
        try:
            await self._upload.write(data)
        except OdhTecError as error:
            upload, self._upload = self._upload, None
            await upload.abort()
            self._failed(error)

    async def _end_file(self) -> None:
        upload, self._upload = self._upload, None
        if upload is None:
            return
        try:
            etag = await upload.finish()
        except OdhTecError as error:
            self._failed(error)
        else:
            self._reply.uploaded.append(
                StoredObject(bucket=upload.target.bucket, key=upload.target.key, size=upload.received, ETag=etag)
            )

    def _failed(self, error: OdhTecError) -> None:
        self._reply.errors.append(KeyFailure(Key=self._key, Code=error.code, Message=str(error)))

    @property
    def reply(self) -> UploadReply:
        """The result so far."""
        return self._reply

    def finish(self) -> UploadReply:
        """Return the result for all files. Raises :class:`BadRequest` for an incomplete form, or one without files."""
        if not self._done:
            raise BadRequest("The form is incomplete: its closing boundary is missing.")
        reply = self._reply
        if not (reply.uploaded or reply.skipped or reply.errors):
            raise BadRequest("The form contains no file.")
        return reply

    async def abort(self) -> None:
        """Drop the current file; the complete ones are stored."""
        upload, self._upload = self._upload, None
        if upload is not None:
            await upload.abort()


def file_name(disposition: bytes) -> str:
    """Return the file name of a part's Content-Disposition with its folders, as browsers, curl and requests write it.

    Raises :class:`BadRequest` for a header that is too long.
    """
    from python_multipart.multipart import parse_options_header

    if len(disposition) > MAX_DISPOSITION_BYTES:
        raise BadRequest("A file name in the form is too long.")
    # The library ignores the extended form, which forms should not have. But requests with urllib3 1.26 uses only
    # this form for names outside ASCII. Renamed, it is parsed like any other parameter, except within quotes.
    _, options = parse_options_header(re.sub(rb"filename\*=", b"filename-extended=", disposition, flags=re.IGNORECASE))
    charset, _, extended = options.get(b"filename-extended", b"").decode("latin-1").partition("''")
    if charset.lower() == "utf-8" and extended:
        return unquote(extended)
    _, options = parse_options_header(disposition)
    # Browsers write %22, %0D and %0A, and do not encode any other character.
    name = options.get(b"filename", b"").decode("utf-8", "replace")
    return name.replace("%22", '"').replace("%0D", "\r").replace("%0A", "\n")
