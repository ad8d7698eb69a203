"""Names of files that every operating system accepts: what Windows refuses, or stores under another name."""

from __future__ import annotations

import re

# https://learn.microsoft.com/windows/win32/fileio/naming-a-file: these, and names of devices whatever their extension.
_FORBIDDEN = re.compile(r'[\x00-\x1f<>:"\\|?*]')
_DEVICE = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³]) *(?:\..*)?", re.IGNORECASE | re.DOTALL)


def windows_name(part: str) -> str:
    """A part of a path under a name that Windows accepts; the same where it does already."""
    safe = _FORBIDDEN.sub("_", part)
    kept = safe.rstrip(". ")  # Windows drops them without a word
    safe = kept + "_" * (len(safe) - len(kept))
    return f"_{safe}" if _DEVICE.fullmatch(safe) else safe
