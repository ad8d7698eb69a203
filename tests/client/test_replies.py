"""How replies are read, including those of a newer server or of a proxy."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from odhtec_jupyter import errors
from odhtec_jupyter.client.http.replies import error_of, read
from odhtec_jupyter.models import Preview, TransferList

STATUS = {
    "id": "1",
    "action": "copy",
    "source": "s3://a/b",
    "namesTotal": None,
    "target": "s3://c/d",
    "state": "queued",
    "bytesDone": 0,
    "bytesTotal": None,
    "filesDone": 0,
    "filesTotal": None,
    "filesFailed": 0,
    "rate": None,
    "eta": None,
    "createdAt": "2026-01-01T00:00:00Z",
    "startedAt": None,
    "finishedAt": None,
    "error": None,
    "needs": None,
}


def reply(status: int, body: Any) -> requests.Response:
    one = requests.Response()
    one.status_code = status
    one._content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return one


def test_unknown_fields_of_a_newer_server_are_ignored() -> None:
    newer = {"transfers": [{**STATUS, "mood": "good"}], "weather": None}
    assert read(TransferList, reply(200, newer)).transfers[0].id == "1"
    text = {"kind": "text", "size": 1, "ETag": None, "contentType": "", "bytesRead": 1}
    text |= {"text": "x", "encoding": "utf-8", "language": None, "truncated": False, "lines": 1}
    assert read(Preview, reply(200, text)).root.kind == "text"
    tensors: dict[str, Any] = {"kind": "tensors", "size": 1, "ETag": None, "contentType": "", "bytesRead": 1}
    tensors |= {"format": "gguf", "tensorCount": 1, "parameters": 1, "dtypes": {}, "metadata": {}, "truncated": False}
    tensors |= {"tensors": [{"name": "a", "dtype": "F32", "shape": [1], "new": 1}], "new": 1}
    assert read(Preview, reply(200, tensors)).root.kind == "tensors"
    for bad in ({"transfers": [{"id": "1"}]}, b"<html>a login page</html>"):
        with pytest.raises(errors.OdhTecError):
            read(TransferList, reply(200, bad))


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (404, {"error": "NoSuchBucket", "message": "x"}, errors.StoreError, "NoSuchBucket"),
        (403, {"error": "AccessDenied", "message": "x"}, errors.StoreError, "AccessDenied"),
        (403, {"error": "Forbidden", "message": "x"}, errors.Forbidden, "Forbidden"),
        (403, {"error": "GatedRepo", "message": "x"}, errors.GatedRepository, "GatedRepo"),
        (409, {"error": "Conflict", "message": "x"}, errors.Conflict, "Conflict"),
        (404, {"message": "Not Found", "reason": None}, errors.NotFound, "NoExtension"),
        (302, b"", errors.Forbidden, "Forbidden"),
        (413, b"<html>413 Request Entity Too Large</html>", errors.TooLarge, "ProxyBodyLimit"),
        (413, {"error": "EntityTooLarge", "message": "x"}, errors.TooLarge, "EntityTooLarge"),
        (503, b"<html>starting</html>", errors.Unreachable, "BadGateway"),
        (500, b"oops", errors.OdhTecError, "UnexpectedReply"),
    ],
)
def test_errors_have_the_servers_code(status: int, body: Any, kind: type[Exception], code: str) -> None:
    error = error_of(reply(status, body), "http://server/")
    assert type(error) is kind
    assert error.code == code
