"""Arguments of the client: checked, and converted to what the server expects."""

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
from odhtec_jupyter.uris import DEFAULT_CONNECTION, S3Uri, Uri, parse_uri

Location = str | Entry
Pattern = str | Sequence[str] | None
Model = TypeVar("Model", bound=BaseModel)


class DownloadOptions(TypedDict, total=False):
    """Options of ``Client.download``."""

    include: Pattern
    exclude: Pattern
    on_conflict: OnConflict


class UploadOptions(DownloadOptions, total=False):
    """Options of ``Client.upload``."""

    verify: Verify


@dataclass(frozen=True)
class Patterns:
    """The files of a folder that are included, with the same rules as on the server."""

    include: Sequence[str] | None = None
    exclude: Sequence[str] | None = None

    @classmethod
    def of(cls, include: Pattern, exclude: Pattern) -> Patterns:
        """Accept one pattern without a list."""
        return cls(_as_list(include), _as_list(exclude))

    def match(self, path: str) -> bool:
        """Return whether a path below the folder is included."""
        return self._matcher(path)

    def excludes(self, path: str) -> bool:
        """Return whether ``exclude`` matches, whatever ``include`` says."""
        return not self._exclude_matcher(path)

    @cached_property
    def _matcher(self) -> Callable[[str], bool]:
        return chooser(self.include, self.exclude)

    @cached_property
    def _exclude_matcher(self) -> Callable[[str], bool]:
        return chooser(None, self.exclude)


def any_location(uri: Location, field: str, connection: str = "") -> Uri:
    """Return the location that a URI names. ``connection`` is that of a URI in S3 that names none.

    Its text names the default connection, too, if ``connection`` is another one: the text can be parsed again.
    """
    location = parse_uri(require_utf8(str(uri), field), field, connection)
    if connection and isinstance(location, S3Uri) and not location.connection:
        return S3Uri(location.bucket, location.key, DEFAULT_CONNECTION)
    return location


def s3_location(uri: Location, connection: str = "") -> S3Uri:
    """Return the bucket, folder or object in S3 that a URI names. Raises :class:`BadRequest` for another scheme.

    ``connection`` is that of a URI that names none.
    """
    location = any_location(uri, "uri", connection)
    if not isinstance(location, S3Uri):
        raise BadRequest(f"uri: {uri} is not in S3. Use a URI such as s3://bucket/key.")
    return location


def require_utf8(text: str, field: str) -> str:
    """Return the text. Raises :class:`BadRequest` if it cannot be encoded, as names from the file system may not be."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BadRequest(f"{field}: {text!r} is not valid UTF-8.") from None
    return text


def s3_object(uri: Location, connection: str = "") -> S3Uri:
    """Return the object that a URI names. Raises :class:`BadRequest` for a bucket."""
    location = s3_location(uri, connection)
    if not location.key:
        raise BadRequest(f"uri: {uri} names a bucket, not an object.")
    return location


def with_patterns(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options with ``include`` and ``exclude`` as lists."""
    return {name: _as_list(value) if name in {"include", "exclude"} else value for name, value in options.items()}


def request(model: type[Model], **fields: Any) -> Model:
    """Return the body of a request. Raises :class:`BadRequest` with the first invalid field."""
    for name, value in fields.items():
        if isinstance(value, str):
            require_utf8(value, name)
    try:
        return model(**fields)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        raise BadRequest(f"{'.'.join(map(str, first['loc']))}: {first['msg']}.") from None


def _as_list(patterns: Any) -> Any:
    return [patterns] if isinstance(patterns, str) else patterns
