"""JSON from foreign files, parsed within limits of depth, size and numbers."""

from __future__ import annotations

import json
from typing import Any

from odhtec_jupyter.errors import Unreadable

MAX_VALUES = 300_000  # Python uses about 100 bytes for each


def parse_json(text: str) -> Any:
    """Parse a text. Raises :class:`Unreadable`."""
    require_few_values(text)
    try:
        return json.loads(text)
    except RecursionError:
        raise Unreadable("The JSON is nested too deeply.") from None
    except ValueError:
        raise Unreadable("The JSON is not valid.") from None


def require_few_values(text: str) -> None:
    """Raise :class:`Unreadable` for a text with very many small values."""
    if sum(text.count(separator) for separator in "[{,") > MAX_VALUES:
        raise Unreadable("The JSON has too many values for a preview.")
