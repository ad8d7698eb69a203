"""Hugging Face: this module and those it is made of (``hub_*.py``) talk to it; only this one knows huggingface_hub.

Metadata comes through huggingface_hub, data through ranged HTTP, because only that can be read in parallel into
memory that is already budgeted. The token goes to the hub's own host and is never sent along a redirect.
Everything here blocks and runs in threads.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlsplit

from odhtec_jupyter.errors import BadRequest, Forbidden, NotFound, OdhTecError, Unreachable, clipped
from odhtec_jupyter.models import HubFile, HubRef, HubRefs, HubRepo, RepoType
from odhtec_jupyter.network import Network
from odhtec_jupyter.settings import HubConnection, check_secret
from odhtec_jupyter.stores.bounded import PIECE_BYTES, bounded_transport, read_whole
from odhtec_jupyter.stores.http import CONNECT_TIMEOUT, READ_TIMEOUT, Http, ca_file, reason
from odhtec_jupyter.stores.hub_answers import gated, no_repository, no_revision, status_error
from odhtec_jupyter.stores.hub_source import HubSource
from odhtec_jupyter.stores.hub_tree import repo_files

if TYPE_CHECKING:
    from huggingface_hub import HfApi

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
def hub_errors(repo: str, host: str, revision: str | None = None) -> Iterator[None]:
    """Translate every error huggingface_hub raises into one of ours, in words for the user."""
    from huggingface_hub import errors as h

    try:
        yield
    except OdhTecError:
        raise
    except h.GatedRepoError as error:
        raise gated(repo, host) from error
    except h.RepositoryNotFoundError as error:
        raise no_repository(repo, host) from error
    except h.RevisionNotFoundError as error:
        raise no_revision(repo, revision) from error
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
            raise Forbidden("There is no Hugging Face token: enter one in the settings.", code="NoToken")
        with hub_errors("the account", self.host):
            return clipped(str(self._api(None).whoami()["name"]), 100)

    def repo(self, text: str, *, repo_type: RepoType, revision: str, token: str | None = None) -> HubRepo:
        """Everything an import needs to know, pinned to a commit."""
        repo, repo_type, revision = parse_repo(text, repo_type, revision)
        api = self._api(token)
        with hub_errors(repo, self.host, revision):
            info: Any = api.repo_info(repo, repo_type=repo_type, revision=revision)
            files = repo_files(
                lambda url: self._page(url, token),
                f"{self.connection.endpoint}/api/{repo_type}s/{repo}/tree/{quote(info.sha, safe='')}",
                self.host,
            )
        is_gated = bool(getattr(info, "gated", False))
        card = getattr(info, "card_data", None)
        safetensors = getattr(info, "safetensors", None)
        license_name = card.get("license") if card is not None else None
        return HubRepo(
            repo=repo,
            repo_type=repo_type,
            revision=revision,
            commit=info.sha,
            gated=is_gated,
            private=bool(info.private),
            accessible=not is_gated or self._may_read(api, repo, repo_type),
            license=", ".join(license_name) if isinstance(license_name, list) else license_name,
            parameters=dict(safetensors.parameters) if safetensors else None,
            files=files,
            total_size=sum(file.size for file in files),
        )

    def _page(self, url: str, token: str | None) -> Any:
        import huggingface_hub.utils as hub_utils

        utils: Any = hub_utils
        headers = utils.build_hf_headers(token=token or self.connection.token or False)
        response = utils.http_backoff("GET", url, headers=headers)
        utils.hf_raise_for_status(response)
        return response

    def refs(self, text: str, *, repo_type: RepoType, token: str | None = None) -> HubRefs:
        """The branches and tags of a repository."""
        repo, repo_type, _ = parse_repo(text, repo_type, "main")
        api = self._api(token)
        with hub_errors(repo, self.host):
            found = api.list_repo_refs(repo, repo_type=repo_type)
        return HubRefs(
            branches=[HubRef(name=ref.name, commit=ref.target_commit) for ref in found.branches],
            tags=[HubRef(name=ref.name, commit=ref.target_commit) for ref in found.tags],
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

    def source(self, repo: str, repo_type: RepoType, commit: str, file: HubFile, token: str | None = None) -> HubSource:
        """The bytes of one file of a repository at a commit."""
        token = token or self.connection.token
        return HubSource(self.http, self.connection.endpoint, repo, repo_type, commit, file, token)

    def close(self) -> None:
        """Close idle connections."""
        self.http.close()


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
            """requests waits for ever and reads without a limit, and huggingface_hub passes None on."""

            def send(self, request: Any, stream: Any = False, timeout: Any = None, *args: Any, **options: Any) -> Any:
                response = super().send(request, True, timeout or (CONNECT_TIMEOUT, READ_TIMEOUT), *args, **options)
                try:
                    response._content = read_whole(
                        response.iter_content(PIECE_BYTES), urlsplit(response.url or "").hostname or ""
                    )
                finally:
                    response.close()
                response._content_consumed = True  # type: ignore[attr-defined]
                return response

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
            transport=bounded_transport(library, proxy=proxy, verify=verify, trust_env=False),
            trust_env=False,
        )

    huggingface_hub.set_client_factory(client)
