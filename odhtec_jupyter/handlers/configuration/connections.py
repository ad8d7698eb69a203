"""``/connections``: secrets are never returned, and values are checked before they are stored."""

from __future__ import annotations

from tornado import web

from odhtec_jupyter.connections.connection import Connection
from odhtec_jupyter.connections.presets import PRESETS
from odhtec_jupyter.connections.summary import problem, summary
from odhtec_jupyter.errors import Conflict
from odhtec_jupyter.handlers.audited import actions
from odhtec_jupyter.handlers.base import READ_METHODS, SETTINGS_RESOURCE, OdhTecHandler
from odhtec_jupyter.models import ConnectionList, ConnectionRequest, ConnectionSummary, Message
from odhtec_jupyter.uris import CONNECTION_NAME, S3Uri


class ConnectionHandlerBase(OdhTecHandler):
    """The base of the handlers of connections.

    Everyone who can use the stores sees which there are. To add one is to decide where the objects of all users go.
    """

    @property
    def auth_resources(self) -> tuple[str, ...]:
        """Changes require the resource of the settings, too."""
        own = super().auth_resources
        return own if self.request.method in READ_METHODS else (*own, SETTINGS_RESOURCE)

    _changed: str | None = None

    def changes(self, name: str) -> None:
        """Record that the request is about this connection, which its path does not name."""
        self._changed = name if CONNECTION_NAME.fullmatch(name) else ""

    @property
    def audit_connection(self) -> str:
        """The name of the connection that the request is about."""
        if self._changed is None:
            self.changes(self.path_kwargs.get("name") or "")
        return self._changed or ""

    async def shown(self, *connections: Connection) -> list[ConnectionSummary]:
        """Return what the user sees of these connections."""
        with_account = await self.has_permission("read", SETTINGS_RESOURCE)
        policy = self.services.settings.policy
        return [summary(connection, policy, with_account=with_account) for connection in connections]


class ConnectionsHandler(ConnectionHandlerBase):
    """``/connections``"""

    audited = actions(POST="connection.add")

    @web.authenticated
    async def get(self) -> None:
        """Return all connections, also those that cannot be used, and the presets for new ones."""
        registry = self.services.connections
        found = await self.call(lambda: (registry.all(), registry.duplicates()))
        self.reply(
            ConnectionList(
                connections=await self.shown(*found[0]),
                problems=[problem(one) for one in found[1]],
                presets=list(PRESETS),
            )
        )

    @web.authenticated
    async def post(self) -> None:
        """Add a connection until the server stops."""
        request = self.body(ConnectionRequest)
        self.changes(request.name)
        added = await self.call(self.services.connections.add, request)
        self.reply((await self.shown(added))[0], status=201)


class ConnectionHandler(ConnectionHandlerBase):
    """``/connections/{name}``"""

    audited = actions(DELETE="connection.remove")

    @web.authenticated
    async def get(self, name: str) -> None:
        """Return a connection, also one that cannot be used."""
        self.reply((await self.shown(await self.call(self.services.connections.find, name)))[0])

    @web.authenticated
    async def delete(self, name: str) -> None:
        """Remove a connection that was added while the server runs."""
        await self.call(self.services.connections.remove, name)
        self.reply(Message(message=f"The connection “{name}” has been removed."))


class SaveConnectionHandler(ConnectionHandlerBase):
    """``/connections/{name}/save``"""

    audited = actions(POST="connection.save")

    @web.authenticated
    async def post(self, name: str) -> None:
        """Save an added connection as an AWS profile, with its keys, in a file that only its owner can read."""
        self._require_unused(name)
        saved = await self.call(self.services.connections.save, name)
        self.reply((await self.shown(saved))[0])

    def _require_unused(self, name: str) -> None:
        """Raise :class:`Conflict` while transfers use the connection: for them, a profile is another account."""
        for transfer in self.services.transfers.list():
            ends = (transfer.source, transfer.target)
            if not transfer.is_done and any(isinstance(uri, S3Uri) and uri.connection == name for uri in ends):
                raise Conflict(f"Transfers use the connection “{name}”. Save it when they have finished.")
