"""Whether the address answers as an S3 service, and whether its clock agrees with ours."""

from __future__ import annotations

from datetime import UTC, datetime

from odhtec_jupyter.doctor.certificate import speaks_tls
from odhtec_jupyter.doctor.finding import Finding, failed, ok, skipped, warning
from odhtec_jupyter.doctor.subject import Subject
from odhtec_jupyter.errors import OdhTecError, StoreError
from odhtec_jupyter.stores.http import http_date

REPLY_SECONDS = 8.0
BAD_GATEWAY = {502, 503, 504}
MAX_SKEW_SECONDS = 15 * 60  # that S3 accepts
NOTICEABLE_SKEW_SECONDS = 60


def service(subject: Subject) -> Finding:
    """Send a request without a signature, and the signed list of buckets."""
    route = subject.route
    try:
        response = subject.store.http.request("GET", subject.endpoint + "/", timeout=REPLY_SECONDS)
    except OdhTecError as error:
        if route.scheme == "http" and not route.proxy and speaks_tls(route, subject.network):
            return failed(f"{route.address} expects https. Change http:// to https:// in the endpoint.")
        return failed(f"{error} Check whether {route.address} is the address of an S3 service.")
    subject.received_at = datetime.now(UTC)
    subject.date = http_date(response.headers.get("Date", ""))
    status = response.status
    response.close()
    if route.proxy and route.scheme == "http" and status in BAD_GATEWAY:
        return failed(
            f"The proxy {route.proxy_address} answered with status {status} instead of the store. Check whether the"
            " proxy can reach it, or add its host to no_proxy."
        )
    refusal = subject.buckets().error
    has_spoken = isinstance(refusal, StoreError) and refusal.status < 500
    if refusal is not None and not has_spoken and refusal.code != "NoCredentials":
        return failed(str(refusal))
    return ok(f"{subject.store.host} answers as an S3 service.")


def clock(subject: Subject) -> Finding:
    """Compare the date of the reply with the clock of this server."""
    error = subject.buckets().error
    if subject.date is None or subject.received_at is None:
        if error is not None and error.code == "RequestTimeTooSkewed":
            return failed(
                "The store refuses requests because its clock and that of this server differ by more than 15 minutes."
                " Correct the one that is wrong."
            )
        return skipped("The store does not send the time, so the clocks cannot be compared.")
    skew = (subject.received_at - subject.date).total_seconds()
    if abs(skew) <= NOTICEABLE_SKEW_SECONDS:
        return ok("The clocks of this server and of the store agree.")
    found = (
        f"The clock of this server is {_duration(abs(skew))} {'ahead of' if skew > 0 else 'behind'} that of the store."
    )
    if abs(skew) >= MAX_SKEW_SECONDS:
        return failed(f"{found} S3 accepts up to 15 minutes: correct the one that is wrong.")
    return warning(f"{found} Correct the one that is wrong: S3 refuses requests from 15 minutes on.")


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 7200 else f"{seconds / 3600:.0f} hours"
