"""Repositories of the hub stand-in: commits, branches, and files with the ids of git and Git LFS."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Literal

from odhtec_jupyter.demo.content import BytesContent, Content, FileContent
from odhtec_jupyter.models import RepoType

_LFS_SUFFIXES = {
    *{".bin", ".ckpt", ".gguf", ".h5", ".model", ".onnx", ".pt", ".pth", ".safetensors"},
    *{".arrow", ".msgpack", ".npy", ".parquet", ".pickle", ".pkl"},
    *{".gz", ".tar", ".zip"},
}
_LFS_SIZE = 10 * 1024 * 1024
_SAFETENSORS_HEADER = 25_000_000


def _git_sha(kind: bytes, body: bytes) -> str:
    return hashlib.sha1(b"%s %d\0%s" % (kind, len(body), body), usedforsecurity=False).hexdigest()


@dataclass(frozen=True)
class RepositoryFile:
    """A file of a commit. ``lfs`` says whether it is in Git LFS."""

    path: str
    content: Content
    lfs: bool

    @classmethod
    def of(cls, path: str, content: Content | bytes | Path, lfs: bool | None = None) -> RepositoryFile:
        """Return a file from bytes, a path or other content. By default, type and size decide ``lfs``."""
        if isinstance(content, bytes):
            content = BytesContent(content)
        elif isinstance(content, Path):
            content = FileContent(content)
        if lfs is None:
            lfs = content.size >= _LFS_SIZE or PurePosixPath(path).suffix in _LFS_SUFFIXES
        file = cls(path, content, lfs)
        file.etag  # noqa: B018 - computed here, so that benchmarks do not measure it
        return file

    @property
    def etag(self) -> str:
        """The sha256 of an LFS file, the git blob id of any other."""
        return self.content.sha256 if self.lfs else self.content.blob_id

    @property
    def pointer(self) -> bytes:
        """The pointer that git stores for an LFS file."""
        oid, size = self.content.sha256, self.content.size
        return f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {size}\n".encode()

    @property
    def blob_id(self) -> str:
        """The id in git; for an LFS file that of its pointer."""
        return _git_sha(b"blob", self.pointer) if self.lfs else self.content.blob_id


@dataclass(frozen=True)
class Commit:
    """An immutable state of the repository."""

    files: Mapping[str, RepositoryFile]
    date: datetime
    title: str
    parent: str | None

    @cached_property
    def sha(self) -> str:
        """The commit id, computed from the content of the commit."""
        lines = [f"{file.blob_id} {path}" for path, file in sorted(self.files.items())]
        return _git_sha(b"commit", "\n".join([str(self.parent), self.title, *lines]).encode())

    def tree_id(self, folder: str) -> str:
        """Return an id for the content of a folder."""
        lines = [f"{f.blob_id} {p}" for p, f in sorted(self.files.items()) if p.startswith(folder + "/")]
        return _git_sha(b"tree", "\n".join(lines).encode())

    @cached_property
    def parameters(self) -> dict[str, int] | None:
        """The number of parameters of each dtype, from the headers of safetensors files; None if there are none."""
        counts: dict[str, int] = {}
        for path, file in self.files.items():
            if path.endswith(".safetensors"):
                for dtype, count in _safetensors_parameters(file.content).items():
                    counts[dtype] = counts.get(dtype, 0) + count
        return counts or None


def _safetensors_parameters(content: Content) -> dict[str, int]:
    if content.size < 8:
        return {}
    (length,) = struct.unpack("<Q", content.read(0, 8))
    if length > min(content.size - 8, _SAFETENSORS_HEADER):
        return {}
    try:
        header = json.loads(content.read(8, 8 + length))
    except ValueError:
        return {}
    counts: dict[str, int] = {}
    for name, tensor in header.items():
        if name != "__metadata__":
            number = 1
            for extent in tensor["shape"]:
                number *= extent
            counts[tensor["dtype"]] = counts.get(tensor["dtype"], 0) + number
    return counts


@dataclass
class Repository:
    """A model, dataset or space. ``accepted`` are the tokens that can read it if it is gated or private."""

    id: str
    repo_type: RepoType = "model"
    gated: Literal[False, "auto", "manual"] = False
    private: bool = False
    accepted: frozenset[str] = frozenset()
    license: str | None = "apache-2.0"
    tags: tuple[str, ...] = ()
    commits: dict[str, Commit] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)  # git's tags by name; `tags` are labels on the hub

    @classmethod
    def from_folder(cls, repo_id: str, folder: Path) -> Repository:
        """Return a model with the files of a folder."""
        repository = cls(repo_id)
        files = {p.relative_to(folder).as_posix(): p for p in sorted(folder.rglob("*")) if p.is_file()}
        repository.commit(files)
        return repository

    def commit(
        self,
        changes: Mapping[str, RepositoryFile | Content | bytes | Path | None],
        branch: str = "main",
        title: str = "Upload files",
    ) -> Commit:
        """Commit changed files to a branch (None removes a file). Earlier commits stay readable."""
        parent = self.branches.get(branch, self.branches.get("main"))
        files = dict(self.commits[parent].files) if parent else {}
        for path, change in changes.items():
            if change is None:
                files.pop(path, None)
            else:
                files[path] = change if isinstance(change, RepositoryFile) else RepositoryFile.of(path, change)
        commit = Commit(files, datetime.now(UTC), title, parent)
        self.commits[commit.sha] = commit
        self.branches[branch] = commit.sha
        return commit

    def at(self, revision: str) -> Commit | None:
        """Return the commit of a branch, tag or commit id, or None."""
        return self.commits.get(self.branches.get(revision) or self.versions.get(revision) or revision)
