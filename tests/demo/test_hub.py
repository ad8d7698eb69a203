"""The real huggingface_hub library against the stand-in."""

from __future__ import annotations

import hashlib
import itertools
import json
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from huggingface_hub import HfApi, hf_hub_download
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from odhtec_jupyter.demo.content import BytesContent, FileContent, SyntheticContent
from odhtec_jupyter.demo.hub.faults import Changed, Cut, Halt, Refuse, WrongByte
from odhtec_jupyter.demo.hub.repository import Repository
from odhtec_jupyter.demo.hub.stand_in import HubStandIn
from tests.waiting import GIVE_UP_SECONDS

WEIGHTS = SyntheticContent(5_000_003, seed=7)
README = b"# A model\n" * 300
READER, STRANGER = "hf_reader", "hf_stranger"


def safetensors(**tensors: tuple[str, list[int]]) -> bytes:
    header = json.dumps({name: {"dtype": d, "shape": s} for name, (d, s) in tensors.items()}).encode()
    return struct.pack("<Q", len(header)) + header


@pytest.fixture
def api(hub: HubStandIn) -> HfApi:
    hub.service.tokens |= {READER: "rita", STRANGER: "sam"}
    repository = hub.add(Repository("org/model"))
    repository.commit(
        {
            "README.md": README,
            "config.json": b"{}",
            "model.safetensors": safetensors(a=("F32", [3, 4]), b=("BF16", [5])),
            "onnx/model.onnx": WEIGHTS,
            "onnx/deep/er/日本 +.txt": "日本".encode(),
        }
    )
    return HfApi(endpoint=hub.endpoint)


def get(url: str, **headers: str) -> requests.Response:
    return requests.get(url, headers={"Accept-Encoding": "identity"} | headers, timeout=GIVE_UP_SECONDS)


def test_repo_info_has_the_ids_of_git_and_lfs(api: HfApi, tmp_path: Path) -> None:
    info = api.model_info("org/model", files_metadata=True)
    files = {s.rfilename: s for s in info.siblings or []}
    (tmp_path / "README.md").write_bytes(README)
    git = subprocess.run(["git", "hash-object", "README.md"], cwd=tmp_path, capture_output=True, text=True)
    assert files["README.md"].blob_id == git.stdout.strip()
    assert files["README.md"].lfs is None
    weights = files["onnx/model.onnx"]
    assert weights.lfs is not None
    assert (weights.size, weights.lfs.sha256) == (WEIGHTS.size, hashlib.sha256(WEIGHTS.read()).hexdigest())
    assert (info.gated, info.private) == (False, False)
    assert info.card_data is not None
    assert info.card_data.license == "apache-2.0"
    assert info.safetensors is not None
    assert dict(info.safetensors.parameters) == {"F32": 12, "BF16": 5}


@pytest.mark.parametrize("repo_type", ["dataset", "space"])
def test_datasets_and_spaces_are_separate_repositories(
    hub: HubStandIn, api: HfApi, repo_type: str, tmp_path: Path
) -> None:
    repository = hub.add(Repository("org/model", repo_type))  # type: ignore[arg-type]
    repository.commit({"data.csv": b"a,b\n"})
    assert api.list_repo_files("org/model", repo_type=repo_type) == ["data.csv"]
    assert api.repo_info("org/model", repo_type=repo_type).sha == repository.branches["main"]
    path = hf_hub_download(
        "org/model", "data.csv", repo_type=repo_type, endpoint=hub.endpoint, cache_dir=tmp_path, token=False
    )
    assert Path(path).read_bytes() == b"a,b\n"


def test_repository_without_an_organisation_is_served(hub: HubStandIn, api: HfApi) -> None:
    hub.add(Repository("gpt2")).commit({"config.json": b"{}"})
    assert api.repo_info("gpt2", revision="main").id == "gpt2"
    assert [f.path for f in api.list_repo_tree("gpt2")] == ["config.json"]


def test_tree_is_listed_in_pages(hub: HubStandIn, api: HfApi) -> None:
    hub.repository("org/model").commit({f"shards/{i:03}.txt": b"x" * i for i in range(25)})
    hub.service.page_size = 10
    entries = list(api.list_repo_tree("org/model", recursive=True, expand=True))
    paths = [e.path for e in entries]
    assert len(paths) == len(set(paths)) == 5 + 25 + 4
    assert "onnx/deep/er/日本 +.txt" in paths
    assert len([r for r in hub.traffic.seen() if "/tree/" in r.path]) == 4
    assert [e.path for e in api.list_repo_tree("org/model", "onnx")] == ["onnx/deep", "onnx/model.onnx"]
    with pytest.raises(EntryNotFoundError):
        list(api.list_repo_tree("org/model", "nothing"))


def test_paths_info_lists_files_and_folders(api: HfApi) -> None:
    found = {e.path: e for e in api.get_paths_info("org/model", ["README.md", "onnx", "nothing"])}
    assert sorted(found) == ["README.md", "onnx"]


