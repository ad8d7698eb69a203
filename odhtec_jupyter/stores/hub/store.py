"""The store of Hugging Face. Only the modules of this folder send requests to it.

Metadata is read with huggingface_hub's client, data by ranged HTTP, which allows parallel reads into memory of the
budget. The token is sent to the hub's own host only and never along a redirect. All calls block and run in threads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from odhtec_jupyter.errors import Cancelled, Forbidden, NotFound, OdhTecError, VerificationError, clipped
from odhtec_jupyter.hub_address import HubAddress, parse_hub_address
from odhtec_jupyter.models import HubFile, HubRef, HubRefs, HubRepo, RepoType
from odhtec_jupyter.network import Network
from odhtec_jupyter.settings import HubConnection
from odhtec_jupyter.stores.http import Http
from odhtec_jupyter.stores.hub.client import HubClient
from odhtec_jupyter.stores.hub.errors import NoSuchEndpoint, odd_answer
from odhtec_jupyter.stores.hub.info import RepoInfo, described_files, read_info
from odhtec_jupyter.stores.hub.source import HubSource
from odhtec_jupyter.stores.hub.tree import MAX_FILES, described_paths, endless_list, repo_files, too_many_files
from odhtec_jupyter.uris import FOLDERS

PATHS_AT_ONCE = 100  # a mirror can request each of them from the hub behind it, one after another


@dataclass
class HubAbilities:
    """The parts of Hugging Face's API that a hub supports, found out on first use: mirrors support only some."""

    auth_check: bool = True
    tree: bool = True
    paths_info: bool = True
    #: Hosts that send the whole file instead of a range.
    without_ranges: set[str] = field(default_factory=set)


