"""What a caller says, as the wire has it; what cannot be meant is refused before anything is sent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypedDict, TypeVar

from pydantic import BaseModel, ValidationError

from odhtec_jupyter.client.listing import Entry
from odhtec_jupyter.errors import BadRequest
from odhtec_jupyter.models import OnConflict, Verify
from odhtec_jupyter.patterns import chooser
from odhtec_jupyter.uris import S3Uri, parse_uri

Place = str | Entry
Pattern = str | Sequence[str] | None
Model = TypeVar("Model", bound=BaseModel)


class Receiving(TypedDict, total=False):
    """How files come here."""

    include: Pattern
    exclude: Pattern
    on_conflict: OnConflict


class Sending(Receiving, total=False):
    """How files of this machine go to S3."""

    verify: Verify


@dataclass(frozen=True)
class Patterns:
    """Which files of a folder are meant, here as on the server."""

    include: Sequence[str] | None = None
    exclude: Sequence[str] | None = None

    @classmethod
    def of(cls, include: Pattern, exclude: Pattern) -> Patterns:
        """One pattern may be given without a list."""
        return cls(_several(include), _several(exclude))

    def take(self, path: str) -> bool:
        """Whether a path below the folder is meant."""
        return self._takes(path)

    @cached_property
    def _takes(self) -> Callable[[str], bool]:
        return chooser(self.include, self.exclude)


def s3_place(uri: Place) -> S3Uri:
    """An object, a folder or a bucket."""
    place = parse_uri(str(uri), "uri")
    if not isinstance(place, S3Uri):
        raise BadRequest(f"uri: {uri} is not in S3; it looks like s3://bucket/key.")
    return place


def s3_object(uri: Place) -> S3Uri:
    """An object."""
    place = s3_place(uri)
    if not place.key:
        raise BadRequest(f"uri: {uri} names a bucket, not an object.")
    return place


def with_patterns(options: dict[str, Any]) -> dict[str, Any]:
    """The same options, with lists of patterns."""
    return {name: _several(value) if name in {"include", "exclude"} else value for name, value in options.items()}


def request(model: type[Model], **fields: Any) -> Model:
    """A body for the wire."""
    try:
        return model(**fields)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        raise BadRequest(f"{'.'.join(map(str, first['loc']))}: {first['msg']}.") from None


def _several(patterns: Any) -> Any:
    return [patterns] if isinstance(patterns, str) else patterns
