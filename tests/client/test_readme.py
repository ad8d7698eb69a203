"""What the README tells people to type."""

from __future__ import annotations

import ast
import builtins
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from odhtec_jupyter.client.filesystem import OdhTecFileSystem
from odhtec_jupyter.demo.jupyter_process import JupyterProcess
from tests.client.shell import Shell
from tests.conftest import ROOT, missing

README = (ROOT / "README.md").read_text()
CURL = re.compile(r"```bash\n(url=.*)\n((?:.*\n)*?)```")


def snippets() -> list[str]:
    return re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.fixture(params=["moto"])
def s3_server(request: pytest.FixtureRequest, moto_server: Any) -> Any:
    """One is enough."""
    return moto_server


def names(tree: ast.AST, kind: type[ast.expr_context]) -> set[str]:
    found = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, kind)}
    if kind is ast.Store:
        found |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                found |= {alias.asname or alias.name.partition(".")[0] for alias in node.names}
    return found


def test_no_snippet_uses_an_undefined_name() -> None:
    known = set(dir(builtins))
    assert snippets()
    for snippet in snippets():
        tree = compile(snippet, "README.md", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        for statement in tree.body:  # type: ignore[attr-defined]
            made = names(statement, ast.Store)
            assert names(statement, ast.Load) - known - made == set(), ast.unparse(statement)
            known |= made


def test_curl_line_of_the_readme_uploads_a_file(
    moto_jupyter: JupyterProcess, s3_client: Any, bucket: str, tmp_path: Path
) -> None:
    if shutil.which("curl") is None:
        missing("curl is not installed")
    block = CURL.search(README)
    assert block is not None
    key = "ordner/ü?/" + "long" * 30  # more than a line of base64
    (tmp_path / "file").write_bytes(b"content")
    given = {"url": moto_jupyter.url.rstrip("/"), "token": moto_jupyter.token, "bucket": bucket, "key": key}
    assert set(re.findall(r"(\w+)=", block[1])) == {*given, "file"}
    env = {**given, "file": str(tmp_path / "file"), "PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
    subprocess.run(["bash", "-euc", block[2]], env=env, check=True, capture_output=True, timeout=600)
    assert s3_client.get_object(Bucket=bucket, Key=key)["Body"].read() == b"content"


@pytest.mark.usefixtures("shell")
def test_pyarrow_reads_a_folder_as_a_dataset(s3_client: Any, bucket: str, tmp_path: Path) -> None:
    import pyarrow.dataset as ds

    OdhTecFileSystem.clear_instance_cache()  # of other tests' servers
    assert "fsspec+odhtec://" in README
    for number in range(2):
        pd.DataFrame({"a": np.arange(3) + number}).to_parquet(tmp_path / "part.parquet")
        body = (tmp_path / "part.parquet").read_bytes()
        s3_client.put_object(Bucket=bucket, Key=f"run/{number}.parquet", Body=body)
    table = ds.dataset(f"fsspec+odhtec://{bucket}/run/").to_table(columns=["a"])
    assert sorted(table["a"].to_pylist()) == [0, 1, 1, 2, 2, 3]


def test_commands_of_the_readme_exist(shell: Shell) -> None:
    result = set(re.findall(r"^jupyter odhtec (\w+)", README, re.MULTILINE))
    assert {"ls", "cp", "sync", "mv", "rm", "import", "presign", "transfers"} <= result
    for command in result:
        assert command in shell(command, "--help").stdout


def test_readme_names_the_lab_extra_before_its_command() -> None:
    install = README.partition("## Install")[2].partition("## Configure")[0]
    assert "[lab]" in install.partition("jupyter labextension list")[0]
