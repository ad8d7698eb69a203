"""``jupyter odhtec`` as a script calls it."""

from __future__ import annotations

import json
import os
import pty
import secrets
import select
import signal
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from odhtec_jupyter.demo.content import SyntheticContent
from odhtec_jupyter.demo.hub.faults import Halt
from odhtec_jupyter.demo.hub.repository import Repository
from odhtec_jupyter.demo.hub.stand_in import HubStandIn
from tests.client.shell import COMMAND, Shell
from tests.conftest import python_path
from tests.waiting import GIVE_UP_SECONDS


@pytest.fixture(params=["moto"])
def s3_server(request: pytest.FixtureRequest, moto_server: Any) -> Any:
    """One server is enough here: other tests run the client with each of them."""
    return moto_server


@pytest.fixture
def halting_hub(server_hub: HubStandIn) -> Iterator[HubStandIn]:
    """The hub of the servers. It sends no bytes of files named ``halted.bin``."""
    server_hub.inject(Halt(0), "*halted.bin", times=None)
    yield server_hub
    server_hub.service.faults.clear()


def test_script_gets_output_and_exit_code(shell: Shell, bucket: str) -> None:
    listed = subprocess.run([*COMMAND, "ls"], capture_output=True, text=True, timeout=600)
    assert (listed.returncode, listed.stderr) == (0, "")
    assert f"s3://{bucket}/" in listed.stdout.splitlines()
    failed = subprocess.run([*COMMAND, "ls", "s3://no-such-bucket-here/"], capture_output=True, text=True, timeout=600)
    assert failed.returncode == 1
    assert "NoSuchBucket" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_files_are_copied_listed_and_removed(
    shell: Shell, bucket: str, stored: Callable[[], dict[str, int]], tmp_path: Path
) -> None:
    (tmp_path / "data" / "deep").mkdir(parents=True)
    (tmp_path / "data" / "deep" / "a.txt").write_text("a")
    assert "completed" in shell("cp", "data", f"s3://{bucket}/data/").stdout
    shell("cp", f"s3://{bucket}/data/", f"s3://{bucket}/copy/")
    assert stored() == {"data/deep/a.txt": 1, "copy/deep/a.txt": 1}
    shell("cp", f"s3://{bucket}/copy/deep/a.txt", "back.txt")
    assert (tmp_path / "back.txt").read_text() == "a"
    assert f"s3://{bucket}/" in shell("ls").stdout.splitlines()
    (row,) = shell("ls", "--json", "-r", f"s3://{bucket}/data/").stdout.splitlines()
    assert json.loads(row)["uri"] == f"s3://{bucket}/data/deep/a.txt"
    assert "is a folder" in shell("rm", f"s3://{bucket}/data/", code=1).stderr
    assert "1 files" in shell("rm", "-r", "--dry-run", f"s3://{bucket}/data/").stdout
    shell("rm", "-r", f"s3://{bucket}/data/")  # a single object, so there is no question
    assert stored() == {"copy/deep/a.txt": 1}


def test_patterns_and_dry_run_apply_to_local_files(
    shell: Shell, bucket: str, stored: Callable[[], dict[str, int]], tmp_path: Path
) -> None:
    (tmp_path / "data" / "deep").mkdir(parents=True)
    for name in ("a.csv", "b.txt", "deep/c.csv"):
        (tmp_path / "data" / name).write_text(name)
    chosen = ("--include", "*.csv", "--exclude", "a*")
    result = shell("cp", "--dry-run", "data", f"s3://{bucket}/d", *chosen).stdout
    assert f"create  s3://{bucket}/d/deep/c.csv" in result
    assert "1 files, 10 bytes; nothing was written" in result
    assert stored() == {}
    shell("cp", "data", f"s3://{bucket}/d", *chosen)
    assert stored() == {"d/deep/c.csv": 10}
    plan = json.loads(shell("cp", "--json", "--dry-run", "data", f"s3://{bucket}/d/").stdout)
    assert plan["counts"] == {"create": 2, "conflict": 1}
    assert (plan["filesTotal"], plan["bytesTotal"]) == (3, 10)
    assert "patterns" in shell("cp", "data", f"s3://{bucket}/d/", "--include", "*.none", code=1).stderr

    shell("cp", "data", f"s3://{bucket}/d/", "--on-conflict", "skip")
    (tmp_path / "back").mkdir()
    (tmp_path / "back" / "a.csv").write_text("mine")
    back = ("cp", f"s3://{bucket}/d/", "back", "--on-conflict", "skip", "--exclude", "deep/")
    plan = json.loads(shell(*back, "--json", "--dry-run").stdout)
    assert plan["counts"] == {"skip": 1, "create": 1}
    assert [file["target"] for file in plan["files"] if file["what"] == "create"] == ["back/b.txt"]
    assert [path.name for path in (tmp_path / "back").iterdir()] == ["a.csv"]
    shell(*back)
    assert sorted(path.name for path in (tmp_path / "back").iterdir()) == ["a.csv", "b.txt"]
    assert (tmp_path / "back" / "a.csv").read_text() == "mine"
    one = ("cp", f"s3://{bucket}/d/b.txt", "b.txt")
    assert "patterns" in shell(*one, "--include", "*.csv", code=1).stderr
    assert "1 files, 5 bytes" in shell(*one, "--dry-run").stdout
    assert not (tmp_path / "b.txt").exists()


