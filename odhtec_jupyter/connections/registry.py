"""The registry: all connections of a server by name, read again when their files or variables change."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from odhtec_jupyter.connections.connection import Connection, broken, checked_name
from odhtec_jupyter.connections.definition import Definition
from odhtec_jupyter.connections.profile_files import save_profile
from odhtec_jupyter.connections.source import Source
from odhtec_jupyter.connections.sources.configured import ConfiguredSource
from odhtec_jupyter.connections.sources.directory import DirectorySource
from odhtec_jupyter.connections.sources.environment import EnvironmentSource
from odhtec_jupyter.connections.sources.mc import McSource
from odhtec_jupyter.connections.sources.pipelines import PipelinesSource
from odhtec_jupyter.connections.sources.prefixed import PrefixedSource
from odhtec_jupyter.connections.sources.profiles import ProfilesSource
from odhtec_jupyter.connections.sources.session import SessionSource
from odhtec_jupyter.errors import Conflict, Forbidden, NotFound, OdhTecError
from odhtec_jupyter.models import ConnectionRequest
from odhtec_jupyter.network import AMAZON
from odhtec_jupyter.settings import OdhTecSettings
from odhtec_jupyter.settings.values import endpoint_origin
from odhtec_jupyter.uris import DEFAULT_CONNECTION

CHECK_SECONDS = 1.0  # between two looks at the files; a listing of a thousand pages must not look a thousand times


@dataclass(frozen=True)
class Duplicate:
    """A connection that is not used, because an earlier source has one with its name."""

    name: str
    source: str
    used: str  # the source of the connection that is used


class Connections:
    """All connections; thread-safe. Everything but :meth:`find` of the first source's default can read files."""

    def __init__(
        self, settings: OdhTecSettings, *, log: logging.Logger, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._log = log
        self._clock = clock
        self._settings = settings
        self._session = SessionSource()
        self._environment = EnvironmentSource(settings)
        sources: tuple[Source, ...] = (
            self._environment,
            PrefixedSource(),
            DirectorySource(settings.connections_dir),
            PipelinesSource(),
            ProfilesSource(),
            McSource(),
            ConfiguredSource(settings.connections),
            self._session,
        )
        known = {source.name: source for source in sources}
        self._sources = [known[name] for name in settings.connection_sources]
        self._states: dict[str, Hashable] = {}
        self._found: dict[str, list[Connection]] = {}
        self._connections: dict[str, Connection] = {}
        self._duplicates: list[Duplicate] = []
        self._checked: float | None = None
        self._lock = threading.Lock()
        self._saving = threading.Lock()
        #: Called in any thread after connections have changed, appeared or gone.
        self.on_change: Callable[[], None] = lambda: None

    # --- reading --------------------------------------------------------------------------------------------------

    def find(self, name: str) -> Connection:
        """Return a connection, also one that cannot be used. Raises :class:`NotFound`."""
        if self.is_immediate(name):
            return self._environment.read()[0].judged(self._settings.policy)
        self._refresh()
        found = self._connections.get(name)
        if found is None:
            raise _no_such_connection(name)
        return found

    def get(self, name: str = DEFAULT_CONNECTION) -> Connection:
        """Return a connection that can be used. Raises :class:`NotFound`, or :class:`BadRequest` with its error."""
        return self.find(name).require_usable()

    def known(self, name: str) -> Connection:
        """Return a connection that can be used, as it was when it was last looked at, without reading any file.

        Raises :class:`NotFound`, or :class:`BadRequest` with its error.
        """
        if self.is_immediate(name):
            return self.get(name)
        found = self._connections.get(name)
        if found is None:
            raise _no_such_connection(name)
        return found.require_usable()

    def is_immediate(self, name: str) -> bool:
        """Return whether :meth:`find` returns this connection without reading any file.

        The default connection has to work while a home directory does not reply.
        """
        return name == DEFAULT_CONNECTION and self._sources[:1] == [self._environment]

    def refresh(self) -> None:
        """Look for changes, at most once in :data:`CHECK_SECONDS`."""
        self._refresh()

    def all(self) -> list[Connection]:
        """Return all connections, in the order of their sources; those that cannot be used with their errors."""
        self._refresh()
        return list(self._connections.values())

    def latest(self) -> dict[str, Connection]:
        """Return all connections by name, as they were when they were last looked at."""
        return dict(self._connections)

    def duplicates(self) -> list[Duplicate]:
        """Return the connections that are not used because of their names."""
        self._refresh()
        return list(self._duplicates)

    def expire(self) -> None:
        """Look at all sources again for the next request."""
        self._checked = None

    def _refresh(self) -> None:
        with self._lock:
            now = self._clock()
            if self._checked is not None and now - self._checked < CHECK_SECONDS:
                return
            self._checked = now
            changed = [source for source in self._sources if self._has_changed(source)]
            if not changed:
                return
            for source in changed:
                self._found[source.name] = self._read(source)
            before = self._connections
            self._connections, self._duplicates = _merged([self._found[source.name] for source in self._sources])
            has_changed = bool(before) and before != self._connections
        if has_changed:
            self.on_change()

    def _has_changed(self, source: Source) -> bool:
        state = source.state()
        # Taken before it is read: a change in between is found by the next look.
        has_changed = source.name not in self._states or self._states[source.name] != state
        self._states[source.name] = state
        return has_changed

    def _read(self, source: Source) -> list[Connection]:
        try:
            return [connection.judged(self._settings.policy) for connection in source.read()]
        except OdhTecError as error:
            return [broken(source.name, source.name, str(error))]
        except Exception as error:  # one source must not break the others
            self._log.exception("The connections of the source %s could not be read.", source.name)
            return [broken(source.name, source.name, f"Unexpected error ({type(error).__name__}).")]

    # --- connections of this session ------------------------------------------------------------------------------

    def add(self, request: ConnectionRequest) -> Connection:
        """Check a connection and keep it in memory until the server stops; one that was added earlier is replaced.

        Keys that the request leaves out are kept if endpoint and access key ID stay the same. Raises
        :class:`BadRequest` naming the field, :class:`Conflict` for the name of another source's connection, or
        :class:`PolicyDenied`.
        """
        self._settings.policy.require_user_connections()
        name = checked_name(request.name)
        if self._session not in self._sources:
            raise Forbidden("Connections cannot be added: connection_sources does not have “session”.")
        self._require_own(name, "Choose another name.")
        new = _definition(self._with_stored_keys(request)).connection(name, SessionSource.name)
        self._settings.policy.require_endpoint(new.s3.endpoint)
        self._session.put(new)
        self._changed()
        return new

    def _with_stored_keys(self, request: ConnectionRequest) -> ConnectionRequest:
        """Return the request with the stored keys of the connection that it replaces, if it is the same account."""
        stored = self._session.get(request.name)
        if stored is None or request.secret_access_key is not None:
            return request
        is_same_store = endpoint_origin(request.endpoint or AMAZON) == endpoint_origin(stored.s3.endpoint or AMAZON)
        if not request.access_key_id or request.access_key_id != stored.s3.access_key_id or not is_same_store:
            return request
        keys = {"secret_access_key": stored.s3.secret_access_key}
        if request.session_token is None:
            keys["session_token"] = stored.s3.session_token
        return request.model_copy(update=keys)

    def remove(self, name: str) -> None:
        """Remove an added connection.

        Raises :class:`NotFound`, :class:`Conflict` for one of another source, or :class:`PolicyDenied`.
        """
        self._settings.policy.require_user_connections()
        self.find(name)
        self._require_own(name, "It cannot be removed here.")
        self._session.remove(name)
        self._changed()

    def save(self, name: str) -> Connection:
        """Save an added connection as an AWS profile, from which it is read from then on. Blocks.

        Raises :class:`NotFound`, :class:`Conflict` for a connection of another source or the name of an existing
        profile, :class:`BadRequest` for what a profile cannot describe, and :class:`PolicyDenied`.
        """
        self._settings.policy.require_user_connections()
        self.find(name)
        self._require_own(name, "It cannot be saved.")
        if not any(isinstance(source, ProfilesSource) for source in self._sources):
            raise Forbidden("Connections cannot be saved: connection_sources does not have “profiles”.")
        with self._saving:
            if added := self._session.get(name):
                save_profile(added)
                self._session.remove(name)
        self._changed()
        return self.find(name)

    def _require_own(self, name: str, advice: str) -> None:
        if name == DEFAULT_CONNECTION:
            raise Conflict(f"“{name}” is the connection that is used without a name. {advice}")
        self._refresh()
        known = self._connections.get(name)
        if known and known.source != SessionSource.name:
            raise Conflict(f"The connection “{name}” comes from the source “{known.source}”. {advice}")

    def _changed(self) -> None:
        self.expire()
        self._refresh()


def _no_such_connection(name: str) -> NotFound:
    return NotFound(f"There is no connection {name[:100]!r}.", code="NoSuchConnection")


def _merged(lists: list[list[Connection]]) -> tuple[dict[str, Connection], list[Duplicate]]:
    """Return the connections by name, and those whose name an earlier one has."""
    found: dict[str, Connection] = {}
    duplicates = []
    for connection in (one for connections in lists for one in connections):
        used = found.setdefault(connection.name, connection)
        if used is not connection:
            duplicates.append(Duplicate(connection.name, connection.source, used.source))
    return found, duplicates


def _definition(request: ConnectionRequest) -> Definition:
    return Definition(
        endpoint=request.endpoint,
        region=request.region,
        bucket=request.default_bucket,
        access_key_id=request.access_key_id,
        secret_access_key=request.secret_access_key,
        session_token=request.session_token,
        anonymous=request.anonymous,
        requester_pays=request.requester_pays,
        read_only=request.read_only,
        addressing_style=request.addressing_style,
        title=request.title,
    )
