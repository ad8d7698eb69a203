"""Translation of the hub's refusals to errors of this package that say what to do."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from odhtec_jupyter.errors import (
    Forbidden,
    GatedRepository,
    NotFound,
    OdhTecError,
    TooManyRequests,
    Unreachable,
    clipped,
)

# Statuses of mirrors for the parts of the hub's API that they do not have.
_MISSING = {400, 403, 404, 405, 501}


class NoSuchEndpoint(NotFound):
    """The hub has nothing at an address of its API and gives no reason: it can be a mirror with a part of the API."""

    code = "HubEndpointMissing"


def gated(repo: str, host: str, said: str = "") -> GatedRepository:
    """Return the error for a repository whose terms were not accepted."""
    return GatedRepository(
        f"{repo} is gated. Accept its terms at {host}, then use a token of that account.{_quoted(host, said)}"
    )


def no_repository(repo: str, host: str) -> NotFound:
    """Return the error for a repository that does not exist or is hidden from this account."""
    return NotFound(
        f"{repo} does not exist at {host}, or is private. Check the name, or use a token with access to it.",
        code="RepoNotFound",
    )


def no_revision(repo: str, revision: str | None = None) -> NotFound:
    """Return the error for a revision that does not exist."""
    which = f"no revision {revision}" if revision else "no such revision"
    return NotFound(f"{repo} has {which}. Enter a branch, a tag or a commit.", code="RevisionNotFound")


def odd_answer(message: str) -> OdhTecError:
    """Return the error for a reply that cannot be used."""
    return OdhTecError(message, code="HubError")


def web_page(host: str) -> OdhTecError:
    """Return the error for a web page instead of data: of a login, a proxy or another service."""
    return odd_answer(
        f"{host} answered with a web page, not as a Hugging Face hub. Check its address in the settings, and whether a"
        " proxy or a login page answers instead."
    )


def status_error(
    status: int,
    headers: Mapping[str, str],
    repo: str,
    host: str,
    *,
    path: str = "",
    revision: str | None = None,
    file: str = "",
) -> OdhTecError:
    """Return the error for a refusal of ``path``: a ``file`` at a ``revision``, or a description of the repository."""
    low = {name.lower(): value for name, value in headers.items()}
    kind, said = low.get("x-error-code", ""), low.get("x-error-message", "")
    if kind == "GatedRepo":
        return gated(repo, host, said)
    if kind == "RevisionNotFound":
        return no_revision(repo, revision)
    if kind == "RepoNotFound":
        return no_repository(repo, host)
    if status in _MISSING and path and not kind and not said:
        return NoSuchEndpoint(
            f"{host} answered {clipped(path, 200)} with status {status}. Check the name, the revision, and whether"
            f" {host} is a Hugging Face hub."
        )
    if status == 404 and file:
        return NotFound(f"{repo} has no file {file} at revision {revision}.", code="EntryNotFound")
    if status == 404:
        return NotFound(f"{clipped(path, 200)} does not exist at {host}.{_quoted(host, said)}")
    if status == 401 and said != "Invalid credentials in Authorization header" and f"/{repo}/" in path:
        return no_repository(repo, host)  # the hub's reply for a private repository without a token
    if status == 401:
        return Forbidden(
            f"{host} rejects the Hugging Face token: it is invalid or has expired. Enter a new one.",
            code="InvalidToken",
        )
    if status == 403:
        return Forbidden(
            f"{host} does not allow this token to read {repo}. Use one with read access.{_quoted(host, said)}",
            code="HubForbidden",
        )
    if status == 429:
        return _rate_limit(retry_after(low), host)
    if status >= 500:
        return Unreachable(f"{host} answered with status {status}.", code="HubUnreachable")
    return OdhTecError(f"{host} answered with status {status}.", code="HubError")


def link_error(status: int, headers: Mapping[str, str], file: str, host: str) -> OdhTecError:
    """Return the error for a refusal of the host that stores a large file, or of a firewall or proxy in front of it."""
    low = {name.lower(): value for name, value in headers.items()}
    if status == 429:
        return _rate_limit(retry_after(low), host)
    kind, said = clipped(low.get("x-error-code", ""), 64), low.get("x-error-message", "")
    message = f"{host}, which stores {file} for the hub, answered with status {status}{f' ({kind})' if kind else ''}."
    if status >= 500:
        return Unreachable(f"{message}{_quoted(host, said)}", code="HubUnreachable")
    if status in {404, 410}:
        return NotFound(f"{message}{_quoted(host, said)}", code="EntryNotFound")
    why = _quoted(host, said) or " A firewall or a proxy may block this host."
    return Forbidden(f"{message}{why}", code="HubForbidden")


def _quoted(host: str, said: str) -> str:
    """Return the hub's own message as a further sentence: why access is pending or was rejected, what a token lacks."""
    return f" {host} says: “{clipped(said, 300).strip().rstrip('.')}.”" if said.strip() else ""


def _rate_limit(wait: float | None, host: str) -> TooManyRequests:
    when = "later" if wait is None else f"in {wait:.0f} s"
    error = TooManyRequests(f"{host} limits requests. Try again {when}. The limit is higher with your own token.")
    error.retry_after = wait
    return error


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds to wait: from ``Retry-After`` (seconds or a date), else from the hub's ``RateLimit``.

    The names of the headers are in lower case.
    """
    text = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,9}", text):
        return float(text)
    if text and (when := _date(text)) is not None:
        # By the hub's clock, if the reply has its time.
        now = _date(headers.get("date", "")) or datetime.now(UTC)
        return max(0.0, (when - now).total_seconds())
    # "api";r=0;t=57: no requests for 57 seconds. With several limits, the longest wait counts.
    waits = []
    for limit in headers.get("ratelimit", "").split(","):
        fields = dict(re.findall(r";\s*([rt])=(\d{1,9})(?!\d)", limit))
        if fields.get("r") == "0" and "t" in fields:
            waits.append(float(fields["t"]))
    return max(waits, default=None)


def _date(text: str) -> datetime | None:
    try:
        when = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    return when if when.tzinfo else when.replace(tzinfo=UTC)
