"""Settings of the network: proxies, their passwords, and certificate authorities."""

from __future__ import annotations

import os
from collections.abc import Iterator, MutableMapping
from pathlib import Path

import pytest

from odhtec_jupyter.errors import BadRequest
from odhtec_jupyter.models import ProxySettingsChange
from odhtec_jupyter.network import Network
from tests.conftest import Env


@pytest.mark.parametrize(
    ("proxy", "shown"),
    [
        ("user:word@proxy:3128", "user:***@proxy:3128"),
        ("http://user@corp:word@proxy:3128", "http://user@corp:***@proxy:3128"),
        ("http://user:w://rd@proxy", "http://user:***@proxy"),
        ("user:w://rd@proxy", "user:***@proxy"),
        ("http://token@proxy:3128", "http://***@proxy:3128"),
        ("http://proxy:3128", "http://proxy:3128"),
    ],
)
def test_password_is_masked_in_every_form_of_a_proxy(with_env: Env, proxy: str, shown: str) -> None:
    assert with_env(HTTPS_PROXY=proxy).show_network().https_proxy == shown


@pytest.mark.parametrize("password", ["word", "w@rd", "w:r:d", "p%40ss", "a/b"])
def test_a_proxys_password_is_masked_and_kept_when_the_mask_comes_back(with_env: Env, password: str) -> None:
    settings = with_env(HTTPS_PROXY=f"http://user:{password}@proxy:3128")
    shown = settings.show_network()
    assert shown.https_proxy == "http://user:***@proxy:3128"
    settings.change_network(ProxySettingsChange(https_proxy=shown.https_proxy, http_proxy="http://other:1"))
    assert settings.network.https_proxy == f"http://user:{password}@proxy:3128"
    assert settings.network.http_proxy == "http://other:1"


@pytest.mark.parametrize("proxy", ["proxy:3128", "user:word@proxy:3128", "user:w://rd@proxy"])
def test_proxy_without_a_scheme_is_http(with_env: Env, proxy: str) -> None:
    settings = with_env(HTTP_PROXY=proxy, HTTPS_PROXY=proxy)
    assert settings.network.https_proxy == f"http://{proxy}"
    shown = settings.show_network()
    settings.change_network(ProxySettingsChange(http_proxy=shown.http_proxy, https_proxy="other:1"))
    assert settings.network.http_proxy == f"http://{proxy}"
    assert settings.network.https_proxy == "http://other:1"


def test_a_bad_proxy_is_refused_without_its_password(with_env: Env) -> None:
    settings = with_env()
    for url in (
        "http://user:hidden/word@proxy:1",
        "http://user:hidden@",
        "socks5://user:hidden@proxy",
        "http://a:hidden",
    ):
        with pytest.raises(BadRequest) as caught:
            settings.change_network(ProxySettingsChange(http_proxy=url))
        assert "hidden" not in str(caught.value), url
    assert settings.network.http_proxy is None


NETWORK = Network(
    http_proxy="http://proxy:1",
    https_proxy="http://proxy:2",
    no_proxy=".svc,.cluster.local, minio ,10.0.0.0/8,192.168.1.7,example.com,host:9000,::1",
)


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("http://s3.openshift-storage.svc", None),
        ("https://s3.openshift-storage.svc:443/bucket", None),
        ("https://a.b.cluster.local", None),
        ("http://minio:9000", None),
        ("http://minio2:9000", "http://proxy:1"),
        ("http://10.1.2.3:9000", None),
        ("http://11.1.2.3", "http://proxy:1"),
        ("https://192.168.1.7", None),
        ("https://192.168.1.77", "http://proxy:2"),
        ("https://example.com", None),
        ("https://sub.example.com", None),
        ("https://badexample.com", "http://proxy:2"),
        ("http://host:9000", None),
        ("http://host:9001", "http://proxy:1"),
        ("http://[::1]:9000", None),
        ("https://huggingface.co", "http://proxy:2"),
        ("https://HuggingFace.co", "http://proxy:2"),
        ("https://EXAMPLE.com", None),
    ],
)
def test_no_proxy_names_hosts_domains_and_networks(url: str, proxy: str | None) -> None:
    assert NETWORK.proxy_for(url) == proxy


def test_a_star_means_no_proxy_at_all() -> None:
    assert Network("http://p", "http://p", "*").proxy_for("https://a.example") is None


class ReadOnly(MutableMapping[str, str]):
    """An environment in which writing is an error."""

    def __init__(self, content: dict[str, str]) -> None:
        self._content = content

    def __getitem__(self, key: str) -> str:
        return self._content[key]

    def __setitem__(self, key: str, value: str) -> None:
        raise AssertionError(f"{key} was set for the whole process")

    __delitem__ = __setitem__  # type: ignore[assignment]

    def __iter__(self) -> Iterator[str]:
        return iter(self._content)

    def __len__(self) -> int:
        return len(self._content)


def test_choosing_a_proxy_does_not_touch_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    # Many threads choose proxies in parallel. A variable that is set for this would leak into new kernels.
    with monkeypatch.context() as patch:
        patch.setattr(os, "environ", ReadOnly(dict(os.environ) | {"no_proxy": "huggingface.co"}))
        assert NETWORK.proxy_for("https://huggingface.co") == "http://proxy:2"
        assert NETWORK.proxy_for("https://s3.ns.svc") is None


def test_only_bundles_that_exist_are_trusted_in_addition(with_env: Env, tmp_path: Path) -> None:
    (tmp_path / "a.pem").write_text("A")
    (tmp_path / "b.pem").write_text("B")
    settings = with_env(
        AWS_CA_BUNDLE=str(tmp_path / "a.pem"),
        SSL_CERT_FILE=str(tmp_path / "absent.pem"),
        REQUESTS_CA_BUNDLE=str(tmp_path / "b.pem"),
    )
    assert settings.network.ca_bundles[:2] == (str(tmp_path / "a.pem"), str(tmp_path / "b.pem"))
    assert str(tmp_path / "absent.pem") not in settings.network.ca_bundles
