"""Previews of objects; ``kind`` is the kind of preview."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, JsonValue, RootModel

from odhtec_jupyter.models.wire import Wire


class _Preview(Wire):
    """The fields of all previews."""

    size: int = Field(description="Size of the object in bytes")
    ETag: str | None
    content_type: str
    bytes_read: int = Field(description="Number of bytes that were read for the preview")
    compression: Literal["gzip"] | None = Field(
        default=None, description="The compression of the object, if it was unpacked for the preview"
    )
    note: str | None = Field(default=None, description="What is not shown and why, as a sentence for the user")


class Column(Wire):
    """A column of a table; ``type`` as the format names it."""

    name: str
    type: str | None


class TablePreview(_Preview):
    """The first rows of a table."""

    kind: Literal["table"] = "table"
    format: Literal["csv", "tsv", "jsonl", "parquet", "arrow"]
    columns: list[Column]
    rows: list[list[JsonValue]] = Field(description="Long cells are cut. Values that JSON cannot represent are text")
    total_rows: int | None = Field(description="If the format has it")
    row_groups: int | None = Field(description="Number of row groups (Parquet) or record batches (Arrow)")
    metadata: dict[str, str]
    truncated: bool = Field(description="Whether there are more rows or columns")


class TextPreview(_Preview):
    """The first lines of a text."""

    kind: Literal["text"] = "text"
    text: str
    encoding: str
    language: str | None = Field(description="markdown, python, json, …; null for plain text")
    truncated: bool


class Tensor(Wire):
    """A tensor of a model file; ``dtype`` as the format names it (F32, BF16, Q4_K, …)."""

    name: str
    dtype: str
    shape: list[int]


class TensorsPreview(_Preview):
    """The header of a model file."""

    kind: Literal["tensors"] = "tensors"
    format: Literal["safetensors", "gguf"]
    tensors: list[Tensor] = Field(description="The first tensors")
    tensor_count: int
    parameters: int | None = Field(description="Null if a preview would have to read more")
    dtypes: dict[str, int] = Field(description="Number of parameters per dtype")
    metadata: dict[str, str] = Field(description="Long values are cut")
    truncated: bool


class ImagePreview(_Preview):
    """An image that the browser can show. Its bytes are at ``/objects/view``."""

    kind: Literal["image"] = "image"
    width: int | None
    height: int | None


class PdfPreview(_Preview):
    """A document for the browser's viewer. Its bytes are at ``/objects/view``."""

    kind: Literal["pdf"] = "pdf"


class NotebookCell(Wire):
    """A cell of a notebook, with its outputs as plain text."""

    cell_type: Literal["code", "markdown", "raw"]
    source: str
    outputs: list[str]


class NotebookPreview(_Preview):
    """The first cells of a notebook."""

    kind: Literal["notebook"] = "notebook"
    language: str | None
    cells: list[NotebookCell]
    cell_count: int = Field(description="For a large notebook, only in the part that was read")
    truncated: bool


class ArchiveEntry(Wire):
    """One file in an archive."""

    path: str
    size: int
    compressed_size: int | None


class ArchivePreview(_Preview):
    """The entries of an archive. Nothing is unpacked."""

    kind: Literal["archive"] = "archive"
    format: Literal["zip", "tar", "tar.gz"]
    entries: list[ArchiveEntry]
    entry_count: int | None = Field(description="Null if a preview would have to read the whole archive")
    total_size: int | None = Field(description="Unpacked size in bytes, if the archive has it")
    truncated: bool


class BinaryPreview(_Preview):
    """The first bytes of any other object."""

    kind: Literal["binary"] = "binary"
    head: str = Field(description="The first bytes in hexadecimal, two digits each, without spaces")


class Preview(
    RootModel[
        Annotated[
            TablePreview
            | TextPreview
            | TensorsPreview
            | ImagePreview
            | PdfPreview
            | NotebookPreview
            | ArchivePreview
            | BinaryPreview,
            Field(discriminator="kind"),
        ]
    ]
):
    """Reply of ``GET /objects/preview/:bucket/:key``."""
