"""The policy: its settings, and what its patterns match."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from traitlets.config import Config

from odhtec_jupyter.errors import BadRequest, PolicyDenied
from odhtec_jupyter.policy import Policy
from odhtec_jupyter.settings import OdhTecSettings
from tests.conftest import Env


def denies(check: Callable[..., None], *values: Any) -> bool:
    """Return whether a check of the policy raises. Its message must name the trait and the administrator."""
    refused: PolicyDenied | None = None
    try:
        check(*values)
    except PolicyDenied as error:
        refused = error
    if refused is None:
        return False
    assert (refused.status, refused.code, refused.transient) == (403, "PolicyDenied", False)
    assert " is not allowed here (policy: " in str(refused)
    assert str(refused).endswith("). Ask the administrator.")
    return True


def test_default_policy_allows_everything(with_env: Env) -> None:
    policy = with_env().policy
    assert policy == Policy()
    assert with_env().network.policy == policy
    for check, *values in (
        (policy.require_write,),
        (policy.require_endpoint, "http://any.host:1"),
        (policy.require_endpoint, None),
        (policy.require_bucket, "any", "arn:aws:s3:::x"),
        (policy.require_presign, "PUT", 604800),
        (policy.require_size, 5 * 1024**4),
        (policy.require_user_connections,),
        (policy.require_settings_changes,),
        (policy.require_hub_repo, "any/name"),
    ):
        assert not denies(check, *values), check


def test_environment_sets_each_trait_and_the_configuration_overrides_it(with_env: Env) -> None:
    settings = with_env(
        ODHTEC_READ_ONLY="true",
        ODHTEC_ALLOWED_ENDPOINTS="s3.example.com, https://*.example.org:9000",
        ODHTEC_ALLOWED_BUCKETS="default@team-*,public",
        ODHTEC_ALLOW_USER_CONNECTIONS="no",
        ODHTEC_ALLOW_PRESIGN="0",
        ODHTEC_PRESIGN_MAX_SECONDS="60",
        ODHTEC_ALLOW_SETTINGS_CHANGES="off",
        ODHTEC_ALLOWED_HUB_REPOS="org/*",
        ODHTEC_MAX_OBJECT_BYTES="1000",
    )
    assert settings.policy == Policy(
        read_only=True,
        allowed_endpoints=("s3.example.com", "https://*.example.org:9000"),
        allowed_buckets=("default@team-*", "public"),
        allow_user_connections=False,
        allow_presign=False,
        presign_max_seconds=60,
        allow_settings_changes=False,
        allowed_hub_repos=("org/*",),
        max_object_bytes=1000,
    )
    configured = OdhTecSettings(config=Config({"OdhTecSettings": {"read_only": False, "max_object_bytes": 7}}))
    assert (configured.policy.read_only, configured.policy.max_object_bytes) == (False, 7)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ODHTEC_READ_ONLY", "yess"),
        ("ODHTEC_ALLOW_PRESIGN", "2"),
        ("ODHTEC_MAX_OBJECT_BYTES", "5GB"),
        ("ODHTEC_MAX_OBJECT_BYTES", "-1"),
        ("ODHTEC_PRESIGN_MAX_SECONDS", "0"),
        ("ODHTEC_PRESIGN_MAX_SECONDS", "604801"),
        ("ODHTEC_ALLOWED_ENDPOINTS", "ftp://s3.example.com"),
        ("ODHTEC_ALLOWED_ENDPOINTS", "s3.example.com/path"),
        ("ODHTEC_ALLOWED_ENDPOINTS", "https://user@s3.example.com"),
        ("ODHTEC_ALLOWED_BUCKETS", "bucket/key"),
        ("ODHTEC_ALLOWED_BUCKETS", "name@"),
        ("ODHTEC_ALLOWED_BUCKETS", "@bucket"),
        ("ODHTEC_ALLOWED_BUCKETS", "a@b@c"),
        ("ODHTEC_ALLOWED_HUB_REPOS", "hf://org/name"),
        ("ODHTEC_ALLOWED_HUB_REPOS", "org/name@main"),
    ],
)
def test_mistyped_rule_is_an_error_and_not_the_default(with_env: Env, variable: str, value: str) -> None:
    with pytest.raises(BadRequest):
        _ = with_env(**{variable: value}).policy


def test_traits_that_change_later_do_not_change_the_policy(with_env: Env) -> None:
    settings = with_env(ODHTEC_READ_ONLY="true")
    assert settings.policy.read_only
    settings.read_only = False
    assert settings.policy.read_only
    assert settings.network.policy.read_only


ENDPOINTS = [
    # pattern, allowed endpoints, denied endpoints
    (
        "s3.example.com",
        [
            "https://s3.example.com",
            "http://s3.example.com",
            "https://S3.Example.COM",
            "https://s3.example.com.",
            "https://s3.example.com:9000",
            "https://s3.example.com/",
        ],
        [
            "https://s3.example.com/bucket",
            "https://bucket.s3.example.com",
            "https://evil.com/s3.example.com",
            "https://evil.com:443/s3.example.com",
            "https://s3.example.com@evil.com",
            "https://user:s3.example.com@evil.com",
            "https://evil.com\\@s3.example.com",
            "https://s3.example.com\\.evil.com",
            "https://s3.example.com.evil.com",
            "https://evil-s3.example.com",
            "https://xs3.example.com",
            "https://evil.com#s3.example.com",
            "https://evil.com?s3.example.com",
            "https://[s3.example.com]",
            "https://s3.example.com%2eevil.com",
            "https://s3。example。com",
            "ftp://s3.example.com",
            "s3.example.com",
            "https://",
            "https://s3.example.com:99999",
            None,
        ],
    ),
    (
        "*.Example.com",
        ["https://a.example.com", "https://a.b.example.com"],
        ["https://example.com", "https://a.example.com.evil.com", "https://evil.com/a.example.com"],
    ),
    ("s3.example.com:9000", ["http://s3.example.com:9000"], ["https://s3.example.com", "http://s3.example.com:9001"]),
    (
        "https://s3.example.com",
        ["https://s3.example.com", "https://s3.example.com:443"],
        [
            "https://s3.example.com/any",
            "http://s3.example.com",
            "https://s3.example.com:8443",
            "http://s3.example.com:443",
        ],
    ),
    ("https://s3.example.com:*", ["https://s3.example.com:8443"], ["http://s3.example.com:8443"]),
    (
        "https://s3.hf.co/team-*",
        ["https://s3.hf.co/team-a", "https://s3.hf.co/team-a/"],
        [
            "https://s3.hf.co",
            "https://s3.hf.co/other",
            "https://s3.hf.co/team-a/bucket",
            "https://s3.hf.co//team-a",
            "https://s3.hf.co/x/team-a",
            "https://s3.hf.co/team-a/../other",
            "https://s3.hf.co/team-a/%2e%2e/other",
            "https://s3.hf.co/Team-a",
        ],
    ),
    ("s3.amazonaws.com", [None, "https://s3.amazonaws.com"], ["https://s3.eu-west-1.amazonaws.com"]),
    ("s3.*.amazonaws.com", ["https://s3.eu-west-1.amazonaws.com"], [None, "https://x.execute-api.amazonaws.com"]),
    ("[::1]:9000", ["http://[::1]:9000"], ["http://[::1]", "http://[::2]:9000", "http://1:9000"]),
    ("127.0.0.1", ["http://127.0.0.1:1"], ["http://127.1:1", "http://2130706433", "http://127.0.0.10"]),
]


@pytest.mark.parametrize(("pattern", "allowed", "denied"), ENDPOINTS, ids=[one[0] for one in ENDPOINTS])
def test_pattern_for_endpoints_matches_the_host_that_is_connected_to(
    pattern: str, allowed: list[str | None], denied: list[str | None]
) -> None:
    check = Policy(allowed_endpoints=("other.host", pattern)).require_endpoint
    assert [endpoint for endpoint in allowed if denies(check, endpoint)] == []
    assert [endpoint for endpoint in denied if not denies(check, endpoint)] == []


def test_message_about_an_endpoint_has_no_password() -> None:
    with pytest.raises(PolicyDenied) as refused:
        Policy(allowed_endpoints=("x",)).require_endpoint("https://user:secret@evil.com/path")
    assert "evil.com" in str(refused.value)
    assert "secret" not in str(refused.value)


BUCKETS = [
    ("default@data", [("", "data"), ("default", "data")], [("other", "data"), ("", "data2"), ("", "Data")]),
    ("data", [("", "data"), ("other", "data")], [("", "xdata")]),
    ("team@*", [("team", "any")], [("", "any"), ("team2", "any"), ("Team", "any")]),
    ("team-*@data-*", [("team-a", "data-1")], [("team-a", "x"), ("x", "data-1")]),
    ("*", [("", "any"), ("any", "any")], []),
    (
        "team-*",
        [("", "team-a")],
        [
            ("", ""),
            ("", "team-a/../other"),
            ("", "other/team-a"),
            ("", "x@team-a"),
            ("", "team-a\n"),
            ("", "arn:aws:s3:us-east-1:1:accesspoint:team-a"),
        ],
    ),
    ("*a", [("", "a")], [("", "arn:aws:s3:us-east-1:1:accesspoint:a"), ("", "tenant:a"), ("", "b/a")]),
    ("*e*t", [("default", "bucket-t-e-t")], [("default", "x")]),
    ("arn:aws:s3:*:accesspoint:a", [("", "arn:aws:s3:us-east-1:1:accesspoint:a")], [("", "a")]),
]


@pytest.mark.parametrize(("pattern", "allowed", "denied"), BUCKETS, ids=[one[0] for one in BUCKETS])
def test_pattern_for_buckets_matches_connection_and_bucket_apart(
    pattern: str, allowed: list[tuple[str, str]], denied: list[tuple[str, str]]
) -> None:
    policy = Policy(allowed_buckets=("other@other", pattern))
    assert [bucket for bucket in allowed if denies(policy.require_bucket, *bucket)] == []
    assert [bucket for bucket in denied if not denies(policy.require_bucket, *bucket)] == []


def test_name_that_a_user_has_chosen_gives_access_to_no_bucket() -> None:
    policy = Policy(allowed_buckets=("team@data", "*@shared", "public")).for_user_names()
    assert denies(policy.require_bucket, "team", "data")
    assert not denies(policy.require_bucket, "team", "shared")
    assert not denies(policy.require_bucket, "any", "public")
    none = Policy(allowed_buckets=("team@*",)).for_user_names()
    assert denies(none.require_bucket, "team", "data")
    assert denies(none.require_bucket, "team", "@")
    assert Policy().for_user_names() == Policy()


def test_bucket_in_the_path_of_an_endpoint_is_denied() -> None:
    # The bucket of a request would only be the beginning of a key there.
    policy = Policy(allowed_buckets=("public",))
    assert denies(policy.require_endpoint, "https://s3.example.com/secret")
    assert denies(policy.require_endpoint, "https://[")
    assert not denies(policy.require_endpoint, "https://s3.example.com/")
    assert not denies(policy.require_endpoint, None)
    named = Policy(allowed_buckets=("public",), allowed_endpoints=("https://s3.hf.co/team",))
    assert not denies(named.require_endpoint, "https://s3.hf.co/team")
    assert denies(named.require_endpoint, "https://s3.hf.co/team/secret")


REPOS = [
    ("org/*", ["org/name"], ["Org/name", "other/org", "datasets/org/name", "spaces/org/name", "org2/name"]),
    ("datasets/org/name", ["datasets/org/name"], ["org/name", "spaces/org/name", "datasets/org/name2"]),
    ("datasets/*", ["datasets/squad", "datasets/org/name"], ["org/name"]),
    ("*", ["org/name", "gpt2"], ["datasets/org/name", "spaces/org/name"]),
    ("*/name", ["org/name"], ["datasets/org/name", "datasets/name"]),
]


@pytest.mark.parametrize(("pattern", "allowed", "denied"), REPOS, ids=[one[0] for one in REPOS])
def test_pattern_for_repositories_matches_one_type(pattern: str, allowed: list[str], denied: list[str]) -> None:
    check = Policy(allowed_hub_repos=("x/y", pattern)).require_hub_repo
    assert [name for name in allowed if denies(check, name)] == []
    assert [name for name in denied if not denies(check, name)] == []


def test_links_are_limited_by_time_and_by_what_cannot_be_checked() -> None:
    assert denies(Policy(allow_presign=False).require_presign, "GET", 1)
    limited = Policy(presign_max_seconds=60)
    assert not denies(limited.require_presign, "GET", 60)
    assert denies(limited.require_presign, "GET", 61)
    sized = Policy(max_object_bytes=10)
    assert not denies(sized.require_presign, "GET", 60)
    assert denies(sized.require_presign, "PUT", 60)
    assert not denies(sized.require_size, 10)
    assert not denies(sized.require_size, None)
    assert denies(sized.require_size, 11)
