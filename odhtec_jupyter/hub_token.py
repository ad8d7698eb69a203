"""The Hugging Face token that an account has already: in the environment, or where ``hf auth login`` keeps it."""

from __future__ import annotations

import os
from pathlib import Path

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
    if with_login and path.is_file():
        try:
            if token := secret_in(str(path)):
                return token, LOGIN
        except BadRequest:
            pass  # nobody named this file: it may be another program's, or not ours to read
    return "", ""


def _login_file() -> Path:
    """As huggingface_hub finds it, which reads the environment only once, when it is imported."""
    named = os.environ.get("HF_TOKEN_PATH")
    if named:
        return Path(named).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(os.environ.get("HF_HOME") or f"{cache}/huggingface").expanduser() / "token"
