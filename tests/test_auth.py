"""Authentication and permissions for each method of each route."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml
from jupyter_server.auth import Authorizer
from tornado.web import RequestHandler

from odhtec_jupyter.handlers.base import AUTH_RESOURCE, OdhTecHandler
from odhtec_jupyter.routes import ROUTES

READING = ("GET", "HEAD")
METHODS = (*READING, "POST", "PUT", "DELETE", "PATCH")
FILLED = {
    "bucket": "b",
    "key": "YQ",
    "prefix": "YQ",
    "transfer_id": "0123",
    "upload_id": "0123",
    "part": "1",
    "name": "n",
}


def all_methods() -> Iterator[tuple[str, str]]:
    """Yield each method of each route, with example values as parameters."""
    for pattern, handler in ROUTES:
        path = re.sub(r"\(\?P<(\w+)>[^)]*\)", lambda match: FILLED[match[1]], pattern).replace(".*", "elsewhere")
        for method in METHODS:
            if getattr(handler, method.lower()) is not getattr(RequestHandler, method.lower()):
                yield method, path


def test_table_of_routes_is_complete() -> None:
    found = set(all_methods())
    assert len(found) > 45
    assert ("PUT", "/objects/upload/b/YQ") in found
    assert all(issubclass(handler, OdhTecHandler) for _, handler in ROUTES)


class DeniesAll(Authorizer):
    """An authorizer that allows nothing."""

    def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:
        return False


class AllowsReading(Authorizer):
    """An authorizer that allows only reading from this extension."""

    def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:
        return (action, resource) == ("read", "odhtec")


async def send(client: Any, base: str, method: str, path: str, headers: dict[str, str]) -> Any:
    body = "{}" if method in ("POST", "PUT", "PATCH") else None
    return await client.fetch(
        f"{base}odhtec/api{path}",
        method=method,
        headers=headers,
        body=body,
        raise_error=False,
        follow_redirects=False,
        allow_nonstandard_methods=True,
        request_timeout=0,
    )


def require_refusal(reply: Any, method: str, path: str) -> None:
    assert reply.code == 403, (method, path, reply.code, reply.body)
    if method != "HEAD":
        assert set(json.loads(reply.body)) == {"error", "message"}, (method, path)


@pytest.mark.parametrize("header", [{}, {"Authorization": "token wrong"}], ids=["none", "wrong"])
async def test_without_credentials_every_method_of_every_route_is_refused(
    jp_serverapp: Any, http_server_client: Any, jp_base_url: str, header: dict[str, str]
) -> None:
    for method, path in all_methods():
        require_refusal(await send(http_server_client, jp_base_url, method, path, header), method, path)


@pytest.fixture
def lax(jp_server_config: Any) -> None:
    """The default of Jupyter: methods without their own check are open."""
    jp_server_config.ServerApp.allow_unauthenticated_access = True


async def test_requests_without_a_user_are_refused_if_jupyter_allows_them(
    lax: None, jp_serverapp: Any, http_server_client: Any, jp_base_url: str
) -> None:
    # A matching XSRF cookie and header are easy to forge. Such a request still has no user.
    made = {"Cookie": "_xsrf=made", "X-XSRFToken": "made"}
    for method, path in all_methods():
        for headers in ({}, made):
            require_refusal(await send(http_server_client, jp_base_url, method, path, headers), method, path)


@pytest.fixture
def denies_all(jp_server_config: Any) -> None:
    jp_server_config.ServerApp.authorizer_class = DeniesAll


@pytest.fixture
def allows_reading(jp_server_config: Any) -> None:
    jp_server_config.ServerApp.authorizer_class = AllowsReading


async def test_user_without_permissions_is_refused_everywhere(
    denies_all: None, jp_serverapp: Any, http_server_client: Any, jp_base_url: str, jp_auth_header: dict[str, str]
) -> None:
    for method, path in all_methods():
        require_refusal(await send(http_server_client, jp_base_url, method, path, jp_auth_header), method, path)


async def test_user_with_read_permission_cannot_write(
    allows_reading: None, jp_serverapp: Any, http_server_client: Any, jp_base_url: str, jp_auth_header: dict[str, str]
) -> None:
    for method, path in all_methods():
        if method not in READING:
            require_refusal(await send(http_server_client, jp_base_url, method, path, jp_auth_header), method, path)
    for path in ("/transfers", "/disclaimer", "/openapi.json"):
        assert (await send(http_server_client, jp_base_url, "GET", path, jp_auth_header)).code == 200, path
    for path in ("/settings/s3", "/settings/hf", "/settings/proxy"):
        require_refusal(await send(http_server_client, jp_base_url, "GET", path, jp_auth_header), "GET", path)


def cookies_of(reply: Any) -> dict[str, str]:
    return dict(cookie.split(";")[0].split("=", 1) for cookie in reply.headers.get_list("Set-Cookie"))


async def test_a_login_cookie_alone_cannot_write(
    jp_serverapp: Any, http_server_client: Any, jp_base_url: str, jp_auth_header: dict[str, str]
) -> None:
    # A page of another site can let the browser send the cookies, but cannot read the XSRF cookie for the header.
    logged_in = await http_server_client.fetch(f"{jp_base_url}api/status", headers=jp_auth_header)
    login = "; ".join(f"{name}={value}" for name, value in cookies_of(logged_in).items())
    page = await http_server_client.fetch(f"{jp_base_url}login")
    xsrf = cookies_of(page)["_xsrf"]
    both = f"{login}; _xsrf={xsrf}"
    assert (await send(http_server_client, jp_base_url, "GET", "/transfers", {"Cookie": login})).code == 200
    for method, path in all_methods():
        if method not in READING:
            for headers in ({"Cookie": login}, {"Cookie": both}, {"Cookie": both, "X-XSRFToken": "another"}):
                require_refusal(await send(http_server_client, jp_base_url, method, path, headers), method, path)
    headers = {"Cookie": both, "X-XSRFToken": xsrf}
    assert (await send(http_server_client, jp_base_url, "PUT", "/settings/s3", headers)).code == 200


# Resources of a route in addition to the one that all routes need.
ADDITIONAL_RESOURCES = {
    **{(verb, path): {"odhtec-settings"} for verb in ("GET", "PUT") for path in ("/settings/s3", "/settings/hf")},
    **{(verb, "/settings/proxy"): {"odhtec-settings"} for verb in ("GET", "PUT")},
    **{(verb, "/settings/max-concurrent-transfers"): {"odhtec-settings"} for verb in ("GET", "PUT")},
    **{(verb, "/settings/max-bandwidth"): {"odhtec-settings"} for verb in ("GET", "PUT")},
    **{("POST", f"/settings/test-{end}"): {"odhtec-settings"} for end in ("s3", "hf", "proxy")},
    ("POST", "/objects/presign"): {"odhtec-links"},
    ("POST", "/connections"): {"odhtec-settings"},
    ("DELETE", "/connections/n"): {"odhtec-settings"},
    ("POST", "/connections/n/save"): {"odhtec-settings"},
    ("POST", "/connections/n/test"): {"odhtec-settings"},
    ("POST", "/hub/test"): {"odhtec-settings"},
}


class ScriptedAuthorizer(Authorizer):
    """An authorizer that allows everything except what a test denies, and records its checks."""

    denied: ClassVar[set[tuple[str, str]]] = set()
    checks: ClassVar[list[tuple[str, str]]] = []

    def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:
        self.checks.append((action, resource))
        return (action, resource) not in self.denied


@pytest.fixture
def authorizer(jp_server_config: Any) -> Iterator[type[ScriptedAuthorizer]]:
    jp_server_config.ServerApp.authorizer_class = ScriptedAuthorizer
    ScriptedAuthorizer.denied, ScriptedAuthorizer.checks = set(), []
    yield ScriptedAuthorizer
    ScriptedAuthorizer.denied, ScriptedAuthorizer.checks = set(), []


async def test_each_route_checks_its_resources(
    authorizer: type[ScriptedAuthorizer],
    jp_serverapp: Any,
    http_server_client: Any,
    jp_base_url: str,
    jp_auth_header: dict[str, str],
) -> None:
    for method, path in all_methods():
        action = "read" if method in READING else "write"
        expected = {AUTH_RESOURCE, *ADDITIONAL_RESOURCES.get((method, path), ())}
        seen = set()
        for resource in expected:  # each one is denied in turn, so that no handler runs
            authorizer.denied, authorizer.checks = {(action, resource)}, []
            reply = await send(http_server_client, jp_base_url, method, path, jp_auth_header)
            require_refusal(reply, method, path)
            assert authorizer.checks[-1] == (action, resource)
            if method != "HEAD":
                assert resource in json.loads(reply.body)["message"]
            seen |= set(authorizer.checks)
        assert seen == {(action, resource) for resource in expected}, (method, path)


def test_the_contract_names_the_resources() -> None:
    contract = yaml.safe_load((Path(__file__).parent.parent / "odhtec_jupyter" / "openapi.yaml").read_text())
    described = {
        (verb.upper(), path.replace("{name}", FILLED["name"])): set(operation["x-resources"])
        for path, item in contract["paths"].items()
        for verb, operation in item.items()
        if isinstance(operation, dict) and "x-resources" in operation
    }
    assert described == ADDITIONAL_RESOURCES