def test_revisions_name_commits(hub: HubStandIn, api: HfApi) -> None:
    first = hub.repository("org/model").at("main")
    assert first is not None
    hub.repository("org/model").commit({"README.md": b"new"}, branch="refs/pr/1")
    hub.repository("org/model").commit({"config.json": None})
    assert api.repo_info("org/model", revision=first.sha).sha == first.sha
    pull = list(api.list_repo_tree("org/model", revision="refs/pr/1"))
    assert [e.size for e in pull if e.path == "README.md"] == [3]  # type: ignore[union-attr]
    assert "config.json" not in api.list_repo_files("org/model")
    assert {b.name for b in api.list_repo_refs("org/model").branches} == {"main", "refs/pr/1"}
    with pytest.raises(RevisionNotFoundError):
        api.repo_info("org/model", revision="v9")
    with pytest.raises(EntryNotFoundError):
        hf_hub_download("org/model", "nothing", endpoint=hub.endpoint, token=False)


def test_large_file_is_sent_by_another_host_that_gets_no_token(hub: HubStandIn, api: HfApi, tmp_path: Path) -> None:
    path = hf_hub_download("org/model", "onnx/model.onnx", endpoint=hub.endpoint, token=READER, cache_dir=tmp_path)
    assert Path(path).read_bytes() == WEIGHTS.read()
    assert hub.traffic.tokens("hub") == {f"Bearer {READER}"}
    assert hub.traffic.bytes_sent("cdn") == WEIGHTS.size
    assert hub.traffic.tokens("cdn") == set()


def test_leaked_token_is_recorded(hub: HubStandIn, api: HfApi) -> None:
    resolve = f"{hub.endpoint}/org/model/resolve/main/onnx/model.onnx"
    link = requests.head(resolve, timeout=GIVE_UP_SECONDS).headers["Location"]
    get(link, Authorization=f"Bearer {READER}")
    assert hub.traffic.tokens("cdn") == {f"Bearer {READER}"}


def test_small_files_are_sent_directly_and_compressed_if_accepted(hub: HubStandIn, api: HfApi, tmp_path: Path) -> None:
    url = f"{hub.endpoint}/org/model/resolve/main/README.md"
    plain, packed = get(url), requests.get(url, headers={"Accept-Encoding": "gzip"}, timeout=GIVE_UP_SECONDS)
    assert plain.content == packed.content == README
    commit = hub.repository("org/model").at("main")
    assert commit is not None
    assert plain.headers["ETag"] == f'"{commit.files["README.md"].blob_id}"'
    assert plain.headers["X-Repo-Commit"] == commit.sha
    assert packed.headers["Content-Encoding"] == "gzip"
    path = hf_hub_download("org/model", "README.md", endpoint=hub.endpoint, token=False, cache_dir=tmp_path)
    assert Path(path).read_bytes() == README
    assert not hub.traffic.seen("cdn")


def test_gated_repository_requires_an_accepted_token(hub: HubStandIn, api: HfApi) -> None:
    hub.add(Repository("org/gated", gated="manual", accepted=frozenset({READER}))).commit({"a.txt": b"a"})
    assert api.repo_info("org/gated", token=False).gated == "manual"
    api.auth_check("org/gated", token=READER)
    for token, status in ((STRANGER, 403), (False, 401)):
        with pytest.raises(GatedRepoError) as refused:
            api.auth_check("org/gated", token=token)
        assert refused.value.response.status_code == status
        with pytest.raises(GatedRepoError):
            hf_hub_download("org/gated", "a.txt", endpoint=hub.endpoint, token=token)


def test_private_and_missing_repositories_look_alike(hub: HubStandIn, api: HfApi) -> None:
    hub.add(Repository("org/private", private=True, accepted=frozenset({READER}))).commit({"a.txt": b"a"})
    assert api.repo_info("org/private", token=READER).private is True
    for repo in ("org/private", "org/missing"):
        for token, status in ((STRANGER, 404), (False, 401)):
            with pytest.raises(RepositoryNotFoundError) as refused:
                api.repo_info(repo, token=token)
            assert refused.value.response.status_code == status


def test_tokens_identify_users(api: HfApi) -> None:
    assert api.whoami(READER)["name"] == "rita"
    with pytest.raises(OSError, match="Invalid user token"):  # its class depends on the version
        api.whoami("hf_wrong")
    with pytest.raises(HfHubHTTPError) as refused:
        api.repo_info("org/model", token="hf_wrong")
    assert refused.value.response.status_code == 401


@pytest.fixture
def link(hub: HubStandIn, api: HfApi) -> str:
    reply = requests.head(f"{hub.endpoint}/org/model/resolve/main/onnx/model.onnx", timeout=GIVE_UP_SECONDS)
    assert reply.status_code == 302
    assert reply.headers["X-Linked-Size"] == str(WEIGHTS.size)
    assert reply.headers["X-Linked-Etag"] == f'"{WEIGHTS.sha256}"'
    assert reply.headers["Accept-Ranges"] == "bytes"
    return reply.headers["Location"]