class HubStore:
    """One Hugging Face endpoint with one token."""

    def __init__(self, connection: HubConnection, network: Network) -> None:
        self.connection = connection
        self._policy = network.policy
        self.http = Http(network)
        self.host = urlsplit(connection.endpoint).netloc
        self.abilities = HubAbilities()
        self._client = HubClient(connection, network)

    def whoami(self) -> str:
        """Return the name of the token's account. Raises :class:`Forbidden` without a valid token."""
        if not self.connection.token:
            raise Forbidden("No Hugging Face token is set. Enter one in the settings.", code="NoToken")
        data, _ = self._client.get("/api/whoami-v2", repo="the account")
        name = data.get("name") if isinstance(data, dict) else None
        if not isinstance(name, str):
            raise odd_answer(f"{self.host} did not name the account of the token.")
        return clipped(name, 100)

    def address(self, text: str, repo_type: RepoType, revision: str) -> HubAddress:
        """Parse an entered repository: an ID, or an address of Hugging Face or of this hub.

        Raises :class:`BadRequest`, or :class:`PolicyDenied`.
        """
        address = parse_hub_address(text, repo_type, revision, self.connection.endpoint)
        self._require_allowed(address.repo, address.repo_type)
        self._client.check_repo(address.repo)
        return address

    def repo(
        self,
        text: str,
        *,
        repo_type: RepoType,
        revision: str,
        token: str | None = None,
        is_stopped: Callable[[], bool] = lambda: False,
    ) -> HubRepo:
        """Return the description of a repository and its files, pinned to a commit.

        Raises :class:`Cancelled` when stopped.
        """
        address = self.address(text, repo_type, revision)
        repo, repo_type, revision = address.repo, address.repo_type, address.revision

        def ask(path: str, form: dict[str, Any] | None = None) -> Any:
            if is_stopped():
                raise Cancelled("The request was cancelled.")
            url = f"/api/{repo_type}s/{repo}/{path}"
            return self._client.get(url, repo=repo, revision=revision, token=token, form=form)

        info = read_info(ask(f"revision/{quote(revision, safe='')}")[0], self.host)
        files, note = self._files(ask, info)
        found = HubRepo(
            repo=repo,
            repo_type=repo_type,
            revision=revision,
            commit=info.commit,
            gated=info.gated,
            private=info.private,
            accessible=True,
            license=info.license,
            parameters=info.parameters,
            files=files,
            chosen=address.patterns,
            note=note,
            total_size=sum(file.size for file in files),
        )
        if info.gated:
            found.accessible = self._refusal(found, token) is None
        return found

    def _files(self, ask: Callable[..., Any], info: RepoInfo) -> tuple[list[HubFile], str | None]:
        """Return all files in the hub's list or in its description of the repository.

        A mirror can have either of the two, or only a part of one; files that are missing from one must not be lost.
        """
        commit = quote(info.commit, safe="")
        files: dict[str, HubFile] = {}
        listed = self.abilities.tree
        if listed:
            try:
                found, whole = repo_files(ask, f"tree/{commit}", self.host)
                if not whole and not info.paths:
                    raise endless_list(self.host)
                files = {file.path: file for file in found}
            except NoSuchEndpoint:
                listed = self.abilities.tree = False
        if listed and info.paths <= files.keys():
            return list(files.values()), None
        known = described_files(ask(f"revision/{commit}?blobs=true")[0])
        known |= self._named(ask, commit, sorted(info.paths - files.keys() - known.keys()))
        if missing := info.paths - files.keys() - known.keys():
            raise odd_answer(
                f"{self.host} lists {len(missing):,} of {len(info.paths):,} files without size or checksum, so they"
                " cannot be imported. Ask its administrator whether it can list the files of a repository."
            )
        both = known | files
        if not listed and not both:
            raise odd_answer(f"{self.host} cannot list the files of a repository, so nothing can be imported from it.")
        if len(both) > MAX_FILES:
            raise too_many_files()
        if not listed:
            return list(both.values()), None
        note = (
            f"{self.host} lists {len(files):,} of {len(both):,} files; its description of the repository has the rest."
        )
        return list(both.values()), note

    def _named(self, ask: Callable[..., Any], commit: str, paths: list[str]) -> dict[str, HubFile]:
        """Return those of the paths that the hub describes when they are requested by name."""
        files: dict[str, HubFile] = {}
        for start in range(0, len(paths), PATHS_AT_ONCE):
            if not self.abilities.paths_info:
                break
            try:
                form = {"paths": paths[start : start + PATHS_AT_ONCE], "expand": False}
                files |= described_paths(ask(f"paths-info/{commit}", form)[0], self.host)
            except NoSuchEndpoint:
                self.abilities.paths_info = False
        return files

    def refs(self, text: str, *, repo_type: RepoType, token: str | None = None) -> HubRefs:
        """Return the branches and tags of a repository."""
        address = self.address(text, repo_type, "main")
        repo, repo_type = address.repo, address.repo_type
        data, _ = self._client.get(f"/api/{repo_type}s/{repo}/refs", repo=repo, token=token)
        try:
            branches, tags = (
                [HubRef(name=ref["name"], commit=ref["targetCommit"]) for ref in data.get(kind) or ()]
                for kind in ("branches", "tags")
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise odd_answer(f"{self.host} answered with something other than branches and tags.") from error
        return HubRefs(branches=branches, tags=tags)

    def require_access(self, repo: HubRepo, token: str | None = None) -> None:
        """Raise an error for the user if the token in use cannot read the files."""
        refusal = self._refusal(repo, token)
        if refusal is not None:
            raise refusal

    def _refusal(self, repo: HubRepo, token: str | None) -> OdhTecError | None:
        """Return why the files of a repository cannot be read although its description can."""
        self._require_allowed(repo.repo, repo.repo_type)
        if self.abilities.auth_check:
            try:
                self._client.get(f"/api/{repo.repo_type}s/{repo.repo}/auth-check", repo=repo.repo, token=token)
                return None
            except NotFound:  # the repository exists, so the endpoint is missing
                self.abilities.auth_check = False
            except Forbidden as error:
                return error
        return self._refusal_of_file(repo, token) if repo.gated else None

    def _refusal_of_file(self, repo: HubRepo, token: str | None) -> OdhTecError | None:
        """Return the same for a hub without that endpoint, by reading one byte of a file."""
        file = min((file for file in repo.files if file.size), key=lambda file: file.size, default=None)
        if file is None:
            return None
        try:
            self.source(repo.repo, repo.repo_type, repo.commit, file, token).open_range(0, 1).close()
        except (Forbidden, NotFound) as error:
            return error
        except VerificationError:  # it replied, though with more than one byte
            return None
        return None

    def source(self, repo: str, repo_type: RepoType, commit: str, file: HubFile, token: str | None = None) -> HubSource:
        """Return the source of one file of a repository at a commit."""
        self._require_allowed(repo, repo_type)
        token = token or self.connection.token
        return HubSource(
            self.http, self.connection.endpoint, repo, repo_type, commit, file, token, self.abilities.without_ranges
        )

    def _require_allowed(self, repo: str, repo_type: RepoType) -> None:
        """Raise :class:`PolicyDenied` unless the policy allows this repository."""
        self._policy.require_hub_repo(FOLDERS[repo_type] + repo)

    def close(self) -> None:
        """Close idle connections."""
        self.http.close()
        self._client.close()
