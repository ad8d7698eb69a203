"""What is inside an object, read by range; ``kind`` says which of these a reply is."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, JsonValue, RootModel

from odhtec_jupyter.models.wire import Wire


class _Preview(Wire):
    """What all previews say."""

    size: int = Field(description="Bytes of the object")
    ETag: str | None
    content_type: str
    bytes_read: int = Field(description="How much of the object was read for this")
    compression: Literal["gzip"] | None = Field(
        default=None, description="How the object is packed, where it was unpacked for this"
    )
    note: str | None = Field(default=None, description="What cannot be shown and why, as one sentence for the user")


class Column(Wire):
    """A column of a table; ``type`` in the words of its format."""

    name: str
    type: str | None


class TablePreview(_Preview):
    """The first rows of a table."""

    kind: Literal["table"] = "table"
    format: Literal["csv", "tsv", "jsonl", "parquet", "arrow"]
    columns: list[Column]
    rows: list[list[JsonValue]] = Field(description="Cells that are long are cut; what JSON has no word for is text")
    total_rows: int | None = Field(description="Where the format tells")
    row_groups: int | None = Field(description="Parquet's row groups, Arrow's record batches")
    metadata: dict[str, str]
    truncated: bool = Field(description="There are more rows, or more columns, than these")


class TextPreview(_Preview):
    """The beginning of a text."""

    kind: Literal["text"] = "text"
    text: str
    encoding: str
    language: str | None = Field(description="markdown, python, json, …; null for plain text")
    truncated: bool


class Tensor(Wire):
    """A tensor of a model file; ``dtype`` in the format's own words (F32, BF16, Q4_K, …)."""

    name: str
    dtype: str
    shape: list[int]


class TensorsPreview(_Preview):
    """The header of a model file."""

    kind: Literal["tensors"] = "tensors"
    format: Literal["safetensors", "gguf"]
    tensors: list[Tensor] = Field(description="The first of them")
    tensor_count: int
    parameters: int | None = Field(description="Null where only reading more than a preview does would tell")
    dtypes: dict[str, int] = Field(description="Parameters per dtype")
    metadata: dict[str, str] = Field(description="Long values are cut")
    truncated: bool


class ImagePreview(_Preview):
    """An image that the browser can show; its bytes come from ``/objects/view``."""

    kind: Literal["image"] = "image"
    width: int | None
    height: int | None


class PdfPreview(_Preview):
    """A document for the browser's own viewer; its bytes come from ``/objects/view``."""

    kind: Literal["pdf"] = "pdf"


class NotebookCell(Wire):
    """A cell of a notebook, its outputs as plain text."""

    cell_type: Literal["code", "markdown", "raw"]
    source: str
    outputs: list[str]


class NotebookPreview(_Preview):
    """The first cells of a notebook."""

    kind: Literal["notebook"] = "notebook"
    language: str | None
    cells: list[NotebookCell]
    cell_count: int = Field(description="Of a notebook that is too large to be read whole: in what was read")
    truncated: bool


class ArchiveEntry(Wire):
    """One file in an archive."""

    path: str
    size: int
    compressed_size: int | None


class ArchivePreview(_Preview):
    """What an archive contains, nothing of it unpacked."""

    kind: Literal["archive"] = "archive"
    format: Literal["zip", "tar", "tar.gz"]
    entries: list[ArchiveEntry]
    entry_count: int | None = Field(description="Null where only reading all of it would tell")
    total_size: int | None = Field(description="Bytes when unpacked, as the archive claims, where it does")
    truncated: bool


class BinaryPreview(_Preview):
    """Anything else: the first bytes."""

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