def test_errors_are_printed_with_a_code(shell: Shell, bucket: str, tmp_path: Path) -> None:
    assert "NoSuchBucket" in shell("ls", "s3://no-such-bucket-here/", code=1).stderr
    assert "Traceback" not in shell("cp", "none.txt", f"s3://{bucket}/", code=1).stderr
    (tmp_path / "one").write_text("1")
    shell("cp", "one", f"s3://{bucket}/")
    assert "exists" in shell("cp", "one", f"s3://{bucket}/", code=1).stderr
    result = shell("cp", "--json", "one", f"s3://{bucket}/", code=1)
    assert json.loads(result.stdout)["state"] == "failed"
    shell("cp", "one", code=2)


def test_rm_reports_objects_that_it_cannot_delete(
    shell: Shell, s3_client: Any, bucket: str, stored: Callable[[], dict[str, int]]
) -> None:
    for key in ("a.txt", "b.txt", "folder/c.txt", "what*"):
        s3_client.put_object(Bucket=bucket, Key=key, Body=b"x")
    result = shell("rm", f"s3://{bucket}/none.txt", f"s3://{bucket}/a.txt", code=1)
    assert f"s3://{bucket}/none.txt does not exist. (NoSuchKey)\n" in result.stderr
    assert set(stored()) == {"b.txt", "folder/c.txt", "what*"}  # the others are deleted
    for arguments in (["rm"], ["rm", "-r"], ["rm", "--dry-run"]):
        assert f"Use rm -r s3://{bucket}/folder/" in shell(*arguments, f"s3://{bucket}/folder", code=1).stderr
    assert "No object or folder matches" in shell("rm", f"s3://{bucket}/*.csv", code=1).stderr
    assert "matches only folders" in shell("rm", f"s3://{bucket}/fold*", code=1).stderr
    assert "does not exist" in shell("rm", "-r", f"s3://{bucket}/none/", code=1).stderr
    shell("rm", f"s3://{bucket}/what*")  # an object has exactly this name
    assert set(stored()) == {"b.txt", "folder/c.txt"}


def test_dash_reads_standard_input_or_writes_standard_output(
    shell: Shell, s3_client: Any, bucket: str, stored: Callable[[], dict[str, int]], tmp_path: Path
) -> None:
    content = os.urandom(3_000_000)
    uri = f"s3://{bucket}/piped"
    sent = subprocess.run([*COMMAND, "cp", "-", uri], input=content, capture_output=True, timeout=600)
    assert (sent.returncode, sent.stderr) == (0, b"")
    assert s3_client.get_object(Bucket=bucket, Key="piped")["Body"].read() == content
    received = subprocess.run([*COMMAND, "cp", uri, "-"], capture_output=True, timeout=600)
    assert (received.returncode, received.stderr) == (0, b"")
    assert received.stdout == content
    again = subprocess.run([*COMMAND, "cp", "-", uri], input=b"other", capture_output=True, timeout=600)
    assert again.returncode == 1
    assert b"exists" in again.stderr
    assert "must be one object" in shell("cp", "-", f"s3://{bucket}/", code=1).stderr
    assert "must be one object" in shell("cp", "-", "-", code=1).stderr
    assert "cannot be used with a pipe" in shell("cp", "--dry-run", "-", uri, code=1).stderr
    assert stored() == {"piped": 3_000_000}
    assert list(tmp_path.iterdir()) == []


def test_command_exits_silently_when_its_output_is_closed(shell: Shell, s3_client: Any, bucket: str) -> None:
    s3_client.put_object(Bucket=bucket, Key="large", Body=bytes(2_000_000))
    for arguments in (["ls"], ["ls", "--json", f"s3://{bucket}/"], ["cp", f"s3://{bucket}/large", "-"]):
        with subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.close()
            _, complaint = process.communicate(timeout=600)
        assert (process.returncode, complaint) == (141, b"")


