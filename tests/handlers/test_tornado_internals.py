"""Private parts of Tornado: they exist, nothing breaks without them, and only one module uses them."""

from __future__ import annotations

import ast
import io
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from odhtec_jupyter.client import Client
from odhtec_jupyter.demo.jupyter_process import JupyterProcess
from odhtec_jupyter.handlers import tornado_internals
from odhtec_jupyter.handlers.buckets import BucketsHandler
from odhtec_jupyter.handlers.tornado_internals import (
    BODY_END,
    BODY_READER,
    CHUNK_SIZE,
    READ_STATE,
    REMAINING,
    TRANSFORMS,
    has,
)
from odhtec_jupyter.keys import encode_key
from tests.conftest import ROOT, S3Server, python_path
from tests.content import MIB, noise
from tests.marks import on_moto

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PARTS = {BODY_READER, CHUNK_SIZE, REMAINING, READ_STATE, TRANSFORMS}
NAMES = [name for names in (*PARTS, BODY_END) for name in names]
PACKAGE = Path(tornado_internals.__file__).parent.parent


@on_moto
async def test_installed_tornado_has_the_private_parts(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    found: dict[tuple[str, ...], bool] = {}

    async def get(handler: BucketsHandler) -> None:
        connection: Any = handler.request.connection
        found.update({names: has(connection, names) for names in (BODY_READER, CHUNK_SIZE, REMAINING)})
        found[READ_STATE] = has(connection.stream, READ_STATE)
        found[TRANSFORMS] = has(handler, TRANSFORMS)
        found[BODY_END] = has(handler.request, BODY_END)
        handler.finish("{}")

    monkeypatch.setattr(BucketsHandler, "get", get)
    await api.ok("GET", "buckets")
    assert len(found) == 6
    assert all(found.values()), found


@on_moto
@pytest.mark.parametrize("missing", [PARTS | {BODY_END}, {READ_STATE}], ids=["nothing", "no reading of the socket"])
async def test_all_bytes_arrive_without_the_private_parts(
    missing: set[tuple[str, ...]],
    api: Any,
    bucket: str,
    s3_client: S3Client,
    monkeypatch: pytest.MonkeyPatch,
    form: Callable[..., tuple[bytes, dict[str, str]]],
) -> None:
    checked: set[tuple[str, ...]] = set()

    def has_not(part: Any, names: tuple[str, ...]) -> bool:
        checked.add(names)
        return names not in missing and has(part, names)

    monkeypatch.setattr(tornado_internals, "has", has_not)
    content = noise(12 * MIB)
    await api.put(bucket, "whole", content)
    body, headers = form(("in a form", content))
    await api.ok("POST", "objects/upload", bucket, status=201, body=body, headers=headers)
    request = {"bucket": bucket, "key": "in parts", "size": len(content)}
    upload = await api.ok("POST", "uploads", status=201, json_body=request)
    for number in range(1, -(-len(content) // upload["partSize"]) + 1):
        part = content[(number - 1) * upload["partSize"] : number * upload["partSize"]]
        await api.ok("PUT", "uploads", upload["uploadId"], str(number), body=part)
    await api.ok("POST", "uploads", upload["uploadId"], "complete", status=201)
    for key in ("whole", "in a form", "in parts"):
        assert s3_client.get_object(Bucket=bucket, Key=key)["Body"].read() == content
        assert (await api.download(bucket, key)).body == content
    archive = await api.send("GET", "archive", bucket, params={"key": encode_key("whole")})
    assert zipfile.ZipFile(io.BytesIO(archive.body)).read("whole") == content
    # The end of the body is only looked for when a client disconnects, which these do at any time.
    assert checked - {BODY_END} == PARTS - (set() if BODY_READER not in missing else {READ_STATE})


def test_only_one_module_uses_private_parts() -> None:
    """Other modules use neither private attributes of Tornado nor any that the package does not define."""
    trees = {path: ast.parse(path.read_text()) for path in sorted((PACKAGE / "handlers").rglob("*.py"))}
    own: set[str] = set()
    used: set[tuple[str, str]] = set()
    for path, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                own.add(node.name)
            elif isinstance(node, ast.AnnAssign | ast.Assign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                names = [one for target in targets for one in ast.walk(target)]
                own |= {one.attr for one in names if isinstance(one, ast.Attribute)}
                own |= {one.id for one in names if isinstance(one, ast.Name)}
            elif isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__"):
                used.add((path.name, node.attr))
    others = {(name, attribute) for name, attribute in used if name != "tornado_internals.py"}
    private = {name for name in NAMES if name.startswith("_")} | {"_finished", "_headers", "_track_activity"}
    assert {one for one in others if one[1] in private or one[1] not in own} == set()


# --- the lowest and the newest version that pyproject.toml allows -----------------------------------------------------


def _lowest() -> str:
    found = re.search(r'"tornado>=([\d.]+)"', (ROOT / "pyproject.toml").read_text())
    assert found
    return found[1]


@pytest.fixture(scope="module", params=[f"tornado=={_lowest()}", "tornado"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which this version is installed."""
    made = tmp_path_factory.mktemp("tornado")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(made), request.param]
    # Without the constraints of the scripts, which pin one version.
    subprocess.run(command, env={**os.environ, "PIP_CONSTRAINT": ""}, check=True)
    return made


@pytest.fixture
def server(lab_server: Callable[..., JupyterProcess], s3_server: S3Server, folder: Path) -> JupyterProcess:
    """A server that imports this version."""
    path = os.pathsep.join([str(folder), python_path()])
    return lab_server({**s3_server.env, "PYTHONPATH": path}, app="jupyter_server")


@pytest.mark.network
@pytest.mark.extended
@on_moto
def test_all_bytes_arrive_with_the_lowest_and_the_newest_tornado(
    server: JupyterProcess, folder: Path, bucket: str, s3_client: S3Client, tmp_path: Path
) -> None:
    version = next(folder.glob("tornado-*.dist-info")).name.removeprefix("tornado-").removesuffix(".dist-info")
    sources = "".join(
        (folder / "tornado" / f"{name}.py").read_text() for name in ("http1connection", "iostream", "web")
    )
    assert [name for name in NAMES if not re.search(rf"\b{name}\b", sources)] == []
    content = noise(40 * MIB)
    (tmp_path / "large.bin").write_bytes(content)
    api = f"{server.url}odhtec/api"
    with requests.Session() as session:
        session.headers.update(server.headers)
        raw = session.put(f"{api}/objects/upload/{bucket}/{encode_key('raw')}", data=content)
        assert (raw.status_code, raw.headers["Server"]) == (201, f"TornadoServer/{version}")
        sent = session.post(f"{api}/objects/upload/{bucket}", files={"file": ("in a form", content)})
        assert sent.status_code == 201
        for key in ("raw", "in a form"):
            assert s3_client.get_object(Bucket=bucket, Key=key)["Body"].read() == content
            for _ in range(2):  # the second time over the same connection
                assert session.get(f"{api}/objects/download/{bucket}/{encode_key(key)}").content == content
    client = Client(server.url, server.token)
    try:
        client.upload(tmp_path / "large.bin", f"s3://{bucket}/parts").wait(progress=False)
        assert s3_client.get_object(Bucket=bucket, Key="parts")["Body"].read() == content
    finally:
        client.api.connection.close()
