"""Added connections that are saved as AWS profiles."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from odhtec_jupyter.connections.registry import Connections
from odhtec_jupyter.errors import BadRequest, Conflict, Forbidden, NotFound, OdhTecError, WorkspaceError
from odhtec_jupyter.models import ConnectionRequest
from tests.connections.conftest import Registry

ADDED = {
    "name": "new",
    "endpoint": "https://store.example.com:9000",
    "region": "eu-central-1",
    "access_key_id": "new-id",
    "secret_access_key": "HIDDEN",
    "session_token": "HIDDEN-token",
    "addressing_style": "path",
}


@pytest.fixture
def files(tmp_path: Path, clean_environment_variables: None, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    paths = tmp_path / "aws" / "config", tmp_path / "aws" / "credentials"
    monkeypatch.setenv("AWS_CONFIG_FILE", str(paths[0]))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(paths[1]))
    return paths


@pytest.fixture
def connections(registry: Registry, files: tuple[Path, Path]) -> Connections:
    return registry()


def add(connections: Connections, **change: Any) -> None:
    connections.add(ConnectionRequest(**(ADDED | change)))


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_saved_connection_is_read_from_its_profile(connections: Connections, files: tuple[Path, Path]) -> None:
    add(connections)
    saved = connections.save("new")
    assert (saved.source, saved.error) == ("profiles", None)
    s3 = saved.s3
    assert (s3.endpoint, s3.region, s3.addressing_style) == (ADDED["endpoint"], "eu-central-1", "path")
    assert (s3.access_key_id, s3.secret_access_key, s3.session_token) == ("new-id", "HIDDEN", "HIDDEN-token")
    assert [one.name for one in connections.duplicates()] == []
    assert [mode(path) for path in files] == [0o600, 0o600]
    assert mode(files[0].parent) == 0o700


def test_other_programs_find_endpoint_and_keys_in_the_profile(connections: Connections) -> None:
    add(connections)
    connections.save("new")
    code = (
        "import boto3\n"
        "client = boto3.Session(profile_name='new').client('s3')\n"
        "keys = client._get_credentials()\n"
        "print(client.meta.endpoint_url, client.meta.region_name, keys.access_key, keys.secret_key, keys.token)\n"
        "print(client.meta.config.s3['addressing_style'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [
        *(ADDED["endpoint"], "eu-central-1", "new-id", "HIDDEN", "HIDDEN-token"),
        "path",
    ]


@pytest.mark.parametrize("end", ["", "\n"], ids=["without a line end", "with a line end"])
def test_existing_text_modes_and_links_stay(
    connections: Connections, files: tuple[Path, Path], tmp_path: Path, end: str
) -> None:
    config, credentials = files
    config.parent.mkdir()
    texts = "[profile old] # café\nregion = a\n" + end, "[old]\naws_access_key_id = o" + end
    real = tmp_path / "elsewhere"
    real.write_text(texts[1])
    real.chmod(0o644)
    credentials.symlink_to(real)
    config.write_text(texts[0])
    config.chmod(0o640)
    add(connections)
    connections.save("new")
    for path, text in zip(files, texts, strict=True):
        assert path.read_text().startswith(text)
        assert "\n\n[" in path.read_text()
    assert credentials.is_symlink()
    assert (mode(config), mode(real)) == (0o640, 0o600)
    assert sorted(path.name for path in config.parent.iterdir()) == ["config", "credentials"]


@pytest.mark.parametrize("file", [0, 1], ids=["config", "credentials"])
def test_existing_profile_is_not_replaced(connections: Connections, files: tuple[Path, Path], file: int) -> None:
    add(connections)
    files[file].parent.mkdir()
    files[file].write_text(("[profile new]" if file == 0 else "[new]") + "\noutput = json\n")
    before = files[file].read_text()
    with pytest.raises(Conflict, match="already has a profile new"):
        connections.save("new")
    assert files[file].read_text() == before
    assert not files[1 - file].exists()
    assert connections.find("new").source == "session"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"read_only": True}, "is read-only"),
        ({"requester_pays": True}, "accepts the costs"),
        ({"anonymous": True, **dict.fromkeys(("access_key_id", "secret_access_key", "session_token"))}, "is anonymous"),
    ],
    ids=["read-only", "requester pays", "anonymous"],
)
def test_what_a_profile_cannot_say_is_refused(
    connections: Connections, files: tuple[Path, Path], change: dict[str, Any], why: str
) -> None:
    add(connections, **change)
    with pytest.raises(BadRequest, match=why):
        connections.save("new")
    assert not files[0].parent.exists()


def test_file_that_cannot_be_written_leaves_both_unchanged(connections: Connections, files: tuple[Path, Path]) -> None:
    config, credentials = files
    config.parent.mkdir()
    config.write_text("[profile old]\n")
    credentials.symlink_to("/proc/odhtec/credentials")  # no folder can be created there
    add(connections)
    with pytest.raises(WorkspaceError, match="cannot be written"):
        connections.save("new")
    assert config.read_text() == "[profile old]\n"
    assert connections.find("new").source == "session"


def test_unreadable_configuration_stays_as_it_is(connections: Connections, files: tuple[Path, Path]) -> None:
    files[0].parent.mkdir()
    files[0].write_text("no section\n")
    add(connections)
    with pytest.raises(BadRequest, match="not a valid configuration file"):
        connections.save("new")
    assert files[0].read_text() == "no section\n"


def test_only_added_connections_can_be_saved(connections: Connections, registry: Registry) -> None:
    for name, error in (("default", Conflict), ("absent", NotFound)):
        with pytest.raises(error):
            connections.save(name)
    without: Connections = registry(connection_sources=["environment", "session"])
    add(without)
    with pytest.raises(Forbidden, match="does not have “profiles”"):
        without.save("new")
    with pytest.raises(OdhTecError):
        connections.save("../new")
