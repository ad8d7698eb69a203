"""What a source says about a connection, checked: the same rules for variables, files, configuration and requests."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast, get_args

from odhtec_jupyter.connections.connection import Connection, broken, safe_name
from odhtec_jupyter.errors import BadRequest
from odhtec_jupyter.network import bare_bucket, checked_url, without_bucket
from odhtec_jupyter.settings import AddressingStyle, S3Connection, check_secret

MAX_TEXT = 2048  # characters of a value that is not a secret
MAX_SECRET = 16 * 1024  # a session token can have some thousand characters
# The variables of a data connection, and the values they set. The first one that is set is used.
VARIABLES = {
    "endpoint": ("AWS_S3_ENDPOINT", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"),
    "access_key_id": ("AWS_ACCESS_KEY_ID",),
    "secret_access_key": ("AWS_SECRET_ACCESS_KEY",),
    "session_token": ("AWS_SESSION_TOKEN",),
    "region": ("AWS_DEFAULT_REGION", "AWS_REGION"),
    "bucket": ("AWS_S3_BUCKET",),
}
_REGION = re.compile(r"[A-Za-z0-9-]{1,64}")
_SECRET_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")  # of a Kubernetes object


@dataclass(frozen=True)
class Definition:
    """The values of a connection as a source has them, not checked yet. Empty texts are the same as None."""

    endpoint: str | None = None
    region: str | None = None
    bucket: str | None = None
    access_key_id: str | None = None
    secret_access_key: str | None = field(default=None, repr=False)
    session_token: str | None = field(default=None, repr=False)
    profile: str | None = None
    anonymous: bool = False
    requester_pays: bool = False
    read_only: bool = False
    addressing_style: str | None = None
    title: str = ""
    ca_bundle: str | None = None
    secret_name: str | None = None

    def connection(self, name: str, source: str, *, may_use_own: bool = False) -> Connection:
        """Return the connection. Raises :class:`BadRequest` naming the value that is not valid.

        ``may_use_own``: whether requests to Amazon can be signed with the server's own credentials, such as a web
        identity, if the connection has none. No other endpoint ever gets a signature of the server.
        """
        bucket = bare_bucket(_text(self.bucket, "bucket"))
        endpoint = _text(self.endpoint, "endpoint")
        s3 = S3Connection(
            endpoint=without_bucket(checked_url(endpoint, "endpoint"), bucket) if endpoint else None,
            region=_matching(self.region, "region", _REGION, "letters, digits and hyphens"),
            default_bucket=bucket,
            access_key_id=_secret(self.access_key_id, "accessKeyId"),
            secret_access_key=_secret(self.secret_access_key, "secretAccessKey"),
            session_token=_secret(self.session_token, "sessionToken"),
            profile=_text(self.profile, "profile"),
            anonymous=self.anonymous,
            requester_pays=self.requester_pays,
            read_only=self.read_only,
            addressing_style=_addressing_style(self.addressing_style),
        )
        _require_credentials(s3, may_use_own=may_use_own)
        return Connection(
            name,
            source,
            s3,
            title=_text(self.title, "title") or "",
            ca_bundle=_bundle(self.ca_bundle),
            secret_name=_matching(self.secret_name, "secretName", _SECRET_NAME, "letters, digits, dots and hyphens"),
        )


def defined(definition: Definition, name: str, source: str, *, may_use_own: bool = False) -> Connection:
    """Return the connection of a definition, or a broken one with the reason. Characters of the name are replaced."""
    safe = safe_name(name)
    try:
        return definition.connection(safe, source, may_use_own=may_use_own)
    except BadRequest as error:
        return broken(safe, source, str(error))


def from_variables(values: Mapping[str, str], title: str = "") -> Definition:
    """Return the definition in the variables of a data connection, such as ``AWS_S3_ENDPOINT``."""

    def first(*names: str) -> str | None:
        return next((value for name in names if (value := values.get(name, "").strip())), None)

    return Definition(**{name: first(*names) for name, names in VARIABLES.items()}, title=title)  # type: ignore[arg-type]


def _require_credentials(s3: S3Connection, *, may_use_own: bool) -> None:
    keys, others = bool(s3.access_key_id), bool(s3.profile or s3.anonymous)
    if keys != bool(s3.secret_access_key):
        raise BadRequest("accessKeyId and secretAccessKey must be given together.")
    if s3.session_token and not keys:
        raise BadRequest("sessionToken: enter the keys that it belongs to, too.")
    if s3.anonymous and (keys or s3.profile):
        raise BadRequest("anonymous: a connection without signatures has no keys and no profile.")
    if not keys and not others and not (may_use_own and s3.endpoint is None):
        raise BadRequest("accessKeyId and secretAccessKey are missing.")


def _text(value: str | None, name: str) -> str | None:
    text = (value or "").strip()
    if len(text) > MAX_TEXT:
        raise BadRequest(f"{name} can have up to {MAX_TEXT} characters.")
    if not text.isprintable():
        raise BadRequest(f"{name} must not contain control characters.")
    return text or None


def _secret(value: str | None, name: str) -> str | None:
    text = (value or "").strip()
    if len(text) > MAX_SECRET:
        raise BadRequest(f"{name} can have up to {MAX_SECRET} characters.")
    check_secret(text, name)
    return text or None


def _matching(value: str | None, name: str, pattern: re.Pattern[str], allowed: str) -> str | None:
    text = _text(value, name)
    if text and not pattern.fullmatch(text):
        raise BadRequest(f"{name} can contain {allowed} only.")
    return text


def _addressing_style(value: str | None) -> AddressingStyle | None:
    text = _text(value, "addressingStyle")
    if text and text not in get_args(AddressingStyle):
        raise BadRequest(f"addressingStyle must be one of {', '.join(get_args(AddressingStyle))}.")
    return cast("AddressingStyle | None", text)


def _bundle(value: str | None) -> str | None:
    path = os.path.expanduser(_text(value, "caBundle") or "")
    if path and not os.path.isfile(path):
        raise BadRequest("caBundle: there is no such file.")
    return path or None
