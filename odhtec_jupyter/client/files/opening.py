"""Opening an object as a file in one of the modes of :func:`open`."""

from __future__ import annotations

import io

from odhtec_jupyter.client.api import Api
from odhtec_jupyter.client.files.appender import ObjectAppender
from odhtec_jupyter.client.files.file_errors import file_errors
from odhtec_jupyter.client.files.layered_writer import TextWriter
from odhtec_jupyter.client.files.reader import open_reader
from odhtec_jupyter.client.files.writer import ObjectWriter
from odhtec_jupyter.client.listing import object_exists
from odhtec_jupyter.errors import BadRequest, Conflict
from odhtec_jupyter.models import OnConflict
from odhtec_jupyter.uris import S3Uri


def open_object(
    api: Api, uri: S3Uri, mode: str, encoding: str, newline: str | None
) -> io.BufferedIOBase | io.TextIOWrapper:
    """Return an object as a file. Raises :class:`BadRequest` for an invalid mode."""
    kind = mode.replace("b", "").replace("t", "")
    if kind not in {"r", "w", "x", "a"} or ("b" in mode and "t" in mode):
        raise BadRequest(f"mode: {mode!r} is invalid. Use r, rb, w, wb, x, xb, a or ab.")
    if kind == "r":
        reader = open_reader(api, uri.bucket, uri.key)
        return reader if "b" in mode else io.TextIOWrapper(reader, encoding, newline=newline)
    writer = open_writer(api, uri, kind)
    return writer if "b" in mode else TextWriter(writer, encoding, newline=newline)


def open_writer(api: Api, uri: S3Uri, kind: str, *, autocommit: bool = True) -> ObjectWriter:
    """Return a binary file that replaces (``w``), creates (``x``) or appends to (``a``) an object."""
    if kind == "a":
        return ObjectAppender(api, uri.bucket, uri.key, autocommit=autocommit)
    if kind == "x":
        with file_errors(str(uri)):
            if object_exists(api, uri):
                raise Conflict(f"{uri} exists.", code="FileExists")
    on_conflict: OnConflict = "fail" if kind == "x" else "overwrite"
    return ObjectWriter(api, uri.bucket, uri.key, on_conflict=on_conflict, autocommit=autocommit)
