"""What the credentials are allowed to read."""

from __future__ import annotations

from odhtec_jupyter.doctor.finding import Finding, failed, ok, skipped, warning
from odhtec_jupyter.doctor.route import some
from odhtec_jupyter.doctor.subject import Subject
from odhtec_jupyter.errors import OdhTecError, StoreError, clipped

NO_BUCKET = "There is no bucket to test. Name one, or set the default bucket of the connection."


def buckets(subject: Subject) -> Finding:
    """List the buckets."""
    attempt = subject.buckets()
    if attempt.error is not None:
        bucket = subject.connection.s3.default_bucket
        advice = f"The panel shows {bucket} only." if bucket else "Set the default bucket of the connection."
        if isinstance(attempt.error, StoreError) and attempt.error.status in {401, 403}:
            return warning(f"These credentials are not allowed to list buckets (s3:ListAllMyBuckets). {advice}")
        return warning(f"The store does not list buckets ({attempt.error.code}). {advice}")
    names = attempt.result or []
    if not names:
        return ok("Buckets can be listed; there are none.")
    return ok(f"Buckets can be listed; there {'is 1' if len(names) == 1 else f'are {len(names)}'}: {some(names)}.")


def listing(subject: Subject) -> Finding:
    """List the bucket."""
    if not subject.bucket:
        return skipped(NO_BUCKET)
    attempt = subject.page()
    if attempt.error is not None:
        return failed(_unlisted(subject, attempt.error))
    return ok(f"The objects of {subject.bucket} can be listed.")


def _unlisted(subject: Subject, error: OdhTecError) -> str:
    bucket, known = subject.bucket, subject.buckets().result
    if error.code == "NoSuchBucket":
        text = f"The bucket {bucket} does not exist at {subject.store.host}."
    elif error.code == "AccessDenied":
        text = f"These credentials are not allowed to list the objects of {bucket} (s3:ListBucket)."
    else:
        return str(error)
    if known is not None and bucket not in known:
        return (
            f"{text} The credentials are valid, but it is not among the buckets of this account"
            f"{f' ({some(known)})' if known else ''}: the bucket can be of another data connection. Change the bucket,"
            " or the keys and the endpoint."
        )
    if error.code == "NoSuchBucket":
        return f"{text} Correct the name of the bucket, or create it."
    return f"{text} Request this permission from the owner of the bucket."


def reading(subject: Subject) -> Finding:
    """Read the first byte of the first object."""
    if not subject.bucket:
        return skipped(NO_BUCKET)
    page = subject.page().result
    if page is None or not page.objects:
        return skipped(f"{subject.bucket} is empty, so there is no object to read.")
    key = page.objects[0].Key
    shown = clipped(key, 100)
    try:
        subject.store.head(subject.bucket, key)
        if page.objects[0].Size:
            subject.store.open(subject.bucket, key, Range="bytes=0-0").close()
    except StoreError as error:
        if error.code == "AccessDenied":
            return failed(
                f"These credentials are not allowed to read {shown} (s3:GetObject). Request this permission from the"
                f" owner of {subject.bucket}."
            )
        if error.code == "InvalidObjectState":
            return warning(f"{shown} is archived, so it cannot be read before it is restored. {error}")
        raise
    return ok(f"Objects of {subject.bucket} can be read.")
