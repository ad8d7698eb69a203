"""Where the events of the audit go: Jupyter's event logger, which passes them to the handlers of an administrator.

Handlers write files and can wait for a disk, so they run in a thread. A listener is a coroutine: if an administrator's
extension has added one, events are emitted on the event loop instead. The pages of JupyterLab listen to all events
of the server. They alone neither turn the audit on nor receive its events.
"""

from __future__ import annotations

import copy
import logging
import queue
import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

from odhtec_jupyter.audit.event import AuditEvent

SCHEMA_ID = "https://opendatahub.io/odhtec/audit/v1"
SCHEMA = Path(str(files("odhtec_jupyter.audit") / "schema.yaml"))
MAX_WAITING = 10_000  # events that wait for the handlers, a few megabytes; more are lost
CLOSE_SECONDS = 3.0  # that the end of the server waits for the handlers
_LISTENERS = ("_modified_listeners", "_unmodified_listeners")  # of EventLogger, which has no other way to ask for them


class AuditLog:
    """The events of one server. Until :meth:`connect` it is off."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._events: Any = None  # jupyter_events.EventLogger
        self._waiting: queue.Queue[tuple[dict[str, Any], datetime] | None] = queue.Queue(MAX_WAITING)
        self._writer: threading.Thread | None = None
        self._reported = False

    def connect(self, events: Any) -> None:
        """Use the event logger of the server."""
        events.register_event_schema(SCHEMA)
        self._events = events

    @property
    def is_on(self) -> bool:
        """Whether anything receives the events. If not, they are not even built."""
        return self._events is not None and (bool(self._events.handlers) or self._has_listener())

    def _has_listener(self) -> bool:
        return any(not _is_page(listener) for listener in self._listeners())

    def _listeners(self) -> Iterable[Callable[..., Any]]:
        for name in _LISTENERS:
            yield from getattr(self._events, name, {}).get(SCHEMA_ID, ())

    def emit(self, build: Callable[[], AuditEvent | None]) -> None:
        """Emit the event that ``build`` returns, unless the audit is off. Never raises an error, which is logged once.

        Call it on the event loop.
        """
        if not self.is_on:
            return
        try:
            event = build()
            if event is None:
                return
            data, now = event.data(), datetime.now(UTC)
            if self._has_listener():
                self._events.emit(schema_id=SCHEMA_ID, data=data, timestamp_override=now)
                return
            if self._writer is None:
                writer = threading.Thread(target=self._write, name="odhtec-audit", daemon=True)
                writer.start()
                self._writer = writer  # after it has started, because close() joins it from another thread
            self._waiting.put_nowait((data, now))
        except queue.Full:
            self._report("the handlers of c.EventLogger are too slow")
        except Exception as error:
            self._report(f"{type(error).__name__}: {error}")

    def _write(self) -> None:
        while (waiting := self._waiting.get()) is not None:
            data, now = waiting
            try:
                _without_listeners(self._events).emit(schema_id=SCHEMA_ID, data=data, timestamp_override=now)
            except Exception as error:
                self._report(f"{type(error).__name__}: {error}")

    def _report(self, reason: str) -> None:
        if not self._reported:
            self._reported = True
            self._log.error("Events of the audit are lost (this is logged once): %s", reason)

    def close(self) -> None:
        """Wait until the handlers have received everything, up to :data:`CLOSE_SECONDS`. Blocks."""
        writer, self._writer = self._writer, None
        if writer is None:
            return
        try:
            self._waiting.put(None, timeout=CLOSE_SECONDS)
        except queue.Full:
            return
        writer.join(CLOSE_SECONDS)


def _is_page(listener: Callable[..., Any]) -> bool:
    """Return whether a listener is one of Jupyter's own, which sends all events to a page."""
    return type(getattr(listener, "__self__", None)).__module__.startswith("jupyter_server.")


def _without_listeners(events: Any) -> Any:
    """Return the event logger with the same handlers, schemas and modifiers, but no listeners."""
    quiet = copy.copy(events)
    for name in _LISTENERS:
        setattr(quiet, name, {SCHEMA_ID: set()})
    return quiet