@pytest.mark.parametrize(
    ("requested_range", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=1048570-1048590", 1048570, 1048591),
        ("bytes=3-2097160", 3, 2097161),
        ("bytes=5000000-", 5_000_000, WEIGHTS.size),
        ("bytes=4000000-9999999", 4_000_000, WEIGHTS.size),
        ("bytes=-10", WEIGHTS.size - 10, WEIGHTS.size),
    ],
)
def test_range_requests_are_answered(link: str, requested_range: str, start: int, stop: int) -> None:
    reply = get(link, Range=requested_range)
    assert (reply.status_code, reply.content) == (206, WEIGHTS.read()[start:stop])
    assert reply.headers["Content-Range"] == f"bytes {start}-{stop - 1}/{WEIGHTS.size}"


def test_conditional_requests_are_answered(link: str) -> None:
    etag = get(link, Range="bytes=0-0").headers["ETag"]
    assert get(link, Range=f"bytes={WEIGHTS.size}-").status_code == 416
    assert get(link, **{"If-None-Match": etag}).status_code == 304
    assert get(link, Range="bytes=0-0", **{"If-Match": '"other"'}).status_code == 412
    assert get(link, Range="bytes=0-9", **{"If-Range": '"other"'}).status_code == 200
    assert get(link, Range="bytes=0-9", **{"If-Range": etag}).content == WEIGHTS.read(0, 10)


def test_links_are_signed_and_expire(hub: HubStandIn, api: HfApi, link: str) -> None:
    assert get(link.replace("model.onnx", "model.bin")).status_code == 403
    hub.service.link_seconds = -1
    late = requests.head(f"{hub.endpoint}/org/model/resolve/main/onnx/model.onnx", timeout=GIVE_UP_SECONDS)
    assert "expired" in get(late.headers["Location"]).text


def test_injected_faults_occur(hub: HubStandIn, link: str) -> None:
    hub.inject(Refuse(503), "*/model.onnx", host="cdn", times=2)
    hub.inject(Refuse(429, retry_after=7), "/api/*")
    hub.inject(WrongByte(2_000_000), "*/model.onnx")
    hub.inject(Cut(100_000), "*/model.onnx", host="cdn")
    assert [get(link, Range="bytes=0-0").status_code for _ in range(3)] == [503, 503, 206]
    throttled = get(f"{hub.endpoint}/api/models/org/model")
    assert (throttled.status_code, throttled.headers["Retry-After"]) == (429, "7")
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        get(link)
    assert get(link, Range="bytes=0-99").content == WEIGHTS.read(0, 100)
    hub.inject(WrongByte(2_000_000), "*/model.onnx")
    body = get(link).content
    assert [i for i, (a, b) in enumerate(zip(body, WEIGHTS.read(), strict=True)) if a != b] == [2_000_000]
    assert get(link).content == WEIGHTS.read()


def test_halted_file_continues_when_the_faults_are_cleared(hub: HubStandIn, link: str) -> None:
    hub.inject(Halt(100_000), "*/model.onnx", host="cdn", times=None)
    assert get(link, Range="bytes=0-99999").content == WEIGHTS.read(0, 100_000)
    with pytest.raises(requests.exceptions.RequestException, match="timed out"):
        requests.get(link, timeout=0.5)
    hub.service.faults.clear()
    assert get(link).content == WEIGHTS.read()


def test_changed_file_has_another_etag_and_content(hub: HubStandIn, link: str) -> None:
    before = get(link, Range="bytes=0-9")
    hub.inject(Changed(SyntheticContent(WEIGHTS.size, seed=8)), "*/model.onnx", host="cdn", times=None)
    after = get(link, Range="bytes=10-19")
    assert before.headers["ETag"] != after.headers["ETag"]
    assert after.content != WEIGHTS.read(10, 20)


def contents(folder: Path) -> Iterator[BytesContent | FileContent | SyntheticContent]:
    made = SyntheticContent(3 * 1024 * 1024 + 17, seed=3)
    (folder / "made").write_bytes(made.read())
    yield made
    yield BytesContent(made.read())
    yield FileContent(folder / "made")


def test_all_kinds_of_content_agree(tmp_path: Path) -> None:
    kinds = list(contents(tmp_path))
    assert len({c.sha256 for c in kinds}) == len({c.blob_id for c in kinds}) == 1
    whole = kinds[0].read()
    for content, (start, stop) in itertools.product(kinds, [(0, 5), (4, 9), (1048575, 1048590), (0, len(whole))]):
        assert content.read(start, stop) == whole[start:stop]
    assert SyntheticContent(1000, seed=4).read() != whole[:1000]
