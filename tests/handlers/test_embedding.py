"""Objects are sent to pages of Jupyter and to clients with the token, not to pages of another port of this host.

Cookies are shared between ports, so such a page can send them and read the XSRF cookie.
"""

from __future__ import annotations

from typing import Any

from odhtec_jupyter.keys import encode_key
from tests.marks import on_moto


def cookies_of(reply: Any) -> dict[str, str]:
    return dict(cookie.split(";")[0].split("=", 1) for cookie in reply.headers.get_list("Set-Cookie"))


@on_moto
async def test_content_is_sent_to_pages_of_jupyter_only(
    api: Any, bucket: str, http_server_client: Any, jp_base_url: str, jp_auth_header: dict[str, str]
) -> None:
    await api.put(bucket, "a.js", b"leaked = 1")
    login = cookies_of(await http_server_client.fetch(f"{jp_base_url}api/status", headers=jp_auth_header))
    xsrf = cookies_of(await http_server_client.fetch(f"{jp_base_url}login"))["_xsrf"]
    cookie = "; ".join(f"{name}={value}" for name, value in {**login, "_xsrf": xsrf}.items())
    key = encode_key("a.js")
    routes = [f"objects/{kind}/{bucket}/{key}" for kind in ("download", "view", "preview")]

    async def status(method: str, path: str, headers: dict[str, str]) -> Any:
        return await http_server_client.fetch(
            f"{api.path}/{path}", method=method, headers=headers, raise_error=False, follow_redirects=False
        )

    for path in (*routes, f"archive/{bucket}?key={key}"):
        methods = ("GET", "HEAD") if "/download/" in path or "/view/" in path else ("GET",)
        for method in methods:
            for referer in ({}, {"Referer": "http://127.0.0.1:1/"}, {"Referer": "https://elsewhere.example/"}):
                refused = await status(method, path, {"Cookie": cookie, **referer})
                assert refused.code == 403, (method, path, referer)
                assert refused.headers["Cross-Origin-Resource-Policy"] == "same-origin"
            own = {"Cookie": cookie, "Referer": f"http://127.0.0.1:{api.port}/lab"}
            assert (await status(method, path, own)).code == 200, (method, path)
            assert (await status(method, path, {"Cookie": cookie, "X-XSRFToken": xsrf})).code == 200, (method, path)
            assert (await status(method, path, jp_auth_header)).code == 200, (method, path)
            # The other page can read the XSRF cookie. With its value, headers of the reply let the browser refuse it.
            mark = "&" if "?" in path else "?"
            named = await status(method, f"{path}{mark}_xsrf={xsrf}", {"Cookie": cookie})
            assert (named.code, named.headers["Cross-Origin-Resource-Policy"]) == (200, "same-origin"), (method, path)
            for header in ("X-Content-Type-Options", "Content-Security-Policy"):
                assert header in named.headers
            assert "frame-ancestors 'self'" in named.headers["Content-Security-Policy"]
