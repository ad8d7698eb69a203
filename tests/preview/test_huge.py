"""Objects of gigabytes in a store that computes their bytes: a preview reads less than 4 MB of each."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from odhtec_jupyter.network import Network
from odhtec_jupyter.preview.dispatch import preview_object
from odhtec_jupyter.settings import S3Connection
from odhtec_jupyter.stores.s3.store import S3Store
from tests.preview.conftest import ROOT

LIMIT = 4_000_000


@pytest.fixture(scope="module")
def store() -> Iterator[S3Store]:
    """The S3 server of the benchmarks, which has such objects."""
    command = [sys.executable, str(ROOT / "benchmarks" / "null_s3.py")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        port = json.loads(process.stdout.readline())["port"]
        connection = S3Connection(
            endpoint=f"http://127.0.0.1:{port}", region="us-east-1", access_key_id="a", secret_access_key="b"
        )
        made = S3Store(connection, Network())
        yield made
        made.close()
        process.stdin.close()  # it runs until its input is closed


@pytest.fixture
def seen(store: S3Store) -> Callable[[str], Any]:
    def show(name: str) -> Any:
        reply = preview_object(store, "bucket", f"huge/{name}").model_dump(by_alias=True, mode="json")
        assert reply["bytesRead"] < LIMIT
        return reply

    return show


def test_a_parquet_of_5_gb(seen: Any) -> None:
    reply = seen("5gb.parquet")
    assert reply["size"] == 5_000_000_000
    assert (reply["kind"], len(reply["columns"]), len(reply["rows"])) == ("table", 15, 100)
    assert reply["totalRows"] > 10_000_000
    assert reply["rowGroups"] > 50
    names = [column["name"] for column in reply["columns"]]
    assert reply["rows"][0][names.index("category a")].startswith("kind ")
    assert reply["note"].startswith("Values shown as … were not read, because a preview reads only a part: ")


def test_a_safetensors_of_10_gb(seen: Any) -> None:
    reply = seen("10gb.safetensors")
    assert reply["size"] > 9_900_000_000
    assert (reply["kind"], reply["tensorCount"], reply["note"]) == ("tensors", 700, None)
    assert reply["parameters"] * 2 > 9_900_000_000
    assert reply["bytesRead"] < 200_000


def test_a_csv_of_3_gb(seen: Any) -> None:
    reply = seen("3gb.csv")
    assert reply["size"] == 3_000_000_000
    assert [column["name"] for column in reply["columns"]] == ["id", "station", "value", "state"]
    assert len(reply["rows"]) == 100
    assert reply["bytesRead"] < 200_000


def test_a_zip_of_1_gb(seen: Any) -> None:
    reply = seen("1gb.zip")
    assert reply["size"] > 1_000_000_000
    assert (reply["entryCount"], reply["totalSize"]) == (1000, 1_000_000_000)
    assert reply["bytesRead"] < 300_000


def test_a_tar_of_2_gb(seen: Any) -> None:
    reply = seen("2gb.tar")
    assert reply["size"] > 1_900_000_000
    assert len(reply["entries"]) > 30
    assert reply["truncated"] is True


def test_a_csv_of_one_line_of_4_gb(seen: Any) -> None:
    reply = seen("one-line.csv")
    assert (reply["kind"], reply["size"], reply["truncated"]) == ("text", 4_000_000_000, True)
    assert reply["note"] == "This cannot be shown as a table. The first row is longer than 1024 KiB."
