"""What the credentials are allowed to write, and how the store treats checksums and conditions.

Everything happens under one random key, which is removed in the end.
"""

from __future__ import annotations

from odhtec_jupyter.doctor.finding import Finding, failed, ok, skipped, warning
from odhtec_jupyter.doctor.subject import Subject
from odhtec_jupyter.errors import OdhTecError, StoreError

NOT_ASKED = "Writing is only tested on request."
NO_BUCKET = "Writing is only tested in a bucket that you name, or in the default bucket of the connection."


def _reason_not_to_write(subject: Subject) -> str | None:
    if not subject.write:
        return NOT_ASKED
    if subject.connection.read_only:
        return "The connection is read-only, so nothing is written."
    return None if subject.is_named else NO_BUCKET


def write(subject: Subject) -> Finding:
    """Store an object and read it back."""
    if why := _reason_not_to_write(subject):
        return skipped(why)
    try:
        subject.probe.put()
    except StoreError as error:
        subject.probe.is_stored = error.status >= 500
        if error.code == "AccessDenied":
            return failed(
                f"These credentials are not allowed to write to {subject.bucket} (s3:PutObject). Request this"
                " permission from its owner, or mark the connection as read-only."
            )
        raise
    try:
        intact = subject.probe.is_intact()
    except StoreError as error:
        return warning(f"An object was stored in {subject.bucket}, but cannot be read: {error}")
    if not intact:
        return failed(
            f"An object that was stored in {subject.bucket} has other bytes when it is read. Check the store, and what"
            " is between it and this server, before you use it."
        )
    return ok(f"Objects can be stored in {subject.bucket}.")


def multipart(subject: Subject) -> Finding:
    """Start and abort a multipart upload."""
    if why := _reason_not_to_write(subject):
        return skipped(why)
    try:
        subject.probe.start_multipart()
    except StoreError as error:
        if error.status >= 500 and error.status != 501:
            raise
        return failed(f"Large files cannot be uploaded, because multipart uploads are refused: {error}")
    try:
        subject.probe.abort_multipart()
    except StoreError as error:
        return warning(
            f"A multipart upload can be started, but not aborted (s3:AbortMultipartUpload): {error} Request this"
            " permission, because parts of cancelled uploads stay otherwise."
        )
    return ok("Multipart uploads can be started and aborted.")


def checksum(subject: Subject) -> Finding:
    """Find out what an ETag is, and whether the store compares checksums."""
    if why := _reason_not_to_write(subject):
        return skipped(why)
    is_md5 = subject.probe.put().lower() == subject.probe.md5
    etags = "ETags are MD5 checksums" if is_md5 else "ETags are not MD5 checksums"
    try:
        subject.probe.put_with_wrong_md5()
    except StoreError as error:
        if error.status >= 500:
            raise
        return ok(f"{etags}, and the store refuses bytes that do not match Content-MD5.")
    if is_md5:
        return ok(f"{etags}, which are compared here; the store itself does not compare Content-MD5.")
    return warning(
        f"{etags}, and the store does not compare Content-MD5. Transfers compare sizes only, unless you choose to"
        " verify them fully."
    )


def condition(subject: Subject) -> Finding:
    """Find out whether a PUT with If-None-Match overwrites an object."""
    if why := _reason_not_to_write(subject):
        return skipped(why)
    try:
        subject.probe.put(IfNoneMatch="*")
    except StoreError as error:
        if error.status == 412:
            subject.refuses_put = True
            return ok("The store respects If-None-Match, so two writers do not overwrite each other's objects.")
        if error.status >= 500 and error.status != 501:
            raise
        subject.refuses_put = False
        return warning(
            f"The store does not support If-None-Match ({error.code}). Existing objects are looked up before a write,"
            " so do not write to the same key from two programs."
        )
    subject.refuses_put = False
    return warning(
        "The store ignores If-None-Match. Existing objects are looked up before a write, so do not write to the same"
        " key from two programs."
    )


def delete(subject: Subject) -> Finding:
    """Remove what the other steps have written."""
    if why := _reason_not_to_write(subject):
        return skipped(why)
    if not (subject.probe.is_stored or subject.probe.upload_id):
        return skipped("Nothing was written, so there is nothing to delete.")
    try:
        subject.probe.remove()
    except OdhTecError as error:
        what = f"{subject.probe.key} in {subject.bucket}"
        if error.code == "AccessDenied":
            return warning(
                "These credentials are not allowed to delete (s3:DeleteObject). Ask the owner of the bucket to delete"
                f" {what}."
            )
        return warning(f"The object of this test could not be removed: {error} Delete {what} later.")
    return ok("Objects can be deleted; the object of this test is removed.")
