"""What is changed in requests and replies of botocore, by its events. Each function handles one event."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any

from odhtec_jupyter.stores.s3.connection.signing_keys import REFUSED_KEYS, SigningKeys
from odhtec_jupyter.stores.s3.wire.errors import not_s3, unreadable
from odhtec_jupyter.stores.s3.wire.list_page import ListPage

_VERSION = "odhtec_keys"  # in the context of a request of botocore


def accept_costs(request: Any, signature_version: Any, **_: Any) -> None:
    """Handle botocore's event before it signs a request or a link: accept the costs of the request."""
    # Of a link, only the URL is sent by its users.
    is_link = isinstance(signature_version, str) and signature_version.endswith("-query")
    fields = request.params if is_link else request.headers
    fields["x-amz-request-payer"] = "requester"


def add_content_md5(request: Any, **_: Any) -> None:
    """Add the checksum that older MinIO requires for DeleteObjects. FIPS allows MD5 as a checksum."""
    body = request.body if isinstance(request.body, bytes) else str(request.body or "").encode()
    digest = hashlib.md5(body, usedforsecurity=False).digest()
    request.headers["Content-MD5"] = base64.b64encode(digest).decode()


def read_list(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any) -> None:
    """Parse a list instead of botocore, whose parser takes several times as long.

    The reply has the result as ``ListPage``. Requests, signatures, retries and errors, also those with status 200, are
    still handled by botocore.
    """
    body = response_dict["body"]
    if response_dict["status_code"] < 300 and b"<Error>" not in body[:1024]:
        customized_response_dict["ListPage"] = ListPage(body, response_dict["headers"].get("date", ""))
        response_dict["body"] = b"<ListBucketResult/>"


def require_bucket_list(response_dict: dict[str, Any], host: str, **_: Any) -> None:
    """Raise an error for a service that accepts everything: botocore reads an empty body as an empty list."""
    if response_dict["status_code"] < 300 and b"ListAllMyBucketsResult" not in response_dict["body"][:1024]:
        raise not_s3(host, "something other than a list of buckets")


def require_deletion(response_dict: dict[str, Any], host: str, **_: Any) -> None:
    """Raise an error for a reply to DeleteObjects without its element: botocore reads it as one without failures."""
    if response_dict["status_code"] < 300 and b"DeleteResult" not in response_dict["body"][:1024]:
        raise unreadable(host, "it does not say what was deleted")


def repeat_position(request: Any, **_: Any) -> None:
    """Send ``start-after`` as ``marker``, too, for a store that treats ListObjectsV2 as ListObjects."""
    if position := re.search(r"[?&]start-after=([^&]*)", request.url):
        request.url += f"&marker={position[1]}"


def repeat_condition(request: Any, **_: Any) -> None:
    """Send the condition on the source of a copy under the name that Ceph RGW knows, without ``source``."""
    if etag := request.headers.get("x-amz-copy-source-if-match"):
        request.headers["x-amz-copy-if-match"] = etag


def note_keys(request: Any, keys: SigningKeys, **_: Any) -> None:
    """Handle botocore's event before it signs: note which keys it uses."""
    request.context[_VERSION] = keys.version


def renew_keys(response: Any, request_dict: Any, keys: SigningKeys, **_: Any) -> Any:
    """Handle botocore's event after a reply: repeat a request whose keys were refused if there are others now."""
    code = response[1].get("Error", {}).get("Code") if response else None
    is_renewed = code in REFUSED_KEYS and keys.renew(request_dict.get("context", {}).get(_VERSION, keys.version))
    return 0 if is_renewed else None  # seconds until the repetition
