"""Mirrors that lack parts of the hub's API: this is detected once, and then reported or avoided."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from odhtec_jupyter.demo.hub.faults import Refuse
from odhtec_jupyter.demo.hub.repository import Repository
from odhtec_jupyter.demo.hub.stand_in import HubStandIn
from odhtec_jupyter.errors import Cancelled, Forbidden, GatedRepository, NotFound, OdhTecError, TooManyRequests
from odhtec_jupyter.models import HubFile, HubRepo
from odhtec_jupyter.network import Network
from odhtec_jupyter.settings import HubConnection, OdhTecSettings
from odhtec_jupyter.stores.hub.errors import link_error
from odhtec_jupyter.stores.hub.store import HubStore
from odhtec_jupyter.stores.hub.tree import repo_files
from tests.recorder import Recorder

TOKEN = "hf_reader"


@pytest.fixture
def store(hub: HubStandIn) -> Iterator[HubStore]:
    made = HubStore(HubConnection(hub.endpoint), Network())
    yield made
    made.close()


def repo_of(store: HubStore, repo: str = "org/name", **more: Any) -> HubRepo:
    return store.repo(repo, **{"repo_type": "model", "revision": "main"} | more)


def count(hub: HubStandIn, part: str) -> int:
    return sum(part in request.path for request in hub.traffic.seen("hub"))


@pytest.mark.parametrize("status", [400, 403, 404, 405, 501])
def test_auth_check_is_requested_once_from_a_hub_without_it(store: HubStore, hub: HubStandIn, status: int) -> None:
    hub.add(Repository("org/name")).commit({"a": b"a"})
    hub.mirror.missing["auth-check"] = status
    for _ in range(3):
        store.require_access(repo_of(store))
    assert count(hub, "auth-check") == 1


def test_unknown_page_as_reply_to_auth_check_means_that_it_is_missing(store: HubStore, hub: HubStandIn) -> None:
    """olah replies like this, with the code of an unknown repository."""
    hub.add(Repository("org/name")).commit({"a": b"a"})
    hub.inject(Refuse(404, code="RepoNotFound", message="Sorry, we can't find the page."), "*/auth-check", times=None)
    for _ in range(2):
        store.require_access(repo_of(store))
    assert count(hub, "auth-check") == 1


def test_first_file_shows_access_to_a_gated_repository_without_auth_check(store: HubStore, hub: HubStandIn) -> None:
    files = {"empty": b"", "small.txt": b"small", "large.bin": b"x" * 1000}
    hub.add(Repository("org/name", gated="manual", accepted=frozenset({TOKEN}))).commit(files)
    hub.mirror.missing["auth-check"] = 404
    found = repo_of(store)
    assert not found.accessible
    with pytest.raises(GatedRepository, match="Accept its terms"):
        store.require_access(found)
    found = repo_of(store, token=TOKEN)
    assert found.accessible
    store.require_access(found, TOKEN)


def test_refusal_with_a_reason_does_not_mean_that_auth_check_is_missing(store: HubStore, hub: HubStandIn) -> None:
    hub.add(Repository("org/name", gated="manual", accepted=frozenset({TOKEN}))).commit({"a": b"a"})
    with pytest.raises(GatedRepository):
        store.require_access(repo_of(store))
    assert store.abilities.auth_check


MANY = {f"d/{number:03}.txt": b"%d" % number for number in range(150)} | {"weights.bin": b"\0" * 5000}


@pytest.fixture
def many(hub: HubStandIn) -> Repository:
    repository = hub.add(Repository("org/name"))
    repository.commit(MANY)
    return repository


def is_complete(found: HubRepo, repository: Repository) -> bool:
    commit = repository.at("main")
    assert commit is not None
    listed = {file.path: (file.size, file.etag, file.lfs) for file in found.files}
    return listed == {path: (file.content.size, file.etag, file.lfs) for path, file in commit.files.items()}


def test_incomplete_list_is_completed_from_the_description(store: HubStore, hub: HubStandIn, many: Repository) -> None:
    found = repo_of(store)
    assert is_complete(found, many)
    assert found.note is None
    hub.mirror.tree_entries = 20  # a folder and some files
    found = repo_of(store)
    assert is_complete(found, many)
    assert found.note is not None
    assert "lists 19 of 151 files" in found.note
    assert found.total_size == sum(map(len, MANY.values()))


def test_incomplete_description_removes_no_file(store: HubStore, hub: HubStandIn, many: Repository) -> None:
    hub.mirror.siblings = 10
    assert is_complete(repo_of(store), many)


def test_list_with_a_loop_is_completed_by_requesting_files_by_name(
    store: HubStore, hub: HubStandIn, many: Repository
) -> None:
    """olah ignores the cursor and always returns the first page, and its description has no sizes."""
    hub.mirror.cursors = hub.mirror.blobs = False
    hub.service.page_size = 40
    found = repo_of(store)
    assert is_complete(found, many)
    assert found.note is not None
    assert "lists 39 of 151 files" in found.note
    assert (count(hub, "/tree/"), count(hub, "/paths-info/")) == (2, 2)
    hub.mirror.missing["paths-info"] = 404
    with pytest.raises(OdhTecError, match="lists 112 of 151 files without size or checksum"):
        repo_of(store)


@pytest.mark.parametrize("status", [404, 400, 405])
def test_files_are_read_from_the_description_without_a_list(
    store: HubStore, hub: HubStandIn, many: Repository, status: int
) -> None:
    hub.mirror.missing["tree"] = status
    for _ in range(2):
        assert is_complete(repo_of(store), many)
    assert count(hub, "/tree/") == 1


def test_files_without_sizes_are_reported(store: HubStore, hub: HubStandIn, many: Repository) -> None:
    hub.mirror.tree_entries = 20
    hub.mirror.blobs = False
    hub.mirror.missing["paths-info"] = 404
    with pytest.raises(OdhTecError, match="lists 132 of 151 files without size or checksum") as error:
        repo_of(store)
    assert error.value.status == 502


@pytest.mark.parametrize("size", [-1, 10**30])
def test_impossible_size_is_ignored(store: HubStore, hub: HubStandIn, size: int) -> None:
    hub.add(Repository("org/name")).commit({"a": b"a"})
    hub.mirror.missing |= {"tree": 404, "paths-info": 404}
    hub.mirror.info = {"siblings": [{"rfilename": "a", "size": size, "blobId": "1" * 40}]}
    with pytest.raises(OdhTecError, match="lists 1 of 1 files without size or checksum"):
        repo_of(store)
    with pytest.raises(OdhTecError, match="something other than a list of files"):
        repo_files(lambda _: ([{"type": "file", "path": "a", "size": size, "oid": "1" * 40}], None), "tree", "hub")


def test_web_page_instead_of_a_reply_is_reported(hub: HubStandIn) -> None:
    hub.mirror.login_page = True
    store = HubStore(HubConnection(hub.endpoint, "hf_token"), Network())
    calls: list[Callable[[], object]] = [
        lambda: repo_of(store),
        lambda: store.refs("org/name", repo_type="model"),
        store.whoami,
    ]
    for call in calls:
        with pytest.raises(
            OdhTecError, match=f"{store.host} answered with a web page, not as a Hugging Face hub"
        ) as error:
            call()
        assert (error.value.code, error.value.status, error.value.transient) == ("HubError", 502, False)
    store.close()


@pytest.mark.parametrize(
    ("shown", "license_name"),
    [
        ({"cardData": {"license": False}}, None),
        ({"cardData": {"license": ["mit", 3, None, "apache-2.0"]}}, "mit, apache-2.0"),
        ({"cardData": {"license": {"name": "x"}, "model-index": [{"results": 1}]}}, None),
        ({"cardData": "none", "safetensors": {"parameters": [1]}}, None),
        ({"cardData": None, "safetensors": 7, "createdAt": "yesterday", "lastModified": 5}, None),
        ({"safetensors": {"total": 1}, "tags": 1, "inferenceProviderMapping": "x", "private": None}, "apache-2.0"),
        ({"cardData": {"license": "x" * 5000}}, "x" * 499 + "…"),
    ],
)
def test_invalid_descriptive_field_is_ignored(
    store: HubStore, hub: HubStandIn, shown: dict[str, Any], license_name: str | None
) -> None:
    hub.add(Repository("org/name")).commit({"a": b"a"})
    hub.mirror.info = shown
    found = repo_of(store)
    assert (found.license, found.parameters, found.private) == (license_name, None, False)
    assert [file.path for file in found.files] == ["a"]


@pytest.mark.parametrize("info", [{"sha": None}, {"sha": 5}])
def test_description_without_a_commit_is_an_error_with_a_message(store: HubStore, hub: HubStandIn, info: Any) -> None:
    hub.add(Repository("org/name")).commit({"a": b"a"})
    hub.mirror.info = info
    with pytest.raises(OdhTecError, match="did not name the commit"):
        repo_of(store)


@pytest.mark.parametrize("status", [404, 403, 405])
def test_missing_endpoint_is_named(hub: HubStandIn, status: int) -> None:
    hub.service.tokens["hf_token"] = "reader"
    store = HubStore(HubConnection(hub.endpoint, "hf_token"), Network())
    hub.add(Repository("org/name")).commit({"a": b"a"})
    found = repo_of(store)
    hub.mirror.missing |= dict.fromkeys(["revision", "refs", "whoami-v2", "resolve"], status)
    calls: list[tuple[str, Callable[[], object]]] = [
        ("/api/models/org/name/revision/main", lambda: repo_of(store)),
        ("/api/models/org/name/refs", lambda: store.refs("org/name", repo_type="model")),
        ("/api/whoami-v2", store.whoami),
        (
            f"/org/name/resolve/{found.commit}/a",
            lambda: store.source("org/name", "model", found.commit, found.files[0]).open_range(0, 1),
        ),
    ]
    for path, call in calls:
        with pytest.raises(NotFound, match=f"answered {path} with status {status}") as error:
            call()
        assert (error.value.code, error.value.transient) == ("HubEndpointMissing", False)
    store.close()


def test_missing_file_is_named_with_its_revision(store: HubStore, hub: HubStandIn) -> None:
    hub.add(Repository("org/name")).commit({"a b.txt": b"a"})
    found = repo_of(store)
    hub.add(Repository("org/name")).commits[found.commit] = Repository("org/name").commit({"c": b"c"})
    with pytest.raises(NotFound, match=f"org/name has no file a b.txt at revision {found.commit}") as error:
        store.source("org/name", "model", found.commit, found.files[0]).open_range(0, 1)
    assert error.value.code == "EntryNotFound"


@pytest.mark.parametrize(
    ("status", "code", "message", "words"),
    [
        (
            403,
            "GatedRepo",
            "Your request to access model org/name is awaiting a review",
            "“Your request .* review.”",
        ),
        (403, "GatedRepo", "Your request to access model org/name has been rejected.", "has been rejected.”"),
        (
            403,
            None,
            "Please enable access to public gated repositories in your fine-grained token",
            "fine-grained token.”",
        ),
        (403, None, "x" * 5000, "x{299}…"),
    ],
)
def test_reason_of_the_hub_is_shown(
    store: HubStore, hub: HubStandIn, status: int, code: str | None, message: str, words: str
) -> None:
    hub.add(Repository("org/name")).commit({"a": b"a"})
    found = repo_of(store)
    hub.inject(Refuse(status, code=code, message=message), "*/auth-check")
    with pytest.raises(Forbidden, match=words):
        store.require_access(found)
    hub.inject(Refuse(status, code=code, message=message), "*/resolve/*")
    with pytest.raises(Forbidden, match=words):
        store.source("org/name", "model", found.commit, found.files[0]).open_range(0, 1)


def test_refused_link_shows_the_message_of_the_host() -> None:
    headers = {"X-Error-Code": "Blocked", "X-Error-Message": "This category is not allowed."}
    error = link_error(403, headers, "a.bin", "cdn.example")
    assert "status 403 (Blocked). cdn.example says: “This category is not allowed.”" in str(error)
    assert not error.transient
    assert link_error(503, {}, "a.bin", "cdn.example").transient
    assert link_error(429, {"Retry-After": "3"}, "a.bin", "cdn.example").transient


def test_list_of_files_stops_when_the_client_disconnects(store: HubStore, hub: HubStandIn, many: Repository) -> None:
    hub.service.page_size = 10
    with pytest.raises(Cancelled):
        repo_of(store, is_stopped=lambda: count(hub, "/tree/") == 2)
    assert count(hub, "/tree/") == 2


def test_rate_limit_of_the_list_is_reported_immediately(store: HubStore, hub: HubStandIn, many: Repository) -> None:
    hub.inject(Refuse(429, retry_after=57), "*/tree/*", times=None)
    with pytest.raises(TooManyRequests, match="Try again in 57 s"):
        repo_of(store)
    assert count(hub, "/tree/") == 1


@pytest.mark.parametrize("endpoint", ["http://hub.example", "https://hub.example"])
def test_proxy_that_requires_a_password_is_named(endpoint: str) -> None:
    with Recorder(407) as proxy:
        address = proxy.url.replace("http://", "http://user:word@")
        store = HubStore(HubConnection(endpoint), Network(http_proxy=address, https_proxy=address))
        file = HubFile(path="a", size=1, etag="e", lfs=False)
        for call in (lambda: repo_of(store), lambda: store.source("org/name", "model", "main", file).open_range(0, 1)):
            with pytest.raises(OdhTecError, match=f"The proxy 127.0.0.1:{proxy.port} requires a user name") as error:
                call()
            assert (error.value.code, error.value.transient) == ("ProxyError", False)
            assert "word@1" not in str(error.value)
        store.close()
    assert len(proxy.requests) == 2


def test_proxy_without_a_scheme_is_used_with_http(hub: HubStandIn) -> None:
    with Recorder() as proxy:
        settings = OdhTecSettings(http_proxy=f"127.0.0.1:{proxy.port}", hf_endpoint="http://hub.example")
        store = HubStore(settings.hub, settings.network)
        with pytest.raises(OdhTecError):
            repo_of(store)
        with pytest.raises(OdhTecError):
            store.source("org/name", "model", "main", HubFile(path="a", size=1, etag="e", lfs=False)).open_range(0, 1)
        store.close()
    assert [request.split()[1].partition("/org")[0] for request in proxy.requests] == [
        "http://hub.example/api/models",
        "http://hub.example",
    ]
