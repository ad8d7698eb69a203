"""Hugging Face: the only module that talks to it, and the only one that knows huggingface_hub.

Metadata comes through huggingface_hub, data through ranged HTTP, because only that can be read in parallel into
memory that is already budgeted. The token goes to the hub's own host and is never sent along a redirect.
Everything here blocks and runs in threads.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urljoin, urlsplit

from odhtec_jupyter.errors import (
    BadRequest,
    Forbidden,
    GatedRepository,
    NotFound,
    OdhTecError,
    TooManyRequests,
    Unreachable,
    VerificationError,
)
from odhtec_jupyter.models import HubFile, HubRepo, RepoType
from odhtec_jupyter.network import Network
from odhtec_jupyter.settings import HubConnection, check_secret
from odhtec_jupyter.stores.http import CONNECT_TIMEOUT, READ_TIMEOUT, Http, ca_file, http_errors, read_into, reason
from odhtec_jupyter.stores.source import Checksum

if TYPE_CHECKING:
    from huggingface_hub import HfApi
    from urllib3 import BaseHTTPResponse

MAX_REDIRECTS = 5
# The present network of huggingface_hub's one client for the whole process.
_applied: tuple[str, Network] | None = None
_applied_lock = threading.Lock()


def parse_repo(text: str, repo_type: RepoType, revision: str) -> tuple[str, RepoType, str]:
    """A repository id, its type and revision, from an id or from the URL of its page."""
    path = text.strip()
    if "://" in path:
        path = unquote(urlsplit(path).path).strip("/")
    for folder, kind in (("datasets/", "dataset"), ("spaces/", "space"), ("models/", "model")):
        if path.startswith(folder):
            path, repo_type = path.removeprefix(folder), kind  # type: ignore[assignment]
    head, found, rest = path.partition("/tree/")
    if found:
        path, revision = head, rest.strip("/") or revision
    return path.strip("/"), repo_type, revision


@contextmanager
def hub_errors(repo: str, host: str) -> Iterator[None]:
    """Translate every error huggingface_hub raises into one of ours, in words for the user."""
    from huggingface_hub import errors as h

    try:
        yield
    except OdhTecError:
        raise
    except h.GatedRepoError as error:
        raise GatedRepository(
            f"{repo} is gated: accept its terms on its page at {host}, then use the token of that account."
        ) from error
    except h.RepositoryNotFoundError as error:
        raise NotFound(
            f"{repo} does not exist at {host}, or is private and the token may not read it.",
            code="RepoNotFound",
        ) from error
    except h.RevisionNotFoundError as error:
        raise NotFound(f"{repo} has no such revision.", code="RevisionNotFound") from error
    except h.HFValidationError as error:
        raise BadRequest(f"repo: {repo!r} is not the name of a repository; it looks like org/name.") from error
    except h.OfflineModeIsEnabled as error:
        raise Unreachable("HF_HUB_OFFLINE is set, so Hugging Face is not asked.", code="HubUnreachable") from error
    except h.HfHubHTTPError as error:
        response: Any = error.response
        raise status_error(int(response.status_code), dict(response.headers), repo, host) from error
    except Exception as error:
        # requests, httpx or its successor, by the version of huggingface_hub: told by module, not imported.
        if type(error).__module__.split(".")[0] in {
            "httpx",
            "httpx2",
            "httpcore",
            "requests",
            "urllib3",
        } or isinstance(error, OSError):
            raise Unreachable(f"{host} cannot be reached: {reason(error)}.", code="HubUnreachable") from error
        raise


def status_error(status: int, headers: dict[str, str], repo: str, host: str) -> OdhTecError:
    """A refusal of the hub (or of the host that serves its files) as an error of ours."""
    low = {name.lower(): value for name, value in headers.items()}
    kind = low.get("x-error-code", "")
    if kind == "GatedRepo":
        return GatedRepository(
            f"{repo} is gated: accept its terms on its page at {host}, then use the token of that account."
        )
    if kind == "RevisionNotFound":
        return NotFound(f"{repo} has no such revision.", code="RevisionNotFound")
    if kind == "RepoNotFound":
        return NotFound(f"{repo} does not exist, or is private and the token may not read it.", code="RepoNotFound")
    if status == 404:
        return NotFound(f"A file of {repo} is not there any more.", code="EntryNotFound")
    if status == 401:
        return Forbidden(f"{host} does not accept the Hugging Face token.", code="InvalidToken")
    if status == 403:
        return Forbidden(f"{host} does not allow reading {repo} with this token.", code="HubForbidden")
    if status == 429:
        wait = low.get("retry-after", "")
        error = TooManyRequests(
            f"{host} asks for fewer requests"
            + (f"; try again in {wait} s." if wait.isdigit() else ", try again later.")
        )
        error.retry_after = float(wait) if wait.isdigit() else None
        return error
    if status >= 500:
        return Unreachable(f"{host} answered with status {status}.", code="HubUnreachable")
    return OdhTecError(f"{host} answered with status {status}.", code="HubError", status=502)


class HubStore:
    """One Hugging Face endpoint as seen with one token."""

    def __init__(self, connection: HubConnection, network: Network) -> None:
        self.connection = connection
        self._network = network
        self.http = Http(network)
        self.host = urlsplit(connection.endpoint).netloc

    def _api(self, token: str | None) -> HfApi:
        from huggingface_hub import HfApi

        check_secret(token or self.connection.token, "token")
        self._apply_network()
        # False, not None: None would make huggingface_hub look for a token of its own.
        return HfApi(endpoint=self.connection.endpoint, token=token or self.connection.token or False)

    def _apply_network(self) -> None:
        """Give huggingface_hub our proxy, authorities and timeouts; it has one client for the process."""
        global _applied
        with _applied_lock:
            if _applied == (self.connection.endpoint, self._network):
                return
            _set_hub_client(self._network.proxy_for(self.connection.endpoint), ca_file(self._network))
            _applied = (self.connection.endpoint, self._network)

    def whoami(self) -> str:
        """The name behind the token. Raises :class:`Forbidden` when there is none or it is not accepted."""
        if not self.connection.token:
            raise Forbidden("There is no Hugging Face token.", code="NoToken")
        with hub_errors("the account", self.host):
            return str(self._api(None).whoami()["name"])

    def repo(self, text: str, *, repo_type: RepoType, revision: str, token: str | None = None) -> HubRepo:
        """Everything an import needs to know, pinned to a commit."""
        repo, repo_type, revision = parse_repo(text, repo_type, revision)
        api = self._api(token)
        with hub_errors(repo, self.host):
            info: Any = api.repo_info(repo, repo_type=repo_type, revision=revision)
            files = [
                _hub_file(item)
                for item in api.list_repo_tree(repo, repo_type=repo_type, revision=info.sha, recursive=True)
                if hasattr(item, "blob_id")
            ]
        gated = bool(getattr(info, "gated", False))
        card = getattr(info, "card_data", None)
        safetensors = getattr(info, "safetensors", None)
        license_name = card.get("license") if card is not None else None
        return HubRepo(
            repo=repo,
            repo_type=repo_type,
            revision=revision,
            commit=info.sha,
            gated=gated,
            private=bool(info.private),
            accessible=not gated or self._may_read(api, repo, repo_type),
            license=", ".join(license_name) if isinstance(license_name, list) else license_name,
            parameters=dict(safetensors.parameters) if safetensors else None,
            files=files,
            total_size=sum(file.size for file in files),
        )

    def require_access(self, repo: HubRepo, token: str | None = None) -> None:
        """Raise in the user's words when the files cannot be read with the token in use."""
        with hub_errors(repo.repo, self.host):
            self._api(token).auth_check(repo.repo, repo_type=repo.repo_type)

    def _may_read(self, api: HfApi, repo: str, repo_type: RepoType) -> bool:
        try:
            with hub_errors(repo, self.host):
                api.auth_check(repo, repo_type=repo_type)
        except (Forbidden, NotFound):
            return False
        return True

    def source(self, repo: HubRepo, file: HubFile, token: str | None = None) -> HubSource:
        """The bytes of one file."""
        return HubSource(self, repo, file, token or self.connection.token)

    def close(self) -> None:
        """Close idle connections."""
        self.http.close()


