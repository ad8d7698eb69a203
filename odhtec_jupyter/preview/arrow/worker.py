"""The process in which pyarrow runs; ``process.py`` starts it and replies to it."""

from __future__ import annotations

import json
import os
import sys
from importlib.abc import MetaPathFinder
from pathlib import Path
from typing import Any

from odhtec_jupyter.preview.arrow.pipe import DONE, REFUSED, REQUEST, RemoteFile

MAX_MEMORY_BYTES = 256 * 1024 * 1024  # in addition to the loaded libraries
MAX_CPU_SECONDS = 20  # seconds


def main() -> None:
    """Read one file, send the result and exit."""
    # Output of a library must not get into the protocol.
    messages = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    format_, size = sys.argv[1:]
    file = RemoteFile(int(size), messages, sys.stdin.buffer)
    try:
        found = _read(file, format_)
        word, text = DONE, json.dumps(found)
    except MemoryError:
        word, text = REFUSED, "The file needs more memory than a preview can use."
    except Exception:  # any error of pyarrow
        large = "The metadata of the file is larger than a preview reads."
        word, text = REFUSED, large if file.refused else "The file is damaged or incomplete."
    data = text.encode()
    messages.write(REQUEST.pack(word, 0, len(data)) + data)
    messages.flush()
    os._exit(0)  # pyarrow's cleanup takes time


def _read(file: RemoteFile, format_: str) -> dict[str, Any]:
    sys.meta_path.insert(0, WithoutPandas())
    from odhtec_jupyter.preview.arrow import table as arrow_table

    limit()
    return arrow_table.parquet(file) if format_ == "parquet" else arrow_table.arrow(file)


class WithoutPandas(MetaPathFinder):
    """An import hook that hides pandas: pyarrow would load it for dates, which takes a second."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        """Prevent other importers from finding pandas."""
        if name == "pandas":
            raise ModuleNotFoundError(name, name=name)


def limit() -> None:
    """Limit memory and CPU time of this process, if the system supports it."""
    if sys.platform != "linux":
        return
    import resource

    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + MAX_MEMORY_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_CPU_SECONDS, MAX_CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main()
