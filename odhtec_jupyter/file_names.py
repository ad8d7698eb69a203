"""File names that are valid on all operating systems: some are invalid on Windows, or stored under another name."""

from __future__ import annotations

import re

# https://learn.microsoft.com/windows/win32/fileio/naming-a-file: these characters, and device names with any extension.
_FORBIDDEN = re.compile(r'[\x00-\x1f<>:"\\|?*]')
_DEVICE = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³]) *(?:\..*)?", re.IGNORECASE | re.DOTALL)


def windows_name(part: str) -> str:
    """Return a part of a path in a form that Windows accepts; unchanged if it already is."""
    safe = _FORBIDDEN.sub("_", part)
    kept = safe.rstrip(". ")  # Windows removes them silently
    safe = kept + "_" * (len(safe) - len(kept))
    return f"_{safe}" if _DEVICE.fullmatch(safe) else safe
