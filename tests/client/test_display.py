"""The display of a transfer in a real kernel, a terminal and a log."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import termios
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import nbformat
import pytest
from jupyter_client.manager import start_new_kernel
from nbclient import NotebookClient

from odhtec_jupyter.client import display
from odhtec_jupyter.client.listing import Entry, Listing
from odhtec_jupyter.client.transfer import Transfer
from odhtec_jupyter.demo.jupyter_process import JupyterProcess
from odhtec_jupyter.errors import Conflict
from odhtec_jupyter.models import Failure
from odhtec_jupyter.models import Transfer as Status
from tests.waiting import GIVE_UP_SECONDS

SENDS = """
from pathlib import Path
from odhtec_jupyter import Client
client = Client()
if "drawn" not in client.buckets():
    client.create_bucket("drawn")
Path("file.bin").write_bytes(bytes(20_000_000))
transfer = client.upload("file.bin", "s3://drawn/<b>.bin", on_conflict="overwrite")
"""


def status(**changes: Any) -> Status:
    now = datetime.now(UTC)
    result: dict[str, Any] = {
        "id": "1",
        "action": "copy",
        "source": "hf://org/<script>alert(1)</script>",
        "names_total": None,
        "target": "s3://b/",
        "state": "running",
        "bytes_done": 500,
        "bytes_total": 1000,
        "files_done": 1,
        "files_total": 2,
        "files_failed": 0,
        "rate": 100.0,
        "eta": 5.0,
        "created_at": now,
        "started_at": now,
        "finished_at": None,
        "error": None,
        "needs": None,
    }
    return Status(**{**result, **changes})


def test_names_in_a_bar_are_escaped() -> None:
    error = Failure(code="X", message='<img src=x onerror="alert(1)">')
    for one in (status(), status(state="failed", error=error), status(bytes_total=None, files_total=None)):
        shown = display.bundle(one)
        assert set(re.findall(r"<(\w+)", shown["text/html"])) == {"div", "code", "progress", "span"}
        assert shown["text/plain"] == display.line(one)
    assert "\x1b" not in display.line(status(target="s3://b/\x1b[2J"))
    assert display.title(status(names_total=2)).endswith("(2 selected) → s3://b/")
    assert "500 B of 1.0 kB, 100 B/s, 5 s left, 1 of 2 files" in display.line(status())


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (99_940, "99.9 kB"),
        (150_400, "150 kB"),
        (999_500, "1.0 MB"),
        (5e12, "5.0 TB"),
        (2e18, "2000 PB"),
    ],
)
def test_size_is_shown_as_in_the_panel(count: float, text: str) -> None:
    assert display.size(count) == text


def test_invisible_characters_of_names_are_displayed() -> None:
    error = Failure(code="X", message="There is no a\u200bb.")
    one = status(source="s3://b/invoice\u202egnp.exe", state="failed", error=error)
    for text in (*display.bundle(one).values(), display.line(one), display.title(one), repr(Transfer(None, one))):  # type: ignore[arg-type]
        assert r"s3://b/invoice\u{202E}gnp.exe" in text
        assert "\u202e" not in text
        assert "\u200b" not in text
    listing = Listing("s3://b/\u2066/", lambda: iter([Entry("s3://b/\u2066/a\u202eb", "a\u202eb", False, 1)]))
    assert repr(listing) == r"s3://b/\u{2066}/" + "\n" + r"       1 B  a\u{202E}b"


def test_wait_raises_when_the_transfer_needs_a_token() -> None:
    api: Any = type("Paused", (), {"get_transfer": lambda self, _: status(state="paused", needs="token")})()
    with pytest.raises(Conflict, match="resume"):
        Transfer(api, status()).wait(progress=False)


WAITS = ("transfer.wait()", "import asyncio\nasync def main():\n    await transfer\nasyncio.run(main())")


@pytest.fixture
def kernel_env(moto_jupyter: JupyterProcess, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The environment of a kernel, without variables of a store."""
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(moto_jupyter.folder / "runtime"))
    monkeypatch.setenv("JPY_PARENT_PID", str(moto_jupyter.pid))
    assert not any(name.startswith("AWS_") and name != "AWS_EC2_METADATA_DISABLED" for name in os.environ)
    return dict(os.environ)


