"""Searching ``/objects`` by following the tokens, as the panel does, on each S3 server."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from odhtec_jupyter.keys import encode_key
from tests.marks import on_moto
from tests.scripted_store import ScriptedStore, in_order, listing
from tests.waiting import GIVE_UP_SECONDS

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MANY_KEYS = Path(__file__).resolve().parents[2] / "benchmarks" / "many_keys.py"


async def search(api: Any, bucket: str, prefix: str = "", **query: Any) -> tuple[list[str], int, list[int]]:
    """Return all matches, the number of scanned entries, and the number of matches in each reply."""
    params = {name: str(value) for name, value in query.items()}
    below = (encode_key(prefix),) if prefix else ()
    found: list[str] = []
    sizes: list[int] = []
    scanned = 0
    while True:
        page = await api.ok("GET", "objects", bucket, *below, params=params)
        assert page["isTruncated"] == (page["nextContinuationToken"] is not None)
        names = [entry["Key"] for entry in page["objects"]] + [entry["Prefix"] for entry in page["prefixes"]]
        found += names
        sizes.append(len(names))
        scanned += page["scanned"]
        if not page["isTruncated"]:
            return found, scanned, sizes
        params["continuationToken"] = page["nextContinuationToken"]


@pytest.fixture
def crowd(s3_client: S3Client, bucket: str) -> Iterator[list[str]]:
    """Store 1500 objects, of which 1200 match "report"."""
    keys = [f"all/{number:04}{'-Report' if number % 5 else ''}.csv" for number in range(1500)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: s3_client.put_object(Bucket=bucket, Key=key, Body=b"xy"), keys))
    yield keys
    for start in range(0, len(keys), 1000):
        listed: Any = [{"Key": key} for key in keys[start : start + 1000]]
        s3_client.delete_objects(Bucket=bucket, Delete={"Objects": listed})


async def test_matches_on_several_pages_are_found_once(api: Any, bucket: str, crowd: list[str]) -> None:
    """Each page is scanned once, and a prefix is a search of S3 itself."""
    matches = [key for key in crowd if "Report" in key]
    assert len(matches) == 1200
    found, scanned, sizes = await search(api, bucket, "all/", q="report", mode="contains", maxKeys=100)
    assert (found, scanned) == (matches, 1500)
    assert max(sizes) <= 100
    found, scanned, _ = await search(api, bucket, q="*/1[0-4]*-report.csv", mode="glob", recursive="true", maxKeys=90)
    assert (found, scanned) == ([key for key in matches if key[4] == "1"], 1500)
    # Matches on later pages are found without scanning the pages before.
    found, scanned, _ = await search(api, bucket, "all/", q="14", mode="prefix", maxKeys=30)
    assert (found, scanned) == ([key for key in crowd if key.startswith("all/14")], 100)
    # Usage counts all objects over several replies.
    params = {"prefix": encode_key("all/1")}
    usage = await api.ok("GET", "usage", bucket, params=params)
    while usage["isTruncated"]:
        params["continuationToken"] = usage["nextContinuationToken"]
        more = await api.ok("GET", "usage", bucket, params=params)
        usage = {name: usage[name] + more[name] if name in {"objects", "bytes"} else more[name] for name in usage}
    assert usage == {"objects": 500, "bytes": 1000, "nextContinuationToken": None, "isTruncated": False}


@on_moto
async def test_thread_switch_interval_is_short_while_the_server_runs(api: Any, jp_serverapp: Any) -> None:
    """``benchmarks/run listing`` measures the effect."""
    assert sys.getswitchinterval() == pytest.approx(0.001)
    await jp_serverapp.extension_manager.stop_all_extensions()
    assert sys.getswitchinterval() == pytest.approx(0.005)


NAMES = [
    "日本/ + %2F&.txt",
    "日本/😀/é",
    "..",
    "a/../b..c",
    " lead",
    "tail ",
    "x//y",
    "Плюс+.md",
    "a\\b?*[c]",
    "straße",
]
CONTROL = ["q\x01a", "q\x01b", "tab\tend", "q\x7f"]


async def test_search_text_is_taken_literally(api: Any, s3_server: Any, s3_client: S3Client, bucket: str) -> None:
    """In any alphabet, with blanks and control characters."""
    names = NAMES + ([] if s3_server.name == "moto" else CONTROL)
    for name in names:
        s3_client.put_object(Bucket=bucket, Key=name, Body=b"")
    wanted = [
        "+",
        "%2F",
        "/ +",
        "😀",
        "..",
        " ",
        "  ",
        "//",
        "é",
        "?*[",
        "ПЛЮС",
        "STRASSE",
        "\x01",
        "\t",
        "\x7f",
        "q\x01",
    ]
    for q in wanted:
        found, scanned, _ = await search(api, bucket, q=q, mode="contains", recursive="true", maxKeys=1)
        assert sorted(found) == sorted(name for name in names if q.casefold() in name.casefold()), repr(q)
        assert scanned == len(names)
    for q in [*NAMES, "q\x01", "\x00", "a/../"]:
        found, _, _ = await search(api, bucket, q=q, mode="prefix", recursive="true", maxKeys=1)
        assert sorted(found) == sorted(name for name in names if name.startswith(q)), repr(q)
    found, _, _ = await search(api, bucket, "日本/", q="😀", mode="contains")
    assert found == ["日本/😀/"]


@on_moto
async def test_listing_without_a_query_ignores_search_parameters(api: Any, s3_client: S3Client, bucket: str) -> None:
    for key in ("Data", "data/a", "data/b"):
        s3_client.put_object(Bucket=bucket, Key=key, Body=b"")
    page = await api.ok("GET", "objects", bucket, params={"mode": "glob", "recursive": "true"})
    assert page["scanned"] is None
    assert ([o["Key"] for o in page["objects"]], [p["Prefix"] for p in page["prefixes"]]) == (["Data"], ["data/"])
    # An empty text is part of every name, so it lists all objects.
    found, scanned, _ = await search(api, bucket, q="", recursive="true", maxKeys=2)
    assert (found, scanned) == (["Data", "data/a", "data/b"], 3)


@on_moto
async def test_invalid_search_is_400_naming_the_field(api: Any, bucket: str) -> None:
    for params, field in (
        ({"q": "é" * 513}, "q"),
        ({"q": "a", "mode": "regex"}, "mode"),
        ({"q": "a", "recursive": "maybe"}, "recursive"),
        ({"q": "a", "maxKeys": "0"}, "maxKeys"),
    ):
        assert (await api.refused(400, "GET", "objects", bucket, params=params))["message"].startswith(field)
    await api.ok("GET", "objects", bucket, params={"q": "é" * 512, "mode": "contains"})
    for target in (f"objects/{bucket}?q=%FF", f"objects/{bucket}?q=%ED%A0%80", f"usage/{bucket}?continuationToken=%FF"):
        reader, writer = await api.raw("GET", target, {"Connection": "close"})
        assert (await reader.readline()).split()[1] == b"400", target
        writer.close()
    await api.refused(404, "GET", "objects", f"{bucket}-not", params={"q": "a", "mode": "contains"})


@on_moto
async def test_bucket_with_the_name_of_a_route_is_searched(api: Any, s3_client: S3Client) -> None:
    for name in (
        "usage",
        "multiple",
        "folder",
        "upload",
        "import-hf",
        "import-model-progress",
        "double--hyphen",
        "d.o.t",
    ):
        s3_client.create_bucket(Bucket=name)
        s3_client.put_object(Bucket=name, Key="dir/Found.txt", Body=b"12")
        found, _, _ = await search(api, name, q="found", mode="contains", recursive="true")
        assert found == ["dir/Found.txt"], name
        found, _, _ = await search(api, name, "dir/", q="f*", mode="glob")
        assert found == ["dir/Found.txt"], name
        assert (await api.ok("GET", "usage", name))["bytes"] == 2


@on_moto
async def test_repeated_searches_are_not_refused(api: Any, bucket: str) -> None:
    for number in range(30):
        await api.ok("GET", "objects", bucket, params={"q": f"{number}", "mode": "contains"})


def connect(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    monkeypatch.setenv("AWS_S3_ENDPOINT", endpoint)


@on_moto
async def test_continuation_token_is_passed_through_unchanged(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """With thousands of characters in several alphabets."""
    keys = [f"key {number}" for number in range(5)]
    with ScriptedStore(in_order(keys, wordy=True)) as scripted:
        connect(monkeypatch, scripted.endpoint)
        found, scanned, sizes = await search(api, "b", q="K", mode="contains", recursive="true", maxKeys=2)
        assert (found, scanned, sizes) == (keys, 5, [2, 2, 1])
    tokens = {query["continuation-token"] for query in scripted.queries if "continuation-token" in query}
    assert {len(token) > 2000 for token in tokens} == {True}


@on_moto
async def test_search_ends_when_client_disconnects(
    api: Any, monkeypatch: pytest.MonkeyPatch, eventually: Callable[[Callable[[], bool]], Awaitable[None]]
) -> None:
    from odhtec_jupyter.stores.step import Step

    monkeypatch.setattr("odhtec_jupyter.stores.step.STEP_PAGES", 10**9)
    third_page_requested, closed, over = threading.Event(), threading.Event(), threading.Event()
    is_over = Step.is_over

    def is_over_and_note(step: Step) -> bool:
        if is_over(step):
            over.set()
        return over.is_set()

    monkeypatch.setattr(Step, "is_over", is_over_and_note)
    pages = iter(range(10**9))

    def answer(_: dict[str, str]) -> str:
        number = next(pages)
        if number == 3:
            third_page_requested.set()
            closed.wait(GIVE_UP_SECONDS)
        return listing("a", token=f"page {number}")

    with ScriptedStore(answer) as scripted:
        connect(monkeypatch, scripted.endpoint)
        _, writer = await api.raw("GET", f"objects/b?q={quote('nothing')}&mode=contains&recursive=true", {})
        await eventually(third_page_requested.is_set)
        writer.close()
        await writer.wait_closed()
        closed.set()
        await eventually(over.is_set)


@pytest.fixture(scope="module")
def many_keys() -> Iterator[str]:
    """The S3 server of the benchmarks, which computes its keys."""
    command = [sys.executable, str(MANY_KEYS), "--stdin"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdin
        yield process.stdout.readline().strip()
        process.stdin.close()


@on_moto
async def test_single_match_among_a_million_keys_is_found(
    api: Any, many_keys: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This store reports no owner of the buckets."""
    connect(monkeypatch, many_keys)
    buckets = await api.ok("GET", "buckets")
    assert (buckets["owner"], [entry["Name"] for entry in buckets["buckets"]]) == (
        None,
        ["few", "million", "rows", "tree"],
    )
    found, scanned, _ = await search(api, "rows", q="54321", mode="contains")
    assert (found, scanned) == (["row-54321.csv"], 100_000)
    # The last one of a million, in one reply.
    assert await search(api, "million", "rows/", q="0999999", mode="prefix") == (["rows/0999999.json"], 1, [1])
    found, scanned, sizes = await search(api, "tree", "1/2/", q="[3-5]", mode="glob", maxKeys=2)
    assert (found, scanned, sizes) == (["1/2/3/", "1/2/4/", "1/2/5/"], 10, [2, 1])
    found, scanned, _ = await search(api, "tree", "1/2/", q="*4/4/4/4.TXT", mode="glob", recursive="true")
    assert (found, scanned) == (["1/2/4/4/4/4.txt"], 10_000)
