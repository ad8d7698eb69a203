"""Each code block of the README and the documentation runs, as a reader of the demonstration would type it."""

from __future__ import annotations

import ast
import asyncio
import inspect
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from odhtec_jupyter.client.filesystem import OdhTecFileSystem
from odhtec_jupyter.demo import s3 as demo_s3
from odhtec_jupyter.demo.hub.repository import Repository
from odhtec_jupyter.demo.hub.stand_in import HubStandIn
from odhtec_jupyter.demo.jupyter_process import JupyterProcess
from odhtec_jupyter.demo.model import REPO_ID
from tests.conftest import S3Server, missing, python_path
from tests.docs.bash import Bash
from tests.docs.snippets import PAGES, RUN, SHOWN, blocks_of
from tests.marks import on_moto

# Like the demonstration's model, only smaller.
MODEL = {"README.md": b"# A model\n", "config.json": b"{}", "model.safetensors": bytes(9_000_000)}
COMMANDS = """\
#!/bin/sh
# `jupyter` would start a second Python for each command.
[ "$1" = odhtec ] || { echo "jupyter $1 is not expected here" >&2; exit 1; }
shift
exec "$PYTHON" -c 'import sys; from odhtec_jupyter.cli import main; sys.exit(main())' "$@"
"""
RUNNING = [page for page in PAGES if any(block.is_run for block in blocks_of(page))]


@pytest.fixture(scope="module")
def jupyter(moto_server: S3Server, lab_server: Callable[..., JupyterProcess]) -> Iterator[JupyterProcess]:
    """A server like the demonstration's."""
    with HubStandIn() as hub:
        hub.add(Repository(REPO_ID)).commit(MODEL)
        env = {**moto_server.env, "HF_ENDPOINT": hub.endpoint, "AWS_S3_BUCKET": demo_s3.MODELS}
        options = ["--ServerApp.jpserver_extensions={'odhtec_jupyter': True}"]
        yield lab_server(env, app="jupyter_server", options=options)


@pytest.fixture
def workbench(
    jupyter: JupyterProcess, moto_server: S3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[JupyterProcess]:
    """The server with the demonstration's buckets; this process and its shells are like its kernels and terminals."""
    monkeypatch.setattr(demo_s3, "THUMBNAILS", 20)
    demo_s3.seed()
    for name in [name for name in os.environ if name.startswith(("JUPYTER", "JPY_", "NB_PREFIX", "AWS_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(jupyter.folder / "runtime"))
    monkeypatch.setenv("JPY_PARENT_PID", str(jupyter.pid))
    monkeypatch.chdir(jupyter.work)
    OdhTecFileSystem.clear_instance_cache()  # servers of other tests
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "jupyter").write_text(COMMANDS)
    (tmp_path / "bin" / "jupyter").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/local/bin:/usr/bin:/bin")
    monkeypatch.setenv("PYTHON", sys.executable)
    monkeypatch.setenv("PYTHONPATH", python_path())
    yield jupyter
    for path in jupyter.work.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


@on_moto
@pytest.mark.usefixtures("s3_server")
@pytest.mark.parametrize("page", RUNNING, ids=lambda page: page.relative_to(PAGES[0].parent).as_posix())
def test_snippets_of_page_run(page: Path, workbench: JupyterProcess, tmp_path: Path) -> None:
    blocks = [block for block in blocks_of(page) if block.is_run]
    if any("curl" in block.code for block in blocks) and shutil.which("curl") is None:
        missing("curl is not installed")
    names: dict[str, Any] = {"__name__": "__main__"}
    with Bash(workbench.work, tmp_path / "block.sh", os.environ) as bash:
        for block in blocks:
            if before := block.comments.get("before"):
                run_python(before, f"{block.location} (before)", names)
            if block.language == "python":
                run_python(block.code, block.location, names)
            else:
                printed = bash.run(block.code)
                assert workbench.token not in printed
                if variables := block.comments.get("variables"):
                    bash.set(**{name: names[name] for name in variables.split()})


def run_python(code: str, location: str, names: dict[str, Any]) -> None:
    """Run a block as in a cell, where ``await`` is allowed outside of functions."""
    compiled = compile(code, location, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    if not compiled.co_flags & inspect.CO_COROUTINE:
        exec(compiled, names)
        return
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(eval(compiled, names))
    finally:
        loop.close()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(PAGES[0].parent).as_posix())
def test_language_of_each_block_is_known(page: Path) -> None:
    for block in blocks_of(page):
        known = RUN | SHOWN
        assert block.language in known or block.language.startswith("{"), (
            f"{block.location}: use one of {sorted(known)}"
        )
        unknown = set(block.comments) - {"not run", "before", "variables"}
        assert not unknown, f"{block.location}: {unknown}"


def test_pages_of_each_interface_have_snippets() -> None:
    """Detects fences that the pattern does not find, and which would not be run."""
    running = {page.stem for page in RUNNING}
    assert {"README", "notebook_cell", "python", "shell", "rest"} <= running
    for page in PAGES:
        fences = [line for line in page.read_text(encoding="utf-8").splitlines() if line.lstrip().startswith("```")]
        assert len(fences) == 2 * len(blocks_of(page)), page
