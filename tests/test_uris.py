"""URIs: names of connections in them, and keys that are pasted there by mistake."""

from __future__ import annotations

import pytest

from odhtec_jupyter.errors import BadRequest
from odhtec_jupyter.uris import S3Uri, parse_uri


@pytest.mark.parametrize(
    ("text", "uri"),
    [
        ("s3://bucket/a/b", S3Uri("bucket", "a/b")),
        ("s3://archive@bucket/a/b", S3Uri("bucket", "a/b", "archive")),
        ("s3://My_archive-2@bucket", S3Uri("bucket", "", "My_archive-2")),
        ("s3://default@bucket/a", S3Uri("bucket", "a")),
        ("s3://bucket/a@b/c:d", S3Uri("bucket", "a@b/c:d")),
        ("s3://archive@bucket/a@b:c", S3Uri("bucket", "a@b:c", "archive")),
    ],
)
def test_uri_names_a_connection_before_the_bucket(text: str, uri: S3Uri) -> None:
    assert parse_uri(text, "uri") == uri
    assert parse_uri(str(uri), "uri") == uri


def test_paths_of_a_uri_stay_on_its_connection() -> None:
    uri = S3Uri("bucket", "a/", "archive")
    assert str(uri.below("b")) == "s3://archive@bucket/a/b"
    assert str(uri.with_path("c")) == "s3://archive@bucket/c"


def test_uri_without_a_name_is_on_the_given_connection() -> None:
    assert parse_uri("s3://b/k", "uri", "archive") == S3Uri("b", "k", "archive")
    assert parse_uri("s3://lab@b/k", "uri", "archive") == S3Uri("b", "k", "lab")
    assert parse_uri("s3://default@b/k", "uri", "archive") == S3Uri("b", "k")
    assert parse_uri("s3://b/k", "uri", "default") == S3Uri("b", "k")


@pytest.mark.parametrize("text", ["s3://AKIA:HIDDEN@bucket/key", "s3://AKIA:HIDDEN@/key", "s3://a:HID@DEN@bucket/key"])
def test_keys_in_a_uri_are_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(BadRequest, match="source: keys must not be in a URI") as refused:
        parse_uri(text, "source")
    assert "HIDDEN" not in str(refused.value)
    assert "AKIA" not in str(refused.value)


@pytest.mark.parametrize("name", ["", "a b", "a.b", "-a", "a" * 65, "a@b", "é"])
def test_name_that_no_connection_can_have_is_refused(name: str) -> None:
    with pytest.raises(BadRequest, match="source: the part before @ is not the name of a connection"):
        parse_uri(f"s3://{name}@bucket/key", "source")


def test_bucket_must_follow_the_name() -> None:
    with pytest.raises(BadRequest, match="the bucket is missing"):
        parse_uri("s3://archive@/key", "source")
