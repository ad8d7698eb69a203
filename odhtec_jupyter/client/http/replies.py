"""Translation of the server's replies to wire models and errors."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, TypeVar

import requests
from pydantic import BaseModel, ValidationError

from odhtec_jupyter.client.http.body_limit import PROXY_LIMIT
from odhtec_jupyter.errors import Forbidden, NotFound, OdhTecError, TooLarge, Unreachable, error_for

Model = TypeVar("Model", bound=BaseModel)

_REFUSED = "You do not have permission to do this."  # sent if Jupyter or Tornado refuses a request


def error_of(reply: requests.Response, server: str) -> OdhTecError:
    """Return the error in an unsuccessful reply, whose body is read."""
    status = reply.status_code
    try:
        body = json.loads(reply.content)
        code, message = str(body["error"]), str(body["message"])
    except (ValueError, KeyError, TypeError, requests.RequestException):
        return _foreign(status, server)
    if code == "Forbidden" and (message == _REFUSED or "XSRF cookie" in message or "'_xsrf'" in message):
        return Forbidden(f"The Jupyter server at {server} refused access: the token is missing or invalid.")
    return error_for(code, message, status)


def _foreign(status: int, server: str) -> OdhTecError:
    """Return the error for a reply that is not from this extension."""
    if status in {301, 302, 303, 307, 308, 401, 403}:
        return Forbidden(f"The Jupyter server at {server} requires a login: the token is missing or invalid.")
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
        return Unreachable(f"A proxy in front of the Jupyter server at {server} answered {status}.", code="BadGateway")
    return OdhTecError(f"The Jupyter server at {server} answered {status}.", code="UnexpectedReply", status=status)


def read(model: type[Model], reply: requests.Response) -> Model:
    """Parse a wire model. Unknown fields are ignored, because the server can be newer than this package."""
    try:
        body = reply.json()
    except ValueError:
        raise OdhTecError(
            "The reply is not from this extension. Check whether a proxy or a login page answers instead."
        ) from None
    for _ in range(2):
        try:
            return model.model_validate(body)
        except ValidationError as error:
            unknown = [one["loc"] for one in error.errors() if one["type"] == "extra_forbidden"]
            for place in unknown:
                _drop(body, place)
    raise OdhTecError(
        f"The server's {model.__name__} cannot be read. Its version differs from this package.", code="UnexpectedReply"
    )


def _drop(body: Any, place: Sequence[int | str]) -> bool:
    """Remove a field and return whether it was found. Names in the path can also be members of a union."""
    name, *rest = place
    if not rest:
        return isinstance(body, dict) and body.pop(name, body) is not body
    try:
        found = _drop(body[name], rest)
    except (KeyError, TypeError, IndexError):
        found = False
    return found or _drop(body, rest)
