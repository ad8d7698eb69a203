"""PDF, which the browser's viewer shows."""

from __future__ import annotations

from odhtec_jupyter.errors import Unreadable
from odhtec_jupyter.models import PdfPreview
from odhtec_jupyter.preview.preview_input import PreviewInput


def preview(item: PreviewInput) -> PdfPreview:
    """Confirm that it is a PDF. Raises :class:`Unreadable`."""
    if b"%PDF-" not in item.head[:1024]:
        raise Unreadable("The file does not start like a PDF.")
    return PdfPreview(**{**item.common(), "content_type": "application/pdf"})
