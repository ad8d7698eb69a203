"""``/disclaimer``: information about the application, and whether its terms were accepted on this server."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

from tornado import web

from odhtec_jupyter.handlers.audited import actions
from odhtec_jupyter.handlers.base import OdhTecHandler
from odhtec_jupyter.models import Disclaimer, DisclaimerChange

TEXT = (
    "ODH-TEC for Jupyter is open source under the Apache License 2.0 and comes without warranty. "
    "It acts with the credentials of your workbench. "
    "Objects that you delete or overwrite are lost, unless their bucket keeps versions."
)


class DisclaimerHandler(OdhTecHandler):
    """``/disclaimer``"""

    audited = actions(PUT="settings.change")
    setting = "disclaimer"

    @web.authenticated
    async def get(self) -> None:
        """Return name, version, terms, and whether they were accepted."""
        self._show(await asyncio.to_thread(_read, self._file))

    @web.authenticated
    async def put(self) -> None:
        """Accept the terms, or withdraw the acceptance."""
        accepted = self.body(DisclaimerChange).accepted
        await asyncio.to_thread(_write, self._file, accepted)
        self._show(accepted)

    @property
    def _file(self) -> Path:
        return Path(self.services.settings.state_dir) / "disclaimer.json"

    def _show(self, accepted: bool) -> None:
        from odhtec_jupyter import __version__

        self.reply(Disclaimer(name="ODH-TEC for Jupyter", version=__version__, text=TEXT, accepted=accepted))


def _read(file: Path) -> bool:
    try:
        return json.loads(file.read_text()).get("accepted") is True
    except (OSError, ValueError, AttributeError):
        return False  # not accepted yet, or not readable


def _write(file: Path, accepted: bool) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = file.with_suffix(".new")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        json.dump({"accepted": accepted}, out)
    beside.replace(file)
