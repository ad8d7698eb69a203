"""How a transfer is displayed: a bar in a notebook, a tqdm line in a terminal, plain text otherwise."""

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

POLL_SECONDS = 0.5
PLAIN_LINE_SECONDS = 10.0  # between two lines of plain text
ENDED = frozenset({"completed", "failed", "cancelled"})


class Bar(Protocol):
    """A display of a transfer's progress."""

    def show(self, status: Transfer) -> None:
        """Show the current status."""
        ...

    def close(self) -> None:
        """End the display."""
        ...


def size(count: float) -> str:
    """Return a number of bytes in decimal units, as the panel shows it."""
    if count < 999.5:
        return f"{count:.0f} B"
    for unit in ("kB", "MB", "GB", "TB", "PB"):  # noqa: B007 - used after the loop
        count /= 1000
        if count < 999.5:  # 999.5 and more would be printed as "1000"
            break
    return f"{count:.1f} {unit}" if count < 99.95 else f"{count:.0f} {unit}"


def amount(status: Transfer) -> str:
    """Return progress, speed and error of a transfer."""
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
        # The server leaves out only hidden files. This machine leaves out what cannot be a file or an object.
        is_local = any("://" not in one for one in (status.source, status.target) if one)
        kind = "" if is_local else "hidden "
        text += f", {status.files_omitted} {kind}left out"
    if status.files_removed:
        text += f", {status.files_removed} of another revision removed"
    if status.needs:
        text += f"; waiting for a {status.needs}"
    return f"{text}: {status.error.message}" if status.error else text


def title(status: Transfer) -> str:
    """Return the action, source and target of a transfer."""
    some = "" if status.names_total is None else f" ({status.names_total} selected)"
    return visible(f"{status.action} {status.source}{some}" + (f" → {status.target}" if status.target else ""))


def line(status: Transfer) -> str:
    """Return title, state and progress in one line of text."""
    return visible(f"{title(status)}: {status.state}, {amount(status)}")


def bundle(status: Transfer) -> dict[str, str]:
    """Return the MIME bundle for IPython: HTML, and text for front ends without HTML."""
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
    """Return whether this is a kernel, whose front end can show HTML."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None


def bar() -> Bar:
    """Return the display for a notebook, a terminal or a log."""
    if in_notebook():
        return NotebookBar()
    return TerminalBar() if sys.stderr.isatty() else PlainLines()


class NotebookBar:
    """An IPython display with an id, so that it can be updated in place."""

    def __init__(self) -> None:
        self._id: str | None = None
        self._shown: dict[str, str] | None = None

    def show(self, status: Transfer) -> None:
        """Display the status, or update the display if it has changed."""
        from IPython.display import display

        untyped_display: Any = display

        data = bundle(status)
        if data == self._shown:
            return
        update, self._id = self._id is not None, self._id or uuid.uuid4().hex
        untyped_display(data, raw=True, display_id=self._id, update=update)
        self._shown = data

    def close(self) -> None:
        """Leave the last status on display."""


class TerminalBar:
    """A tqdm bar on standard error."""

    def __init__(self) -> None:
        self._bar: tqdm[Any] | None = None

    def show(self, status: Transfer) -> None:
        """Update the bar."""
        if self._bar is None:
            from tqdm import tqdm

            label = _short(title(status), shutil.get_terminal_size().columns // 2)
            self._bar = tqdm(desc=label, unit="B", unit_scale=True, file=sys.stderr, dynamic_ncols=True)
        self._bar.total = status.bytes_total
        self._bar.n = status.bytes_done
        self._bar.set_postfix_str(status.state if status.state != "running" else "", refresh=False)
        self._bar.refresh()

    def close(self) -> None:
        """Leave the bar, and start a new line."""
        if self._bar is not None:
            self._bar.close()


def _short(text: str, width: int) -> str:
    """Return the start and end of a text, so that there is room for the bar beside it."""
    half = max(1, (width - 1) // 2)
    return text if len(text) <= width else f"{text[:half]}…{text[-half:]}"


class PlainLines:
    """Lines of text for logs."""

    def __init__(self) -> None:
        self._state = ""
        self._printed_at = 0.0

    def show(self, status: Transfer) -> None:
        """Print a line if the state has changed or ``PLAIN_LINE_SECONDS`` have passed."""
        now = time.monotonic()
        if status.state != self._state or now - self._printed_at >= PLAIN_LINE_SECONDS:
            print(line(status), file=sys.stderr, flush=True)  # noqa: T201 - the purpose of this class
            self._state, self._printed_at = status.state, now

    def close(self) -> None:
        """Do nothing: every line is complete."""


def show_in_background(get_status: Callable[[], Transfer]) -> None:
    """Show a bar in this cell's output. A thread updates it until the transfer has ended."""
    bar = NotebookBar()
    status = get_status()
    bar.show(status)
    if status.state in ENDED:
        return

    def update() -> None:
        pause = threading.Event()
        while True:
            pause.wait(POLL_SECONDS)
            try:
                status = get_status()
            except Exception:  # wait() raises it; a bar cannot report it
                return
            bar.show(status)
            if status.state in ENDED:
                return

    # IPython finds the cell that an output belongs to in the context.
    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(update,), name="odhtec bar", daemon=True).start()
