"""A server that is configured as the documentation says, and started again before its transfer has ended."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import requests

from odhtec_jupyter.demo.jupyter_process import JupyterProcess, clean_environment
from tests.conftest import ROOT, free_port, python_path
from tests.odd_store import OddStore
from tests.waiting import GIVE_UP_SECONDS

PAGE = ROOT / "docs" / "administrators" / "audit.md"
IDENTITY = """
from jupyter_server.auth import IdentityProvider, User

class Named(IdentityProvider):
    def generate_anonymous_user(self, handler):
        return User(username="{name}")

c.ServerApp.identity_provider_class = Named
"""


def configure(folder: Path, name: str) -> None:
    """Write the example of the page as configuration, with a user of this name."""
    example = PAGE.read_text(encoding="utf-8").partition("```python\n")[2].partition("```")[0]
    assert '"audit.jsonl"' in example
    text = example.replace('"audit.jsonl"', repr(str(folder / "audit.jsonl"))) + IDENTITY.format(name=name)
    (folder / "config").mkdir(exist_ok=True)
    (folder / "config" / "jupyter_server_config.py").write_text(text)


def request(server: JupyterProcess, method: str, path: str, **options: Any) -> Any:
    reply = requests.request(method, f"{server.url}odhtec/api/{path}", headers=server.headers, timeout=60, **options)
    assert reply.ok, reply.text
    return reply.json()


def test_transfer_that_ends_after_a_restart_is_that_of_the_user_who_started_it(
    odd_store: OddStore, tmp_path: Path
) -> None:
    odd_store.put("large.bin", b"l" * 4_000_000)
    env = clean_environment() | {
        "PYTHONPATH": python_path(),
        "AWS_S3_ENDPOINT": odd_store.endpoint,
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret-of-the-store",
    }

    def server(*options: str) -> JupyterProcess:
        enabled = "--ServerApp.jpserver_extensions={'odhtec_jupyter': True}"
        return JupyterProcess(tmp_path, env, app="jupyter_server", port=free_port(), options=[enabled, *options])

    configure(tmp_path, "alice")
    with server("--OdhTecSettings.max_bandwidth=100000") as first:
        body = {"action": "copy", "source": "s3://bucket/large.bin", "target": "workspace://copy.bin"}
        transfer = request(first, "POST", "transfers", json=body)["id"]
        request(first, "POST", f"transfers/{transfer}/pause")
    configure(tmp_path, "bob")
    with server() as second:
        request(second, "POST", f"transfers/{transfer}/resume")
        deadline = time.monotonic() + GIVE_UP_SECONDS
        while request(second, "GET", f"transfers/{transfer}")["state"] != "completed":
            assert time.monotonic() < deadline
            time.sleep(0.05)
    text = (tmp_path / "audit.jsonl").read_text(encoding="utf-8")
    events = [one for one in map(json.loads, text.splitlines()) if one["__schema__"].endswith("/odhtec/audit/v1")]
    assert [(one["action"], one["user"], one["result"]) for one in events] == [
        ("transfer.start", "alice", "success"),
        ("transfer.create", "alice", "success"),
        ("transfer.pause", "alice", "success"),
        ("transfer.resume", "bob", "success"),
        ("transfer.finish", "alice", "success"),
    ]
    assert {one["transfer_id"] for one in events} == {transfer}
    assert (events[-1]["bytes"], events[-1]["files_done"]) == (4_000_000, 1)
    assert "secret-of-the-store" not in text
    assert first.token not in text
