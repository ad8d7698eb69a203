"""What commands print as JSON and as errors: camelCase names and ISO 8601 dates, as in the REST API."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from pydantic import BaseModel
from pydantic_core import to_json

from odhtec_jupyter.client.listing import Entry
from odhtec_jupyter.models import ErrorReply
from odhtec_jupyter.models.wire import wire_name
from odhtec_jupyter.visible import visible

Value = BaseModel | Entry | Mapping[str, object]


def json_line(value: Value) -> str:
    """Return a value as the REST API would return it, in one line."""
    if isinstance(value, BaseModel):
        return value.model_dump_json(by_alias=True)
    fields = vars(value) if isinstance(value, Entry) else value
    return to_json({wire_name(name): one for name, one in fields.items()}).decode()


def print_error(message: str, code: str, *, as_json: bool) -> None:
    """Print an error on standard error, as text or as the JSON that the REST API replies with."""
    if as_json:
        print(json_line(ErrorReply(error=code, message=message)), file=sys.stderr)
    else:
        print(visible(f"{message} ({code})"), file=sys.stderr)
