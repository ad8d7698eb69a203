"""``jupyter odhtec demo``."""

from __future__ import annotations

import signal
import sys
import threading
import webbrowser
from importlib.util import find_spec
from types import FrameType

import requests

from odhtec_jupyter.demo.jupyter_process import JupyterProcess
from odhtec_jupyter.demo.model import ModelUnavailableError
from odhtec_jupyter.demo.rest import ReplyError
from odhtec_jupyter.demo.walkthrough import WalkthroughError, walk_through
from odhtec_jupyter.demo.workbench import workbench

# Also in labextension/src/tokens.ts.
_PANEL_ID = "odhtec-browser"
_EXTRA = {"jupyterlab": "JupyterLab", "moto": "moto", "flask": "moto's server"}


def run(*, once: bool, port: int, browser: bool) -> int:
    """Run the demonstration. Return the exit code of the process."""
    absent = [name for module, name in _EXTRA.items() if find_spec(module) is None]
    if absent:
        print(f"The demonstration requires {', '.join(absent)}: pip install 'odhtec-jupyter[demo]'", file=sys.stderr)
        return 1
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        return _once(port) if once else _until_interrupted(port, browser)
    except KeyboardInterrupt:
        print("\nStopped. Everything that the demonstration created was removed.")
        return 0 if not once else 130
    except (ModelUnavailableError, WalkthroughError, ReplyError, RuntimeError, requests.RequestException) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _once(port: int) -> int:
    with workbench("jupyter_server", port) as bench:
        try:
            walk_through(bench)
        except (WalkthroughError, ReplyError, requests.RequestException):
            print(bench.jupyter.tail(), file=sys.stderr)
            raise
    if not bench.own_store:
        print(f"The model is still in your store: s3://{bench.bucket}/{bench.model.id}/")
    return 0


def _until_interrupted(port: int, browser: bool) -> int:
    with workbench("jupyterlab", port) as bench:
        _open_panel(bench.jupyter)
        url = f"{bench.jupyter.url}lab?token={bench.jupyter.token}"
        print(
            f"\n    {url}\n\nImport {bench.model.id} into the bucket {bench.bucket}. Press Ctrl-C to stop.", flush=True
        )
        if browser:
            webbrowser.open(url)
        threading.Event().wait()
    return 0


def _open_panel(jupyter: JupyterProcess) -> None:
    """Store a JupyterLab layout in which the panel is open."""
    layout = {
        "main": {"dock": None},
        "left": {"collapsed": False, "visible": True, "current": _PANEL_ID, "widgets": [_PANEL_ID]},
        "relativeSizes": [0.35, 0.65, 0],
    }
    reply = requests.put(
        f"{jupyter.url}lab/api/workspaces/default",
        headers=jupyter.headers,
        json={"data": {"layout-restorer:data": layout}, "metadata": {"id": "default"}},
        timeout=10,
    )
    reply.raise_for_status()
