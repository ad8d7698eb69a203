"""The store for Hugging Face: errors say what to do, and files are read at their commit."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import huggingface_hub.utils as hub_utils
import pytest

from odhtec_jupyter.demo.content import BytesContent
from odhtec_jupyter.demo.hub.faults import Changed, Refuse
from odhtec_jupyter.demo.hub.repository import Repository
from odhtec_jupyter.demo.hub.stand_in import HubStandIn
from odhtec_jupyter.errors import (
    Forbidden,
    GatedRepository,
    NotFound,
    OdhTecError,
    TooManyRequests,
    VerificationError,
)
from odhtec_jupyter.models import HubFile
from odhtec_jupyter.network import Network
from odhtec_jupyter.settings import HubConnection
from odhtec_jupyter.stores.bounded import MAX_BODY_BYTES
from odhtec_jupyter.stores.hub.errors import retry_after, status_error
from odhtec_jupyter.stores.hub.source import HubSource
from odhtec_jupyter.stores.hub.store import HubStore
from odhtec_jupyter.stores.source import RangesIgnoredError
from tests.endless import EndlessServer
from tests.loopback import LoopbackServer, QuietHandler
from tests.recorder import Recorder

TOKEN = "hf_reader"


@pytest.fixture
def store(hub: HubStandIn) -> Iterator[HubStore]:
    made = HubStore(HubConnection(hub.endpoint), Network())
    yield made
    made.close()


def read(source: HubSource, start: int, end: int) -> bytes:
    reader = source.open_range(start, end)
    buffer, done = memoryview(bytearray(end - start)), 0
    while count := reader.readinto(buffer[done:]):
        done += count
    reader.close()
    return bytes(buffer[:done])


@pytest.mark.parametrize("repo_type", ["model", "dataset", "space"])
def test_a_file_is_read_at_its_commit_without_its_repository(store: HubStore, hub: Any, repo_type: Any) -> None:
    large = os.urandom(1 << 20)
    repository = hub.add(Repository("org/name", repo_type=repo_type))
    repository.commit({"d/small #1.txt": b"small", "large.safetensors": large})
    found = store.repo("org/name", repo_type=repo_type, revision="main")
    files = {file.path: file for file in found.files}
    repository.commit({"d/small #1.txt": b"other", "large.safetensors": b"other"})
    small = store.source("org/name", repo_type, found.commit, files["d/small #1.txt"])
    assert read(small, 0, 5) == b"small"
    assert (
        read(store.source("org/name", repo_type, found.commit, files["large.safetensors"]), 10, 5000) == large[10:5000]
    )


def test_file_of_another_size_is_an_error(store: HubStore, hub: Any) -> None:
    hub.add(Repository("org/name")).commit({"a.txt": b"0123456789"})
    found = store.repo("org/name", repo_type="model", revision="main")
    hub.inject(Changed(BytesContent(b"012")), "*/a.txt")
    with pytest.raises(VerificationError):
        read(store.source("org/name", "model", found.commit, found.files[0]), 0, 10)


def test_refusals_say_what_to_do(store: HubStore, hub: Any) -> None:
    hub.service.tokens["hf_stranger"] = "stranger"
    hub.add(Repository("org/open")).commit({"a": b"a"})
    hub.add(Repository("org/private", private=True, accepted=frozenset({TOKEN}))).commit({"a": b"a"})
    gated = hub.add(Repository("org/gated", gated="manual", accepted=frozenset({TOKEN})))
    gated.commit({"a": b"a"})

    def require_access(repo: str, revision: str = "main", token: str | None = None) -> None:
        store.require_access(store.repo(repo, repo_type="model", revision=revision, token=token), token)

    def refused(kind: type[OdhTecError], code: str, words: str, *arguments: Any) -> None:
        with pytest.raises(kind, match=words) as error:
            require_access(*arguments)
        assert error.value.code == code
        assert not error.value.transient
        assert "hf_" not in str(error.value)

    refused(NotFound, "RepoNotFound", "org/none does not exist at .* Check the name, or use a token", "org/none")
    refused(NotFound, "RepoNotFound", "or is private.* use a token", "org/private")
    refused(NotFound, "RepoNotFound", "or is private.* use a token", "org/private", "main", "hf_stranger")
    refused(NotFound, "RevisionNotFound", "no revision v9. Enter a branch", "org/open", "v9")
    refused(GatedRepository, "GatedRepo", "Accept its terms", "org/gated")
    refused(GatedRepository, "GatedRepo", "Accept its terms", "org/gated", "main", "hf_stranger")
    refused(Forbidden, "InvalidToken", "invalid or has expired. Enter a new one", "org/open", "main", "hf_wrong")
    require_access("org/private", "main", TOKEN)
    require_access("org/gated", "main", TOKEN)
    file = store.repo("org/gated", repo_type="model", revision="main").files[0]
    with pytest.raises(GatedRepository, match="Accept its terms"):
        store.source("org/gated", "model", "main", file).open_range(0, 1)


def test_rate_limit_is_reported_with_its_delay(store: HubStore, hub: Any) -> None:
    hub.add(Repository("org/name")).commit({"a.txt": b"a"})
    found = store.repo("org/name", repo_type="model", revision="main")
    hub.inject(Refuse(429, retry_after=7), "*/a.txt")
    with pytest.raises(TooManyRequests, match="Try again in 7 s") as limited:
        store.source("org/name", "model", found.commit, found.files[0]).open_range(0, 1)
    assert (limited.value.retry_after, limited.value.transient) == (7.0, True)


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"Retry-After": "57"}, 57.0),
        ({"retry-after": " 0 "}, 0.0),
        (
            {"Retry-After": "Wed, 21 Oct 2026 07:29:00 GMT", "Date": "Wed, 21 Oct 2026 07:28:00 GMT"},
            60.0,
        ),
        (
            {"Retry-After": "Wed, 21 Oct 2026 07:27:00 GMT", "Date": "Wed, 21 Oct 2026 07:28:00 GMT"},
            0.0,
        ),
        ({"Retry-After": "Wed, 21 Oct 2015 07:27:00 GMT"}, 0.0),
        ({"RateLimit": '"api";r=0;t=57'}, 57.0),
        ({"RateLimit": '"api"; r=0; t=57, "resolvers";r=0;t=90, "pages";r=3;t=200'}, 90.0),
        ({"RateLimit": '"api";r=12;t=57'}, None),
        ({"Retry-After": "soon", "RateLimit": '"api";r=0;t=5'}, 5.0),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "9" * 30}, None),
        ({"RateLimit": "nonsense"}, None),
        ({}, None),
    ],
)
def test_wait_of_a_rate_limit_is_parsed_in_every_form(headers: dict[str, str], wait: float | None) -> None:
    assert retry_after({name.lower(): value for name, value in headers.items()}) == wait
    error = status_error(429, headers, "org/name", "hub.example")
    assert isinstance(error, TooManyRequests)
    assert error.retry_after == wait
    assert ("later" if wait is None else f"in {wait:.0f} s") in str(error)


def test_shared_client_of_huggingface_hub_is_not_changed(store: HubStore, hub: Any) -> None:
    shared = hub_utils.get_session()
    hub.add(Repository("org/name")).commit({"a": b"a"})
    store.repo("org/name", repo_type="model", revision="main")
    assert hub_utils.get_session() is shared
    # Other extensions download models with it, which are larger than the limit for replies of the API.
    with EndlessServer(lambda _: (200, {}, iter([b"x" * MAX_BODY_BYTES, b"x"]))) as server:
        assert len(shared.get(f"{server.url}/model.bin").content) == MAX_BODY_BYTES + 1


def test_whole_file_is_not_accepted_as_a_range(
    store: HubStore, hub: HubStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A first reply shows that the host ignores ranges while a second range is requested."""
    hub.add(Repository("org/name")).commit({"a.bin": os.urandom(1 << 20)})
    hub.mirror.ranges = False
    found = store.repo("org/name", repo_type="model", revision="main")
    source = store.source("org/name", "model", found.commit, found.files[0])
    request = store.http.request

    def detect(*args: Any, **options: Any) -> Any:
        response = request(*args, **options)
        source.is_ordered = True
        return response

    monkeypatch.setattr(store.http, "request", detect)
    with pytest.raises(RangesIgnoredError):
        source.open_range(1000, 2000)
    assert read(source, 1000, 2000) == read(source, 0, 2000)[1000:]
    source.close()


