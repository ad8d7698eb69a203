"""Hidden files of the workspace, by the rules of Jupyter's ContentsManager.

``allow_hidden`` says whether names that start with a dot can be used at all. ``hide_globs`` only hides names in lists:
a file that is named can be used, a file that is found in a folder is left out.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch

from odhtec_jupyter.errors import Forbidden
from odhtec_jupyter.stores.workspace.errors import uri

HIDDEN_FILE = "HiddenFile"
_FLAG = getattr(stat, "UF_HIDDEN", 0)  # macOS


@dataclass(frozen=True)
class HiddenRules:
    """The rules in force; by default those of Jupyter."""

    allow_hidden: bool = False
    hide_globs: Sequence[str] = ()

    def is_hidden(self, path: str, found: os.stat_result | None = None) -> bool:
        """Return whether a path must not be used; ``found`` is the entry at it."""
        if self.allow_hidden:
            return False
        named = any(name.startswith(".") and name not in {".", ".."} for name in path.split("/"))
        return named or bool(getattr(found, "st_flags", 0) & _FLAG)

    def is_unlisted(self, path: str) -> bool:
        """Return whether a name in a path that was found, not named, is hidden in lists."""
        return any(fnmatch(name, glob) for name in path.split("/") if name for glob in self.hide_globs)


def hidden_error(path: str) -> Forbidden:
    """Return the error for a hidden file."""
    return Forbidden(
        f"{uri(path)} is hidden, and this Jupyter server gives no access to hidden files. "
        "An administrator can allow them with ContentsManager.allow_hidden and hide_globs.",
        code=HIDDEN_FILE,
    )
