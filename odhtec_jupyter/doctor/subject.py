"""The subject of a test: the connection, and what the steps have found out about it so far."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property

from odhtec_jupyter.connections.connection import Connection
from odhtec_jupyter.doctor.attempt import Attempt
from odhtec_jupyter.doctor.route import MAX_NAME, Route, route_to
from odhtec_jupyter.errors import clipped
from odhtec_jupyter.network import Network
from odhtec_jupyter.stores.s3.connection.probe import PROBE_PREFIX, ProbeObject
from odhtec_jupyter.stores.s3.store import S3Store
from odhtec_jupyter.stores.s3.wire.errors import s3_errors
from odhtec_jupyter.stores.s3.wire.list_page import ListPage
from odhtec_jupyter.uris import named


@dataclass
class Subject:
    """A connection that is tested. Its steps run one after another."""

    connection: Connection
    network: Network  # of the server
    others: Sequence[Connection] = ()
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)
    bucket: str | None = None  # the one to test, if the user has named one
    write: bool = False
    with_account: bool = False  # whether the user sees access key IDs
    date: datetime | None = None  # of the store, in its last reply
    received_at: datetime | None = None
    expected_region: str | None = None  # the one that the store has named, if it is not that of the connection
    refuses_put: bool | None = None  # see Abilities
    _buckets: Attempt[list[str]] | None = None
    _page: Attempt[ListPage] | None = None

    def __post_init__(self) -> None:
        self.bucket = self.bucket or self.connection.s3.default_bucket
        self.is_named = bool(self.bucket)  # only a named bucket is written to
        self.probe_key = PROBE_PREFIX + secrets.token_hex(8)
        self.network = self.connection.network(self.network)

    @cached_property
    def store(self) -> S3Store:
        """A store of its own, so that nothing of the test stays."""
        return self._new_store(self.connection.s3.region)

    def _new_store(self, region: str | None) -> S3Store:
        s3 = replace(self.connection.s3, region=region)
        return S3Store(s3, self.network, name=named(self.connection.name))

    def sign_for(self, region: str) -> None:
        """Use the region that the store has named for the following steps."""
        self.store.close()
        self.store = self._new_store(region)
        self._buckets = self._page = None

    @property
    def endpoint(self) -> str:
        """The address that requests are sent to. Raises :class:`OdhTecError` if no client can be made."""
        return str(self.store.client().meta.endpoint_url)

    @cached_property
    def route(self) -> Route:
        """How the store is reached. Raises :class:`ProxyError` for a proxy that is not a URL."""
        return route_to(self.endpoint, self.network)

    @property
    def account(self) -> str:
        """The access key ID for a sentence, with a leading space; empty for users who do not see it."""
        key_id = self.connection.s3.access_key_id
        return f" {clipped(key_id, MAX_NAME)}" if key_id and self.with_account else ""

    def buckets(self) -> Attempt[list[str]]:
        """Return the names of all buckets, or why S3 does not list them. The list is requested once."""
        if self._buckets is None:
            self._buckets = Attempt.of(self._list_buckets)
        return self._buckets

    def _list_buckets(self) -> list[str]:
        with s3_errors(self.store.host):
            self.store.client().list_buckets()  # raises the refusal that the store's own list hides
        names = [bucket.Name for bucket in self.store.list_buckets().buckets]
        if not self.bucket and names:
            self.bucket = names[0]
        return names

    def page(self) -> Attempt[ListPage]:
        """Return the first object of the bucket, or why S3 does not list it. The list is requested once."""
        if self._page is None:
            bucket = self.bucket or ""
            self._page = Attempt.of(lambda: self.store.list_page(bucket, "", max_keys=1))
        return self._page

    @cached_property
    def probe(self) -> ProbeObject:
        """The object that is written to the bucket."""
        return self.store.probe(self.bucket or "", self.probe_key)

    @property
    def left_upload(self) -> str | None:
        """The ID of a multipart upload that could not be aborted."""
        return self.probe.upload_id if "probe" in self.__dict__ else None

    def close(self) -> None:
        """Close the connections to the store."""
        if "store" in self.__dict__:
            self.store.close()
