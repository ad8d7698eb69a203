"""The policy: what the administrator allows, whatever the users' permissions and credentials allow.

Each rule is enforced where requests leave: by the S3 clients, the hub store, the registry of connections and the
handlers of settings. A store gets the policy with its :class:`~odhtec_jupyter.network.Network`, so that no request can
be sent without it.

Patterns are those of :mod:`fnmatch`: ``*``, ``?`` and ``[…]``. Upper and lower case are different, except in hosts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from odhtec_jupyter.errors import BadRequest, PolicyDenied, clipped

AMAZON_ENDPOINT = "https://s3.amazonaws.com"  # what a connection without an endpoint is compared as
DEFAULT_CONNECTION = "default"
MAX_PRESIGN_SECONDS = 604800  # seven days, the limit of S3
_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]+", re.ASCII)
_HOST_PATTERN = re.compile(
    r"(?:\[(?P<address>[0-9a-f:.]+)\]|(?P<name>[^\s/@:\\]+))(?::(?P<port>\d{1,5}|\*))?", re.ASCII
)
_BUCKET = re.compile(r"[^/@\s\\]+")
_FOLDERS = ("datasets/", "spaces/")  # of repositories that are not models


@dataclass(frozen=True)
class Policy:
    """What the administrator allows. The methods raise :class:`PolicyDenied`, which names the trait that denies."""

    read_only: bool = False
    allowed_endpoints: tuple[str, ...] = ()
    allowed_buckets: tuple[str, ...] = ()
    allow_user_connections: bool = True
    allow_presign: bool = True
    presign_max_seconds: int = MAX_PRESIGN_SECONDS
    allow_settings_changes: bool = True
    allowed_hub_repos: tuple[str, ...] = ()
    max_object_bytes: int = 0  # 0: no limit

    def __post_init__(self) -> None:
        """Raise :class:`BadRequest` for a value that is not valid: a mistyped rule must not be the same as none."""
        _check_endpoint_patterns(self.allowed_endpoints)
        _check_bucket_patterns(self.allowed_buckets)
        _check_repo_patterns(self.allowed_hub_repos)
        if not 1 <= self.presign_max_seconds <= MAX_PRESIGN_SECONDS:
            raise BadRequest(f"presign_max_seconds must be a number from 1 to {MAX_PRESIGN_SECONDS}.")
        if self.max_object_bytes < 0:
            raise BadRequest("max_object_bytes must be 0 for no limit, or a number of bytes.")

    def for_user_names(self) -> Policy:
        """Return the policy for connections that users name: the name must not give access to buckets.

        Only the patterns that are for the buckets of all connections apply.
        """
        if not self.allowed_buckets:
            return self
        # Without a pattern, all buckets would be allowed. No connection has this name.
        general = tuple(one for one in self.allowed_buckets if _connection_pattern(one) == "*")
        return replace(self, allowed_buckets=general or ("-@-",))

    # --- S3 -------------------------------------------------------------------------------------------------------

    def require_write(self) -> None:
        """Raise unless objects and buckets can be changed."""
        if self.read_only:
            raise _denied("Writing to S3", "read_only")

    def require_endpoint(self, endpoint: str | None) -> None:
        """Raise unless an S3 service can be used; without an endpoint, it is Amazon.

        With rules for buckets, an endpoint must not have a path that is not allowed: its first part could be a bucket,
        in which the bucket of a request would only be the beginning of a key.
        """
        if self.allowed_buckets and not self.allowed_endpoints and _has_path(endpoint or ""):
            raise _denied("An endpoint with a path", "allowed_buckets")
        if self.allowed_endpoints and not _matches_endpoint(endpoint or AMAZON_ENDPOINT, self.allowed_endpoints):
            # Not parsed, because it can be invalid; a user name and a password are left out.
            host = (endpoint or AMAZON_ENDPOINT).rpartition("@")[2].rpartition("://")[2].partition("/")[0]
            raise _denied(f"The endpoint {clipped(host, 100)}", "allowed_endpoints")

    def allows_bucket(self, connection: str, bucket: str) -> bool:
        """Return whether a bucket of a connection can be used; the name of the default connection can be empty."""
        if not self.allowed_buckets:
            return True
        # S3 would read other characters as parts of a key, or as the name of something else.
        return _BUCKET.fullmatch(bucket) is not None and any(
            _matches_bucket(connection or DEFAULT_CONNECTION, bucket, pattern) for pattern in self.allowed_buckets
        )

    def require_bucket(self, connection: str, bucket: str) -> None:
        """Raise unless a bucket of a connection can be used."""
        if not self.allows_bucket(connection, bucket):
            where = "" if connection in {"", DEFAULT_CONNECTION} else f" of the connection “{connection}”"
            raise _denied(f"The bucket {clipped(bucket, 100)}{where}", "allowed_buckets")

    def require_presign(self, method: str, seconds: int) -> None:
        """Raise unless a link can be created that is valid for ``seconds``."""
        if not self.allow_presign:
            raise _denied("Creating links", "allow_presign")
        if seconds > self.presign_max_seconds:
            what = f"A link that is valid for more than {self.presign_max_seconds:,} seconds"
            raise _denied(what, "presign_max_seconds")
        if method == "PUT" and self.max_object_bytes:  # S3 does not check the size of what is uploaded with a link
            raise _denied("A link for uploading", "max_object_bytes")

    def require_size(self, size: int | None) -> None:
        """Raise for an object of more bytes than can be stored; None for a size that is not known yet."""
        if self.max_object_bytes and size is not None and size > self.max_object_bytes:
            raise _denied(f"An object of more than {self.max_object_bytes:,} bytes", "max_object_bytes")

    # --- everything else ------------------------------------------------------------------------------------------

    def require_user_connections(self) -> None:
        """Raise unless connections can be added and removed."""
        if not self.allow_user_connections:
            raise _denied("Adding or removing connections", "allow_user_connections")

    def require_settings_changes(self) -> None:
        """Raise unless the settings can be changed."""
        if not self.allow_settings_changes:
            raise _denied("Changing the settings", "allow_settings_changes")

    def require_hub_repo(self, name: str) -> None:
        """Raise unless a repository can be read: ``org/name``, ``datasets/org/name`` or ``spaces/org/name``."""
        if self.allowed_hub_repos and not any(_matches_repo(name, pattern) for pattern in self.allowed_hub_repos):
            raise _denied(f"The repository {clipped(name, 100)}", "allowed_hub_repos")


def _denied(what: str, trait: str) -> PolicyDenied:
    return PolicyDenied(f"{what} is not allowed here (policy: {trait}). Ask the administrator.")


# --- patterns -----------------------------------------------------------------------------------------------------


def _check_endpoint_patterns(patterns: Iterable[str]) -> None:
    """Raise :class:`BadRequest` for a pattern that no endpoint could match."""
    for pattern in patterns:
        scheme, found, rest = pattern.rpartition("://")
        host, slash, _ = rest.partition("/")
        if (
            (found and scheme.lower() not in _PORTS)
            or (slash and not found)
            or not _HOST_PATTERN.fullmatch(host.lower())
        ):
            raise BadRequest(
                f"allowed_endpoints: {pattern[:100]!r} is not a pattern for endpoints. Use a host such as"
                " s3.example.com, *.example.com or s3.example.com:9000, or a URL such as https://s3.example.com."
            )


def _check_bucket_patterns(patterns: Iterable[str]) -> None:
    """Raise :class:`BadRequest` for a pattern that no bucket could match."""
    for pattern in patterns:
        connection, found, bucket = pattern.rpartition("@")
        if not _BUCKET.fullmatch(bucket) or (found and not _BUCKET.fullmatch(connection)):
            raise BadRequest(
                f"allowed_buckets: {pattern[:100]!r} is not a pattern for buckets. Use connection@bucket, or bucket for"
                " all connections."
            )


def _check_repo_patterns(patterns: Iterable[str]) -> None:
    """Raise :class:`BadRequest` for a pattern that no repository could match."""
    for pattern in patterns:
        if not pattern or "://" in pattern or pattern.startswith("/") or re.search(r"[\s@]", pattern):
            raise BadRequest(
                f"allowed_hub_repos: {pattern[:100]!r} is not a pattern for repositories. Use org/name,"
                " datasets/org/name or spaces/org/name."
            )


def _connection_pattern(pattern: str) -> str:
    connection, found, _ = pattern.rpartition("@")
    return connection if found else "*"


def _matches_bucket(connection: str, bucket: str, pattern: str) -> bool:
    # Apart, so that a wildcard never matches the "@".
    wanted = pattern.rpartition("@")[2]
    # The ARN of an access point ends in a name that anyone can choose, and Ceph reads "tenant:bucket".
    if ":" in bucket and ":" not in wanted:
        return False
    return fnmatchcase(connection, _connection_pattern(pattern)) and fnmatchcase(bucket, wanted)


def _matches_repo(name: str, pattern: str) -> bool:
    kind, repo = _split_kind(name)
    wanted_kind, wanted = _split_kind(pattern)
    return kind == wanted_kind and fnmatchcase(repo, wanted)


def _split_kind(name: str) -> tuple[str, str]:
    kind = next((folder for folder in _FOLDERS if name.startswith(folder)), "")
    return kind, name.removeprefix(kind)


def _matches_endpoint(endpoint: str, patterns: Iterable[str]) -> bool:
    """Return whether an endpoint matches a pattern. Only what a client connects to counts: its host, port and path."""
    try:
        parts = urlsplit(endpoint)
        scheme, host, port = parts.scheme.lower(), (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return False
    # Libraries can disagree about a URL with a user name, or with characters that no host has.
    if scheme not in _PORTS or "@" in parts.netloc or not _HOST.fullmatch(host):
        return False
    return any(_matches_address(scheme, host, port or _PORTS[scheme], parts.path, one) for one in patterns)


def _matches_address(scheme: str, host: str, port: int, path: str, pattern: str) -> bool:
    wanted_scheme, is_url, rest = pattern.rpartition("://")
    netloc, _, wanted_path = rest.partition("/")
    found = _HOST_PATTERN.fullmatch(netloc.lower())
    if found is None or (is_url and wanted_scheme.lower() != scheme):
        return False
    # A host alone is allowed with any port; a URL without a port has that of its scheme.
    wanted_port = found["port"] or (str(_PORTS[scheme]) if is_url else "*")
    if wanted_port not in {"*", str(port)}:
        return False
    if host != found["address"] if found["address"] else not fnmatchcase(host, found["name"].rstrip(".")):
        return False
    return _matches_path(path, wanted_path)


def _matches_path(path: str, pattern: str) -> bool:
    """Return whether each part of a path matches that of a pattern; both can be empty."""
    parts, wanted = path.removeprefix("/").removesuffix("/").split("/"), pattern.removesuffix("/").split("/")
    # A server can read ".." and encoded slashes as another path.
    is_plain = not re.search(r"[%\\]", path) and not {".", ".."} & set(parts)
    return is_plain and len(parts) == len(wanted) and all(map(fnmatchcase, parts, wanted))


def _has_path(endpoint: str) -> bool:
    try:
        return bool(urlsplit(endpoint).path.strip("/"))
    except ValueError:
        return True
