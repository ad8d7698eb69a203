"""The server extension: creates the services, connects them to Jupyter, and stops them."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jupyter_server.extension.application import ExtensionApp
from traitlets import Unicode

from odhtec_jupyter.audit.transfers import record_transfers
from odhtec_jupyter.routes import routes
from odhtec_jupyter.secret_traits import take_out_secrets
from odhtec_jupyter.services import Services
from odhtec_jupyter.settings import OdhTecSettings
from odhtec_jupyter.stores.workspace.hidden import HiddenRules

# The longest time that a thread holds the interpreter's lock while others wait. While one searches a list, the event
# loop waits that long after each system call. Python's default is five milliseconds.
SWITCH_SECONDS = 0.001


class OdhTecApp(ExtensionApp):
    """Object storage inside the notebook."""

    # A plain string, not a trait: jupyter_server reads it from the class to find the instance it has linked.
    name = "odhtec_jupyter"
    app_name = Unicode("ODH-TEC for Jupyter")
    description = Unicode("Object storage inside the notebook: S3 and Hugging Face.")
    load_other_extensions = True
    classes = [OdhTecSettings]  # noqa: RUF012 (traitlets reads it from the class)

    def initialize_settings(self) -> None:
        """Build the services once the configuration is known."""
        assert self.serverapp is not None
        self._switched = sys.getswitchinterval()
        sys.setswitchinterval(min(self._switched, SWITCH_SECONDS))
        root = getattr(self.serverapp.contents_manager, "root_dir", None) or self.serverapp.root_dir
        settings = OdhTecSettings(parent=self)
        # `--show-config` prints the configuration after this. What Jupyter logs with --debug before is out of reach.
        for config in (self.config, self.cli_config, self.serverapp.config, self.serverapp.cli_config):
            take_out_secrets(config)
        self.services = Services(settings, Path(root), log=self.log, hidden_rules=self._hidden_rules)
        self.services.note_activity = self._note_activity
        self.services.audit.connect(self.serverapp.event_logger)
        record_transfers(self.services.audit, self.services.transfers)
        self.services.transfers.events.on_flush = self._note_activity

    def initialize_handlers(self) -> None:
        """Add the routes, and resume what an earlier server left."""
        self.handlers.extend(routes(self.services))
        assert self.serverapp is not None
        self.serverapp.io_loop.add_callback(self.services.start)

    def _hidden_rules(self) -> HiddenRules:
        """Return the rules of Jupyter's file browser that are in force now."""
        assert self.serverapp is not None
        contents = self.serverapp.contents_manager
        return HiddenRules(contents.allow_hidden, contents.hide_globs)

    @property
    def _has_started(self) -> bool:
        """Whether there are services: not if a setting is not valid."""
        return hasattr(self, "services")

    @property
    def _web_settings(self) -> dict[str, Any]:
        assert self.serverapp is not None  # jupyter_server sets it before it initializes an extension
        settings: dict[str, Any] = self.serverapp.web_app.settings
        return settings

    def _note_activity(self) -> None:
        """Record that a transfer is running: jupyter_server reads every setting with this ending for /api/status."""
        if self.services.active:
            self._web_settings["odhtec_last_activity"] = datetime.now(UTC)

    def current_activity(self) -> int:
        """Return the number of running transfers and uploads: a server with any does not shut down as idle."""
        return self.services.active if self._has_started else 0

    async def stop_extension(self) -> None:
        """Stop everything; the next server resumes it."""
        if not self._has_started:
            return
        await self.services.stop()
        await asyncio.to_thread(self.services.audit.close)
        sys.setswitchinterval(self._switched)
