"""The Hugging Face token of the account: in the environment, or where ``hf auth login`` stores it."""

from __future__ import annotations

import os
from contextlib import suppress

from odhtec_jupyter.errors import BadRequest
from odhtec_jupyter.secret_traits import secret_in

VARIABLES = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")  # the second is its former name
LOGIN = "hf auth login"


def own_token(*, with_login: bool) -> tuple[str, str]:
    """Return the token and its source; two empty texts if there is none.

    ``with_login``: whether the hub in use is the one of the login, so that the stored token can be sent to it.
    """
    for name in VARIABLES:
        if token := os.environ.get(name, "").strip():
            return token, name
    path = _login_file()
    if with_login and os.path.isfile(path):  # Path.is_file raises an error for a folder that is not readable
        with suppress(
            BadRequest
        ):  # the user did not name this file: it can belong to another program, or not be readable
            if token := secret_in(path):
                return token, LOGIN
    return "", ""


def _login_file() -> str:
    """Return the path that huggingface_hub uses, which reads the environment only once, on import."""
    named = os.environ.get("HF_TOKEN_PATH")
    if named:
        return os.path.expanduser(named)
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return os.path.expanduser(f"{os.environ.get('HF_HOME') or f'{cache}/huggingface'}/token")
