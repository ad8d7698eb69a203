"""Each notebook runs from top to bottom against the demonstration's servers, and is stored without outputs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from odhtec_jupyter.demo.content import SyntheticContent
from odhtec_jupyter.demo.hub.repository import Repository
from odhtec_jupyter.demo.hub.stand_in import HubStandIn
from tests.conftest import python_path

NOTEBOOKS = sorted((Path(__file__).resolve().parent.parent / "notebooks").glob("*.ipynb"))


@pytest.fixture(scope="module")
def server(moto_server: Any, lab_server: Callable[..., Any]) -> Iterator[Any]:
    with HubStandIn() as hub:
        files = {"config.json": b"{}", "model.safetensors": SyntheticContent(9_000_000, seed=1)}
        hub.add(Repository("org/small")).commit(files)
        yield lab_server({**moto_server.env, "HF_ENDPOINT": hub.endpoint}, app="jupyter_server")


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs_and_is_stored_without_outputs(
    notebook: Path, moto_server: Any, server: Any, tmp_path: Path
) -> None:
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in cells)
    ran = subprocess.run(
        [
            *(sys.executable, "-m", "nbconvert", "--to", "notebook", "--execute", str(notebook)),
            *("--output-dir", str(tmp_path), "--output", "ran", "--ExecutePreprocessor.startup_timeout=600"),
        ],
        env=os.environ
        | {
            "JUPYTER_RUNTIME_DIR": str(server.folder / "runtime"),
            "EXAMPLE_REPO": "org/small",
            "PYTHONPATH": python_path(),
        },
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
