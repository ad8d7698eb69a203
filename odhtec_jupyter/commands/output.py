"""One style for what commands print: plain lines, or JSON in camelCase with dates as ISO 8601 has them."""

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
    """A value as the server itself would write it."""
    if isinstance(value, BaseModel):
        return value.model_dump_json(by_alias=True)
    fields = vars(value) if isinstance(value, Entry) else value
    return to_json({wire_name(name): one for name, one in fields.items()}).decode()


def print_error(message: str, code: str, *, as_json: bool) -> None:
    """One sentence on standard error; as JSON it is what the server replies with."""
    if as_json:
        print(json_line(ErrorReply(error=code, message=message)), file=sys.stderr)
    else:
        print(visible(f"{message} ({code})"), file=sys.stderr)