@pytest.mark.parametrize("location", ["http://[::1", "http://127.0.0.1:99999/a"])
def test_redirect_to_an_invalid_address_is_an_error_with_a_message(location: str) -> None:
    with Recorder(302, {"Location": location}) as server:
        store = HubStore(HubConnection(server.url), Network())
        file = HubFile(path="a", size=1, etag="e", lfs=False)
        with pytest.raises(OdhTecError, match="redirects"):
            store.source("org/name", "model", "main", file).open_range(0, 1)
        store.close()


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 302])
def test_link_that_the_host_of_a_file_refuses_is_requested_again(status: int) -> None:
    """S3 refuses a signed URL with 400 when the credentials that signed it have expired, and with 403 when it has."""
    expired: set[str] = set()
    asked: list[str] = []

    class Handler(QuietHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            if "/resolve/" in self.path:
                self.send_response(302)
                self.send_header("Location", f"http://localhost:{server.port}/file?signed={len(expired)}")
            elif self.path in expired:
                self.send_response(status)
            else:
                self.send_response(206)
                self.send_header("Content-Range", self.headers["Range"].replace("=", " ") + "/4")
            body = b"ab" if "/file" in self.path and self.path not in expired else b""
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with LoopbackServer(Handler) as server:
        store = HubStore(HubConnection(server.url), Network())
        source = store.source("org/name", "model", "main", HubFile(path="a", size=4, etag="e", lfs=True))
        assert read(source, 0, 2) == b"ab"
        expired.add("/file?signed=0")
        assert read(source, 2, 4) == b"ab"
        assert [path for path in asked if "/file" in path] == [f"/file?signed={number}" for number in (0, 0, 1)]
        store.close()
