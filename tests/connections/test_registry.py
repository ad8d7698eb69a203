"""The registry: order, duplicates, changes while the server runs, and connections that are added."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from odhtec_jupyter.connections.registry import CHECK_SECONDS
from odhtec_jupyter.connections.sources.profiles import ProfilesSource
from odhtec_jupyter.errors import BadRequest, Conflict, Forbidden, NotFound
from odhtec_jupyter.models import ConnectionRequest
from odhtec_jupyter.settings import OdhTecSettings
from tests.connections.conftest import Clock, Registry
from tests.connections.test_sources import KEYS, aws_files, mounted_secret

ONE = ConnectionRequest(name="one", endpoint="http://one:9000", access_key_id="id", secret_access_key="HIDDEN")


def test_earlier_source_wins_and_the_other_is_reported(registry: Registry) -> None:
    found = registry(
        KEYS
        | {"MC_HOST_archive": "http://mc-id:s@mc"}
        | {f"ODHTEC_CONNECTION_ARCHIVE_{k}": v for k, v in KEYS.items()},
        connections={"default": {"anonymous": True}},
    )
    assert found.get("archive").source == "prefixed"
    assert [(one.name, one.source, one.used) for one in found.duplicates()] == [
        ("archive", "mc", "prefixed"),
        ("default", "configured", "environment"),
    ]


def test_sources_are_used_in_the_configured_order(registry: Registry) -> None:
    found = registry(
        KEYS | {"MC_HOST_lab": "http://mc-id:s@mc"},
        connections={"lab": {"anonymous": True}, "default": {"anonymous": True}},
        connection_sources=["configured", "mc"],
    )
    assert [(one.name, one.source) for one in found.all()] == [("lab", "configured"), ("default", "configured")]
    assert found.get().anonymous


def test_source_that_is_switched_off_is_not_read(registry: Registry) -> None:
    found = registry(KEYS, connection_sources=["mc"])
    assert found.all() == []
    with pytest.raises(NotFound, match="There is no connection 'default'"):
        found.get()


def test_unknown_source_is_refused() -> None:
    with pytest.raises(BadRequest, match="'vault' is not a source"):
        OdhTecSettings(connection_sources=["environment", "vault"])


def test_connection_that_cannot_be_used_is_found_but_not_returned(registry: Registry) -> None:
    found = registry({"MC_HOST_bad": "nothing"})
    assert found.find("bad").error
    with pytest.raises(BadRequest, match=r"The connection “bad” cannot be used\. endpoint must be a URL"):
        found.get("bad")


def test_rotated_secret_is_read_again(registry: Registry, clock: Clock, tmp_path: Path) -> None:
    mounted_secret(tmp_path / "archive", KEYS)
    found = registry(connections_dir=str(tmp_path))
    changes: list[str] = []
    found.on_change = lambda: changes.append("changed")
    assert found.get("archive").s3.access_key_id == "id"
    # The same sizes, and perhaps the same time: only the inode numbers differ.
    mounted_secret(tmp_path / "archive", KEYS | {"AWS_ACCESS_KEY_ID": "ID"})
    assert found.get("archive").s3.access_key_id == "id"  # looked at a moment ago
    assert changes == []
    clock.now += CHECK_SECONDS
    assert found.get("archive").s3.access_key_id == "ID"
    assert changes == ["changed"]


def test_files_and_variables_that_appear_and_go_are_noticed(
    registry: Registry, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = registry(aws_files(tmp_path, "", "") | {"MC_HOST_lab": "http://id:s@host"}, connections_dir=str(tmp_path))
    names = {one.name for one in found.all()}
    assert "lab" in names
    assert "new" not in names
    monkeypatch.delenv("MC_HOST_lab")
    aws_files(tmp_path, "", "[new]\naws_access_key_id = a\naws_secret_access_key = b")
    (tmp_path / "third.json").write_text(json.dumps({"access_key_id": "a", "secret_access_key": "b"}))
    clock.now += CHECK_SECONDS
    names = {one.name for one in found.all()}
    assert {"new", "third"} <= names
    assert "lab" not in names


def test_unchanged_files_are_not_read_again(
    registry: Registry, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = registry(aws_files(tmp_path, "", "[new]\naws_access_key_id = a\naws_secret_access_key = b"))
    found.all()

    def fail(self: ProfilesSource) -> None:
        raise AssertionError

    monkeypatch.setattr(ProfilesSource, "read", fail)
    clock.now += CHECK_SECONDS
    assert found.get("new").error is None


def test_unexpected_error_of_one_source_does_not_break_the_others(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(self: ProfilesSource) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(ProfilesSource, "read", fail)
    found = registry({"MC_HOST_lab": "http://id:s@host"})
    assert found.find("profiles").error == "Unexpected error (ZeroDivisionError)."
    assert found.get("lab").error is None
    assert "could not be read" in caplog.text


def test_default_connection_does_not_look_at_files(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: ProfilesSource) -> None:
        raise AssertionError

    monkeypatch.setattr(ProfilesSource, "state", fail)
    assert registry(KEYS).get().s3.access_key_id == "id"


# --- added while the server runs --------------------------------------------------------------------------------------


def test_added_connection_is_found_immediately_and_can_be_removed(registry: Registry) -> None:
    found = registry(KEYS)
    found.all()
    added = found.add(ONE)
    assert found.get("one") == added
    assert (added.source, added.s3.secret_access_key) == ("session", "HIDDEN")
    found.remove("one")
    with pytest.raises(NotFound):
        found.get("one")


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"name": "a@b"}, "name: use up to 64 letters"),
        ({"name": ""}, "name: use up to 64 letters"),
        ({"name": "a" * 65}, "name: use up to 64 letters"),
        ({"endpoint": "ftp://one"}, "endpoint must be a URL"),
        ({"endpoint": "http://user:word@one"}, "endpoint must not contain a user name"),
        ({"secret_access_key": ""}, "must be given together"),
        ({"access_key_id": "", "secret_access_key": ""}, "are missing"),
        ({"secret_access_key": "a\nb"}, "secretAccessKey contains"),
    ],
)
def test_connection_that_is_not_valid_is_not_stored(registry: Registry, change: dict[str, str], error: str) -> None:
    found = registry(KEYS)
    with pytest.raises(BadRequest, match=error):
        found.add(ONE.model_copy(update=change))
    assert [one.name for one in found.all()] == ["default"]


def test_connection_without_keys_is_not_signed_with_those_of_the_server(registry: Registry) -> None:
    with pytest.raises(BadRequest, match="are missing"):
        registry(KEYS).add(ConnectionRequest(name="one"))  # Amazon


@pytest.mark.parametrize("name", ["default", "lab"])
def test_connections_of_other_sources_are_neither_replaced_nor_removed(registry: Registry, name: str) -> None:
    found = registry(KEYS | {"MC_HOST_lab": "http://id:s@host"})
    with pytest.raises(Conflict, match=f"“{name}”.* Choose another name"):
        found.add(ONE.model_copy(update={"name": name}))
    with pytest.raises(Conflict, match=f"“{name}”.* cannot be removed"):
        found.remove(name)
    assert {one.name for one in found.all()} == {"default", "lab"}


def test_replaced_connection_keeps_keys_only_for_the_same_account(registry: Registry) -> None:
    found = registry(KEYS)
    found.add(ONE)
    edited = {"secret_access_key": None, "title": "One"}
    assert found.add(ONE.model_copy(update=edited)).s3.secret_access_key == "HIDDEN"
    for change in ({"endpoint": "http://two:9000"}, {"endpoint": None}, {"access_key_id": "other"}):
        with pytest.raises(BadRequest, match="must be given together"):
            found.add(ONE.model_copy(update=edited | change))
    assert (found.get("one").title, found.get("one").s3.endpoint) == ("One", "http://one:9000")


def test_number_of_added_connections_is_limited(registry: Registry) -> None:
    found = registry(KEYS)
    for number in range(100):
        found.add(ONE.model_copy(update={"name": f"n{number}"}))
    with pytest.raises(Conflict, match="Up to 100 connections"):
        found.add(ONE)
    found.add(ONE.model_copy(update={"name": "n5"}))


def test_connections_cannot_be_added_where_the_source_is_switched_off(registry: Registry) -> None:
    with pytest.raises(Forbidden, match="connection_sources"):
        registry(KEYS, connection_sources=["environment"]).add(ONE)


def test_fingerprint_tells_accounts_of_one_endpoint_apart(registry: Registry) -> None:
    found = registry(KEYS)
    one = found.add(ONE).fingerprint
    assert found.add(ONE.model_copy(update={"name": "same", "secret_access_key": "rotated"})).fingerprint == one
    assert found.add(ONE.model_copy(update={"name": "two", "access_key_id": "other"})).fingerprint != one
    assert found.add(ONE.model_copy(update={"name": "three", "endpoint": "http://other"})).fingerprint != one


def test_rotated_secret_with_files_of_storage_config_is_read_again(
    registry: Registry, clock: Clock, tmp_path: Path
) -> None:
    def content(account: str) -> dict[str, str]:
        return {"archive": json.dumps({"access_key_id": account, "secret_access_key": "HIDDEN"})}

    mounted_secret(tmp_path / "mnt", content("id"))
    found = registry(connections_dir=str(tmp_path / "mnt"))
    assert found.get("archive").s3.access_key_id == "id"
    mounted_secret(tmp_path / "mnt", content("ID"))
    clock.now += CHECK_SECONDS
    assert found.get("archive").s3.access_key_id == "ID"
