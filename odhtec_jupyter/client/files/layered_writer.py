"""Text and compressed files over an :class:`ObjectWriter`. Like it, they make no incomplete object visible."""

from __future__ import annotations

import io
from contextlib import suppress
from types import TracebackType
from typing import Any

from odhtec_jupyter.client.files.writer import ObjectWriter


class CompressedWriter(io.BufferedIOBase):
    """Compresses what is written, and closes the writer. Python's GzipFile does not close the file it writes to."""

    def __init__(self, compressor: Any, writer: ObjectWriter) -> None:
        """``compressor`` is a file that writes to ``writer``."""
        super().__init__()
        self._compressor, self._writer = compressor, writer
        self.name, self.mode = writer.name, writer.mode

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, data: Any) -> int:
        """Write bytes."""
        return int(self._compressor.write(data))

    def close(self) -> None:
        """Close as :meth:`ObjectWriter.close` does."""
        if not self.closed:
            self._finish()
            self._writer.close()
            super().close()

    def discard(self) -> None:
        """Close without making anything visible."""
        self._writer.discard()
        with suppress(ValueError):  # it cannot write its end to a closed writer
            self._compressor.close()
        super().close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self.discard()
        elif not self.closed:
            self._finish()
            self._writer.__exit__(None, None, None)
            super().close()

    def _finish(self) -> None:
        try:
            self._compressor.close()
        except BaseException:
            self.discard()
            raise

    def _dealloc_warn(self, wrapper: object) -> None:
        self._writer._dealloc_warn(wrapper)

    def __del__(self) -> None:
        if hasattr(self, "_writer") and not self.closed:
            self._writer._dealloc_warn(self)
            self.discard()


class TextWriter(io.TextIOWrapper):
    """Text to an :class:`ObjectWriter` or a :class:`CompressedWriter`."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._below.discard()
        elif not self.closed:
            try:
                self.flush()
            except BaseException:
                self._below.discard()
                raise
            self._below.__exit__(None, None, None)

    def __del__(self) -> None:
        with suppress(ValueError):  # detached, or its constructor has failed
            if not self.closed:
                self._below._dealloc_warn(self)
                self._below.discard()

    @property
    def _below(self) -> ObjectWriter | CompressedWriter:
        below = self.buffer
        assert isinstance(below, ObjectWriter | CompressedWriter)
        return below
