"""Locations: ``s3://bucket/key``, ``s3://connection@bucket/key``, ``hf://org/name@revision/path``, ``workspace://path``.

A URI that ends in a slash, or names a bucket, a repository or the workspace itself, is a folder. Keys and paths are not
percent-encoded: everything after the scheme is literal.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, Literal
from urllib.parse import quote, unquote

from odhtec_jupyter.errors import BadRequest
from odhtec_jupyter.models import RepoType

Scheme = Literal["s3", "workspace", "hf"]
DEFAULT_CONNECTION = "default"  # the connection of a URI without a name
MAX_CONNECTION_NAME = 64  # characters
CONNECTION_NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9_-]{{0,{MAX_CONNECTION_NAME - 1}}}")
FOLDERS: dict[RepoType, str] = {"model": "", "dataset": "datasets/", "space": "spaces/"}
_TYPES: dict[str, RepoType] = {"models": "model", "datasets": "dataset", "spaces": "space"}
_OTHER_TYPES = frozenset({"buckets", "kernels"})  # other types in huggingface_hub
_REFS = re.compile(r"refs/(?:convert/[\w.-]+|pr/\d+)(?=/|$)", re.ASCII)


@dataclass(frozen=True, slots=True)
class S3Uri:
    """An object (``key``) or, with a trailing slash or an empty key, everything below it."""

    scheme: ClassVar[Scheme] = "s3"
    bucket: str
    key: str
    connection: str = ""  # the name of its connection; empty for the default one

    @property
    def path(self) -> str:
        """The key."""
        return self.key

    def with_path(self, path: str) -> S3Uri:
        """Return the URI of another key in this bucket."""
        return S3Uri(self.bucket, path, self.connection)

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return not self.key or self.key.endswith("/")

    def below(self, path: str) -> S3Uri:
        """Return the URI of ``path`` in this folder."""
        return S3Uri(self.bucket, self.key + path, self.connection)

    @property
    def name(self) -> str:
        """The last part of the key."""
        return self.key.rstrip("/").rpartition("/")[2]

    def __str__(self) -> str:
        return f"s3://{f'{self.connection}@' if self.connection else ''}{self.bucket}/{self.key}"


@dataclass(frozen=True, slots=True)
class WorkspaceUri:
    """A file or folder below the server's root directory."""

    scheme: ClassVar[Scheme] = "workspace"
    path: str

    def with_path(self, path: str) -> WorkspaceUri:
        """Return the URI of another path."""
        return WorkspaceUri(path)

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return not self.path or self.path.endswith("/")

    def below(self, path: str) -> WorkspaceUri:
        """Return the URI of ``path`` in this folder."""
        return WorkspaceUri(self.path + path)

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rstrip("/").rpartition("/")[2]

    def __str__(self) -> str:
        return f"workspace://{self.path}"


@dataclass(frozen=True, slots=True)
class HubUri:
    """A repository at a revision, a folder in it, or one of its files."""

    scheme: ClassVar[Scheme] = "hf"
    repo: str
    repo_type: RepoType = "model"
    revision: str = "main"
    path: str = ""

    def with_path(self, path: str) -> HubUri:
        """Return the URI of another path at this revision."""
        return HubUri(self.repo, self.repo_type, self.revision, path)

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return not self.path or self.path.endswith("/")

    def below(self, path: str) -> HubUri:
        """Return the URI of ``path`` in this folder."""
        return self.with_path(self.path + path)

    @property
    def name(self) -> str:
        """The last part of the path, or of the repository's name."""
        return (self.path.rstrip("/") or self.repo).rpartition("/")[2]

    def __str__(self) -> str:
        revision = quote(self.revision, safe="")
        path = f"/{self.path}" if self.path else ""
        return f"hf://{FOLDERS[self.repo_type]}{self.repo}@{revision}{path}"


Uri = S3Uri | WorkspaceUri | HubUri


