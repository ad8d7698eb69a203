"""Imports through olah, a mirror of Hugging Face for closed networks, in front of the hub stand-in."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from odhtec_jupyter.demo.content import SyntheticContent
from odhtec_jupyter.demo.hub.repository import Repository
from odhtec_jupyter.demo.hub.stand_in import HubStandIn
from odhtec_jupyter.demo.model import default_cache
from odhtec_jupyter.models import ImportRequest
from odhtec_jupyter.services import Services
from odhtec_jupyter.transfers.runtime.parts import MIB
from odhtec_jupyter.uris import HubUri
from tests.conftest import free_port, missing
from tests.marks import on_moto
from tests.transfers.steps import begin_import, ended, sha256s
from tests.waiting import GIVE_UP_SECONDS

VERSION = "0.5.4"
FILES = 1500  # the hub lists 1,000 on a page


@pytest.fixture(scope="session")
def olah_program() -> Path:
    """olah in its own environment, because it needs later versions of our dependencies. Installed once, with pip."""
    folder = default_cache() / f"olah-{VERSION}"
    program, whole = folder / "bin" / "olah-cli", folder / "installed"
    if not whole.exists():  # an interrupted installation can have left some files
        shutil.rmtree(folder, ignore_errors=True)
        # The constraints of scripts/test are for our own dependencies.
        environment = {name: value for name, value in os.environ.items() if not name.endswith("_CONSTRAINT")}
        try:
            subprocess.run([sys.executable, "-m", "venv", folder], check=True, capture_output=True, text=True)
            pip = [folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            install = [*pip, f"olah=={VERSION}"]
            subprocess.run(install, check=True, capture_output=True, text=True, timeout=900, env=environment)
        except (OSError, subprocess.SubprocessError) as error:
            said = (getattr(error, "stderr", "") or str(error)).strip().splitlines()
            missing(f"olah {VERSION} cannot be installed: {said[-1] if said else error}")
        whole.touch()
    return program


@pytest.fixture
def olah(olah_program: Path, hub: HubStandIn, tmp_path: Path) -> Iterator[str]:
    """The address of an olah in front of the hub stand-in."""
    port = free_port()
    place = f"127.0.0.1:{port}"
    upstream = urlsplit(hub.endpoint).netloc
    options = {
        "host": "127.0.0.1",
        "port": port,
        "hf-scheme": "http",
        "hf-netloc": upstream,
        "hf-lfs-netloc": upstream,
        "mirror-scheme": "http",
        "mirror-netloc": place,
        "mirror-lfs-netloc": place,
        "repos-path": tmp_path / "olah",
        "log-path": tmp_path / "logs",
    }
    command = [str(olah_program), *(str(word) for name, value in options.items() for word in (f"--{name}", value))]
    with subprocess.Popen(
        command, cwd=tmp_path, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout
        said: list[str] = []
        try:
            for line in process.stdout:
                said.append(line)
                if "Uvicorn running" in line:
                    break
            else:
                pytest.fail("olah did not start:\n" + "".join(said))
            # Its output must be read, or it blocks.
            reader = threading.Thread(target=said.extend, args=(process.stdout,))
            reader.start()
            yield f"http://{place}"
            process.terminate()
            reader.join(GIVE_UP_SECONDS)
        finally:
            process.kill()


@pytest.mark.network
@on_moto
async def test_large_repository_arrives_whole_through_olah(
    make_services: Callable[..., Services], olah: str, hub: HubStandIn, s3_client: Any, bucket: str
) -> None:
    repository = hub.add(Repository("org/model"))
    files: dict[str, Any] = {f"data/{number % 7}/{number:05}.json": b"%d" % number for number in range(FILES - 1)}
    commit = repository.commit(files | {"model.safetensors": SyntheticContent(20 * MIB + 11, seed=3)})
    services = make_services(hf_endpoint=olah)
    await services.start()
    found = await asyncio.to_thread(services.hub.repo, "org/model", repo_type="model", revision="main")
    listed = {file.path: (file.size, file.etag, file.lfs) for file in found.files}
    assert listed == {path: (file.content.size, file.etag, file.lfs) for path, file in commit.files.items()}
    assert len(listed) == FILES
    # Only some files of both pages, because olah needs a third of a second for each.
    chosen = ["data/0/0000*", "data/6/0000*", "model.safetensors"]
    request = ImportRequest(repo="org/model", bucket=bucket, include=chosen)
    transfer = await ended(services, await begin_import(services, request))
    assert (transfer.state, transfer.error) == ("completed", None)
    assert isinstance(transfer.source, HubUri)
    assert transfer.source.revision == commit.sha
    wanted = {
        f"org/model/{path}": file.content.sha256
        for path, file in commit.files.items()
        if any(fnmatchcase(path, pattern) for pattern in chosen)
    }
    assert sha256s(s3_client, bucket) == wanted
    assert {path.split("/")[3] for path in wanted if "/data/" in path} == {"0", "6"}
