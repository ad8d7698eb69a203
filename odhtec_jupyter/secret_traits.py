"""Secrets of the configuration: read from mounted files, and removed from the configuration after reading."""

from __future__ import annotations

from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

from odhtec_jupyter.errors import BadRequest

# Traits of OdhTecSettings. The URL of a proxy can contain a password, and a connection its keys.
SECRETS = ("s3_secret_access_key", "s3_session_token", "hf_token", "http_proxy", "https_proxy", "connections")
MAX_SECRET_BYTES = 64 * 1024  # of a file with a secret


def secret_in(path: str) -> str:
    """Return the secret in a file, without the line end. Raises :class:`BadRequest` with the reason."""
    try:
        with Path(path).expanduser().open("rb") as file:
            content = file.read(MAX_SECRET_BYTES + 1)
        if len(content) > MAX_SECRET_BYTES:
            raise BadRequest(f"it has more than {MAX_SECRET_BYTES:,} bytes")
        return content.decode().strip()
    except UnicodeDecodeError:
        raise BadRequest("it is not UTF-8 text") from None
    except OSError as error:
        raise BadRequest(error.strerror or type(error).__name__) from None
    except RuntimeError:  # raised by expanduser for a user without a passwd entry
        raise BadRequest("its home folder does not exist") from None


def take_out_secrets(config: MutableMapping[str, Any]) -> None:
    """Remove what ``--show-config`` and debug messages would print. Sections can be nested in that of the app."""
    for name, value in config.items():
        if name == "OdhTecSettings":
            for secret in SECRETS:
                value.pop(secret, None)
        elif isinstance(value, MutableMapping):
            take_out_secrets(value)