def test_import_copies_a_model_and_lists_its_transfer(
    shell: Shell,
    bucket: str,
    server_hub: HubStandIn,
    stored: Callable[[], dict[str, int]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    repository = server_hub.add(Repository("org/cli"))
    first = repository.commit({"config.json": b"{}", "w.bin": SyntheticContent(9_000_000, seed=1)})
    assert "2 files" in shell("import", "org/cli", f"s3://{bucket}", "--dry-run").stdout
    transfer = json.loads(shell("import", "org/cli", f"s3://{bucket}", "--json").stdout)
    assert transfer["state"] == "completed"
    assert stored() == {"org/cli/config.json": 2, "org/cli/w.bin": 9_000_000}
    assert transfer["id"] in shell("transfers").stdout
    assert json.loads(shell("transfers", "show", transfer["id"], "--json").stdout)["id"] == transfer["id"]
    shell("transfers", "remove", transfer["id"])
    assert "NoSuchTransfer" in shell("transfers", "show", transfer["id"], code=1).stderr
    # Another revision replaces it.
    repository.commit({"w.bin": None, "new.bin": b"new"})
    result = shell("import", "org/cli", f"s3://{bucket}", "--dry-run").stdout
    assert f"1 objects of revision {first.sha[:7]} remain (9000000 bytes):\n  org/cli/w.bin\n" in result
    assert "org/cli/w.bin" in stored()
    with open(os.devnull) as empty_input, monkeypatch.context() as patch:
        patch.setattr(sys, "stdin", empty_input)
        refused = shell("import", "org/cli", f"s3://{bucket}", "--remove-remaining", code=1).stderr
    assert "Delete 1 object of other revisions (9.0 MB) after the import: org/cli/w.bin?" in refused
    assert set(stored()) == {"org/cli/config.json", "org/cli/w.bin"}  # nothing was imported or removed
    done = shell("import", "org/cli", f"s3://{bucket}", "--remove-remaining", "-y").stdout
    assert "1 of another revision removed" in done
    assert stored() == {"org/cli/config.json": 2, "org/cli/new.bin": 3}


@pytest.mark.usefixtures("shell")
def test_interrupt_cancels_the_transfer(
    bucket: str, halting_hub: HubStandIn, stored: Callable[[], dict[str, int]]
) -> None:
    halting_hub.add(Repository("org/long")).commit({"halted.bin": SyntheticContent(20_000_000, seed=1)})
    running = subprocess.Popen(
        [*COMMAND, "import", "org/long", f"s3://{bucket}"], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    assert running.stderr is not None
    with running.stderr as result:
        for line in result:
            if "running" in line:
                running.send_signal(signal.SIGINT)
                break
        rest = result.read()
    assert running.wait(GIVE_UP_SECONDS) == 130
    assert "Cancelled" in rest
    assert stored() == {}


class Terminal:
    """A command in its own terminal."""

    def __init__(self, arguments: list[str], env: dict[str, str], output: Path | None = None) -> None:
        """``output``: the file for standard output, as with ``> file``."""
        self.pid, self.screen = pty.fork()
        if self.pid == 0:
            try:
                if output is not None:
                    os.dup2(os.open(output, os.O_WRONLY | os.O_CREAT), sys.stdout.fileno())
                os.execvpe(sys.executable, [*COMMAND, *arguments], env)
            finally:
                os._exit(127)
        termios.tcsetwinsize(self.screen, (24, 100))
        self.shown = ""

    def wait_for(self, text: str) -> None:
        """Read the screen until it contains the text."""
        while text not in self.shown:
            assert select.select([self.screen], [], [], GIVE_UP_SECONDS)[0], self.shown
            try:
                self.shown += os.read(self.screen, 4096).decode(errors="replace")
            except OSError:  # Linux raises it when the other end is closed
                raise AssertionError(self.shown) from None

    def type(self, keys: bytes) -> None:
        os.write(self.screen, keys)

    def end(self, again: bytes = b"") -> int:
        """Read the rest of the screen and return the exit code. ``again`` is typed after each second without output."""
        silent = 0
        with suppress(OSError):  # Linux raises it when the other end is closed
            while True:
                if not select.select([self.screen], [], [], 1)[0]:
                    silent += 1
                    assert silent < GIVE_UP_SECONDS, self.shown
                    self.type(again)
                elif piece := os.read(self.screen, 4096):
                    self.shown += piece.decode(errors="replace")
                    silent = 0
                else:
                    break
        os.close(self.screen)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


CTRL_C = b"\x03"


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (b"n\r", "running"),
        pytest.param(b"\r", "running", marks=pytest.mark.extended),
        pytest.param(b"y\r", "cancelled", marks=pytest.mark.extended),
        (CTRL_C, "cancelled"),
    ],
)
def test_ctrl_c_asks_whether_to_cancel(
    shell: Shell, bucket: str, halting_hub: HubStandIn, tmp_path: Path, answer: bytes, state: str
) -> None:
    repo = f"org/halted-{secrets.token_hex(4)}"
    halting_hub.add(Repository(repo)).commit({"halted.bin": SyntheticContent(20_000_000, seed=1)})
    terminal = Terminal(["cp", f"hf://{repo}", f"s3://{bucket}/{repo}/"], dict(os.environ), tmp_path / "output")
    terminal.wait_for("%|")  # the bar of tqdm
    terminal.type(CTRL_C)
    terminal.wait_for("[y/N]")
    terminal.type(answer)
    # Python misses a Ctrl-C between the question and the start of reading, so it is pressed again.
    assert terminal.end(again=answer if answer == CTRL_C else b"") == 130
    assert "Traceback" not in terminal.shown
    assert (tmp_path / "output").read_text() == ""  # the question is not written to standard output
    newest = json.loads(shell("transfers", "--json").stdout.splitlines()[0])
    assert repo in newest["source"]
    assert newest["state"] == state
    if state == "running":
        assert f"transfers show {newest['id']}" in terminal.shown
        shell("transfers", "cancel", newest["id"])


def test_ctrl_c_cancels_a_local_upload(
    shell: Shell, bucket: str, stored: Callable[[], dict[str, int]], tmp_path: Path
) -> None:
    with (tmp_path / "large").open("wb") as file:
        file.truncate(4_000_000_000)
    terminal = Terminal(["cp", str(tmp_path / "large"), f"s3://{bucket}/large"], dict(os.environ))
    terminal.wait_for("%|")
    terminal.type(CTRL_C)
    assert terminal.end() == 130
    assert "Cancelled" in terminal.shown
    assert "[y/N]" not in terminal.shown
    assert stored() == {}


def test_server_is_started_for_the_command_if_none_is_running(
    bucket: str, stored: Callable[[], dict[str, int]], moto_server: Any, tmp_path: Path
) -> None:
    (tmp_path / "runtime").mkdir()
    (tmp_path / "one.txt").write_text("1")
    env = {
        **os.environ,
        **moto_server.env,
        "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime"),
        "PYTHONPATH": python_path(),
    }
    done = subprocess.run(
        [*COMMAND, "cp", "workspace://one.txt", f"s3://{bucket}/"],
        env=env,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    assert "Starting one for this command" in done.stderr
    assert stored() == {"one.txt": 1}
    assert list((tmp_path / "runtime").iterdir()) == []
    none = subprocess.run([*COMMAND, "transfers"], env=env, cwd=tmp_path, capture_output=True, text=True, timeout=600)
    assert none.returncode == 1
    assert "No running Jupyter server" in none.stderr


def test_every_command_has_help(shell: Shell) -> None:
    overview = shell("--help").stdout
    assert "first steps:" in overview
    names = ("ls", "du", "search", "cp", "mv", "sync", "rm", "cat", "presign", "mb", "rb", "import", "transfers")
    for name in (*names, "bandwidth", "doctor"):
        assert f"\n    {name}" in overview
        result = shell(name, "--help").stdout
        assert "examples:" in result
        assert f"jupyter odhtec {name}" in result.partition("examples:")[2]
        assert max(map(len, result.splitlines())) <= 120


def test_bandwidth_limit_is_shown_and_changed(shell: Shell) -> None:
    assert shell("bandwidth").stdout == "no limit\n"
    try:
        assert shell("bandwidth", "20MB").stdout == "20.0 MB/s for all transfers together\n"
        assert json.loads(shell("bandwidth", "--json").stdout) == {"maxBandwidth": 20_000_000}
        for text, limit in (("1.5 gB/s", 1_500_000_000), ("500k", 500_000), ("123456", 123_456)):
            assert json.loads(shell("bandwidth", "--json", text).stdout) == {"maxBandwidth": limit}
        for text in ("10", "0.4", "0.0001kB"):
            assert "maxBandwidth must be 0 for no limit" in shell("bandwidth", text, code=1).stderr
        for text in ("fast", "-5", "20MiB", "1e6"):
            assert "is not a limit" in shell("bandwidth", "--", text, code=2).stderr
        assert shell("bandwidth").stdout == "123 kB/s for all transfers together\n"
    finally:
        assert shell("bandwidth", "0").stdout == "no limit\n"
