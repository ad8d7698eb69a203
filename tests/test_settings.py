"""Settings: their sources, their validation, and secrets that are never shown."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from traitlets.config import Config

from odhtec_jupyter.app import OdhTecApp
from odhtec_jupyter.errors import BadRequest
from odhtec_jupyter.models import HubSettingsChange, ProxySettingsChange, S3SettingsChange
from odhtec_jupyter.network import without_bucket
from odhtec_jupyter.settings import HUB_ENDPOINT, OdhTecSettings
from odhtec_jupyter.stores.s3.connection.clients import S3Clients
from tests.conftest import Env


def test_an_empty_environment_means_amazon_and_the_public_hub(with_env: Env) -> None:
    settings = with_env()
    assert settings.s3.endpoint is None
    assert settings.s3.access_key_id is None
    assert settings.hub.endpoint == HUB_ENDPOINT
    assert settings.hub.token is None
    assert settings.max_concurrent_transfers == 2
    assert settings.max_bandwidth == 0
    assert settings.network.proxy_for("https://huggingface.co") is None


def test_the_data_connection_of_open_data_hub_is_read(with_env: Env) -> None:
    settings = with_env(
        AWS_S3_ENDPOINT="https://s3.example.com:8443/",
        AWS_ACCESS_KEY_ID="key",
        AWS_SECRET_ACCESS_KEY="secret",
        AWS_SESSION_TOKEN="session",
        AWS_DEFAULT_REGION="eu-central-1",
        AWS_S3_BUCKET="models",
        HF_TOKEN="hf_x",
        HF_ENDPOINT="https://hf-mirror.example.com/",
        MAX_CONCURRENT_TRANSFERS="7",
        MAX_BANDWIDTH="20000000",
    )
    s3 = settings.s3
    assert (s3.endpoint, s3.region, s3.default_bucket) == ("https://s3.example.com:8443", "eu-central-1", "models")
    assert (s3.access_key_id, s3.secret_access_key, s3.session_token) == ("key", "secret", "session")
    assert (settings.hub.endpoint, settings.hub.token) == ("https://hf-mirror.example.com", "hf_x")
    assert settings.max_concurrent_transfers == 7
    assert settings.max_bandwidth == 20_000_000


@pytest.mark.parametrize(
    ("names", "read"),
    [
        (("AWS_S3_ENDPOINT", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"), lambda s: s.s3.endpoint),
        (("AWS_DEFAULT_REGION", "AWS_REGION"), lambda s: s.s3.region),
        (("HTTP_PROXY", "http_proxy"), lambda s: s.network.http_proxy),
        (("HTTPS_PROXY", "https_proxy"), lambda s: s.network.https_proxy),
        (("NO_PROXY", "no_proxy"), lambda s: s.network.no_proxy),
    ],
)
def test_first_environment_variable_that_is_set_is_used(
    names: tuple[str, ...], read: Callable[[OdhTecSettings], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in names:
        monkeypatch.setenv(name, f"http://{name.replace('_', '-').lower()}.{names.index(name)}")
    for number, name in enumerate(names):
        assert read(OdhTecSettings()).endswith(f".{number}")
        monkeypatch.setenv(name, "  ")
    assert read(OdhTecSettings()) is None


def test_configuration_overrides_the_environment_and_a_change_overrides_both(with_env: Env) -> None:
    with_env(AWS_S3_ENDPOINT="http://env:1", AWS_DEFAULT_REGION="env-1", MAX_CONCURRENT_TRANSFERS="3")
    settings = OdhTecSettings(
        config=Config({"OdhTecSettings": {"s3_endpoint": "http://config:1", "max_concurrent_transfers": 5}})
    )
    assert (settings.s3.endpoint, settings.s3.region) == ("http://config:1", "env-1")
    assert settings.max_concurrent_transfers == 5
    settings.change_s3(S3SettingsChange(endpoint="http://change:1", access_key_id="a", secret_access_key="b"))
    assert (settings.s3.endpoint, settings.s3.region) == ("http://change:1", "env-1")


@pytest.mark.parametrize("text", ["0", "65", "-1", "many", "1.5", "٣", "999999999999999999999"])
def test_invalid_number_of_transfers_is_replaced_by_the_default(with_env: Env, text: str) -> None:
    assert with_env(MAX_CONCURRENT_TRANSFERS=text).max_concurrent_transfers == 2


@pytest.mark.parametrize("text", ["-1", "99999", "20MB", "1e6", "200000.5", "٣", "9" * 5000])
def test_invalid_bandwidth_in_the_environment_is_no_limit(
    with_env: Env, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert with_env(MAX_BANDWIDTH=text).max_bandwidth == 0
    assert "MAX_BANDWIDTH must be 0" in caplog.text


def test_invalid_bandwidth_in_the_configuration_is_refused() -> None:
    assert OdhTecSettings(config=Config({"OdhTecSettings": {"max_bandwidth": 100_000}})).max_bandwidth == 100_000
    for value in (-1, 1, 99_999, 10**12 + 1):
        with pytest.raises(BadRequest, match="maxBandwidth must be 0 for no limit"):
            OdhTecSettings(max_bandwidth=value)


@pytest.mark.parametrize(
    ("endpoint", "bucket", "repaired"),
    [
        ("https://models.s3.example.com", "models", "https://s3.example.com"),
        ("https://Models.s3.example.com:8443", "models", "https://s3.example.com:8443"),
        ("https://s3.example.com/models", "models", "https://s3.example.com"),
        ("https://s3.example.com", "models", "https://s3.example.com"),
        ("https://s3.example.com", None, "https://s3.example.com"),
        ("https://s3.example.com", "s3", "https://example.com"),
        ("https://models-archive.example.com", "models", "https://models-archive.example.com"),
        ("https://models.example", "models", "https://models.example"),  # the rest would not be a host
        ("https://s3.example.com/models/deep", "models", "https://s3.example.com/models/deep"),
    ],
)
def test_an_endpoint_that_repeats_the_bucket_is_repaired(endpoint: str, bucket: str | None, repaired: str) -> None:
    assert without_bucket(endpoint, bucket) == repaired


def test_endpoint_is_normalized_in_environment_and_changes(with_env: Env) -> None:
    settings = with_env(AWS_S3_ENDPOINT="http://models.minio.ns.svc:9000", AWS_S3_BUCKET="models")
    assert settings.s3.endpoint == "http://minio.ns.svc:9000"
    settings.change_s3(S3SettingsChange(endpoint="http://minio.ns.svc:9000/data/", default_bucket="data"))
    assert (settings.s3.endpoint, settings.s3.default_bucket) == ("http://minio.ns.svc:9000", "data")


def test_host_without_a_scheme_gets_https(with_env: Env) -> None:
    assert with_env(AWS_S3_ENDPOINT="s3.example.com").s3.endpoint == "https://s3.example.com"


BAD_ENDPOINTS = [
    "ftp://host",
    "http://",
    "http://host:port",
    "http://host:99999",
    "http://host?query",
    "http://host#part",
    "http://user:word@host",
    "http://ho st",
    "http://host\nx",
    "http://[::1",
    "http://evil[::1]",
    "http://[::1]evil:80",
    "http://evil[::1]evil",
    "http://ho]st",
    "http://host\\evil",
]
GOOD_ENDPOINTS = ["http://[::1]:9000", "http://[fe80::1%25eth0]", "http://[::ffff:10.0.0.1]", "http://müller.example"]


@pytest.mark.parametrize("url", GOOD_ENDPOINTS)
def test_an_address_or_an_international_name_is_a_host(with_env: Env, url: str) -> None:
    assert with_env(AWS_S3_ENDPOINT=url).s3.endpoint == url


@pytest.mark.parametrize(
    ("written", "bucket"),
    [
        ("b", "b"),
        ("s3://b", "b"),
        ("S3A://b/", "b"),
        ("s3://b/some/prefix", "b"),
        ("b/", "b"),
        ("/b", "b"),
        (" b ", "b"),
        ("arn:aws:s3:::b", "b"),
        ("arn:aws-us-gov:s3:::b/x", "b"),
        ("arn:aws:s3:eu-west-1:1:accesspoint/a", "arn:aws:s3:eu-west-1:1:accesspoint/a"),
        ("s3://", None),
        ("", None),
    ],
)
def test_bucket_is_parsed_from_names_addresses_and_arns(with_env: Env, written: str, bucket: str | None) -> None:
    settings = with_env(AWS_S3_BUCKET=written, AWS_S3_ENDPOINT="http://b.minio.ns.svc:9000")
    assert settings.s3.default_bucket == settings.show_s3().default_bucket == bucket
    assert settings.s3.endpoint == ("http://minio.ns.svc:9000" if bucket == "b" else "http://b.minio.ns.svc:9000")
    assert settings.changed_s3(S3SettingsChange(default_bucket=written)).default_bucket == bucket


@pytest.mark.parametrize("url", BAD_ENDPOINTS)
def test_invalid_endpoint_is_refused_and_nothing_changes(with_env: Env, url: str) -> None:
    settings = with_env(AWS_S3_ENDPOINT="http://good:1")
    with pytest.raises(BadRequest, match="endpoint"):
        settings.change_s3(S3SettingsChange(endpoint=url, region="new-1"))
    with pytest.raises(BadRequest, match="hfEndpoint"):
        settings.change_hub(HubSettingsChange(hf_endpoint=url))
    assert (settings.s3.endpoint, settings.s3.region) == ("http://good:1", None)
    assert settings.hub.endpoint == HUB_ENDPOINT


def test_invalid_endpoint_of_the_environment_is_shown_and_can_be_corrected(with_env: Env) -> None:
    settings = with_env(AWS_S3_ENDPOINT="http://host:port", HF_ENDPOINT="ftp://hub")
    with pytest.raises(BadRequest):
        _ = settings.s3
    assert settings.show_s3().endpoint == "http://host:port"
    assert settings.show_hub().hf_endpoint == "ftp://hub"
    settings.s3_endpoint = settings.hf_endpoint = "http://user:hidden@host"
    assert settings.show_s3().endpoint == settings.show_hub().hf_endpoint == "http://user:***@host"
    settings.change_s3(S3SettingsChange(endpoint="http://host:9000", access_key_id="a", secret_access_key="b"))
    settings.change_hub(HubSettingsChange(hf_endpoint="http://hub"))
    assert settings.s3.endpoint == "http://host:9000"
    assert settings.hub.endpoint == "http://hub"


def test_access_key_and_secret_key_need_each_other(with_env: Env) -> None:
    settings = with_env()
    for change in (S3SettingsChange(access_key_id="a"), S3SettingsChange(secret_access_key="b")):
        with pytest.raises(BadRequest, match="together"):
            settings.change_s3(change)
    settings.change_s3(S3SettingsChange(access_key_id="a", secret_access_key="b"))
    settings.change_s3(S3SettingsChange(access_key_id="", secret_access_key=""))
    assert settings.s3.access_key_id is None
    assert settings.s3.secret_access_key is None


def test_secret_invalid_in_a_header_is_refused_without_showing_it(with_env: Env) -> None:
    settings = with_env(AWS_ACCESS_KEY_ID="a", AWS_SECRET_ACCESS_KEY="b")
    for change in (
        {"access_key_id": "x\ny-hidden"},
        {"access_key_id": "日-hidden"},
        {"secret_access_key": "x\r\ny-hidden"},
        {"session_token": "x\ty-hidden"},
        {"session_token": "x y-hidden"},
    ):
        with pytest.raises(BadRequest) as caught:
            settings.change_s3(S3SettingsChange(**change))
        assert "hidden" not in str(caught.value)
    with pytest.raises(BadRequest) as caught:
        settings.change_hub(HubSettingsChange(hf_token="hf_x\nhidden"))
    assert "hidden" not in str(caught.value)
    # A pasted line end does not belong to the key.
    settings.change_s3(S3SettingsChange(secret_access_key=" c\n"))
    assert settings.s3.secret_access_key == "c"


def test_missing_field_is_kept_and_empty_field_is_cleared(with_env: Env) -> None:
    settings = with_env(
        AWS_S3_ENDPOINT="http://a:1",
        AWS_ACCESS_KEY_ID="key",
        AWS_SECRET_ACCESS_KEY="secret",
        AWS_SESSION_TOKEN="session",
        HF_TOKEN="hf_x",
        HTTP_PROXY="http://proxy:1",
        NO_PROXY="a,b",
    )
    settings.change_s3(S3SettingsChange(region="x-1"))
    settings.change_hub(HubSettingsChange(hf_endpoint="https://huggingface.co/mirror"))
    settings.change_network(ProxySettingsChange(https_proxy="http://proxy:2"))
    assert settings.show_s3().model_dump() == {
        "endpoint": "http://a:1",
        "region": "x-1",
        "default_bucket": None,
        "access_key_id": "key",
        "secret_access_key_set": True,
        "session_token_set": True,
    }
    assert settings.show_hub().model_dump() == {
        "hf_endpoint": "https://huggingface.co/mirror",
        "hf_token_set": True,
        "hf_token_from": "HF_TOKEN",
    }
    assert (settings.network.http_proxy, settings.network.no_proxy) == ("http://proxy:1", "a,b")
    settings.change_s3(S3SettingsChange(session_token="", endpoint="", region="", secret_access_key="secret"))
    settings.change_hub(HubSettingsChange(hf_token="", hf_endpoint=""))
    settings.change_network(ProxySettingsChange(http_proxy="", no_proxy=""))
    assert settings.s3.endpoint is None
    assert settings.s3.region is None
    assert (settings.show_s3().session_token_set, settings.s3.secret_access_key) == (False, "secret")
    assert (settings.hub.endpoint, settings.hub.token) == (HUB_ENDPOINT, None)
    assert (settings.network.http_proxy, settings.network.no_proxy) == (None, None)


def test_secrets_are_not_printed(with_env: Env) -> None:
    settings = with_env(
        AWS_SECRET_ACCESS_KEY="hidden1",
        AWS_SESSION_TOKEN="hidden2",
        HF_TOKEN="hidden3",
        HTTP_PROXY="http://u:hidden4@p",
    )
    assert settings.s3.secret_access_key == "hidden1"
    assert settings.hub.token == "hidden3"
    for value in (settings, settings.s3, settings.hub, settings.network, settings.show_s3(), settings.show_network()):
        assert "hidden" not in repr(value)
        assert "hidden" not in str(value)


def test_credentials_of_the_server_are_sent_to_amazon_or_their_configured_endpoint_only(with_env: Env) -> None:
    settings = with_env(AWS_S3_ENDPOINT="http://store:9000")
    with pytest.raises(BadRequest, match="credentials of this server"):
        settings.change_s3(S3SettingsChange(endpoint="http://elsewhere:9000"))
    settings.change_s3(S3SettingsChange(endpoint="http://elsewhere:9000", access_key_id="a", secret_access_key="b"))
    with pytest.raises(BadRequest, match="credentials of this server"):
        settings.change_s3(S3SettingsChange(endpoint="http://third:9000", access_key_id="", secret_access_key=""))
    settings.change_s3(S3SettingsChange(endpoint="", access_key_id="", secret_access_key=""))
    settings.change_s3(S3SettingsChange(endpoint="http://store:9000"))
    assert settings.s3.endpoint == "http://store:9000"


def test_an_endpoint_that_was_cleared_is_not_read_from_the_environment_again(with_env: Env) -> None:
    settings = with_env(AWS_ENDPOINT_URL="http://store:9000", AWS_ACCESS_KEY_ID="a", AWS_SECRET_ACCESS_KEY="b")
    settings.change_s3(S3SettingsChange(endpoint="", access_key_id="c", secret_access_key="d"))
    client = S3Clients(settings.s3, settings.network).get()
    assert client.meta.endpoint_url.endswith(".amazonaws.com")
    client.close()


FILES = {
    "s3_secret_access_key": "AWS_SECRET_ACCESS_KEY",
    "s3_session_token": "AWS_SESSION_TOKEN",
    "hf_token": "HF_TOKEN",
}


def from_files(**paths: object) -> OdhTecSettings:
    values = {f"{trait}_file": str(path) for trait, path in paths.items()}
    return OdhTecSettings(config=Config({"OdhTecSettings": values}))


@pytest.mark.parametrize("trait", FILES)
def test_a_secret_is_read_from_a_mounted_file(with_env: Env, tmp_path: Path, trait: str) -> None:
    with_env(**{FILES[trait]: "from-environment"})
    file = tmp_path / "secret"
    file.write_text("from-file\n")
    assert getattr(from_files(**{trait: file}), trait) == "from-file"


@pytest.mark.parametrize("trait", FILES)
def test_unreadable_secret_file_is_not_replaced_by_the_environment(
    with_env: Env, tmp_path: Path, trait: str, caplog: pytest.LogCaptureFixture
) -> None:
    with_env(**{FILES[trait]: "from-environment"})
    large, binary = tmp_path / "large", tmp_path / "binary"
    large.write_text("x" * 100_000)
    binary.write_bytes(b"\xff\xfe")
    for path in (tmp_path / "absent", tmp_path, large, binary, "~no-such-account/secret"):
        assert getattr(from_files(**{trait: path}), trait) == ""
        assert f"{trait}_file" in caplog.text
        assert str(path) in caplog.text
        caplog.clear()


def test_stored_login_token_is_used_last_and_for_its_hub_only(with_env: Env, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("hf_of_login\n")
    (tmp_path / "other").write_text("hf_of_path")
    home, variables = {"HF_HOME": str(tmp_path)}, {"HUGGING_FACE_HUB_TOKEN": "hf_old"}

    def found(settings: OdhTecSettings) -> tuple[str | None, str | None]:
        return settings.hub.token, settings.show_hub().hf_token_from

    assert found(with_env(**home, **variables, HF_TOKEN="hf_new")) == ("hf_new", "HF_TOKEN")
    assert found(with_env(**home, **variables, HF_TOKEN="")) == ("hf_old", "HUGGING_FACE_HUB_TOKEN")
    blank = {"HF_TOKEN": "", "HUGGING_FACE_HUB_TOKEN": ""}
    assert found(with_env(**home, **blank)) == ("hf_of_login", "hf auth login")
    assert found(with_env(**blank, HF_TOKEN_PATH=str(tmp_path / "other"))) == ("hf_of_path", "hf auth login")
    settings = with_env(**blank, HF_ENDPOINT="https://mirror.example", HF_TOKEN_PATH=str(tmp_path / "other"))
    assert found(settings) == ("hf_of_path", "hf auth login")
    settings.change_hub(HubSettingsChange(hf_token="hf_typed"))
    assert found(settings) == ("hf_typed", "settings")
    assert found(OdhTecSettings(hf_token="hf_configured")) == ("hf_configured", "configuration")
    # The login belongs to another hub than the configured one.
    assert found(OdhTecSettings(hf_endpoint="https://elsewhere.example")) == (None, None)
    (tmp_path / "other").write_bytes(b"\xff")
    assert found(with_env(**blank)) == (None, None)
    for unusable in ("x" * 5000, "~no-such-account/token"):  # like a file in a folder that only root can read
        assert found(with_env(**blank, HF_TOKEN_PATH=unusable)) == (None, None)


def test_help_and_generated_configuration_list_every_setting() -> None:
    names = set(OdhTecSettings.class_traits(config=True))
    assert len(names) == 35
    text = OdhTecApp().generate_config_file()
    assert {name for name in names if f"# c.OdhTecSettings.{name} = " in text} == names
    assert "S3Traits" not in text  # it has no section