def test_notebook_shows_a_live_bar(kernel_env: dict[str, str], tmp_path: Any) -> None:
    manager, kernel = start_new_kernel(startup_timeout=GIVE_UP_SECONDS, env=kernel_env, cwd=str(tmp_path))
    try:
        kernel.execute_interactive(SENDS, timeout=GIVE_UP_SECONDS, allow_stdin=False)
        cell = kernel.execute("transfer.pause()\nimport threading\ntransfer", allow_stdin=False)
        drawn = next_display(kernel)
        assert drawn["msg_type"] == "display_data"
        assert "&lt;b&gt;" in drawn["content"]["data"]["text/html"]
        # The cell has ended, another one runs, and the bar is updated in place.
        kernel.execute("transfer.resume();", allow_stdin=False)
        while "completed" not in drawn["content"]["data"]["text/plain"]:
            shown, drawn = drawn, next_display(kernel)
            assert drawn["msg_type"] == "update_display_data"
            assert drawn["content"]["transient"] == shown["content"]["transient"]
            assert drawn["parent_header"]["msg_id"] == cell
    finally:
        kernel.stop_channels()
        manager.shutdown_kernel(now=True)


def test_awaiting_shows_a_live_bar(kernel_env: dict[str, str], tmp_path: Any) -> None:
    manager, kernel = start_new_kernel(startup_timeout=GIVE_UP_SECONDS, env=kernel_env, cwd=str(tmp_path))
    try:
        kernel.execute_interactive(SENDS, timeout=GIVE_UP_SECONDS, allow_stdin=False)
        cell = kernel.execute("await transfer;", allow_stdin=False)
        drawn = next_display(kernel)
        assert drawn["msg_type"] == "display_data"
        while "completed" not in drawn["content"]["data"]["text/plain"]:
            drawn = next_display(kernel)
            assert drawn["msg_type"] == "update_display_data"
        assert drawn["parent_header"]["msg_id"] == cell
    finally:
        kernel.stop_channels()
        manager.shutdown_kernel(now=True)


def next_display(kernel: Any) -> Any:
    while True:
        message = kernel.get_iopub_msg(timeout=GIVE_UP_SECONDS)
        assert message["msg_type"] != "error", message["content"]
        if "display_data" in message["msg_type"]:
            return message


def test_notebook_shows_short_errors_without_secrets(
    kernel_env: dict[str, str], moto_jupyter: JupyterProcess, moto_server: Any, tmp_path: Any
) -> None:
    cells = [
        SENDS,
        "transfer.wait()",
        "client.open('s3://drawn/none')",
        "import os\nclient, client.ls('s3://drawn/'), [n for n in os.environ if n.startswith('AWS_') or 'TOKEN' in n]",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    notebook.cells[2].metadata["tags"] = ["raises-exception"]
    NotebookClient(
        notebook,
        kernel_name="python3",
        startup_timeout=int(GIVE_UP_SECONDS),
        resources={"metadata": {"path": str(tmp_path)}},
    ).execute(env=kernel_env)
    assert "completed" in notebook.cells[1].outputs[0].data["text/html"]
    (refused,) = notebook.cells[2].outputs
    assert len(refused.traceback) == 2
    assert "client.open" in refused.traceback[0]
    assert "NoSuchKey" in refused.traceback[1]
    assert "\n [])" in notebook.cells[3].outputs[0].data["text/plain"]
    written = nbformat.writes(notebook)
    assert moto_jupyter.token not in written
    assert moto_server.secret_access_key not in written


def run(script: str, env: dict[str, str], folder: Any, stderr: int) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script], env=env, cwd=folder, stdout=subprocess.PIPE, stderr=stderr, text=True
    )
    assert done.returncode == 0
    return done.stdout


@pytest.mark.parametrize("waiting", WAITS)
def test_terminal_shows_a_tqdm_bar(kernel_env: dict[str, str], tmp_path: Any, waiting: str) -> None:
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 100))
    script = [sys.executable, "-c", SENDS + waiting]
    with (
        os.fdopen(ours, "rb", buffering=0) as terminal,
        subprocess.Popen(script, env=kernel_env, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=theirs) as process,
    ):
        os.close(theirs)
        shown = b""
        with suppress(OSError):  # Linux raises it when the other end is closed
            while piece := terminal.read(4096):
                shown += piece
    assert process.returncode == 0
    assert b"100%" in shown


@pytest.mark.parametrize("waiting", WAITS)
def test_log_gets_plain_lines(kernel_env: dict[str, str], tmp_path: Any, waiting: str) -> None:
    log = tmp_path / "log"
    with log.open("w") as file:
        run(SENDS + waiting, kernel_env, tmp_path, file.fileno())
    assert "completed, 20.0 MB of 20.0 MB" in log.read_text().splitlines()[-1]


def test_script_that_does_not_wait_still_uploads_its_files(
    kernel_env: dict[str, str], tmp_path: Any, moto_jupyter: JupyterProcess
) -> None:
    run(SENDS, kernel_env, tmp_path, subprocess.DEVNULL)
    result = run(
        "from odhtec_jupyter import Client; print(Client().stat('s3://drawn/<b>.bin').Size)",
        kernel_env,
        tmp_path,
        subprocess.DEVNULL,
    )
    assert result.strip() == "20000000"
