"""In a real browser, pages of another port of this host cannot load objects. Jupyter's own pages can."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from odhtec_jupyter.demo.jupyter_process import JupyterProcess
from odhtec_jupyter.keys import encode_key
from tests.conftest import S3Server, empty_bucket, make_s3_client
from tests.loopback import LoopbackServer, QuietHandler

if TYPE_CHECKING:
    from playwright.sync_api import Browser

LOADED_WIDTH = """url => new Promise(done => {
  const image = new Image();
  image.onload = image.onerror = () => done(image.width);
  image.src = url;
})"""


@pytest.fixture
def jupyter(moto_server: S3Server, lab_server: Callable[..., JupyterProcess]) -> Iterator[JupyterProcess]:
    """A server with a bucket that holds a script and an image."""
    client = make_s3_client(moto_server)
    client.create_bucket(Bucket="embedded")
    image = b'<svg xmlns="http://www.w3.org/2000/svg" width="7" height="5"/>'
    for key, body, kind in (
        ("a.js", b"window.leaked = 'yes'", "text/javascript"),
        ("b.svg", image, "image/svg+xml"),
    ):
        client.put_object(Bucket="embedded", Key=key, Body=body, ContentType=kind)
    yield lab_server(
        moto_server.env,
        app="jupyter_server",
        options=["--ServerApp.jpserver_extensions={'odhtec_jupyter': True}"],
    )
    empty_bucket(client, "embedded")
    client.delete_bucket(Bucket="embedded")
    client.close()


@pytest.fixture
def other_port() -> Iterator[Callable[[str], str]]:
    """A function that serves a page at another port of the same host, and returns its address."""
    text = {"/": ""}

    class Handler(QuietHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(text["/"].encode())))
            self.end_headers()
            self.wfile.write(text["/"].encode())

    with LoopbackServer(Handler) as server:

        def serve(page: str) -> str:
            text["/"] = page
            return f"{server.url}/"

        yield serve


def test_objects_are_loaded_by_pages_of_jupyter_only(
    jupyter: JupyterProcess, chromium: Browser, other_port: Callable[[str], str]
) -> None:
    api = f"{jupyter.url}odhtec/api/objects"
    script = f"{api}/view/embedded/{encode_key('a.js')}"
    context = chromium.new_context()
    try:
        page = context.new_page()
        page.goto(f"{jupyter.url}login")  # sets the XSRF cookie
        page.goto(f"{jupyter.url}login?token={jupyter.token}&next=/api/status")
        names = {cookie["name"]: cookie["value"] for cookie in context.cookies()}
        assert "_xsrf" in names
        for policy in ("", "no-referrer", "unsafe-url"):
            for url in (script, f"{script}?_xsrf={names['_xsrf']}"):
                page.goto(other_port(f'<script src="{url}" referrerpolicy="{policy}"></script>'))
                assert page.evaluate("window.leaked") is None, (policy, url)
        # A page of Jupyter can load objects.
        page.goto(f"{jupyter.url}nothing")  # a page of Jupyter, not of its API
        assert page.evaluate(LOADED_WIDTH, f"{api}/view/embedded/{encode_key('b.svg')}") == 7
    finally:
        context.close()
