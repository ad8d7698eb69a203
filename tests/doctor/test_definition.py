"""The values of a connection: whether they are complete, and whether they come from one store."""

from __future__ import annotations

import pytest

from odhtec_jupyter.connections.connection import Connection
from odhtec_jupyter.settings import S3Connection
from tests.conftest import free_port
from tests.doctor.conftest import Examine

AMAZON_KEY = "AKIAIOSFODNN7EXAMPLE"
TEMPORARY_KEY = "ASIAIOSFODNN7EXAMPLE"
NOTHING = "The values of this connection do not contradict each other."


@pytest.fixture
def closed() -> str:
    """An endpoint that nothing is sent to."""
    return f"http://127.0.0.1:{free_port()}"


def test_broken_connection_is_reported_with_its_error(examine: Examine) -> None:
    found = examine(None, error="accessKeyId and secretAccessKey are missing.")
    assert found.line("definition") == ("failed", "accessKeyId and secretAccessKey are missing.")
    assert found.failed == ["definition"]
    assert {one.status for one in found.test.checks[1:]} == {"skipped"}


def test_missing_profile_is_reported(examine: Examine) -> None:
    found = examine(None, access_key_id=None, secret_access_key=None, profile="no-such-profile")
    assert found["definition"].status == "failed"
    assert "no-such-profile" in found["definition"].message


def test_values_of_one_store_are_accepted(examine: Examine, closed: str) -> None:
    same = {"AWS_S3_ENDPOINT": closed, "AWS_ENDPOINT_URL": f"{closed}/", "AWS_REGION": "eu-1"}
    assert examine(closed, environ=same, region="eu-1").line("environment") == ("ok", NOTHING)


def test_endpoints_of_two_stores_are_named_without_their_passwords(examine: Examine, closed: str) -> None:
    mixed = {"AWS_S3_ENDPOINT": closed, "AWS_ENDPOINT_URL": "https://user:HIDDEN@other.example.com:9000/x"}
    assert examine(closed, environ=mixed).line("environment") == (
        "warning",
        f"AWS_S3_ENDPOINT says {closed[7:]}, but AWS_ENDPOINT_URL says other.example.com:9000: two data connections can"
        " have been mixed. AWS_S3_ENDPOINT is used here; detach one of them, or remove AWS_ENDPOINT_URL.",
    )
    # The variables do not matter for what was changed in the settings, and for other connections.
    assert (
        examine(closed, environ={"AWS_S3_ENDPOINT": "https://a", "AWS_ENDPOINT_URL": "https://b"})["environment"].status
        == "ok"
    )
    assert examine(closed, environ=mixed, name="lab", source="mc")["environment"].status == "ok"


def test_two_regions_are_named(examine: Examine, closed: str) -> None:
    mixed = {"AWS_DEFAULT_REGION": "eu-1", "AWS_REGION": "us-1"}
    assert examine(closed, environ=mixed, region="eu-1").line("environment") == (
        "warning",
        "AWS_DEFAULT_REGION says eu-1, but AWS_REGION says us-1: two data connections can have been mixed."
        " AWS_DEFAULT_REGION is used here; detach one of them, or remove AWS_REGION.",
    )


def test_keys_of_amazon_with_another_endpoint_are_named(examine: Examine, closed: str) -> None:
    found = examine(closed, access_key_id=AMAZON_KEY, with_account=False)
    assert found.line("environment") == (
        "warning",
        f"The access key ID has the form of Amazon's (AKIA…), but the endpoint is {closed[7:]}: use the keys and the"
        " endpoint of the same store.",
    )
    assert AMAZON_KEY not in found.test.text


def test_session_token_of_other_keys_is_named(examine: Examine, closed: str) -> None:
    surplus = examine(closed, access_key_id=AMAZON_KEY, session_token="HIDDEN-token")["environment"].message
    assert "A session token is set beside a long-term access key ID (AKIA…), which has none" in surplus
    missing = examine(closed, access_key_id=TEMPORARY_KEY)["environment"].message
    assert "The access key ID is a temporary one (ASIA…), but there is no session token" in missing
    complete = examine(closed, access_key_id=TEMPORARY_KEY, session_token="HIDDEN-token")["environment"].message
    assert "session token" not in complete


def test_connection_with_the_same_keys_elsewhere_is_named(examine: Examine, closed: str) -> None:
    def other(name: str, endpoint: str, key: str = "key-id") -> Connection:
        return Connection(name, "prefixed", S3Connection(endpoint, access_key_id=key, secret_access_key="HIDDEN"))

    same = other("same", closed)
    foreign = other("foreign", "https://foreign.example.com", "another-key")
    assert examine(closed, others=(same, foreign)).line("environment") == ("ok", NOTHING)
    archive = other("archive", "https://archive.example.com")
    assert examine(closed, others=(same, foreign, archive)).line("environment") == (
        "warning",
        "The connection “archive” has the same access key ID, but the endpoint archive.example.com: check which of the"
        " two endpoints these keys belong to.",
    )
