"""Commands as a shell starts them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

# Whoever runs the tests in the background of a script has them, and all that they start, ignore interrupts.
HEARS = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)"
COMMAND = [sys.executable, "-c", f"{HEARS}; from odhtec_jupyter.cli import main; sys.exit(main())"]
Shell = Callable[..., subprocess.CompletedProcess[str]]
