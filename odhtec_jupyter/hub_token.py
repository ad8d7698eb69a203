"""The Hugging Face token that an account has already: in the environment, or where ``hf auth login`` keeps it."""

from __future__ import annotations

import os
from contextlib import suppress

from odhtec_jupyter.errors import BadRequest
from odhtec_jupyter.secret_traits import secret_in

VARIABLES = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")  # the second one is what it was called before
LOGIN = "hf auth login"


def own_token(*, with_login: bool) -> tuple[str, str]:
    """The token and where it is from; two empty texts where there is none.

    ``with_login``: whether the hub in use is the one that a login was for, so that its token may go there.
    """
    for name in VARIABLES:
        if token := os.environ.get(name, "").strip():
            return token, name
    path = _login_file()
    if with_login and os.path.isfile(path):  # Path.is_file raises for a folder that must not be read
        with suppress(BadRequest):  # nobody named this file: it may be another program's, or not ours to read
            if token := secret_in(path):
                return token, LOGIN
    return "", ""


def _login_file() -> str:
    """As huggingface_hub finds it, which reads the environment only once, when it is imported."""
    named = os.environ.get("HF_TOKEN_PATH")
    if named:
        return os.path.expanduser(named)
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return os.path.expanduser(f"{os.environ.get('HF_HOME') or f'{cache}/huggingface'}/token")
