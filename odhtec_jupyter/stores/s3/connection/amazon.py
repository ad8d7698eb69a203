"""Amazon's endpoints: the region of an endpoint, and the endpoint of another region.

Requests for a bucket must go to, and be signed for, its own region. ``https://s3.amazonaws.com`` is the endpoint of
``us-east-1``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeGuard
from urllib.parse import urlsplit

US_EAST = "us-east-1"
_REGION = r"[a-z]{2,4}(?:-[a-z]{2,12}){1,3}-\d{1,2}"
_PUBLIC = re.compile(rf"(s3(?:-fips)?(?:\.dualstack)?)(?:[.-]({_REGION}))?(\.amazonaws\.com(?:\.cn)?)(:\d{{1,5}})?")
_PRIVATE = re.compile(rf"[a-z0-9.-]{{1,200}}\.s3\.({_REGION})\.vpce\.amazonaws\.com(?:\.cn)?(?::\d{{1,5}})?")


def is_region(text: str | None) -> TypeGuard[str]:
    """Return whether a text has the form of Amazon's regions, so that it can be part of a host name."""
    return text is not None and re.fullmatch(_REGION, text) is not None


def is_amazon_host(host: str) -> bool:
    """Return whether a host is one of Amazon's public endpoints for S3, or a bucket there."""
    return re.fullmatch(rf"(?:[a-z0-9._-]{{1,200}}\.)?{_PUBLIC.pattern}", host) is not None


@dataclass(frozen=True)
class AmazonEndpoint:
    """An endpoint of Amazon.

    ``region`` is None for the endpoint without one, ``parts`` for an endpoint that exists in one region only.
    """

    url: str
    region: str | None
    parts: tuple[str, str, str] | None

    def at(self, region: str) -> str:
        """Return the endpoint of the same kind in another region."""
        if self.parts is None or region == (self.region or US_EAST):
            return self.url
        scheme, kind, end = self.parts
        return f"{scheme}://{kind}.{region}{end}"


def amazon_endpoint(url: str | None) -> AmazonEndpoint | None:
    """Return the endpoint of a URL; None if it is not one of Amazon's endpoints for S3."""
    parts = urlsplit(url or "")
    host = parts.netloc.lower()
    if parts.path.strip("/"):
        return None
    if host == "s3-external-1.amazonaws.com":  # an older name of us-east-1
        host = "s3.amazonaws.com"
    if match := _PUBLIC.fullmatch(host):
        kind, region, suffix, port = match.groups()
        return AmazonEndpoint(f"{parts.scheme}://{parts.netloc}", region, (parts.scheme, kind, suffix + (port or "")))
    if match := _PRIVATE.fullmatch(host):
        return AmazonEndpoint(f"{parts.scheme}://{parts.netloc}", match[1], None)
    return None