def names_connection(text: str) -> bool:
    """Return whether the text of a location names a connection, without checking it."""
    return text.startswith("s3://") and "@" in text[5:].partition("/")[0]


def in_one_store(source: Uri, target: Uri) -> bool:
    """Return whether both are in S3 and on the same connection, so that the store can copy by itself."""
    return isinstance(source, S3Uri) and isinstance(target, S3Uri) and source.connection == target.connection


def parse_uri(text: str, field: str, connection: str = "") -> Uri:
    """Parse a location. Raises :class:`BadRequest` naming ``field``.

    ``connection`` is that of a location in S3 that names none.
    """
    scheme, found, rest = text.partition("://")
    if found and scheme == "s3":
        place, _, key = rest.partition("/")
        name, found, bucket = place.rpartition("@")  # "@" cannot be in the name of a bucket
        if found:
            _check_connection(name, field)
        if not bucket:
            raise BadRequest(f"{field}: the bucket is missing in {text!r}. Use the form s3://bucket/key.")
        return S3Uri(bucket, key, named(name if found else connection))
    if found and scheme == "workspace":
        return WorkspaceUri(rest)
    if found and scheme == "hf":
        return _hub(rest, field)
    raise BadRequest(f"{field}: {text!r} is not a valid location. Use s3://, workspace:// or hf://.")


def named(connection: str) -> str:
    """Return the name of a connection as :class:`S3Uri` has it: the default one has none there."""
    return "" if connection == DEFAULT_CONNECTION else connection


def _check_connection(name: str, field: str) -> None:
    """Raise :class:`BadRequest` for a name that no connection can have. It is not repeated, because it can be a key."""
    if ":" in name:
        raise BadRequest(
            f"{field}: keys must not be in a URI. Use the name of a connection, as in s3://connection@bucket/key."
        )
    if not CONNECTION_NAME.fullmatch(name):
        raise BadRequest(
            f"{field}: the part before @ is not the name of a connection. Names have letters, digits, hyphens and"
            " underscores."
        )


def _hub(rest: str, field: str) -> HubUri:
    kind, repo, revision, path = hub_parts(rest, field)
    return HubUri(repo, kind or "model", revision or "main", path)


def hub_parts(rest: str, field: str) -> tuple[RepoType | None, str, str | None, str]:
    """Return type, repository, revision and path of the text after ``hf://``; type and revision can be None.

    Raises :class:`BadRequest` naming ``field``.
    """
    kind, rest = split_type(rest)
    if kind is None and rest.partition("/")[0] in _OTHER_TYPES:
        raise BadRequest(
            f"{field}: {rest.partition('/')[0]} of Hugging Face are not supported. Use a model or a dataset."
        )
    before, pinned, after = rest.partition("@")
    revision: str | None = None
    if pinned and before.count("/") <= 1:
        repo, (revision, path) = before, split_revision(after)
        if not revision:
            raise BadRequest(f"{field}: the revision after @ is missing. Use the form hf://org/name@revision/path.")
    else:
        parts = rest.split("/", 2)
        repo, path = "/".join(parts[:2]).rstrip("/"), parts[2] if len(parts) > 2 else ""
    if not repo:
        raise BadRequest(f"{field}: the repository is missing. Use the form hf://org/name@revision/path.")
    return kind, repo, revision, path


def split_type(path: str) -> tuple[RepoType | None, str]:
    """Return the type at the start of a path, and the rest; None if there is none."""
    folder, found, rest = path.partition("/")
    kind = _TYPES.get(folder) if found else None
    return (kind, rest) if kind else (None, path)


def split_revision(text: str) -> tuple[str, str]:
    """Return a revision and the path after it. A slash in a revision is percent-encoded, except in ``refs/…``."""
    found = _REFS.match(text)
    revision, _, path = (found.group(), "", text[found.end() + 1 :]) if found else text.partition("/")
    return unquote(revision), path
