"""Each source of connections, with real files and variables."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import yaml

from odhtec_jupyter.connections.connection import Connection
from odhtec_jupyter.connections.registry import Connections
from tests.connections.conftest import Registry

KEYS = {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "HIDDEN", "AWS_S3_ENDPOINT": "http://store:9000"}


def named(registry: Connections) -> dict[str, Connection]:
    return {one.name: one for one in registry.all()}


def mounted_secret(folder: Path, values: dict[str, str]) -> None:
    """Write a folder as Kubernetes mounts a Secret: files are links through ``..data`` to a folder with a date."""
    version = folder / f"..{len(list(folder.glob('..2*')))}2026" if folder.exists() else folder / "..2026"
    version.mkdir(parents=True)
    for name, value in values.items():
        (version / name).write_text(value)
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(Path("..data") / name)
    following = folder / "..data_tmp"
    following.symlink_to(version.name)
    os.replace(following, folder / "..data")


def test_environment_is_the_default_connection(registry: Registry) -> None:
    found = registry(KEYS | {"AWS_S3_BUCKET": "models"}).get()
    assert (found.name, found.source) == ("default", "environment")
    assert (found.s3.endpoint, found.s3.default_bucket) == ("http://store:9000", "models")


def test_default_connection_is_known_without_any_credentials(registry: Registry) -> None:
    assert registry().get("default").error is None


def test_prefixed_variables_are_connections(registry: Registry) -> None:
    found = named(
        registry(
            KEYS
            | {f"ODHTEC_CONNECTION_MY_ARCHIVE_{name}": value for name, value in KEYS.items()}
            | {"ODHTEC_CONNECTION_MY_ARCHIVE_AWS_DEFAULT_REGION": "eu-1", "ODHTEC_CONNECTION_X_OTHER": "y"}
        )
    )
    assert set(found) == {"default", "my_archive"}
    archive = found["my_archive"]
    assert (archive.source, archive.s3.access_key_id, archive.s3.region) == ("prefixed", "id", "eu-1")


def test_prefixed_connection_without_keys_does_not_use_those_of_the_server(registry: Registry) -> None:
    found = named(registry(KEYS | {"ODHTEC_CONNECTION_OTHER_AWS_S3_ENDPOINT": "http://other"}))["other"]
    assert found.error == "accessKeyId and secretAccessKey are missing."


def test_mounted_secrets_are_connections(registry: Registry, tmp_path: Path) -> None:
    mounted_secret(tmp_path / "mnt" / "my.archive", KEYS | {"AWS_S3_BUCKET": "b\n"})
    found = named(registry(connections_dir=str(tmp_path / "mnt")))["my-archive"]
    assert (found.source, found.s3.secret_access_key, found.s3.default_bucket) == ("directory", "HIDDEN", "b")


def test_files_in_the_form_of_storage_config_are_connections(registry: Registry, tmp_path: Path) -> None:
    values = {
        "type": "s3",
        "access_key_id": "id",
        "secret_access_key": "HIDDEN",
        "endpoint_url": "http://store:9000/",
        "default_bucket": "models",
        "region": "us-south",
    }
    (tmp_path / "first.json").write_text(json.dumps(values))
    (tmp_path / "second").write_text(json.dumps(values))
    found = named(registry(connections_dir=str(tmp_path)))
    assert found["first"].s3 == found["second"].s3
    assert (found["first"].s3.endpoint, found["first"].s3.region) == ("http://store:9000", "us-south")


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ("{", "not valid JSON"),
        ("[" * 10_000, "not valid JSON"),
        ("[]", "must contain a JSON object"),
        ('{"type": "gs"}', "'gs' is not supported"),
        ('{"access_key_id": 5}', "access_key_id must be a text"),
        ('{"access_key_id": "a", "secret_access_key": "b c"}', "secretAccessKey contains spaces"),
        ('{"access_key_id": "a"}', "must be given together"),
        ('{"access_key_id": "a", "secret_access_key": "b", "endpoint_url": "ftp://x"}', "endpoint must be a URL"),
        (f'{{"access_key_id": "{"a" * 70_000}"}}', "more than 65,536 bytes"),
    ],
)
def test_broken_file_is_shown_with_its_error_beside_the_others(
    registry: Registry, tmp_path: Path, content: str, error: str
) -> None:
    (tmp_path / "bad.json").write_text(content)
    mounted_secret(tmp_path / "good", KEYS)
    (tmp_path / "empty").mkdir()
    found = named(registry(connections_dir=str(tmp_path)))
    assert error in (found["bad"].error or "")
    assert found["empty"].error == "The folder has no files such as AWS_ACCESS_KEY_ID."
    assert found["good"].error is None


def test_pipe_in_the_folder_is_not_opened(registry: Registry, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "not a regular file" in (named(registry(connections_dir=str(tmp_path)))["pipe"].error or "")


def test_folder_that_does_not_exist_is_shown(registry: Registry, tmp_path: Path) -> None:
    found = named(registry(KEYS, connections_dir=str(tmp_path / "none")))
    assert found["directory"].error == "The folder cannot be read: No such file or directory."
    assert found["default"].error is None


PIPELINES = {
    "cos_endpoint": "https://minio.example.com",
    "cos_bucket": "pipelines",
    "cos_username": "id",
    "cos_password": "HIDDEN",
}


@pytest.mark.parametrize("folder", ["app-root/runtimes", "data/metadata/runtimes"])
@pytest.mark.parametrize("content", [PIPELINES, {"schema_name": "kfp", "metadata": PIPELINES}])
def test_bucket_of_the_pipeline_server_is_a_connection(
    registry: Registry, tmp_path: Path, folder: str, content: object
) -> None:
    (tmp_path / folder).mkdir(parents=True)
    (tmp_path / folder / "odh_dsp.json").write_text(json.dumps(content))
    found = named(registry())["pipelines"]
    assert (found.s3.endpoint, found.s3.default_bucket) == ("https://minio.example.com", "pipelines")
    assert (found.s3.access_key_id, found.s3.secret_access_key) == ("id", "HIDDEN")


def test_broken_description_of_the_pipeline_server_is_shown(registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "app-root/runtimes").mkdir(parents=True)
    (tmp_path / "app-root/runtimes/odh_dsp.json").write_text("{")
    assert named(registry())["pipelines"].error == "odh_dsp.json is not valid JSON."


CONFIG = """
[default]
output = json
[profile plain]
region = eu-central-1
endpoint_url = https://plain.example.com
aws_access_key_id = hidden-by-the-credentials
aws_secret_access_key = x
[profile served]
services = mine
sso_session = company
s3 =
  addressing_style = virtual
