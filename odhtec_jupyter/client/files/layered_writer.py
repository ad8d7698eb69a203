"""Text and compressed files over an :class:`ObjectWriter`, with the same promise: nothing half-written is visible."""

from __future__ import annotations

import io
from contextlib import suppress
from types import TracebackType
from typing import Any

from odhtec_jupyter.client.files.writer import ObjectWriter


class CompressedWriter(io.BufferedIOBase):
    """Packs what is written. gzip's own file, for one, does not close the file that it was given."""

    def __init__(self, packer: Any, writer: ObjectWriter) -> None:
        """``packer`` writes to ``writer``."""
        super().__init__()
        self._packer, self._writer = packer, writer
        self.name, self.mode = writer.name, writer.mode

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, data: Any) -> int:
        """Take bytes."""
        return int(self._packer.write(data))

    def close(self) -> None:
        """As the writer's."""
        if not self.closed:
            self._pack()
            self._writer.close()
            super().close()

    def discard(self) -> None:
        """Close without making anything visible."""
        self._writer.discard()
        with suppress(ValueError):  # there is nowhere to write its end
            self._packer.close()
        super().close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self.discard()
        elif not self.closed:
            self._pack()
            self._writer.__exit__(None, None, None)
            super().close()

    def _pack(self) -> None:
        try:
            self._packer.close()
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
        with suppress(ValueError):  # detached, or it was refused before there was anything
            if not self.closed:
                self._below._dealloc_warn(self)
                self._below.discard()

    @property
    def _below(self) -> ObjectWriter | CompressedWriter:
        below = self.buffer
        assert isinstance(below, ObjectWriter | CompressedWriter)
        return below
