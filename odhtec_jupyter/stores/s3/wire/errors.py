"""Translation of errors of S3 and botocore to errors of this package, with messages for the user."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from typing import Any

from odhtec_jupyter.errors import BadRequest, Forbidden, OdhTecError, StoreError, Unreachable, clipped
from odhtec_jupyter.stores.http import is_web_page, reason


@contextmanager
def s3_errors(host: str) -> Iterator[None]:
    """Translate every error that botocore raises, most specific first."""
    from http.client import HTTPException

    import botocore.exceptions as b
    from botocore.parsers import ResponseParserError
    from urllib3.exceptions import HTTPError

    try:
        yield
    except b.ClientError as error:
        raise _client_error(error) from error
    except (b.NoCredentialsError, b.PartialCredentialsError) as error:
        raise Forbidden(
            "No S3 credentials are set. Attach a data connection to the workbench, or enter them in the settings.",
            code="NoCredentials",
        ) from error
    except (b.CredentialRetrievalError, b.TokenRetrievalError, b.UnauthorizedSSOTokenError) as error:
        raise Forbidden(f"The S3 credentials could not be loaded: {reason(error)}.", code="NoCredentials") from error
    except b.ParamValidationError as error:
        raise BadRequest(_parameter_message(str(error))) from error
    except (b.ConnectionError, b.HTTPClientError, b.IncompleteReadError, HTTPError, HTTPException, OSError) as error:
        raise Unreachable(f"The S3 store at {host} cannot be reached: {reason(error)}.") from error
    except ResponseParserError as error:
        raise unreadable(host, str(error)) from error
    except b.BotoCoreError as error:
        raise OdhTecError(f"S3 request failed: {clipped(str(error))}", code="S3RequestFailed") from error


def _client_error(error: Any) -> OdhTecError:
    """Return the error for S3's reply with its code and status; a HEAD has no body, so its status is the code."""
    detail = error.response.get("Error", {})
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") or 502)
    return answer_error(
        status, str(detail.get("Code") or status), str(detail.get("Message") or ""), error.operation_name
    )


def answer_error(status: int, code: str, message: str, operation: str) -> OdhTecError:
    """Return an error reply of S3 as :class:`StoreError`, with a message even if S3 sent none."""
    if code.isdigit() or not code:
        bucket_only = operation in {"HeadBucket", "ListObjectsV2"}
        code = {
            **dict.fromkeys((301, 302, 308), "PermanentRedirect"),
            307: "TemporaryRedirect",
            400: "BadRequest",
            403: "AccessDenied",
            404: "NoSuchBucket" if bucket_only else "NoSuchKey",
            412: "PreconditionFailed",
            416: "InvalidRange",
        }.get(status, f"Status{status}")
    if code in _OWN_SENTENCES:
        message = _OWN_SENTENCES[code]
    elif not message or message in _SAYS_NOTHING:
        message = _SENTENCES.get(code, f"S3 answered {operation} with {code} ({status}).")
    # A 500 of the store is passed on as 502: a 500 from here would mean a defect of this server.
    own = status == 304 or (400 <= status < 600 and status != 500)
    return StoreError(clipped(message), code=clipped(code, 64), status=status if own else 502)


def xml_text(xml: str, name: str) -> str:
    """Return the content of an element in a short reply of S3; empty if there is none."""
    match = re.search(rf"<{name}>([^<]*)</{name}>", xml)
    return unescape(match[1]) if match else ""


def require_result(xml: str, host: str, operation: str) -> None:
    """Raise :class:`StoreError` for the reply to a copy, of status 200, that contains an error or is not complete."""
    root = _ROOT.search(xml)
    name = root[1] if root else ""
    if name.rpartition(":")[2] == "Error":
        raise answer_error(500, xml_text(xml, "Code"), xml_text(xml, "Message"), operation)
    if xml.strip() and not (root and xml.rstrip().endswith((f"</{name}>", "/>"))):
        raise unreadable(host, "it is not complete")


def unreadable(host: str, why: str) -> StoreError:
    """Return the error for a reply that is not what S3 replies to the request."""
    return StoreError(
        f"The S3 store at {host} sent a reply that cannot be read: {clipped(why, 200)}", code="InvalidReply"
    )