class HubSource:
    """One file of a repository at a commit, read by ranges over plain HTTP."""

    def __init__(self, store: HubStore, repo: HubRepo, file: HubFile, token: str | None) -> None:
        self.size = file.size
        self.checksum: Checksum | None = Checksum("sha256" if file.lfs else "blob", file.etag)
        folder = {"model": "", "dataset": "datasets/", "space": "spaces/"}[repo.repo_type]
        self._url = (
            f"{store.connection.endpoint}/{folder}{repo.repo}/resolve/{quote(repo.commit, safe='')}/{quote(file.path)}"
        )
        self._store = store
        self._repo = repo.repo
        self._token = token
        self._location: str | None = None  # where the hub sent us; a signed URL that expires

    def open_range(self, start: int, end: int) -> HubRange:
        """Bytes ``start`` to ``end``; asks the hub again when the signed URL of an earlier range has expired."""
        headers = {"Range": f"bytes={start}-{end - 1}", "Accept-Encoding": "identity"}
        location = self._location
        if location:
            response = self._store.http.request("GET", location, headers=headers)
            if response.status not in {401, 403, 404, 410}:
                return self._checked(response, start, end, own_host=False)
            response.close()
            self._location = None
        url = self._url
        for _ in range(MAX_REDIRECTS):
            own_host = _origin(url) == _origin(self._url)
            credentials = {"Authorization": f"Bearer {self._token}"} if self._token and own_host else {}
            response = self._store.http.request("GET", url, headers={**headers, **credentials})
            if response.status not in {301, 302, 303, 307, 308}:
                if not own_host:
                    self._location = url
                return self._checked(response, start, end, own_host=own_host)
            target = urljoin(url, response.headers.get("Location", ""))
            response.close()
            if urlsplit(url).scheme == "https" and urlsplit(target).scheme != "https":
                raise OdhTecError(
                    f"{self._store.host} redirects to an unencrypted address.", code="HubError", status=502
                )
            url = target
        raise OdhTecError(f"{self._store.host} redirects too often.", code="HubError", status=502)

    def _checked(self, response: BaseHTTPResponse, start: int, end: int, *, own_host: bool) -> HubRange:
        """The range, if the answer is that range of a file of the size that was announced."""
        if response.status == 200 and (start, end) == (0, self.size):
            total = int(response.headers.get("Content-Length", self.size))
        elif response.status == 206:
            told, _, total_text = response.headers.get("Content-Range", "").partition("/")
            if told.replace(" ", "") != f"bytes{start}-{end - 1}":
                response.close()
                raise VerificationError(f"The hub answered with another range of {self._repo} than was asked for.")
            total = int(total_text) if total_text.isdigit() else self.size
        elif response.status in {200, 416}:
            response.close()
            raise VerificationError(
                f"A file of {self._repo} has another size than the hub announced, or has no ranges."
            )
        elif response.status in {401, 403} and not own_host:
            response.close()
            raise Unreachable("The link to a file of the hub has expired.", code="HubUnreachable")
        else:
            headers = dict(response.headers)
            response.close()
            raise status_error(response.status, headers, self._repo, self._store.host)
        if total != self.size:
            response.close()
            raise VerificationError(f"A file of {self._repo} has {total} bytes, the hub announced {self.size}.")
        return HubRange(response, self._store.host, end - start)


