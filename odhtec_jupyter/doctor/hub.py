"""Hugging Face, or a mirror of it: its API, the token, and where the bytes of files come from."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import urlsplit

from odhtec_jupyter.doctor.attempt import Attempt
from odhtec_jupyter.doctor.finding import Finding, failed, ok, skipped, warning
from odhtec_jupyter.doctor.route import MAX_NAME, Route, route_to
from odhtec_jupyter.errors import Forbidden, NotFound, VerificationError, clipped
from odhtec_jupyter.models import HubRepo
from odhtec_jupyter.network import Network
from odhtec_jupyter.settings import HubConnection
from odhtec_jupyter.stores.http import is_web_page
from odhtec_jupyter.stores.hub.errors import web_page
from odhtec_jupyter.stores.hub.store import HubStore
from odhtec_jupyter.stores.source import RangesIgnoredError

REPLY_SECONDS = 8.0
MAX_REPLY_BYTES = 4096  # that are looked at
NO_REPO = "Name a repository to test its files."


@dataclass
class HubSubject:
    """The hub that is tested."""

    connection: HubConnection
    network: Network
    repo: str | None = None
    _found: Attempt[HubRepo] | None = field(default=None, repr=False)

    @cached_property
    def store(self) -> HubStore:
        """A store of its own, which finds out again what the hub supports."""
        return HubStore(self.connection, self.network)

    @cached_property
    def route(self) -> Route:
        """How the hub is reached. Raises :class:`ProxyError` for a proxy that is not a URL."""
        return route_to(self.connection.endpoint, self.network)

    def found(self) -> Attempt[HubRepo]:
        """Return the description of the repository, or why there is none. It is requested once."""
        if self._found is None:
            name = self.repo or ""
            self._found = Attempt.of(lambda: self.store.repo(name, repo_type="model", revision="main"))
        return self._found

    def close(self) -> None:
        """Close the connections to the hub."""
        if "store" in self.__dict__:
            self.store.close()


def api(subject: HubSubject) -> Finding:
    """Request one model without the token."""
    url = f"{subject.connection.endpoint}/api/models?limit=1"
    response = subject.store.http.request("GET", url, timeout=REPLY_SECONDS)
    try:
        body = response.read(MAX_REPLY_BYTES)
    finally:
        response.close()
    host, status = subject.store.host, response.status
    if is_web_page(body) and status < 500:
        return failed(str(web_page(host)))
    if status >= 500 or status == 429:
        return failed(f"{host} answered with status {status}. Try again later, or ask its administrator.")
    if status != 200:
        return warning(
            f"{host} does not list models ({status}), like some mirrors. Repositories can be imported by their names."
        )
    return ok(f"{host} answers as a Hugging Face hub.")


def token(subject: HubSubject) -> Finding:
    """Find out whose token it is."""
    if not subject.connection.token:
        return skipped("No token is set, so only public repositories can be imported.")
    try:
        return ok(f"The token belongs to {subject.store.whoami()}.")
    except NotFound:
        return warning(f"{subject.store.host} does not say whose token it is, like some mirrors, so it was not tested.")


def repository(subject: HubSubject) -> Finding:
    """List the files of a repository, and what of the API the hub lacks."""
    if not subject.repo:
        return skipped(NO_REPO)
    attempt = subject.found()
    if attempt.error is not None or attempt.result is None:
        return failed(str(attempt.error))
    repo, host = attempt.result, subject.store.host
    shown = f"{clipped(repo.repo, MAX_NAME)} has {len(repo.files)} files."
    if not repo.accessible:
        return failed(
            f"{shown} It is gated: accept its terms at {host}, then use a token of that account in the settings."
        )
    if not subject.store.abilities.tree:
        return warning(
            f"{shown} {host} cannot list files as Hugging Face does, so they are read from its description of the"
            " repository, which can be incomplete: compare their number."
        )
    return warning(f"{shown} {repo.note}") if repo.note else ok(shown)


def files(subject: HubSubject) -> Finding:
    """Read the first byte of the largest file, which is at another host than the API."""
    if not subject.repo:
        return skipped(NO_REPO)
    repo = subject.found().result
    file = max((one for one in repo.files if one.size > 1), key=lambda one: one.size, default=None) if repo else None
    if repo is None or file is None:
        return skipped("The repository has no file to read.")
    source = subject.store.source(repo.repo, repo.repo_type, repo.commit, file)
    try:
        source.open_range(0, 1).close()
    except RangesIgnoredError as error:
        return warning(f"{error} Large files are read over one connection, which is slower.")
    except (Forbidden, NotFound, VerificationError) as error:
        return failed(str(error))
    finally:
        source.close()
    host = urlsplit(source.location).netloc
    return ok(f"Large files are read by ranges from {clipped(host, MAX_NAME)}.")
