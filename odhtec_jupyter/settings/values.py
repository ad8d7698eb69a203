"""Values of settings: read from the environment, merged with a change, checked, and shown without secrets."""

from __future__ import annotations

import os

from odhtec_jupyter.errors import BadRequest
from odhtec_jupyter.network import Origin, checked_url, origin

MASK = "***"  # shown in place of a password


def env(*names: str) -> str:
    """Return the first of these environment variables that is set and not blank, else an empty text."""
    return next((value for name in names if (value := os.environ.get(name, "").strip())), "")


def mask(url: str | None) -> str | None:
    """Return a URL with its password hidden."""
    if not url:
        return None
    scheme, separator, rest = url.partition("://")
    if not separator or ":" in scheme or "@" in scheme:  # without a scheme, which curl also accepts
        scheme, separator, rest = "", "", url
    account, at, host = rest.rpartition("@")  # the last one: a password may contain others
    user, colon, _ = account.partition(":")
    # Without a colon the account may be a token.
    return f"{scheme}{separator}{f'{user}:' if colon else ''}***@{host}" if at else url


def endpoint_origin(url: str) -> Origin | None:
    """Return the origin of a configured endpoint; None for an endpoint that is not valid."""
    try:
        return origin(checked_url(url, "endpoint"))
    except BadRequest:
        return None


def foreign_secret(field: str, what: str, owner: Origin | None, needed: str) -> BadRequest:
    """Return the error for an endpoint that is changed while its secret belongs to another origin."""
    whose = f"{owner[0]}://{owner[1]}:{owner[2]}" if owner else "the endpoint that was configured"
    verb = "belongs" if what.endswith("token") else "belong"
    return BadRequest(f"{field}: {what} {verb} to {whose}. Enter the {needed} of the new endpoint.")


def merge(change: str | None, present: str | None) -> str | None:
    """Return the changed value: a missing field keeps the present one, an empty one clears it."""
    return present if change is None else (change.strip() or None)


def check_secret(value: str | None, name: str) -> None:
    """Raise :class:`BadRequest` for a secret that a header cannot contain; the message does not repeat it."""
    if value and not (value.isascii() and value.isprintable() and " " not in value):
        raise BadRequest(f"{name} contains spaces or other characters that are not allowed.")