_ROOT = re.compile(r"<([A-Za-z][\w:.-]{0,100})")


def require_s3(status: int, body: bytes, host: str, *, is_object: bool = False) -> None:
    """Raise :class:`OdhTecError` for a page of a console, a login or a proxy instead of a reply of S3.

    Not for statuses that can be temporary, and with ``is_object`` not for a page in place of a missing object.
    """
    if status == 400 and _PLAIN_HTTP.search(body, 0, 4096):
        raise OdhTecError(f"{host} expects https. Change the endpoint in the settings to https://{host}.", code="NotS3")
    refusal = 400 <= status < 500 and status not in {407, 408, 413, 429}
    if not is_object and (status < 300 or refusal) and is_web_page(body):
        raise not_s3(host, "a web page")


def not_s3(host: str, what: str) -> OdhTecError:
    """Return the error for an address that is not an S3 service."""
    return OdhTecError(
        f"{host} answered with {what}, so it is not an S3 service. Enter the address of the S3 API as the endpoint, not"
        " of a console, and check whether a proxy or a login page answers instead.",
        code="NotS3",
    )


# Messages of nginx, Apache and Go.
_PLAIN_HTTP = re.compile(rb"plain HTTP (?:request was sent )?to |HTTP request to an HTTPS server")

_EXPIRED = "The S3 credentials have expired. Renew the data connection or enter new ones in the settings, then retry."
_BUSY = "The S3 store is busy. Try again later."

_SAYS_NOTHING = {"Unknown", "None", "Forbidden", "Not Found", "Bad Request", "Internal Server Error"}

# Messages that say what the user can do, instead of S3's own.
_OWN_SENTENCES = {
    "ExpiredToken": _EXPIRED,
    "ExpiredTokenException": _EXPIRED,
    "TokenRefreshRequired": _EXPIRED,
    "InvalidToken": "S3 rejects the session token. Renew the data connection or enter new credentials in the"
    " settings, then retry.",
    "InvalidAccessKeyId": "The access key ID does not exist. Check the credentials in the settings, then retry.",
    "SignatureDoesNotMatch": "S3 rejects the secret access key. Check the credentials in the settings, then retry.",
    "RequestTimeTooSkewed": "The clocks of this server and of the S3 store differ too much. S3 refuses requests until"
    " the wrong one is corrected.",
    "PermanentRedirect": "The bucket is in another region, or has its own endpoint. Check the endpoint and the region"
    " in the settings.",
    "IllegalLocationConstraintException": "The endpoint creates buckets in its own region only. Change the endpoint"
    " or the region in the settings.",
    "InvalidBucketName": "This is not a valid bucket name. Use 3 to 63 lowercase letters, digits, dots and hyphens,"
    " with a letter or a digit at both ends.",
    "NoSuchBucket": "The bucket does not exist.",
    "NoSuchUpload": "The upload no longer exists: it was completed or aborted.",
    "QuotaExceeded": "The quota of the bucket or its owner is exceeded. Delete objects or raise the quota, then retry.",
    "XMinioStorageFull": "The S3 store is full. Delete objects, then retry.",
    "SlowDown": _BUSY,
    "ServiceUnavailable": _BUSY,
    "Throttling": _BUSY,
}

# With these codes, every request fails.
CREDENTIALS = {
    *("ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "InvalidToken"),
    *("InvalidAccessKeyId", "SignatureDoesNotMatch", "RequestTimeTooSkewed"),
}

# Messages for errors that S3 can send without one.
_SENTENCES = {
    "AccessDenied": "These S3 credentials do not have permission for this.",
    "NoSuchKey": "The object does not exist.",
    "BucketNotEmpty": "The bucket is not empty.",
    "PreconditionFailed": "The object has changed, or already exists.",
}


def _parameter_message(text: str) -> str:
    if bucket := re.search(r'Invalid bucket name "([^"]*)"', text):
        name = clipped(bucket[1], 100)
        return f"“{name}” is not a valid bucket name. Use letters, digits, dots, hyphens and underscores."
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return clipped(" ".join(lines[1:] or lines)) or "S3 parameters are not valid."
