"""What the server's replies become: wire models, or the errors that they tell of."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, TypeVar

import requests
from pydantic import BaseModel, ValidationError

from odhtec_jupyter.client.http.body_limit import PROXY_LIMIT
from odhtec_jupyter.errors import Forbidden, NotFound, OdhTecError, TooLarge, Unreachable, error_for

Model = TypeVar("Model", bound=BaseModel)

_REFUSED = "You do not have permission to do this."  # Jupyter's own refusal, as tornado's of a POST without a token


def error_of(reply: requests.Response, server: str) -> OdhTecError:
    """What a reply without success says; its body is read."""
    status = reply.status_code
    try:
        body = json.loads(reply.content)
        code, message = str(body["error"]), str(body["message"])
    except (ValueError, KeyError, TypeError, requests.RequestException):
        return _foreign(status, server)
    if code == "Forbidden" and (message == _REFUSED or "XSRF cookie" in message or "'_xsrf'" in message):
        return Forbidden(f"The Jupyter server at {server} does not let you in: the token is missing or wrong.")
    return error_for(code, message, status)


def _foreign(status: int, server: str) -> OdhTecError:
    """A reply that is not of this extension."""
    if status in {301, 302, 303, 307, 308, 401, 403}:
        return Forbidden(f"The Jupyter server at {server} wants a login: the token is missing or wrong.")
    if status == 404:
        return NotFound(f"The Jupyter server at {server} has no extension odhtec_jupyter.", code="NoExtension")
    if status == 413:
        return TooLarge(
            f"A proxy in front of the Jupyter server at {server} limits the size of requests (413). Its administrator "
            "can raise the limit: client_max_body_size of nginx, or the annotation "
            "nginx.ingress.kubernetes.io/proxy-body-size of an Ingress.",
            code=PROXY_LIMIT,
        )
    if status in {502, 503, 504}:
        return Unreachable(f"What stands before the Jupyter server at {server} answered {status}.", code="BadGateway")
    return OdhTecError(f"The Jupyter server at {server} answered {status}.", code="UnexpectedReply", status=status)


def read(model: type[Model], reply: requests.Response) -> Model:
    """A wire model. Fields that a newer server has are passed over: the kernel may have an older package."""
    try:
        body = reply.json()
    except ValueError:
        raise OdhTecError("The reply is not of this extension: is there a login page before it?") from None
    for _ in range(2):
        try:
            return model.model_validate(body)
        except ValidationError as error:
            unknown = [one["loc"] for one in error.errors() if one["type"] == "extra_forbidden"]
            for place in unknown:
                _drop(body, place)
    raise OdhTecError(f"The server's {model.__name__} cannot be read: its version differs.", code="UnexpectedReply")


def _drop(body: Any, place: Sequence[int | str]) -> bool:
    """Take the field out; whether it was found. A name on the way may be a union's member, no field."""
    name, *rest = place
    if not rest:
        return isinstance(body, dict) and body.pop(name, body) is not body
    try:
        found = _drop(body[name], rest)
    except (KeyError, TypeError, IndexError):
        found = False
    return found or _drop(body, rest)
