"""Addresses of repositories are read as Hugging Face reads them."""

from __future__ import annotations

import pytest

from odhtec_jupyter.errors import BadRequest
from odhtec_jupyter.hub_address import HubAddress, parse_hub_address
from odhtec_jupyter.patterns import chooser

ENDPOINT = "https://mirror.local:8443/api/hf"
SHA = "0123456789abcdef0123456789abcdef01234567"

# The entered text; then repository, type, revision, path, and whether it is a file.
ADDRESSES = [
    ("org/name", "org/name", "model", "main", "", False),
    (" org/name/ ", "org/name", "model", "main", "", False),
    ("gpt2", "gpt2", "model", "main", "", False),
    ("org/tree", "org/tree", "model", "main", "", False),
    ("datasets/org/name", "org/name", "dataset", "main", "", False),
    ("datasets/squad", "squad", "dataset", "main", "", False),
    ("spaces/org/name", "org/name", "space", "main", "", False),
    ("org/name@v1", "org/name", "model", "v1", "", False),
    ("gpt2@v1", "gpt2", "model", "v1", "", False),
    ("org/name@refs/pr/12", "org/name", "model", "refs/pr/12", "", False),
    ("org/name/tree/v1", "org/name", "model", "v1", "", False),
    ("datasets/org/name/tree/v1/sub", "org/name", "dataset", "v1", "sub/", False),
    ("hf://org/name", "org/name", "model", "main", "", False),
    ("HF://org/name", "org/name", "model", "main", "", False),
    ("hf://models/org/name", "org/name", "model", "main", "", False),
    ("hf://datasets/org/name", "org/name", "dataset", "main", "", False),
    ("hf://spaces/org/name/app.py", "org/name", "space", "main", "app.py", False),
    ("hf://org/name@v1/sub/", "org/name", "model", "v1", "sub/", False),
    ("hf://org/name@feature%2Fx/a.txt", "org/name", "model", "feature/x", "a.txt", False),
    ("hf://org/name@refs/pr/12", "org/name", "model", "refs/pr/12", "", False),
    ("hf://org/name@refs/pr/12/a/b.txt", "org/name", "model", "refs/pr/12", "a/b.txt", False),
    ("hf://org/name@refs%2Fpr%2F12/a.txt", "org/name", "model", "refs/pr/12", "a.txt", False),
    (
        "hf://datasets/org/name@refs/convert/parquet/a.txt",
        "org/name",
        "dataset",
        "refs/convert/parquet",
        "a.txt",
        False,
    ),
    ("hf://org/name/file@1.txt", "org/name", "model", "main", "file@1.txt", False),
    ("https://huggingface.co/org/name", "org/name", "model", "main", "", False),
    ("https://huggingface.co/org/name/?library=x#files", "org/name", "model", "main", "", False),
    ("http://HuggingFace.co/org/name", "org/name", "model", "main", "", False),
    ("huggingface.co/org/name", "org/name", "model", "main", "", False),
    ("hf.co/datasets/org/name", "org/name", "dataset", "main", "", False),
    ("https://huggingface.co/gpt2/tree/main", "gpt2", "model", "main", "", False),
    ("https://huggingface.co/org/name/tree/v1", "org/name", "model", "v1", "", False),
    ("https://huggingface.co/org/name/tree/v1/a/b%20c", "org/name", "model", "v1", "a/b c/", False),
    ("https://huggingface.co/org/name/tree/refs%2Fpr%2F12/sub", "org/name", "model", "refs/pr/12", "sub/", False),
    ("https://huggingface.co/org/name/tree/refs/pr/12/sub", "org/name", "model", "refs/pr/12", "sub/", False),
    ("https://huggingface.co/org/name/blob/main/a/b.txt", "org/name", "model", "main", "a/b.txt", True),
    ("https://huggingface.co/org/name/resolve/v1/b%23.txt?download=true", "org/name", "model", "v1", "b#.txt", True),
    ("https://hf.co/datasets/org/name/raw/main/a.csv", "org/name", "dataset", "main", "a.csv", True),
    (f"https://huggingface.co/org/name/commit/{SHA}", "org/name", "model", SHA, "", False),
    ("https://mirror.local:8443/api/hf/org/name/tree/v1/sub", "org/name", "model", "v1", "sub/", False),
    ("mirror.local:8443/api/hf/datasets/org/name", "org/name", "dataset", "main", "", False),
]


@pytest.mark.parametrize(("text", "repo", "repo_type", "revision", "path", "is_file"), ADDRESSES)
def test_address_means_a_repository_and_files_of_it(
    text: str, repo: str, repo_type: str, revision: str, path: str, is_file: bool
) -> None:
    found = parse_hub_address(text, "model", "main", ENDPOINT)
    assert (found.repo, found.repo_type, found.revision, found.path, found.is_file) == (
        repo,
        repo_type,
        revision,
        path,
        is_file,
    )