class HubRange:
    """An open range of a file."""

    def __init__(self, response: BaseHTTPResponse, host: str, size: int) -> None:
        self._response = response
        self._host = host
        self._left = size

    def readinto(self, buffer: memoryview) -> int:
        """Fill at most ``len(buffer)`` bytes; 0 at the end."""
        with http_errors(f"https://{self._host}"):
            count = read_into(self._response, buffer)
        self._left -= count
        return count

    def interrupt(self) -> None:
        """Shut the socket for reading; with urllib3 before 2.3 the wait goes on until bytes or the timeout come."""
        with suppress(AttributeError, OSError, RuntimeError, ValueError):
            self._response.shutdown()

    def close(self) -> None:
        """Return the connection when the range was read to its end, else drop it."""
        if self._left:
            self._response.close()
        else:
            self._response.release_conn()


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def _hub_file(item: Any) -> HubFile:
    lfs = getattr(item, "lfs", None)
    return HubFile(path=item.path, size=item.size, etag=lfs.sha256 if lfs else item.blob_id, lfs=bool(lfs))


def select_files(files: Sequence[HubFile], include: list[str] | None, exclude: list[str] | None) -> list[HubFile]:
    """The files the patterns keep, by huggingface_hub's own rules."""
    from huggingface_hub.utils import filter_repo_objects  # type: ignore[attr-defined]

    return list(filter_repo_objects(files, allow_patterns=include, ignore_patterns=exclude, key=lambda file: file.path))


def _set_hub_client(proxy: str | None, ca_bundle: str | None) -> None:
    """Replace huggingface_hub's HTTP client; which library it is depends on its version."""
    import huggingface_hub
    import huggingface_hub.utils as hub_utils

    if not hasattr(huggingface_hub, "set_client_factory"):  # before 1.0: requests
        import requests
        from requests.adapters import HTTPAdapter

        class Impatient(HTTPAdapter):
            """requests waits for ever, and huggingface_hub passes None on."""

            def send(self, request: Any, stream: Any = False, timeout: Any = None, *args: Any, **options: Any) -> Any:
                return super().send(request, stream, timeout or (CONNECT_TIMEOUT, READ_TIMEOUT), *args, **options)

        def session() -> Any:
            made = requests.Session()
            made.mount("http://", Impatient())
            made.mount("https://", Impatient())
            made.trust_env = False
            made.proxies = {"http": proxy, "https": proxy} if proxy else {}
            made.verify = ca_bundle or True
            return made

        huggingface_hub.configure_http_backend(backend_factory=session)
        return
    plain: Any = hub_utils._http.default_client_factory()
    library: Any = sys.modules[type(plain).__module__.split(".")[0]]
    hooks = plain.event_hooks
    plain.close()

    def client() -> Any:
        import ssl

        verify = ssl.create_default_context(cafile=ca_bundle) if ca_bundle else True
        return library.Client(
            event_hooks=hooks,
            follow_redirects=True,
            timeout=library.Timeout(READ_TIMEOUT, connect=CONNECT_TIMEOUT),
            proxy=proxy,
            verify=verify,
            trust_env=False,
        )

    huggingface_hub.set_client_factory(client)
