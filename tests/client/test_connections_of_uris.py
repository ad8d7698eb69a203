"""Connections by name in Python, fsspec and the shell: each uses the store of its URI, and never another one."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest

from odhtec_jupyter.cli import main
from odhtec_jupyter.client import Client
from odhtec_jupyter.demo.jupyter_process import JupyterProcess
from odhtec_jupyter.errors import BadRequest, NotFound
from odhtec_jupyter.models import ConnectionRequest
from tests.client.shell import Shell
from tests.marks import on_moto
from tests.odd_store import OddStore

pytestmark = on_moto


@pytest.fixture
def other(client: Client, bucket: str, s3_client: Any) -> Iterator[OddStore]:
    """The store of the connection ``other``, with a bucket and keys that the default store has, too."""
    with OddStore() as odd:
        odd.buckets[bucket] = {}
        for key in ("a/b.txt", "a/c.txt", "top.txt"):
            s3_client.put_object(Bucket=bucket, Key=key, Body=b"default")
            odd.buckets["bucket"] = {}
            odd.put(key, b"other")
            odd.buckets[bucket][key] = odd.objects[key]
        del odd.buckets["bucket"]
        client.api.add_connection(
            ConnectionRequest(name="other", endpoint=odd.endpoint, access_key_id="id", secret_access_key="s")
        )
        yield odd
        client.api.remove_connection("other")


@pytest.fixture
def named(server: JupyterProcess, other: OddStore) -> Iterator[Client]:
    """A client whose URIs without a name are on ``other``."""
    client = Client(server.url, server.token, connection="other")
    yield client
    client.api.connection.close()


def test_uri_with_a_name_is_read_there(client: Client, other: OddStore, bucket: str) -> None:
    folder = f"s3://other@{bucket}/a/"
    assert [str(entry) for entry in client.ls(folder)] == [f"{folder}b.txt", f"{folder}c.txt"]
    assert [str(entry) for entry in client.ls(f"s3://other@{bucket}/")] == [folder, f"s3://other@{bucket}/top.txt"]
    assert [str(entry) for entry in client.search(folder, "c")] == [f"{folder}c.txt"]
    assert len(list(client.ls(f"s3://other@{bucket}/", recursive=True))) == 3
    assert client.usage(folder).bytes == 10
    assert client.exists(f"{folder}b.txt")
    assert client.stat(f"{folder}b.txt").Size == 5
    assert client.presign(f"{folder}b.txt").startswith(other.endpoint)
    assert client.open(f"{folder}b.txt").read() == b"other"
    assert client.open(next(iter(client.ls(folder)))).read() == b"other"
    assert client.open(f"s3://{bucket}/a/b.txt").read() == b"default"


def test_uri_with_a_name_is_written_there(
    client: Client, other: OddStore, bucket: str, stored: Any, tmp_path: Path
) -> None:
    before = stored()
    with client.open(f"s3://other@{bucket}/new.txt", "wb") as file:
        file.write(b"new")
    (tmp_path / "up.txt").write_bytes(b"up")
    client.upload(tmp_path / "up.txt", f"s3://other@{bucket}/").wait(progress=False)
    assert (other.buckets[bucket]["new.txt"].body, other.buckets[bucket]["up.txt"].body) == (b"new", b"up")
    client.download(f"s3://other@{bucket}/a/", tmp_path / "down").wait(progress=False)
    assert (tmp_path / "down" / "b.txt").read_bytes() == b"other"
    client.delete(f"s3://other@{bucket}/a/").wait(progress=False)
    assert set(other.buckets[bucket]) == {"new.txt", "up.txt", "top.txt"}
    assert stored() == before


def test_copy_between_connections(client: Client, other: OddStore, bucket: str, s3_client: Any) -> None:
    client.copy(f"s3://other@{bucket}/a/", f"s3://{bucket}/from-other/").wait(progress=False)
    assert s3_client.get_object(Bucket=bucket, Key="from-other/b.txt")["Body"].read() == b"other"


def test_client_of_a_connection_uses_it_for_uris_without_a_name(
    named: Client, client: Client, other: OddStore, bucket: str, stored: Any
) -> None:
    before = stored()
    assert named.buckets() == [bucket]
    entry = next(iter(named.ls(f"s3://{bucket}/a/")))
    assert str(entry) == f"s3://other@{bucket}/a/b.txt"
    assert client.open(entry).read() == b"other"
    with named.open(f"s3://{bucket}/new.txt", "wb") as file:
        file.write(b"new")
    named.copy(f"s3://{bucket}/top.txt", f"s3://{bucket}/copy.txt").wait(progress=False)
    named.delete(f"s3://{bucket}/a/b.txt").wait(progress=False)
    assert set(other.buckets[bucket]) == {"a/c.txt", "top.txt", "new.txt", "copy.txt"}
    assert stored() == before


def test_client_of_a_connection_reaches_the_default_one_by_name(
    named: Client, other: OddStore, bucket: str, stored: Any
) -> None:
    folder = f"s3://default@{bucket}/a/"
    entries = list(named.ls(folder))
    assert [str(entry) for entry in entries] == [f"{folder}b.txt", f"{folder}c.txt"]
    assert named.open(entries[0]).read() == b"default"
    named.delete(entries[0]).wait(progress=False)
    assert set(stored()) == {"a/c.txt", "top.txt"}
    assert len(other.buckets[bucket]) == 3


def test_client_keeps_its_connection_when_it_is_pickled(
    named: Client, monkeypatch: pytest.MonkeyPatch, server: JupyterProcess
) -> None:
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(server.folder / "runtime"))
    assert pickle.loads(pickle.dumps(named)).connection == "other"


def test_connections_are_listed(client: Client, other: OddStore) -> None:
    found = {one.name: one for one in client.connections()}
    assert found["other"].endpoint == other.endpoint
    assert found["default"].source == "environment"


def test_unknown_connection_and_keys_in_a_uri_are_refused(client: Client, bucket: str) -> None:
    with pytest.raises(NotFound, match="There is no connection 'none'"):
        list(client.ls(f"s3://none@{bucket}/"))
    with pytest.raises(BadRequest, match="keys must not be in a URI"):
        client.ls(f"s3://id:secret@{bucket}/")


def test_fsspec_paths_name_a_connection(
    server: JupyterProcess, other: OddStore, bucket: str, s3_client: Any, stored: Any
) -> None:
    before = stored()
    fs = fsspec.filesystem("odhtec", server_url=server.url, token=server.token, skip_instance_cache=True)
    where = f"odhtec://other@{bucket}"
    assert fs.ls(f"{where}/a", detail=False) == [f"other@{bucket}/a/b.txt", f"other@{bucket}/a/c.txt"]
    assert fs.find(where) == [f"other@{bucket}/a/b.txt", f"other@{bucket}/a/c.txt", f"other@{bucket}/top.txt"]
    assert fs.cat(f"{where}/top.txt") == b"other"
    assert fs.cat(f"odhtec://{bucket}/top.txt") == b"default"
    fs.pipe(f"{where}/new.txt", b"new")
    fs.cp_file(f"{where}/new.txt", f"{where}/copy.txt")
    fs.rm(f"{where}/a", recursive=True)
    fs.rm_file(f"{where}/top.txt")
    assert {key: one.body for key, one in other.buckets[bucket].items()} == {"new.txt": b"new", "copy.txt": b"new"}
    assert stored() == before


@pytest.mark.parametrize("by_name", [True, False])
def test_commands_use_the_connection(
    shell: Shell,
    other: OddStore,
    bucket: str,
    stored: Any,
    tmp_path: Path,
    by_name: bool,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    before = stored()
    where, option = (f"s3://other@{bucket}", []) if by_name else (f"s3://{bucket}", ["--connection", "other"])

    def run(*arguments: str) -> str:
        return shell(*arguments, *option).stdout

    assert run("ls", f"{where}/a/").split() == [f"s3://other@{bucket}/a/b.txt", f"s3://other@{bucket}/a/c.txt"]
    assert json.loads(run("du", "--json", f"{where}/a/"))["bytes"] == 10
    assert run("search", f"{where}/", "c.txt").split() == [f"s3://other@{bucket}/a/c.txt"]
    assert main(["cat", f"{where}/top.txt", *option]) == 0
    assert capfdbinary.readouterr().out == b"other"
    assert run("presign", f"{where}/top.txt").startswith(other.endpoint)
    run("cp", "-r", f"{where}/a", "down/")
    assert (tmp_path / "down" / "b.txt").read_bytes() == b"other"
    (tmp_path / "up.txt").write_text("up")
    run("cp", "up.txt", f"{where}/")
    run("sync", "down/", f"{where}/synced/")
    run("cp", f"{where}/up.txt", f"{where}/copy.txt")
    run("rm", "-y", f"{where}/a/*.txt", f"{where}/top.txt")
    assert set(other.buckets[bucket]) == {"up.txt", "synced/b.txt", "synced/c.txt", "copy.txt"}
    assert stored() == before


def test_removal_at_the_default_connection_leaves_the_other_one(
    shell: Shell, other: OddStore, bucket: str, stored: Any
) -> None:
    shell("rm", "-y", "--connection", "other", f"s3://default@{bucket}/a/*.txt", f"s3://default@{bucket}/top.txt")
    assert stored() == {}
    assert len(other.buckets[bucket]) == 3
