"""``/connections/{name}/test`` and ``/hub/test``: the reports of the doctor."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from tornado import web

from odhtec_jupyter.connections.connection import Connection
from odhtec_jupyter.doctor.hub import HubSubject
from odhtec_jupyter.doctor.report import hub_report, report
from odhtec_jupyter.doctor.subject import Subject
from odhtec_jupyter.errors import Cancelled, OdhTecError
from odhtec_jupyter.handlers.audited import actions
from odhtec_jupyter.handlers.base import SETTINGS_RESOURCE
from odhtec_jupyter.handlers.configuration.connections import ConnectionHandlerBase
from odhtec_jupyter.models import ConnectionTest, ConnectionTestRequest, HubTest, HubTestRequest
from odhtec_jupyter.network import bare_bucket
from odhtec_jupyter.stores.daemon_threads import DaemonThreads
from odhtec_jupyter.transfers.owner import STREAM
from odhtec_jupyter.uris import S3Uri, named

Report = TypeVar("Report", ConnectionTest, HubTest)
LOOK_SECONDS = 2.0  # that the other connections can take: their files can be in a folder that does not reply


class TestHandlerBase(ConnectionHandlerBase):
    """The base of the handlers of tests, which require the resource of the settings."""

    async def run(self, test: Callable[..., Report], subject: Any) -> Report:
        """Run a test in a thread of its own: it takes long, and transfers do not give way to it."""
        async with self.services.tests:
            if self.gone.is_set():  # while the test waited for others
                raise Cancelled("The client has disconnected.")
            threads = DaemonThreads(1, thread_name_prefix="odhtec-test")
            try:
                loop = asyncio.get_running_loop()
                return await loop.run_in_executor(threads, partial(test, subject, log=self.log, gone=self.gone))
            finally:
                threads.shutdown(wait=False)


class HubTestHandler(TestHandlerBase):
    """``/hub/test``"""

    audited = actions(POST="settings.test")
    setting = "hf"

    @web.authenticated
    async def post(self) -> None:
        """Test Hugging Face step by step."""
        request = self.body(HubTestRequest) if self.has_body else HubTestRequest()
        settings = self.services.settings
        subject = HubSubject(settings.hub, settings.network, (request.repo or "").strip() or None)
        self.reply(await self.run(hub_report, subject))


class ConnectionTestHandler(TestHandlerBase):
    """``/connections/{name}/test``"""

    audited = actions(POST="connection.test")

    @web.authenticated
    async def post(self, name: str) -> None:
        """Test a connection step by step, also one that cannot be used."""
        request = self.body(ConnectionTestRequest) if self.has_body else ConnectionTestRequest()
        if bucket := bare_bucket(request.bucket):
            self.concerns(lambda: [S3Uri(bucket, "", named(self.audit_connection))])
        connection = await self.call(self.services.connections.find, name)
        subject = Subject(
            connection,
            self.services.settings.network,
            await self._others(),
            dict(os.environ),
            bare_bucket(request.bucket),
            request.write,
            with_account=await self.has_permission("read", SETTINGS_RESOURCE),
        )
        found = await self._recorded(subject)
        if subject.refuses_put is not None and connection.error is None:
            self.services.store(connection).abilities.refuses_put = subject.refuses_put
        self.reply(found)

    async def _others(self) -> list[Connection]:
        registry = self.services.connections
        looking = asyncio.get_running_loop().run_in_executor(self.services.calls, registry.refresh)
        await asyncio.wait([looking], timeout=LOOK_SECONDS)
        return list(registry.latest().values())

    async def _recorded(self, subject: Subject) -> ConnectionTest:
        """Run a test. One that writes is in the journal, so that a killed server leaves no multipart upload behind."""
        store = None
        with suppress(OdhTecError):
            store = self.services.store(subject.connection) if subject.write and subject.bucket else None
        if store is None:
            return await self.run(report, subject)
        uri = store.uri(subject.bucket or "", subject.probe_key)
        pending = self.services.engine.pending_writes
        entry = await pending.begin(STREAM, uri, store.host)
        try:
            return await self.run(report, subject)
        finally:
            if subject.left_upload:
                entry.upload_id = subject.left_upload
                pending.orphan(entry)
            else:
                pending.remove(entry)
