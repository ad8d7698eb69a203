"""Settings of the policy: what the administrator allows. No user can change them while the server runs."""

from __future__ import annotations

import re
from functools import cached_property

from traitlets import Bool, Int, List, Unicode, default

from odhtec_jupyter.errors import BadRequest
from odhtec_jupyter.policy import MAX_PRESIGN_SECONDS, Policy
from odhtec_jupyter.settings.group import SettingsGroup
from odhtec_jupyter.settings.values import env

_WORDS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}


class PolicyTraits(SettingsGroup):
    """What users can do with the stores. A value that is not valid keeps the extension from starting."""

    read_only = Bool(
        help="Write nothing to S3; reading continues to work. Environment variable: ODHTEC_READ_ONLY (true or false). "
        "Default: False."
    ).tag(config=True)
    allowed_endpoints = List(
        Unicode(),
        help="Patterns for the S3 endpoints that can be used: a host (s3.example.com, *.example.com), a host with a "
        "port (s3.example.com:9000) or a URL (https://s3.example.com). Amazon without an endpoint is s3.amazonaws.com. "
        "An empty list allows all. Environment variable: ODHTEC_ALLOWED_ENDPOINTS (separated by commas).",
    ).tag(config=True)
    allowed_buckets = List(
        Unicode(),
        help="Patterns for the buckets that can be used, as connection@bucket, or as bucket for all connections. The "
        "connection of the workbench is default. An empty list allows all. Environment variable: "
        "ODHTEC_ALLOWED_BUCKETS (separated by commas).",
    ).tag(config=True)
    allow_user_connections = Bool(
        help="Allow users to add and remove connections while the server runs. Environment variable: "
        "ODHTEC_ALLOW_USER_CONNECTIONS (true or false). Default: True."
    ).tag(config=True)
    allow_presign = Bool(
        help="Allow links that work without credentials. Environment variable: ODHTEC_ALLOW_PRESIGN (true or false). "
        "Default: True."
    ).tag(config=True)
    presign_max_seconds = Int(
        help="Longest time in seconds that a link can be valid, up to 604800. Environment variable: "
        "ODHTEC_PRESIGN_MAX_SECONDS. Default: 604800, seven days."
    ).tag(config=True)
    allow_settings_changes = Bool(
        help="Allow users to change the settings while the server runs: the S3 endpoint and its keys, the hub and its "
        "token, proxies and limits. Environment variable: ODHTEC_ALLOW_SETTINGS_CHANGES (true or false). Default: True."
    ).tag(config=True)
    allowed_hub_repos = List(
        Unicode(),
        help="Patterns for the Hugging Face repositories that can be read: org/name, datasets/org/name or "
        "spaces/org/name. An empty list allows all. Environment variable: ODHTEC_ALLOWED_HUB_REPOS (separated by "
        "commas).",
    ).tag(config=True)
    max_object_bytes = Int(
        help="Size in bytes of the largest object that uploads, imports and copies can store in S3; 0 for no limit. "
        "Environment variable: ODHTEC_MAX_OBJECT_BYTES. Default: 0."
    ).tag(config=True)

    @default("read_only")
    def _read_only(self) -> bool:
        return _flag("ODHTEC_READ_ONLY", False)

    @default("allowed_endpoints")
    def _allowed_endpoints(self) -> list[str]:
        return _patterns("ODHTEC_ALLOWED_ENDPOINTS")

    @default("allowed_buckets")
    def _allowed_buckets(self) -> list[str]:
        return _patterns("ODHTEC_ALLOWED_BUCKETS")

    @default("allow_user_connections")
    def _allow_user_connections(self) -> bool:
        return _flag("ODHTEC_ALLOW_USER_CONNECTIONS", True)

    @default("allow_presign")
    def _allow_presign(self) -> bool:
        return _flag("ODHTEC_ALLOW_PRESIGN", True)

    @default("presign_max_seconds")
    def _presign_max_seconds(self) -> int:
        return _number("ODHTEC_PRESIGN_MAX_SECONDS", MAX_PRESIGN_SECONDS)

    @default("allow_settings_changes")
    def _allow_settings_changes(self) -> bool:
        return _flag("ODHTEC_ALLOW_SETTINGS_CHANGES", True)

    @default("allowed_hub_repos")
    def _allowed_hub_repos(self) -> list[str]:
        return _patterns("ODHTEC_ALLOWED_HUB_REPOS")

    @default("max_object_bytes")
    def _max_object_bytes(self) -> int:
        return _number("ODHTEC_MAX_OBJECT_BYTES", 0)

    @cached_property
    def policy(self) -> Policy:
        """The policy, the same until the server stops. Raises :class:`BadRequest` for a value that is not valid."""
        return Policy(
            read_only=self.read_only,
            allowed_endpoints=tuple(self.allowed_endpoints),
            allowed_buckets=tuple(self.allowed_buckets),
            allow_user_connections=self.allow_user_connections,
            allow_presign=self.allow_presign,
            presign_max_seconds=self.presign_max_seconds,
            allow_settings_changes=self.allow_settings_changes,
            allowed_hub_repos=tuple(self.allowed_hub_repos),
            max_object_bytes=self.max_object_bytes,
        )


# A mistyped rule must not be the same as no rule, so these raise errors where other settings use their defaults.
def _flag(variable: str, usual: bool) -> bool:
    text = env(variable).lower()
    if text and text not in _WORDS:
        raise BadRequest(f"{variable} must be true or false.")
    return _WORDS.get(text, usual)


def _number(variable: str, usual: int) -> int:
    text = env(variable)
    if text and not (text.isascii() and text.isdigit() and len(text) <= 16):
        raise BadRequest(f"{variable} must be a number.")
    return int(text) if text else usual


def _patterns(variable: str) -> list[str]:
    return [one for one in re.split(r"[\s,]+", env(variable)) if one]
