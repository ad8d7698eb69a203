"""The tags of an object as a header, in which a PUT can store them together with the object.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import parse_qsl, quote, urlencode

from odhtec_jupyter.errors import StoreError
from odhtec_jupyter.models import Tag

TAGGING = "x-amz-tagging"
TAGGING_COUNT = "x-amz-tagging-count"  # in replies to HEAD and GET, if there are tags and they can be read


def tagging_headers(tags: Iterable[Tag] | None) -> dict[str, str]:
    """Return the header that stores these tags; empty without tags."""
    text = urlencode([(tag.Key, tag.Value) for tag in tags or ()], quote_via=quote)
    return {TAGGING: text} if text else {}


def tags_in(header: str) -> list[Tag]:
    """Return the tags in the value of a header."""
    return [Tag(Key=key, Value=value) for key, value in parse_qsl(header, keep_blank_values=True)]


@contextmanager
def refused_tags(host: str, bucket: str, key: str, headers: Mapping[str, str] | None) -> Iterator[None]:
    """Explain the refusal of a request by a store that does not know tags, if ``headers`` has some."""
    try:
        yield
    except StoreError as error:
        if error.status != 501 or TAGGING not in (headers or {}):
            raise
        raise StoreError(
            f"{host} does not store tags, and s3://{bucket}/{key} has some. Remove the tags of the source, then retry.",
            code=error.code,
            status=501,
        ) from error
