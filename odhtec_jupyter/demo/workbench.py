"""A workbench for the demonstration: a store, a hub with a real model, and a Jupyter server."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from odhtec_jupyter.demo.hub.repository import Repository
from odhtec_jupyter.demo.hub.stand_in import HubStandIn
from odhtec_jupyter.demo.jupyter_process import JupyterProcess, clean_environment
from odhtec_jupyter.demo.model import REPO_ID, fetch_model
from odhtec_jupyter.demo.s3 import MODELS, DemoStore

_USERS_CONNECTION = (
    *("AWS_S3_ENDPOINT", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
    *("AWS_DEFAULT_REGION", "AWS_REGION", "AWS_S3_BUCKET", "AWS_CA_BUNDLE"),
)
_WELCOME = f"""\
# ODH-TEC for Jupyter

The panel on the left shows the buckets of this demonstration. Use its import button to import `{REPO_ID}` into the
bucket `{MODELS}`.
"""


@dataclass(frozen=True)
class Workbench:
    """The running parts. ``own_store`` is false if the user's data connection is used."""

    jupyter: JupyterProcess
    model: Repository
    bucket: str
    own_store: bool


@contextmanager
def workbench(
    app: Literal["jupyterlab", "jupyter_server"], port: int, cache: Path | None = None
) -> Iterator[Workbench]:
    """Start all parts. At the end of the block, stop them and remove their files."""
    with ExitStack() as stack:
        model = Repository.from_folder(REPO_ID, fetch_model(cache))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="odhtec-demo-")))
        connection = {name: os.environ[name] for name in _USERS_CONNECTION if os.environ.get(name)}
        own_store = "AWS_S3_ENDPOINT" not in connection
        if own_store:
            print("Starting an object store ...", flush=True)
            connection = stack.enter_context(DemoStore()).env
        print("Starting a hub that serves the model ...", flush=True)
        hub = stack.enter_context(HubStandIn(model))
        (folder / "work").mkdir()
        (folder / "work" / "Welcome.md").write_text(_WELCOME)
        jupyter = JupyterProcess(
            folder,
            clean_environment() | connection | {"HF_ENDPOINT": hub.endpoint},
            app=app,
            port=port,
            port_retries=50,
            options=["--ServerApp.jpserver_extensions={'odhtec_jupyter': True}"],
        )
        print(f"Starting {'JupyterLab' if app == 'jupyterlab' else 'a Jupyter server'} ...", flush=True)
        stack.enter_context(jupyter)
        yield Workbench(jupyter, model, connection.get("AWS_S3_BUCKET", MODELS), own_store)