[services mine]
s3 =
  endpoint_url = https://s3.example.com
dynamodb =
  endpoint_url = https://other.example.com
[sso-session company]
sso_start_url = https://sso.example.com
[profile only endpoint]
endpoint_url = https://keyless.example.com
"""
CREDENTIALS = """
[plain]
aws_access_key_id = id
aws_secret_access_key = HIDDEN
aws_session_token = HIDDEN-token
[old]
aws_access_key_id = old-id
aws_secret_access_key = HIDDEN
"""


def aws_files(tmp_path: Path, config: str, credentials: str) -> dict[str, str]:
    (tmp_path / "config").write_text(config)
    (tmp_path / "credentials").write_text(credentials)
    return {
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
    }


def test_aws_profiles_are_connections(registry: Registry, tmp_path: Path) -> None:
    found = named(registry(aws_files(tmp_path, CONFIG, CREDENTIALS)))
    assert set(found) == {"default", "plain", "served", "only-endpoint", "old"}
    plain, served = found["plain"].s3, found["served"].s3
    assert (plain.endpoint, plain.region) == ("https://plain.example.com", "eu-central-1")
    assert (plain.access_key_id, plain.session_token) == ("id", "HIDDEN-token")
    assert (served.endpoint, served.profile, served.access_key_id) == ("https://s3.example.com", "served", None)
    assert served.addressing_style == "virtual"
    assert found["old"].s3.endpoint is None


def test_profile_with_an_endpoint_only_does_not_use_the_credentials_of_the_server(
    registry: Registry, tmp_path: Path
) -> None:
    found = named(registry(aws_files(tmp_path, CONFIG, CREDENTIALS)))["only-endpoint"]
    assert found.error == "accessKeyId and secretAccessKey are missing."


def test_aws_file_that_is_not_valid_is_shown_without_its_content(registry: Registry, tmp_path: Path) -> None:
    found = named(registry(aws_files(tmp_path, "[profile a]\nHIDDEN without a sign", CREDENTIALS)))
    assert found["profiles"].error == "The AWS config file is not a valid configuration file."
    assert found["default"].error is None


def test_aliases_of_mc_are_connections(registry: Registry) -> None:
    found = named(
        registry(
            {
                "MC_HOST_lab": "https://id:HID@DEN/+@minio.example.com:9000",
                "MC_HOST_temporary": "http://id:HIDDEN:HIDDEN-token@minio",
                "MC_HOST_public": "https://play.example.com",
                "MC_HOST_bad": "nothing",
            }
        )
    )
    assert found["lab"].s3.endpoint == "https://minio.example.com:9000"
    assert (found["lab"].s3.access_key_id, found["lab"].s3.secret_access_key) == ("id", "HID@DEN/+")
    assert found["temporary"].s3.session_token == "HIDDEN-token"
    assert found["public"].anonymous
    assert found["public"].error is None
    assert found["bad"].error == "endpoint must be a URL such as https://host:port."


def test_configured_connections(registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("HIDDEN\n")
    (tmp_path / "ca.pem").write_text("")
    found = named(
        registry(
            connections={
                "archive": {
                    "endpoint": "https://models.store.example.com",
                    "bucket": "models",
                    "access_key_id": "id",
                    "secret_access_key_file": str(tmp_path / "secret"),
                    "read_only": True,
                    "ca_bundle": str(tmp_path / "ca.pem"),
                    "secret_name": "archive-secret",
                    "title": "The archive",
                },
                "open-data": {"region": "us-east-1", "anonymous": True, "requester_pays": False},
                "own-identity": {"bucket": "b"},
            }
        )
    )
    archive = found["archive"]
    assert (archive.s3.endpoint, archive.s3.secret_access_key) == ("https://store.example.com", "HIDDEN")
    assert (archive.read_only, archive.title, archive.secret_name) == (True, "The archive", "archive-secret")
    assert archive.ca_bundle == str(tmp_path / "ca.pem")
    assert found["open-data"].anonymous
    assert found["own-identity"].error is None  # Amazon with the identity of the pod


@pytest.mark.parametrize(
    ("name", "values", "error"),
    [
        ("a b", {}, "name: use up to 64 letters"),
        ("x", [], "must be a dictionary"),
        ("x", {"secret": 1}, "'secret' is not a setting"),
        ("x", {"read_only": "yes"}, "read_only must be True or False"),
        ("x", {"endpoint": 5}, "endpoint must be a text"),
        ("x", {"endpoint": "http://store"}, "are missing"),
        ("x", {"anonymous": True, "access_key_id": "a", "secret_access_key": "b"}, "has no keys"),
        ("x", {"secret_access_key_file": "/none"}, "secret_access_key_file: the secret cannot be read"),
        ("x", {"ca_bundle": "/none"}, "caBundle: there is no such file"),
        ("x", {"addressing_style": "dns"}, "addressingStyle must be one of auto, path, virtual"),
        ("x", {"secret_name": "A b"}, "secretName can contain"),
        ("x", {"region": "eu_1"}, "region can contain"),
        ("x", {"session_token": "t", "profile": "p"}, "sessionToken: enter the keys"),
        ("x", {"title": "a\nb", "anonymous": True}, "title must not contain control characters"),
    ],
)
def test_configured_connection_that_is_not_valid_is_shown_with_its_error(
    registry: Registry, name: str, values: object, error: str
) -> None:
    found = registry(connections={name: values, "good": {"anonymous": True}}).all()
    assert [one.name for one in found if one.error] == [found[1].name]
    assert error in (found[1].error or "")


def test_no_connection_prints_a_secret(registry: Registry, tmp_path: Path) -> None:
    mounted_secret(tmp_path / "mnt" / "one", KEYS)
    variables = KEYS | {"MC_HOST_lab": "https://id:HIDDEN@host"} | aws_files(tmp_path, CONFIG, CREDENTIALS)
    variables |= {f"ODHTEC_CONNECTION_TWO_{name}": value for name, value in KEYS.items()}
    found = registry(variables, connections_dir=str(tmp_path / "mnt")).all()
    assert len(found) == 8
    assert "HIDDEN" not in repr(found)
    assert "HIDDEN" not in " ".join(one.fingerprint for one in found)


def test_sample_of_a_connection_type_has_the_variables_of_a_connection(registry: Registry) -> None:
    sample = Path(__file__).parents[2] / "docs" / "administrators" / "connection-type.yaml"
    fields = json.loads(yaml.safe_load(sample.read_text())["data"]["fields"])
    values = dict(zip((field["envVar"] for field in fields), ("id", "s", "http://store", "eu-1", "b"), strict=True))
    found = named(registry(values))["archive"]
    assert (found.error, found.s3.endpoint, found.s3.region, found.s3.default_bucket) == (
        *(None, "http://store", "eu-1", "b"),
    )
