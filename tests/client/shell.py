"""Commands as a shell starts them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

# Programs that a script starts in the background ignore interrupts, and so do their child processes.
ENABLE_INTERRUPTS = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)"
COMMAND = [sys.executable, "-c", f"{ENABLE_INTERRUPTS}; from odhtec_jupyter.cli import main; sys.exit(main())"]
Shell = Callable[..., subprocess.CompletedProcess[str]]


def uris(text: str, bucket: str) -> list[str]:
    """Return the URIs in the lines, without the text before them."""
    return [line.rpartition(f"s3://{bucket}/")[2] for line in text.splitlines()]
