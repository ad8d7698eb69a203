"""Arguments that commands refuse, and what their errors advise."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from odhtec_jupyter.client import Client
from odhtec_jupyter.errors import BadRequest, StoreError
from tests.client.shell import COMMAND, Shell
from tests.conftest import python_path
from tests.marks import on_moto

pytestmark = on_moto


@pytest.mark.parametrize("limit", ["-1", "0", "x", "1.5", "9" * 30])
def test_search_refuses_an_invalid_limit(shell: Shell, bucket: str, limit: str) -> None:
    result = shell("search", f"s3://{bucket}/", "a", f"--limit={limit}", code=2)
    assert "is not a number of 1 or more" in result.stderr


def test_search_stops_at_its_limit(shell: Shell, s3_client: Any, bucket: str) -> None:
    for name in ("a1", "a2", "a3"):
        s3_client.put_object(Bucket=bucket, Key=name, Body=b"")
    assert len(shell("search", f"s3://{bucket}/", "a", "--limit", "2").stdout.splitlines()) == 2


@pytest.mark.parametrize("url", ["http://[::1", "http://localhost:99999/", f"http://{'a' * 80}.invalid/"])
def test_invalid_url_is_refused(shell: Shell, bucket: str, url: str) -> None:
    assert "(NoServer)" in shell("ls", "--url", url, code=1).stderr


@pytest.mark.parametrize("port", ["-1", "70000"])
def test_demo_refuses_an_invalid_port(shell: Shell, bucket: str, port: str) -> None:
    assert "port" in shell("demo", f"--port={port}", code=2).stderr


@pytest.mark.parametrize(
    "arguments", [["ls", b"s3://b/\xff"], ["cp", b"\xff", "s3://b/"], ["search", "s3://b/", b"\xff"]]
)
def test_argument_that_is_not_utf8_is_refused(shell: Shell, bucket: str, arguments: list[str | bytes]) -> None:
    for command in (arguments, [*arguments, "--json"]):
        done = subprocess.run([*COMMAND, *command], capture_output=True, text=True, timeout=600)
        assert done.returncode == 2
        assert "is not valid UTF-8" in done.stderr
        assert "Traceback" not in done.stderr
    assert json.loads(done.stderr)["error"] == "InvalidRequest"


@pytest.mark.parametrize("name", ["s3://b/\udcff", "s3://\udcff/a"])
def test_client_refuses_a_uri_that_is_not_utf8(client: Client, bucket: str, name: str) -> None:
    for call in (client.ls, client.stat, client.exists, client.delete, client.usage):
        with pytest.raises(BadRequest, match="not valid UTF-8"):
            call(name)
    with pytest.raises(BadRequest, match="not valid UTF-8"):
        client.copy(name, f"s3://{bucket}/")


@pytest.mark.parametrize("option", [[], ["--dry-run"]])
@pytest.mark.parametrize("target", ["here/", "s3://{bucket}/t/", "workspace://t/"])
def test_cp_of_a_folder_without_its_slash_advises_to_add_it(
    shell: Shell, s3_client: Any, bucket: str, target: str, option: list[str]
) -> None:
    s3_client.put_object(Bucket=bucket, Key="folder/a", Body=b"a")
    result = shell("cp", *option, f"s3://{bucket}/folder", target.format(bucket=bucket), code=1).stderr
    assert (
        f"s3://{bucket}/folder is a folder, not an object. Add a slash to name the folder: s3://{bucket}/folder/"
        in result
    )
    result = shell("cp", *option, f"s3://{bucket}/none", target.format(bucket=bucket), code=1).stderr
    assert "slash" not in result


def test_download_of_a_folder_without_its_slash_advises_to_add_it(
    client: Client, s3_client: Any, bucket: str, tmp_path: Path
) -> None:
    s3_client.put_object(Bucket=bucket, Key="folder/a", Body=b"a")
    with pytest.raises(StoreError, match="Add a slash"):
        client.download(f"s3://{bucket}/folder", tmp_path).wait(progress=False)


@pytest.mark.parametrize("command", ["cp", "mv"])
def test_pattern_that_searches_the_target_is_refused_with_the_reason(
    shell: Shell, s3_client: Any, bucket: str, stored: Callable[[], dict[str, int]], command: str
) -> None:
    for key in ("x/1.csv", "csv/old.csv"):
        s3_client.put_object(Bucket=bucket, Key=key, Body=b"a")
    result = shell(command, f"s3://{bucket}/**/*.csv", f"s3://{bucket}/csv/", code=1).stderr
    assert f"The target s3://{bucket}/csv/ is in s3://{bucket}/, which the source pattern searches." in result
    assert set(stored()) == {"x/1.csv", "csv/old.csv"}


@pytest.mark.parametrize(
    "arguments",
    [
        ["cp", "a.txt", "s3://{bucket}/"],
        ["cp", "a.txt", "b.txt", "s3://{bucket}/"],
        ["cp", "s3://{bucket}/x", "here.txt"],
        ["cp", "-", "s3://{bucket}/piped"],
        ["sync", ".", "s3://{bucket}/"],
    ],
)
def test_no_wait_is_refused_for_files_of_this_machine(
    shell: Shell, bucket: str, tmp_path: Path, stored: Callable[[], dict[str, int]], arguments: list[str]
) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text("a")
    result = shell(*(one.format(bucket=bucket) for one in arguments), "--no-wait", code=1).stderr
    assert "--no-wait is not possible with files of this machine" in result
    assert stored() == {}


def test_no_wait_prints_the_id_of_a_transfer_of_the_server(shell: Shell, s3_client: Any, bucket: str) -> None:
    s3_client.put_object(Bucket=bucket, Key="a", Body=b"a")
    transfer_id = shell("cp", f"s3://{bucket}/a", f"s3://{bucket}/b", "--no-wait").stdout.strip()
    assert "completed" in shell("transfers", "wait", transfer_id).stdout


def test_no_wait_is_refused_without_a_running_server(bucket: str, moto_server: Any, tmp_path: Path) -> None:
    env = {**os.environ, **moto_server.env, "JUPYTER_RUNTIME_DIR": str(tmp_path), "PYTHONPATH": python_path()}
    command = [*COMMAND, "cp", f"s3://{bucket}/a", f"s3://{bucket}/b", "--no-wait"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=600)
    assert done.returncode == 1
    assert "--no-wait requires a running Jupyter server" in done.stderr


def test_errors_are_json_if_the_output_is_json(shell: Shell, bucket: str, tmp_path: Path) -> None:
    result = shell("ls", "--json", f"s3://{bucket}/none", code=1)
    assert result.stdout == ""
    assert json.loads(result.stderr) == {"error": "NoSuchKey", "message": f"s3://{bucket}/none does not exist."}
    assert json.loads(shell("cp", "--json", "one", code=2).stderr)["error"] == "InvalidRequest"
    assert json.loads(shell("ls", "--json", "--wrong", code=2).stderr)["error"] == "InvalidRequest"
    missing = json.loads(shell("cp", "--json", "none", f"s3://{bucket}/", code=1).stderr)
    assert missing["error"] == "FileNotFoundError"
    (tmp_path / "one").write_text("1")
    shell("cp", "one", f"s3://{bucket}/")
    refused = shell("cp", "--json", "one", f"s3://{bucket}/", code=1)
    assert json.loads(refused.stdout)["state"] == "failed"
    assert json.loads(refused.stderr)["error"] == "Conflict"
