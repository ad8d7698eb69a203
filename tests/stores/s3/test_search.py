"""Steps of searches and counts: each match is found once, and each step ends."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from itertools import chain
from typing import TYPE_CHECKING, Any

import pytest

from odhtec_jupyter.errors import OdhTecError
from odhtec_jupyter.stores.s3.search import Search
from odhtec_jupyter.stores.s3.store import S3Store
from odhtec_jupyter.stores.s3.wire.list_page import ListPage
from odhtec_jupyter.stores.step import Step
from tests.scripted_store import Answer, ScriptedStore, in_order, listing
from tests.stores.s3.awkward import PREFIXES

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def search_all(
    store: S3Store, search: Search, max_keys: int, step: Callable[[], Step] = Step
) -> tuple[list[str], int, list[int]]:
    """Return all found names, the number of scanned entries, and the number of names in each reply."""
    found: list[str] = []
    sizes: list[int] = []
    scanned, token = 0, None
    while True:
        page = store.search(search, max_keys=max_keys, token=token, step=step())
        hits = [one.Key for one in page.objects] + [one.Prefix for one in page.prefixes]
        found, token = found + hits, page.next_continuation_token
        sizes.append(len(hits))
        scanned += page.scanned or 0
        assert page.is_truncated == (token is not None)
        if token is None:
            return found, scanned, sizes


@pytest.fixture
def one_page_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("odhtec_jupyter.stores.step.STEP_SECONDS", 0.0)


NAMES = list(chain.from_iterable((f"{n:03}-Match.txt", f"{n:03}-other", f"dir{n:03}/Match") for n in range(7)))


@pytest.mark.parametrize("max_keys", [1, 3, 13, 14, 15, 1000])
def test_each_match_is_found_once_for_every_page_size(script: Callable[[Answer], ScriptedStore], max_keys: int) -> None:
    scripted = script(in_order(sorted(NAMES)))
    for recursive, q in ((True, "match"), (True, "*MATCH*")):
        search = Search("b", "", q, "glob" if "*" in q else "contains", recursive)
        found, scanned, sizes = search_all(scripted.store, search, max_keys)
        assert found == sorted(name for name in NAMES if "Match" in name)
        assert scanned == len(NAMES)
        assert max(sizes) <= max_keys
        assert set(sizes[:-1]) <= {max_keys}


@pytest.mark.parametrize("max_keys", [1, 5, 1000])
@pytest.mark.usefixtures("one_page_a_step")
def test_all_matches_are_found_in_a_store_with_another_order(
    script: Callable[[Answer], ScriptedStore], max_keys: int
) -> None:
    for order in (list(reversed(NAMES)), sorted(NAMES, key=lambda name: name[-4:])):
        scripted = script(in_order(order))
        found, scanned, sizes = search_all(scripted.store, Search("b", "", "match", "contains", True), max_keys)
        assert found == [name for name in order if "Match" in name]
        assert (scanned, max(sizes) <= max_keys) == (len(order), True)


def test_all_matches_are_found_in_a_store_that_returns_more_than_max_keys(
    script: Callable[[Answer], ScriptedStore],
) -> None:
    scripted = script(lambda _: listing(*NAMES))
    found, scanned, _ = search_all(scripted.store, Search("b", "", "match", "contains", True), 5)
    assert (sorted(found), scanned) == (sorted(name for name in NAMES if "Match" in name), len(NAMES))


def test_step_ends_with_its_page_when_the_client_disconnects(script: Callable[[Answer], ScriptedStore]) -> None:

    class DisconnectsAfter:
        def __init__(self, after: int) -> None:
            self.left = after

        def is_set(self) -> bool:
            self.left -= 1
            return self.left <= 0

    pages = iter(range(10**9))
    scripted = script(lambda _: listing("a", token=f"page {next(pages)}"))
    disconnected: Any = DisconnectsAfter(3)
    page = scripted.store.search(
        Search("b", "", "z", "contains", True), max_keys=1, token=None, step=Step(disconnected)
    )
    assert (page.scanned, page.next_continuation_token, page.is_truncated) == (3, "page 2", True)
    disconnected = DisconnectsAfter(2)
    usage = scripted.store.usage("b", "", token="page 2", step=Step(disconnected))
    assert (usage.objects, usage.bytes, usage.next_continuation_token) == (2, 2, "page 4")


@pytest.mark.usefixtures("one_page_a_step")
def test_step_reads_at_least_one_page(script: Callable[[Answer], ScriptedStore]) -> None:
    scripted = script(in_order([f"{number:05}" for number in range(2500)]))
    assert search_all(scripted.store, Search("b", "", "02499", "contains", True), 10) == (["02499"], 2500, [0, 0, 1])


def names_found(store: S3Store, bucket: str, prefix: str, q: str, mode: str, recursive: bool) -> list[str]:
    return sorted(search_all(store, Search(bucket, prefix, q, mode, recursive), 2)[0])


def test_search_modes_match_as_described(store: S3Store, s3_client: S3Client, bucket: str) -> None:
    """``prefix`` is a search of S3 itself. ``q`` can be any text."""
    nfd = unicodedata.normalize("NFD", "Café")
    stored = [
        "Data",
        "data-1.csv",
        "data/",
        "data/Sub/Deep Data.txt",
        "data/x",
        f"d/{nfd}/a.TXT",
        "d/日本 [1].txt",
        "e/d",
    ]
    for key in stored:
        s3_client.put_object(Bucket=bucket, Key=key, Body=b"")

    def check(prefix: str, q: str, mode: str, recursive: bool, *expected: str) -> None:
        assert names_found(store, bucket, prefix, q, mode, recursive) == sorted(expected), (prefix, q, mode, recursive)

    check("", "da", "prefix", False, "data-1.csv", "data/")
    check("", "Da", "prefix", False, "Data")
    check("", "da", "prefix", True, "data-1.csv", "data/", "data/Sub/Deep Data.txt", "data/x")
    check("data/", "S", "prefix", False, "data/Sub/")
    check("data/", "S", "prefix", True, "data/Sub/Deep Data.txt")
    check("", "k" * 1024, "prefix", False)
    check("d/", "k" * 1024, "prefix", True)
    check("", "dAt", "contains", False, "Data", "data-1.csv", "data/")
    check("", "data/", "contains", False, "data/")
    check("", "p d", "contains", False)
    check("", "p d", "contains", True, "data/Sub/Deep Data.txt")
    check("data/", "data", "contains", True, "data/Sub/Deep Data.txt")  # the prefix itself is not a match
    check("d/", "CAFÉ", "contains", False, f"d/{nfd}/")
    check("d/", nfd, "contains", True, f"d/{nfd}/a.TXT")
    check("", "本 [1]", "contains", True, "d/日本 [1].txt")
    check("", "*.txt", "glob", True, "data/Sub/Deep Data.txt", f"d/{nfd}/a.TXT", "d/日本 [1].txt")
    check("", "*.txt", "glob", False)
    check("", "d*", "glob", False, "Data", "data-1.csv", "data/", "d/")
    check("", "*/", "glob", False, "d/", "data/", "e/")
    check("", "?", "glob", False, "d/", "e/")
    check("data/", "sub/", "glob", True, "data/Sub/Deep Data.txt")
    check("d/", "caf?", "glob", False, f"d/{nfd}/")
    check("d/", "??[ ][[]1].*", "glob", True, "d/日本 [1].txt")
    check("", "", "contains", True, *stored)
    check("data/", "", "glob", True)


def test_every_pattern_is_valid_and_fast() -> None:
    page = ListPage(listing("a" * 1024, "[", "\\", "é").encode())
    for q in ("*a" * 500 + "b", "[" * 1024, "[!]", "[z-a]", "[]", "\\", "**?**", "\x00", "[é-a]", "(?P<", "{1,2}", "/"):
        search = Search("b", "", q, "glob", True)
        assert set(search.hits(page)) <= set(page.keys)


def test_count_in_steps_is_complete(
    store: S3Store, bucket: str, keys: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("odhtec_jupyter.stores.step.STEP_SECONDS", 0.0)
    for prefix in PREFIXES:
        usage = store.usage(bucket, prefix, token=None, step=Step())
        sizes = [number for number, key in enumerate(keys) if key.startswith(prefix)]
        assert (usage.objects, usage.bytes, usage.is_truncated) == (len(sizes), sum(sizes), False), prefix
    with pytest.raises(OdhTecError) as missing:
        store.usage(f"{bucket}-not", "", token=None, step=Step())
    assert missing.value.code == "NoSuchBucket"
