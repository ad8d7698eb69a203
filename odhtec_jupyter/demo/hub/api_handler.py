"""The HTTP protocol of the hub for reading: API, ``resolve``, errors."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from pathlib import PurePosixPath
from typing import Any, cast
from urllib.parse import parse_qs, quote, unquote, urlencode

from odhtec_jupyter.demo.content import BytesContent
from odhtec_jupyter.demo.hub.faults import Changed, Host
from odhtec_jupyter.demo.hub.repository import Commit, Repository, RepositoryFile
from odhtec_jupyter.demo.service import Handler, RefusedError
from odhtec_jupyter.models import RepoType

_API = re.compile(
    r"/api/(model|dataset|space)s/([^/]+(?:/[^/]+)??)(?:/(revision|tree|paths-info|auth-check|refs)(?:/(.*))?)?"
)
_RESOLVE = re.compile(r"/(?:(dataset|space)s/)?([^/]+(?:/[^/]+)?)/resolve/([^/]+)/(.+)")
_TEXT = {".json": "application/json", ".md": "text/markdown", ".txt": "text/plain", ".py": "text/x-python"}


class HubHandler(Handler):
    """Handles requests to the API and ``resolve``."""

    host: Host = "hub"

    def answer(self) -> None:
        """Find the route. Paths are matched without decoding, since a revision can contain an encoded slash."""
        if self.service.mirror.login_page and self.raw_path.startswith("/api/"):
            page = BytesContent(b"<!DOCTYPE html><html><body>Please log in.</body></html>")
            self.reply(200, {"Content-Type": "text/html; charset=utf-8"}, page)
        elif self.raw_path == "/api/whoami-v2":
            self._require("whoami-v2")
            self._whoami()
        elif self.raw_path == "/api/models":
            self._require("models")
            models = [one for one in self.service.repositories.values() if one.repo_type == "model"]
            self._json([{"id": one.id, "modelId": one.id} for one in models if not one.private])
        elif (found := _API.fullmatch(self.raw_path)) is not None:
            repo_type, repo_id, action, rest = found.groups()
            self._api(repo_type, unquote(repo_id), action, unquote(rest or ""))
        elif (found := _RESOLVE.fullmatch(self.raw_path)) is not None:
            repo_type, repo_id, revision, path = found.groups()
            self._require("resolve")
            self._resolve(repo_type or "model", unquote(repo_id), unquote(revision), unquote(path))
        else:
            raise RefusedError(404, "Sorry, we can't find the page you are looking for.")

    def refuse(self, refusal: RefusedError) -> None:
        """Send an error as the hub does. The reason is in headers, so that replies to HEAD have it, too."""
        if refusal.bare:
            self.reply(refusal.status, {"Content-Type": "text/plain"}, BytesContent(str(refusal).encode()))
            return
        headers = {"Content-Type": "application/json; charset=utf-8", "X-Error-Message": str(refusal)}
        if refusal.code is not None:
            headers["X-Error-Code"] = refusal.code
        if refusal.retry_after is not None:
            headers["Retry-After"] = str(refusal.retry_after)
        if refusal.status == 401:
            headers["WWW-Authenticate"] = 'Bearer realm="Authentication required", charset="UTF-8"'
        self.reply(refusal.status, headers, BytesContent(json.dumps({"error": str(refusal)}).encode()))

    def _require(self, part: str) -> None:
        if part in self.service.mirror.missing:
            raise RefusedError(self.service.mirror.missing[part], "Not found", bare=True)

    # --- access --------------------------------------------------------------------------------------------

    def _token(self) -> str | None:
        """Return the token of the request. An unknown token is refused everywhere, as on the hub."""
        scheme, _, token = (self.headers.get("Authorization") or "").partition(" ")
        if not scheme:
            return None
        if scheme.lower() != "bearer" or self.service.user_of(token) is None:
            raise RefusedError(401, "Invalid credentials in Authorization header")
        return token

    def _whoami(self) -> None:
        token = self._token()
        if token is None:
            raise RefusedError(401, "Invalid username or password.")
        self._json(
            {
                "type": "user",
                "id": hashlib.sha256(token.encode()).hexdigest()[:24],
                "name": self.service.user_of(token),
                "fullname": self.service.user_of(token),
                "orgs": [],
                "auth": {"type": "access_token", "accessToken": {"displayName": "stand-in", "role": "read"}},
            }
        )

    def _repository(self, repo_type: str, repo_id: str) -> Repository:
        token = self._token()
        repository = self.service.repositories.get((cast(RepoType, repo_type), repo_id))
        if repository is None or (repository.private and token not in repository.accepted):
            # Without a token, the hub does not reveal whether the repository exists.
            if token is None:
                raise RefusedError(401, "Invalid username or password.", "RepoNotFound")
            raise RefusedError(404, "Repository not found", "RepoNotFound")
        return repository

    def _check_access(self, repository: Repository) -> None:
        token = self._token()
        if not repository.gated or token in repository.accepted:
            return
        what = f"Access to {repository.repo_type} {repository.id} is restricted"
        if token is None:
            raise RefusedError(
                401,
                f"{what}. You must have access to it and be authenticated to access it. Please log in.",
                "GatedRepo",
            )
        raise RefusedError(
            403,
            f"{what} and you are not in the authorized list. "
            f"Visit {self.service.endpoint}/{repository.id} to ask for access.",
            "GatedRepo",
        )

    # --- API -----------------------------------------------------------------------------------------------

    def _api(self, repo_type: str, repo_id: str, action: str | None, rest: str) -> None:
        self._require(action or "")
        repository = self._repository(repo_type, repo_id)
        match action:
            case None:
                self._info(repository, self._commit(repository, "main"))
            case "revision":
                self._info(repository, self._commit(repository, rest or "main"))
            case "auth-check":
                self._check_access(repository)
                self._json({})
            case "refs":
                self._refs(repository)
            case "tree":
                # An encoded slash is part of the revision, a plain one ends it.
                raw = self.raw_path.split("/tree/", 1)[1] if rest else "main"
                revision, _, folder = raw.partition("/")
                self._tree(self._commit(repository, unquote(revision)), unquote(folder).strip("/"))
            case _:
                self._paths_info(self._commit(repository, rest or "main"))

    def _commit(self, repository: Repository, revision: str) -> Commit:
        commit = repository.at(revision)
        if commit is None:
            raise RefusedError(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return commit

    def _info(self, repository: Repository, commit: Commit) -> None:
        blobs = self._flag("blobs") and self.service.mirror.blobs
        info: dict[str, Any] = {
            "_id": commit.sha[:24],
            "id": repository.id,
            "author": repository.id.rpartition("/")[0] or None,
            "sha": commit.sha,
            "lastModified": _time(commit),
            "createdAt": _time(next(iter(repository.commits.values()))),
            "private": repository.private,
            "gated": repository.gated,
            "disabled": False,
            "downloads": 0,
            "likes": 0,
            "tags": [*repository.tags, *([f"license:{repository.license}"] if repository.license else [])],
            "cardData": {"license": repository.license} if repository.license else {},
            "siblings": [_sibling(file, blobs) for file in _in_order(commit)][: self.service.mirror.siblings],
            "usedStorage": sum(file.content.size for file in commit.files.values()),
        }
        if repository.repo_type == "model":
            info["modelId"] = repository.id
            if commit.parameters:
                total = sum(commit.parameters.values())
                info["safetensors"] = {"parameters": commit.parameters, "total": total}
        info |= self.service.mirror.info
        if "expand" in self.query:
            info = {k: v for k, v in info.items() if k in {"_id", "id", *self.query["expand"]}}
        self._json(info)

    def _refs(self, repository: Repository) -> None:
        def shown(kind: str, refs: dict[str, str]) -> list[dict[str, str]]:
            return [{"name": name, "ref": f"refs/{kind}/{name}", "targetCommit": sha} for name, sha in refs.items()]

        branches, tags = shown("heads", repository.branches), shown("tags", repository.versions)
        self._json({"branches": branches, "converts": [], "tags": tags, "pullRequests": []})

    def _tree(self, commit: Commit, folder: str) -> None:
        entries = self._entries(commit, folder, self._flag("recursive"))[: self.service.mirror.tree_entries]
        if folder and not entries:
            raise RefusedError(404, f"{folder} does not exist on this revision", "EntryNotFound")
        start = int(self.query.get("cursor", ["0"])[0]) if self.service.mirror.cursors else 0
        size = min(int(self.query.get("limit", [str(self.service.page_size)])[0]), self.service.page_size)
        headers = {}
        if start + size < len(entries):
            query = urlencode({k: v for k, v in self.query.items() if k != "cursor"}, doseq=True)
            following = f"{self.service.endpoint}{self.raw_path}?{query}{'&' if query else ''}cursor={start + size}"
            headers["Link"] = f'<{following}>; rel="next"'
        self._json(entries[start : start + size], headers)

    def _entries(self, commit: Commit, folder: str, recursive: bool) -> list[dict[str, Any]]:
        expand = self._flag("expand")
        below = f"{folder}/" if folder else ""
        entries: dict[str, dict[str, Any]] = {}
        for file in _in_order(commit):
            if not file.path.startswith(below):
                continue
            steps = file.path[len(below) :].split("/")
            for depth in range(1, len(steps) if recursive else min(len(steps), 2)):
                path = below + "/".join(steps[:depth])
                if path not in entries:
                    entries[path] = _folder_entry(commit, path, expand)
            if recursive or len(steps) == 1:
                entries[file.path] = _file_entry(commit, file, expand)
        return list(entries.values())

    def _paths_info(self, commit: Commit) -> None:
        form = parse_qs(self.body.decode())
        expand = form.get("expand", ["false"])[0].lower() == "true"
        found = []
        for path in form.get("paths", []):
            if path in commit.files:
                found.append(_file_entry(commit, commit.files[path], expand))
            elif any(p.startswith(f"{path}/") for p in commit.files):
                found.append(_folder_entry(commit, path, expand))
        self._json(found)

    def _flag(self, name: str) -> bool:
        return self.query.get(name, ["false"])[0].lower() in ("true", "1")

    def _json(self, body: Any, headers: dict[str, str] | None = None) -> None:
        content = BytesContent(json.dumps(body).encode())
        self.reply(200, {"Content-Type": "application/json; charset=utf-8"} | (headers or {}), content)

    # --- files ---------------------------------------------------------------------------------------------

    def _resolve(self, repo_type: str, repo_id: str, revision: str, path: str) -> None:
        repository = self._repository(repo_type, repo_id)
        self._check_access(repository)
        commit = self._commit(repository, revision)
        file = commit.files.get(path)
        if file is None:
            raise RefusedError(404, "Entry not found", "EntryNotFound")
        changed = self.service.faults.take(Changed, self.host, self.command, self.url_path)
        if changed is not None:
            file = RepositoryFile(file.path, changed.content, file.lfs)
        name = PurePosixPath(path).name
        headers = {
            "X-Repo-Commit": commit.sha,
            "Content-Disposition": f"inline; filename*=UTF-8''{quote(name)}; filename=\"{quote(name)}\";",
        }
        if file.lfs:
            headers |= {
                "X-Linked-Size": str(file.content.size),
                "X-Linked-Etag": f'"{file.etag}"',
                "Accept-Ranges": "bytes",
                "Location": self._link(repository, commit, file),
            }
            self.reply(302, headers, BytesContent(b"Found. Redirecting"))
            return
        headers["Content-Type"] = _TEXT.get(PurePosixPath(path).suffix, "text/plain") + "; charset=utf-8"
        if self._packs(file):
            # The hub compresses text for clients that accept it; then there is no size and no range.
            packed = BytesContent(gzip.compress(file.content.read(), mtime=0))
            self.reply(200, headers | {"ETag": f'W/"{file.etag}"', "Content-Encoding": "gzip"}, packed)
            return
        self.send_content(file.content, headers, f'"{file.etag}"')

    def _packs(self, file: RepositoryFile) -> bool:
        return (
            self.command == "GET"
            and "gzip" in (self.headers.get("Accept-Encoding") or "")
            and "Range" not in self.headers
            and file.content.size >= 1024
        )

    def _link(self, repository: Repository, commit: Commit, file: RepositoryFile) -> str:
        path = f"/{repository.repo_type}s/{quote(repository.id)}/commit/{commit.sha}/{quote(file.path)}"
        expires = str(self.service.clock() + self.service.link_seconds)
        query = urlencode({"Expires": expires, "Signature": self.service.signature(path, expires)})
        return f"{self.service.cdn_endpoint}{path}?{query}"


def _in_order(commit: Commit) -> list[RepositoryFile]:
    return [file for _, file in sorted(commit.files.items())]


def _time(commit: Commit) -> str:
    return commit.date.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _lfs_sizes(file: RepositoryFile) -> dict[str, Any]:
    return {"size": file.content.size, "pointerSize": len(file.pointer)}


def _sibling(file: RepositoryFile, blobs: bool) -> dict[str, Any]:
    sibling: dict[str, Any] = {"rfilename": file.path}
    if blobs:
        sibling |= {"blobId": file.blob_id, "size": file.content.size}
        if file.lfs:
            sibling["lfs"] = {"sha256": file.content.sha256} | _lfs_sizes(file)
    return sibling


def _file_entry(commit: Commit, file: RepositoryFile, expand: bool) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "type": "file",
        "oid": file.blob_id,
        "size": file.content.size,
        "path": file.path,
    }
    if file.lfs:
        entry["lfs"] = {
            "oid": file.content.sha256,
            "size": file.content.size,
            "pointerSize": len(file.pointer),
        }
    if expand:
        entry["lastCommit"] = {"id": commit.sha, "title": commit.title, "date": _time(commit)}
    return entry


def _folder_entry(commit: Commit, path: str, expand: bool) -> dict[str, Any]:
    entry: dict[str, Any] = {"type": "directory", "oid": commit.tree_id(path), "size": 0, "path": path}
    if expand:
        entry["lastCommit"] = {"id": commit.sha, "title": commit.title, "date": _time(commit)}
    return entry