def test_huggingface_hub_reads_addresses_alike() -> None:
    import huggingface_hub.utils as utils

    parse = getattr(utils, "parse_hf_uri", None)
    if parse is None:
        pytest.skip("this version of huggingface_hub has no parser of its own")
    compared = 0
    for text, repo, repo_type, revision, path, _ in ADDRESSES:
        if (
            text.startswith(("hf://", "https://h", "huggingface.co", "hf.co"))
            and "/" in repo
            and "/commit/" not in text
        ):
            theirs = parse(text)
            assert (theirs.id, theirs.type, theirs.revision or "main", theirs.path_in_repo.rstrip("/")) == (
                repo,
                repo_type,
                revision,
                path.rstrip("/"),
            ), text
            compared += 1
    assert compared > 20


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("https://github.com/org/name", "github.com is not the configured hub"),
        ("github.com/org/name", "github.com is not the configured hub"),
        ("https://user:secret@evil.example:99/org/name", "evil.example:99 is not the configured hub"),
        ("https://huggingface.co.evil.example/org/name", "is not the configured hub"),
        ("https://mirror.local/api/hf/org/name", "mirror.local is not the configured hub"),
        (
            "https://mirror.local:8443/ui/org/name",
            "does not belong to the configured hub, https://mirror.local:8443/api/hf",
        ),
        ("s3://org/name", "s3:// is not supported"),
        ("https://huggingface.co/", "not the address of a repository"),
        ("https://huggingface.co/docs/hub", "not the address of a repository"),
        ("https://huggingface.co/org/name/discussions/1", "not the address of a repository"),
        ("https://[huggingface.co/org", "not the address of a repository"),
        ("hf://buckets/org/name", "buckets of Hugging Face are not supported"),
        ("hf://", "the repository is missing"),
        ("hf://org/name@", "the revision after @ is missing"),
    ],
)
def test_address_that_is_not_a_repository_of_the_hub_is_refused(text: str, words: str) -> None:
    with pytest.raises(BadRequest, match=words) as refused:
        parse_hub_address(text, "model", "main", ENDPOINT)
    assert "secret" not in str(refused.value)


def test_missing_parts_of_an_address_are_taken_from_the_request() -> None:
    assert parse_hub_address("hf://org/name", "dataset", "v2", ENDPOINT) == HubAddress("org/name", "dataset", "v2")
    assert parse_hub_address("hf://models/org/name@v1", "dataset", "v2", ENDPOINT) == HubAddress(
        "org/name", "model", "v1"
    )


def kept(text: str, include: list[str] | None = None, exclude: list[str] | None = None) -> list[str]:
    files = ["a.txt", "sub", "sub/a.txt", "sub/b.bin", "sub/deep/c.txt", "subway.txt", "s[1]/x", "s1/x"]
    address = parse_hub_address(text, "model", "main", ENDPOINT)
    return list(filter(chooser(address.choice(include), address.left_out(exclude)), files))


def test_folder_or_file_of_an_address_chooses_the_files() -> None:
    page = "https://huggingface.co/org/name"
    below = ["sub/a.txt", "sub/b.bin", "sub/deep/c.txt"]
    assert len(kept("org/name")) == 8
    assert kept("org/name", ["*.bin"]) == ["sub/b.bin"]
    assert kept(f"{page}/tree/main/sub") == kept("hf://org/name/sub/") == below
    assert kept("hf://org/name/sub") == ["sub", *below]
    assert kept(f"{page}/blob/main/sub/a.txt") == kept("hf://org/name/sub/a.txt") == ["sub/a.txt"]
    assert kept(f"{page}/tree/main/s%5B1%5D") == ["s[1]/x"]
    assert kept(f"{page}/tree/main/sub", ["*.txt"]) == ["sub/a.txt", "sub/deep/c.txt"]
    assert kept(f"{page}/tree/main/sub", ["sub/a.txt"]) == ["sub/a.txt"]
    assert kept(f"{page}/tree/main/sub", exclude=["a.txt"]) == ["sub/b.bin", "sub/deep/c.txt"]
    assert kept(f"{page}/tree/main/sub", exclude=["sub/b.bin", "deep/"]) == ["sub/a.txt"]
    assert kept("org/name", exclude=["sub/"]) == ["a.txt", "sub", "subway.txt", "s[1]/x", "s1/x"]
    with pytest.raises(BadRequest, match="already names a file"):
        kept(f"{page}/blob/main/sub/a.txt", ["*"])
