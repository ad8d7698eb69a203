"""``/settings``: secrets are never returned, and values are checked before they are stored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tornado import web

from odhtec_jupyter.errors import OdhTecError, ProxyError, StoreError, error_for
from odhtec_jupyter.handlers.audited import actions
from odhtec_jupyter.handlers.base import SETTINGS_RESOURCE, OdhTecHandler
from odhtec_jupyter.models import (
    BandwidthSettings,
    ConcurrencySettings,
    HubSettingsChange,
    ProxySettingsChange,
    S3SettingsChange,
    TestReply,
)
from odhtec_jupyter.network import AMAZON, Network
from odhtec_jupyter.policy import Policy
from odhtec_jupyter.settings import HubConnection, S3Connection
from odhtec_jupyter.stores.hub.store import HubStore
from odhtec_jupyter.stores.s3.store import S3Store


class SettingsHandler(OdhTecHandler):
    """The base of handlers of settings.

    Permission to use the store does not include choosing another one for all users.
    """

    @property
    def auth_resources(self) -> tuple[str, ...]:
        """Connections require their own resource."""
        return (*super().auth_resources, SETTINGS_RESOURCE)

    async def prepare(self, **options: Any) -> None:
        """Refuse changes that the policy does not allow, before the body is read."""
        await super().prepare(**options)
        if not self.replied and self.request.method == "PUT":
            self.policy.require_settings_changes()

    @property
    def policy(self) -> Policy:
        """What the administrator allows."""
        return self.services.settings.policy

    def require_test(self, tested: object, present: Callable[[], object]) -> None:
        """Raise :class:`PolicyDenied` for a test of other values than those in force if they cannot be changed."""
        if not self.policy.allow_settings_changes and tested != present():
            self.policy.require_settings_changes()


class S3SettingsHandler(SettingsHandler):
    """``/settings/s3``"""

    audited = actions(PUT="settings.change")
    setting = "s3"

    @web.authenticated
    async def get(self) -> None:
        """Return the connection without its secrets."""
        self.reply(self.services.settings.show_s3())

    @web.authenticated
    async def put(self) -> None:
        """Change the connection until the server stops."""
        change = self.body(S3SettingsChange)
        self.policy.require_endpoint(self.services.settings.changed_s3(change).endpoint)
        self.services.settings.change_s3(change)
        await self.services.settings_changed()
        self.reply(self.services.settings.show_s3())


class TestS3Handler(SettingsHandler):
    """``/settings/test-s3``"""

    audited = actions(POST="settings.test")
    setting = "s3"

    @web.authenticated
    async def post(self) -> None:
        """Test a connection without storing it."""
        settings = self.services.settings
        connection = settings.changed_s3(self.body(S3SettingsChange))
        self.require_test(connection, lambda: settings.s3)
        self.reply(TestReply(message=await self.call(try_s3, connection, settings.network)))


def try_s3(connection: S3Connection, network: Network) -> str:
    """Connect to the store and, if there is one, the default bucket. Returns what was found. Blocks."""
    store = S3Store(connection, network)
    try:
        buckets = store.list_buckets()
        bucket = connection.default_bucket
        if not bucket and not buckets.listable:
            raise StoreError(
                f"{store.host} does not allow these credentials to list buckets, so they cannot be tested."
                " Enter a bucket, then test again.",
                code="AccessDenied",
            )
        if bucket:
            store.list_objects(bucket, "", max_keys=1, token=None)
        found = f"{len(buckets.buckets)} buckets found." if buckets.listable else "Buckets cannot be listed."
        return f"Connected to {store.host}. {found}{f' {bucket} can be read.' if bucket else ''}"
    finally:
        store.close()


class HubSettingsHandler(SettingsHandler):
    """``/settings/hf``"""

    audited = actions(PUT="settings.change")
    setting = "hf"

    @web.authenticated
    async def get(self) -> None:
        """Return the Hugging Face connection without its token."""
        self.reply(self.services.settings.show_hub())

    @web.authenticated
    async def put(self) -> None:
        """Change the connection until the server stops."""
        self.services.settings.change_hub(self.body(HubSettingsChange))
        await self.services.settings_changed()
        self.reply(self.services.settings.show_hub())


class TestHubHandler(SettingsHandler):
    """``/settings/test-hf``"""

    audited = actions(POST="settings.test")
    setting = "hf"

    @web.authenticated
    async def post(self) -> None:
        """Return the account of the token."""
        settings = self.services.settings
        connection = settings.changed_hub(self.body(HubSettingsChange))
        self.require_test(connection, lambda: settings.hub)
        self.reply(TestReply(message=await self.call_hub(try_hub, connection, settings.network)))


def try_hub(connection: HubConnection, network: Network) -> str:
    """Connect to the hub with the token. Returns what was found. Blocks."""
    store = HubStore(connection, network)
    try:
        return f"Connected to {store.host} as {store.whoami()}."
    finally:
        store.close()


class ProxySettingsHandler(SettingsHandler):
    """``/settings/proxy``"""

    audited = actions(PUT="settings.change")
    setting = "proxy"

    @web.authenticated
    async def get(self) -> None:
        """Return the proxies without their passwords."""
        self.reply(self.services.settings.show_network())

    @web.authenticated
    async def put(self) -> None:
        """Change the proxies until the server stops."""
        self.services.settings.change_network(self.body(ProxySettingsChange))
        await self.services.settings_changed()
        self.reply(self.services.settings.show_network())


class TestProxyHandler(SettingsHandler):
    """``/settings/test-proxy``"""

    audited = actions(POST="settings.test")
    setting = "proxy"

    @web.authenticated
    async def post(self) -> None:
        """Test proxies without storing them. Only the hub and the store are contacted."""
        settings = self.services.settings
        network = settings.changed_network(self.body(ProxySettingsChange))
        self.require_test(network, lambda: settings.network)
        self.reply(TestReply(message=await self.call_hub(try_network, settings.s3, settings.hub, network)))


def try_network(s3: S3Connection, hub: HubConnection, network: Network) -> str:
    """Send a request to both hosts; any reply counts. Raises the first error, naming the host. Blocks."""
    ends = []
    for name, url in (("Hugging Face", hub.endpoint), ("S3", s3.endpoint or AMAZON)):
        store = HubStore(HubConnection(hub.endpoint), network) if name != "S3" else S3Store(s3, network)
        try:
            response = store.http.request("HEAD", url)
            status = response.status
            response.close()
        except OdhTecError as error:
            raise error_for(error.code, f"{name}: {error}", error.status) from error
        finally:
            store.close()
        if status in {407, 502, 503, 504} and network.proxy_for(url):
            raise ProxyError(f"{name}: the proxy answered with status {status}.")
        ends.append(f"{name} {'through the proxy' if network.proxy_for(url) else 'directly'}")
    return f"Reached {' and '.join(ends)}."


class ConcurrencyHandler(SettingsHandler):
    """``/settings/max-concurrent-transfers``"""

    audited = actions(PUT="settings.change")
    setting = "max-concurrent-transfers"

    @web.authenticated
    async def get(self) -> None:
        """Return the number of files that move at the same time."""
        self._show()

    @web.authenticated
    async def put(self) -> None:
        """Change the number, also for running transfers."""
        value = self.body(ConcurrencySettings).max_concurrent_transfers
        self.services.settings.max_concurrent_transfers = value
        self.services.engine.slots.limit = value
        self._show()

    def _show(self) -> None:
        value = self.services.settings.max_concurrent_transfers
        self.reply(ConcurrencySettings(max_concurrent_transfers=value))


class BandwidthHandler(SettingsHandler):
    """``/settings/max-bandwidth``"""

    audited = actions(PUT="settings.change")
    setting = "max-bandwidth"

    @web.authenticated
    async def get(self) -> None:
        """Return the limit in bytes per second."""
        self._show()

    @web.authenticated
    async def put(self) -> None:
        """Change the limit, also for running transfers."""
        value = self.body(BandwidthSettings).max_bandwidth
        self.services.settings.max_bandwidth = value
        self.services.engine.bandwidth.limit = value
        self._show()

    def _show(self) -> None:
        self.reply(BandwidthSettings(max_bandwidth=self.services.settings.max_bandwidth))
