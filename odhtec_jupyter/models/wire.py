"""The base of all wire models, and the types that several of them share."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

OnConflict = Literal["fail", "skip", "overwrite", "rename"]
Verify = Literal["off", "source", "full"]
MAX_ITEMS = 10_000  # of a list in a request; longer lists are split into several requests
NonEmpty = Annotated[str, StringConstraints(min_length=1)]


def wire_name(field: str) -> str:
    """Return the name on the wire: camelCase, or unchanged if a capital first letter marks it as S3's."""
    return field if field[0].isupper() else to_camel(field)


class Wire(BaseModel):
    """The base of all wire models: camelCase aliases, and errors for unknown fields."""

    model_config = ConfigDict(alias_generator=wire_name, populate_by_name=True, extra="forbid")


class ErrorReply(Wire):
    """The body of every reply with a status of 400 or more."""

    error: str = Field(description="S3's own code if S3 refused the request, else a code of errors.py")
    message: str = Field(description="One sentence for the user")


class Message(Wire):
    """A confirmation."""

    message: str
