"""How a transfer shows itself: a bar in a notebook, a tqdm line in a terminal, plain text otherwise."""

from __future__ import annotations

import contextvars
import html
import shutil
import sys
import threading
import time
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from odhtec_jupyter.models import Transfer
from odhtec_jupyter.visible import visible

if TYPE_CHECKING:
    from tqdm import tqdm

INTERVAL = 0.5  # seconds between two looks
QUIET = 10.0  # seconds between two lines of plain text
ENDED = frozenset({"completed", "failed", "cancelled"})


class Bar(Protocol):
    """Something that shows how far a transfer is."""

    def show(self, status: Transfer) -> None:
        """As it is now."""
        ...

    def close(self) -> None:
        """No more is to come."""
        ...


def size(count: float) -> str:
    """Bytes for people, in decimal units as the panel shows them."""
    if count < 999.5:
        return f"{count:.0f} B"
    for unit in ("kB", "MB", "GB", "TB", "PB"):  # noqa: B007 - the last one stays
        count /= 1000
        if count < 999.5:  # which would already print as "1000"
            break
    return f"{count:.1f} {unit}" if count < 99.95 else f"{count:.0f} {unit}"


def amount(status: Transfer) -> str:
    """How much of it, how fast, and what went wrong."""
    of = f" of {size(status.bytes_total)}" if status.bytes_total is not None else ""
    files = f"{status.files_done} of {status.files_total} files" if status.files_total is not None else ""
    text = f"{size(status.bytes_done)}{of}"
    if status.state == "running" and status.rate:
        text += f", {size(status.rate)}/s"
        text += f", {status.eta:.0f} s left" if status.eta is not None else ""
    if status.files_total != 1 and files:
        text += f", {files}"
    if status.files_failed:
        text += f", {status.files_failed} failed"
    if status.files_omitted:
        text += f", {status.files_omitted} hidden left out"
    if status.files_removed:
        text += f", {status.files_removed} of another revision removed"
    if status.needs:
        text += f"; waits for a {status.needs}"
    return f"{text}: {status.error.message}" if status.error else text


def title(status: Transfer) -> str:
    """What is done with what."""
    some = "" if status.names_total is None else f" ({status.names_total} of it)"
    return visible(f"{status.action} {status.source}{some}" + (f" → {status.target}" if status.target else ""))


def line(status: Transfer) -> str:
    """All in one line of text."""
    return visible(f"{title(status)}: {status.state}, {amount(status)}")


def bundle(status: Transfer) -> dict[str, str]:
    """For IPython: HTML, and text for who has none."""
    done, total = status.bytes_done, status.bytes_total
    if status.state == "completed":
        done, total = 1, 1
    bar = f'<progress max="{max(total, 1)}" value="{done}"' if total is not None else "<progress"
    label = html.escape(visible(f"{status.state}, {amount(status)}"))
    shown = (
        f'<div style="display:flex;flex-wrap:wrap;gap:0 1em;align-items:baseline">'
        f"<code>{html.escape(title(status))}</code>"
        f'{bar} aria-label="{label}" style="width:16em"></progress><span>{label}</span></div>'
    )
    return {"text/html": shown, "text/plain": line(status)}


def in_notebook() -> bool:
    """Whether there is a front end that can show more than text."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None


def bar() -> Bar:
    """The one that fits where this runs."""
    if in_notebook():
        return NotebookBar()
    return TerminalBar() if sys.stderr.isatty() else PlainLines()


class NotebookBar:
    """A display with an id, so that it can be renewed where it stands."""

    def __init__(self) -> None:
        self._id: str | None = None
        self._shown: dict[str, str] | None = None

    def show(self, status: Transfer) -> None:
        """Draw it, or draw it anew where it has changed."""
        from IPython.display import display

        renew: Any = display

        data = bundle(status)
        if data == self._shown:
            return
        update, self._id = self._id is not None, self._id or uuid.uuid4().hex
        renew(data, raw=True, display_id=self._id, update=update)
        self._shown = data

    def close(self) -> None:
        """It stays as it is."""


class TerminalBar:
    """tqdm on standard error."""

    def __init__(self) -> None:
        self._bar: tqdm[Any] | None = None

    def show(self, status: Transfer) -> None:
        """Move the line on."""
        if self._bar is None:
            from tqdm import tqdm

            label = _short(title(status), shutil.get_terminal_size().columns // 2)
            self._bar = tqdm(desc=label, unit="B", unit_scale=True, file=sys.stderr, dynamic_ncols=True)
        self._bar.total = status.bytes_total
        self._bar.n = status.bytes_done
        self._bar.set_postfix_str(status.state if status.state != "running" else "", refresh=False)
        self._bar.refresh()

    def close(self) -> None:
        """End the line."""
        if self._bar is not None:
            self._bar.close()


def _short(text: str, width: int) -> str:
    """Both ends of it: what does not leave room for a bar would be all that is seen."""
    half = max(1, (width - 1) // 2)
    return text if len(text) <= width else f"{text[:half]}…{text[-half:]}"


class PlainLines:
    """A line now and then, for logs."""

    def __init__(self) -> None:
        self._state = ""
        self._told = 0.0

    def show(self, status: Transfer) -> None:
        """A line when the state has changed or some time has gone by."""
        now = time.monotonic()
        if status.state != self._state or now - self._told >= QUIET:
            print(line(status), file=sys.stderr, flush=True)  # noqa: T201 - that is what it is for
            self._state, self._told = status.state, now

    def close(self) -> None:
        """Every line is whole."""


def follow(look: Callable[[], Transfer]) -> None:
    """Show a bar in this cell's output and keep it up to date, in a thread, until the transfer has ended."""
    drawn = NotebookBar()
    status = look()
    drawn.show(status)
    if status.state in ENDED:
        return

    def keep() -> None:
        pause = threading.Event()
        while True:
            pause.wait(INTERVAL)
            try:
                status = look()
            except Exception:  # whoever waits for the transfer hears of it; a bar has no one to tell
                return
            drawn.show(status)
            if status.state in ENDED:
                return

    # The cell's own context: IPython reads from it which output a display belongs to.
    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(keep,), name="odhtec bar", daemon=True).start()
