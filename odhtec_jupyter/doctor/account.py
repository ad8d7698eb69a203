"""Whose credentials these are, and for which region requests are signed."""

from __future__ import annotations

import re
import socket
from datetime import UTC, datetime
from typing import Any

from odhtec_jupyter.doctor.finding import Finding, failed, ok, skipped, warning
from odhtec_jupyter.doctor.subject import Subject
from odhtec_jupyter.errors import OdhTecError
from odhtec_jupyter.stores.s3.connection.amazon import is_region
from odhtec_jupyter.stores.s3.wire.errors import CREDENTIALS

WRONG_REGION = {"AuthorizationHeaderMalformed", "InvalidRegion", "IllegalLocationConstraintException"}
EXPIRED = {"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"}
SOON_SECONDS = 3600


def credentials(subject: Subject) -> Finding:
    """Check whether the store accepts the credentials, whatever they are allowed to do."""
    if subject.connection.anonymous:
        return skipped("Requests are not signed, so there are no credentials to test.")
    error = subject.buckets().error
    if error is not None and error.code in WRONG_REGION:
        return _of_another_region(subject, error)
    return _accepted(subject, error)


def _of_another_region(subject: Subject, error: OdhTecError) -> Finding:
    """Sign for the region that the store has named, because a wrong one says nothing about the credentials."""
    region = _named_region(error)
    if region is None:
        return warning(f"The store does not accept the region of the signature, so the keys were not tested. {error}")
    subject.expected_region = region
    subject.sign_for(region)
    return _accepted(subject, subject.buckets().error)


def _accepted(subject: Subject, error: OdhTecError | None) -> Finding:
    if error is not None and error.code not in CREDENTIALS and subject.bucket:
        # Keys for one bucket cannot list buckets, and some gateways answer that without looking at the keys.
        listed = subject.page()
        if listed.error is None or listed.error.code in CREDENTIALS:
            error = listed.error
    key = f"the access key ID{subject.account}"
    code = error.code if error else ""
    if code == "InvalidAccessKeyId":
        return failed(
            f"The store does not know {key}. Enter it again, and check that the keys belong to {subject.store.host} and"
            " were not deleted."
        )
    if code == "SignatureDoesNotMatch":
        return failed(
            f"The secret access key does not belong to {key}. Enter the secret access key again, without spaces and"
            " line ends."
        )
    if code in EXPIRED:
        return failed("The credentials have expired. Renew the data connection, or enter new ones.")
    if code == "InvalidToken":
        return failed(
            "The store does not accept the session token. Renew the temporary credentials, or remove the token if the"
            " keys are long-term ones."
        )
    if code == "RequestTimeTooSkewed":
        return failed(
            "The store refuses requests because the clocks differ by more than 15 minutes. Correct the clock of this"
            " server or of the store, then test again."
        )
    if error is not None and (error.code in CREDENTIALS or error.code == "NoCredentials"):
        return failed(str(error))
    shown = subject.connection.s3.access_key_id and subject.account
    whose = f"The store accepts {key}." if shown else "The store accepts the credentials."
    if error is not None:
        whose = f"The store does not reject the credentials, but refuses the requests ({error.code})."
    return _until(whose, *subject.store.credentials_end())


def _until(whose: str, temporary: bool, end: datetime | None) -> Finding:
    if not temporary:
        return ok(whose)
    if end is None:
        return ok(f"{whose} They are temporary; until when is not known.")
    found = f"{whose} They are temporary, until {end.astimezone(UTC):%Y-%m-%d %H:%M} UTC."
    if (end - datetime.now(UTC)).total_seconds() < SOON_SECONDS:
        return warning(f"{found} Renew them soon.")
    return ok(found)


def _named_region(error: OdhTecError) -> str | None:
    """Return the region that the store expects, from its refusal."""
    reply: Any = getattr(error.__cause__, "response", {})
    named = str(reply.get("Error", {}).get("Region") or "")
    found = re.search(r"expecting '([^']{1,64})'", str(error))
    named = named or (found[1] if found else "")
    return named if re.fullmatch(r"[\w-]{1,64}", named, re.ASCII) else None


def region(subject: Subject) -> Finding:
    """Compare the region of the signatures with the one that the store expects, and check the form of addresses."""
    if subject.expected_region:
        return failed(_other_region("The store", subject, subject.expected_region))
    if not subject.bucket:
        return ok(f"Requests are signed for {_signed_for(subject)}.")
    error = subject.page().error
    if error is not None and error.code in {"PermanentRedirect", "TemporaryRedirect", *WRONG_REGION}:
        return failed(str(error))
    if style := _style(subject):
        return style
    # After the request: the store learns the region of a bucket from its replies.
    actual = str(subject.store.client(subject.bucket).meta.region_name)
    if actual != _signed_for(subject):
        return warning(_other_region(f"The bucket {subject.bucket}", subject, actual))
    return ok(f"Requests are signed for {actual}, and name the bucket in the {_part(subject)}.")


def _other_region(what: str, subject: Subject, expected: str) -> str:
    hint = "" if is_region(expected) or not subject.store.is_amazon else " (this is not a region of Amazon)"
    own = subject.connection.s3.region
    return (
        f"{what} expects the region {expected}{hint}, but the connection has {own or 'none'}. Change the region to"
        f" {expected}, because other programs do not find it out by themselves."
    )


def _signed_for(subject: Subject) -> str:
    return str(subject.store.client().meta.region_name)


def _is_virtual(subject: Subject) -> bool:
    config: Any = subject.store.client().meta.config
    style = (config.s3 or {}).get("addressing_style")
    return style == "virtual" or (style == "auto" and subject.store.is_amazon)


def _part(subject: Subject) -> str:
    return "host" if _is_virtual(subject) else "path"


def _style(subject: Subject) -> Finding | None:
    """Return what is wrong with addresses that have the bucket in the host; None if nothing is."""
    route = subject.route
    if subject.store.is_amazon or route.proxy or not _is_virtual(subject):
        return None
    host = f"{subject.bucket}.{route.host}"
    try:
        socket.getaddrinfo(host, route.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return failed(
            f"Requests go to {host}, which cannot be resolved. Change the addressing style of the connection to “path”."
        )
    return None
