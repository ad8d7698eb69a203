"""Whether the connection can be used at all, and whether its values come from one store."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from odhtec_jupyter.connections.connection import Connection
from odhtec_jupyter.connections.definition import VARIABLES
from odhtec_jupyter.doctor.finding import Finding, failed, ok, warning
from odhtec_jupyter.doctor.route import some
from odhtec_jupyter.doctor.subject import Subject
from odhtec_jupyter.network import AMAZON
from odhtec_jupyter.settings import mask
from odhtec_jupyter.settings.values import endpoint_origin
from odhtec_jupyter.stores.s3.connection.amazon import amazon_endpoint
from odhtec_jupyter.uris import DEFAULT_CONNECTION

_AMAZON_KEY = re.compile(r"(AKIA|ASIA)[A-Z0-9]{12,28}")


def definition(subject: Subject) -> Finding:
    """Check that the values are complete and valid, so that requests can be sent."""
    connection = subject.connection
    if connection.error:
        return failed(connection.error)
    where = mask(subject.endpoint)  # raises for a profile that does not exist
    return ok(f"Requests are sent to {where}, as the source “{connection.source}” says.")


def environment(subject: Subject) -> Finding:
    """Check for values of two stores: two data connections of a workbench set the same variables."""
    found = [*_variables(subject), *_keys(subject), *_accounts(subject)]
    if found:
        return warning(" ".join(found))
    return ok("The values of this connection do not contradict each other.")


def _variables(subject: Subject) -> list[str]:
    """Compare variables that mean the same, if the connection has its values from them."""
    connection = subject.connection
    if connection.name != DEFAULT_CONNECTION or connection.source != "environment":
        return []
    found = []
    endpoints = _set(subject, "endpoint")
    if endpoints and _host(endpoints[0][1]) == _host(connection.s3.endpoint or ""):
        different = [one for one in endpoints[1:] if _host(one[1]) != _host(endpoints[0][1])]
        found += [_mixed(endpoints[0], one, _host) for one in different[:1]]
    regions = _set(subject, "region")
    if regions and regions[0][1] == connection.s3.region:
        found += [_mixed(regions[0], one, str) for one in regions[1:] if one[1] != regions[0][1]]
    return found


def _set(subject: Subject, name: str) -> list[tuple[str, str]]:
    return [(one, value) for one in VARIABLES[name] if (value := subject.environ.get(one, "").strip())]


def _mixed(used: tuple[str, str], other: tuple[str, str], shown: Callable[[str], str]) -> str:
    return (
        f"{used[0]} says {some([shown(used[1])])}, but {other[0]} says {some([shown(other[1])])}: two data connections"
        f" can have been mixed. {used[0]} is used here; detach one of them, or remove {other[0]}."
    )


def _host(url: str) -> str:
    """Return host and port of an endpoint, which can be without a scheme, and never its password."""
    try:
        return urlsplit(url if "://" in url else f"https://{url}").netloc.rpartition("@")[2].lower()
    except ValueError:
        return "an address that is not valid"


def _keys(subject: Subject) -> list[str]:
    """Compare the form of the keys with the endpoint and with the session token."""
    s3 = subject.connection.s3
    form = _AMAZON_KEY.fullmatch(s3.access_key_id or "")
    if form is None:
        return []
    found = []
    if s3.endpoint and not amazon_endpoint(s3.endpoint):
        found.append(
            f"The access key ID has the form of Amazon's ({form[1]}…), but the endpoint is {_host(s3.endpoint)}: use"
            " the keys and the endpoint of the same store."
        )
    if form[1] == "AKIA" and s3.session_token:
        found.append(
            "A session token is set beside a long-term access key ID (AKIA…), which has none: remove the session token"
            " (AWS_SESSION_TOKEN), or enter the temporary keys that belong to it."
        )
    if form[1] == "ASIA" and not s3.session_token:
        found.append(
            "The access key ID is a temporary one (ASIA…), but there is no session token: set it (AWS_SESSION_TOKEN),"
            " too."
        )
    return found


def _accounts(subject: Subject) -> list[str]:
    """Look for another connection with the same account at another store."""
    own = subject.connection
    if not own.s3.access_key_id:
        return []
    same = [one for one in subject.others if one.name != own.name and _is_elsewhere(one, own)]
    if not same:
        return []
    other = same[0]
    return [
        f"The connection “{other.name}” has the same access key ID, but the endpoint"
        f" {_host(other.s3.endpoint or AMAZON)}: check which of the two endpoints these keys belong to."
    ]


def _is_elsewhere(one: Connection, own: Connection) -> bool:
    if one.error or one.s3.access_key_id != own.s3.access_key_id:
        return False
    return endpoint_origin(one.s3.endpoint or AMAZON) != endpoint_origin(own.s3.endpoint or AMAZON)
