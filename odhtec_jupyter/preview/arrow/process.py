"""The process that reads Parquet and Arrow, with little memory and without secrets.

pyarrow parses files in native code. In its own process, a malicious file can neither use the server's memory nor crash
the server and its kernels, and the server does not load pyarrow. The process reads the object through the server, which
counts and limits what is read.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from typing import IO, Any, Literal

from odhtec_jupyter.errors import Unreadable
from odhtec_jupyter.models import TablePreview
from odhtec_jupyter.preview.arrow.pipe import ANSWER, READ, REFUSED, REQUEST
from odhtec_jupyter.preview.preview_input import PreviewInput
from odhtec_jupyter.preview.ranged_file import BudgetSpent

Format = Literal["parquet", "arrow"]
MAX_REPLY_BYTES = 4 * 1024 * 1024
MAX_SECONDS = 60  # for a slow store; the process itself has 20 seconds of CPU time
WITHOUT = "To show columns and rows, install pyarrow: pip install 'odhtec-jupyter[preview]'."
DAMAGED = "The file is damaged: pyarrow cannot read it."
# Variables that Python needs to find itself and users' own packages, also for users without a passwd entry. The
# other variables of a workbench contain keys and tokens.
PASSED_VARIABLES = {
    *("PATH", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "VIRTUAL_ENV"),
    *("HOME", "PYTHONUSERBASE", "APPDATA"),
}

_turns = threading.BoundedSemaphore(2)  # each uses about 60 MB while it runs


def preview_parquet(item: PreviewInput) -> TablePreview:
    """Return schema and first rows. Raises :class:`Unreadable`."""
    head, tail = item.head[:4], item.file.at(max(0, item.size - 8), 8)
    if b"PARE" in (head, tail[4:]):
        raise Unreadable("The file is encrypted.")
    if head != b"PAR1":
        raise Unreadable("The file does not start with a Parquet header.")
    if tail[4:] != b"PAR1":
        raise Unreadable("The file is incomplete: its Parquet footer is missing.")
    if (footer := int.from_bytes(tail[:4], "little")) > item.size - 12:
        raise Unreadable(f"The file is damaged: its footer would have {footer} bytes, but the file has {item.size}.")
    return _preview(item, "parquet")


def preview_arrow(item: PreviewInput) -> TablePreview:
    """Return schema and first rows of a file or a stream. Raises :class:`Unreadable`."""
    if item.head.startswith(b"FEA1"):
        raise Unreadable("Feather version 1 is not supported. Save the file as Feather version 2.")
    if not item.head.startswith((b"ARROW1", b"\xff\xff\xff\xff")):
        raise Unreadable("The file does not start with an Arrow header.")
    return _preview(item, "arrow")


def _preview(item: PreviewInput, format_: Format) -> TablePreview:
    if find_spec("pyarrow") is None:
        item.notes.append(WITHOUT)
        nothing: dict[str, Any] = {"columns": [], "rows": [], "metadata": {}, "total_rows": None, "row_groups": None}
        return TablePreview(format=format_, truncated=True, **nothing, **item.common())
    with _turns, _process(format_, item.size) as process:
        found = _serve(process, item)
    item.notes += found.pop("notes")
    return TablePreview(format=format_, **found, **item.common())


@contextmanager
def _process(format_: Format, size: int) -> Iterator[subprocess.Popen[bytes]]:
    """Start the process; it has ended when the context ends."""
    process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
        # -P: do not import a pyarrow.py of the workspace.
        [sys.executable, "-P", "-m", "odhtec_jupyter.preview.arrow.worker", format_, str(size)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={name: value for name, value in os.environ.items() if name in PASSED_VARIABLES}
        | {"ARROW_DEFAULT_MEMORY_POOL": "system"},
    )
    timer = threading.Timer(MAX_SECONDS, process.kill)
    timer.daemon = True
    timer.start()
    try:
        yield process
    finally:
        timer.cancel()
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            assert pipe
            with suppress(BrokenPipeError):
                pipe.close()


def _serve(process: subprocess.Popen[bytes], item: PreviewInput) -> dict[str, Any]:
    """Reply to the requests of the process until it sends its result or gives up."""
    assert process.stdin
    assert process.stdout
    while True:
        word, place, length = REQUEST.unpack(_exactly(process.stdout, REQUEST.size))
        if word == READ:
            _answer(process.stdin, item, place, length)
            continue
        if length > MAX_REPLY_BYTES:
            raise Unreadable(DAMAGED)
        text = _exactly(process.stdout, length).decode()
        if word == REFUSED:
            raise Unreadable(text)
        found: dict[str, Any] = json.loads(text)
        return found


def _answer(pipe: IO[bytes], item: PreviewInput, place: int, length: int) -> None:
    try:
        data = item.file.at(place, length)
    except BudgetSpent:
        message = ANSWER.pack(False, 0)
    else:
        message = ANSWER.pack(True, len(data)) + data
    try:
        pipe.write(message)
        pipe.flush()
    except BrokenPipeError:
        raise Unreadable(DAMAGED) from None


def _exactly(pipe: IO[bytes], count: int) -> bytes:
    data = pipe.read(count)
    if len(data) < count:  # killed by its limits or our timeout, or crashed because of the file
        raise Unreadable(DAMAGED)
    return data
