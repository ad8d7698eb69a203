"""The host of the hub's large files: an object store that accepts only signed links."""

from __future__ import annotations

import hmac
import re
from typing import NoReturn, cast
from urllib.parse import unquote

from odhtec_jupyter.demo.content import BytesContent
from odhtec_jupyter.demo.hub.faults import Changed, Host
from odhtec_jupyter.demo.service import Handler, RefusedError
from odhtec_jupyter.models import RepoType

_LINK = re.compile(r"/(model|dataset|space)s/([^/]+(?:/[^/]+)?)/commit/([0-9a-f]{40})/(.+)")


class CdnHandler(Handler):
    """Handles requests with signed links."""

    host: Host = "cdn"

    def answer(self) -> None:
        """Check the link, and send the file."""
        found = _LINK.fullmatch(self.raw_path)
        if found is None:
            self._deny(404, "NoSuchKey", "The specified key does not exist.")
        expires, signature = (self.query.get(name, [""])[0] for name in ("Expires", "Signature"))
        if not hmac.compare_digest(signature, self.service.signature(self.raw_path, expires)):
            self._deny(403, "AccessDenied", "Access denied")
        if float(expires) < self.service.clock():
            self._deny(403, "AccessDenied", "Request has expired")
        repo_type, repo_id, sha, path = found.groups()
        repository = self.service.repositories.get((cast(RepoType, repo_type), unquote(repo_id)))
        commit = repository.at(sha) if repository is not None else None
        if commit is None or unquote(path) not in commit.files:
            self._deny(404, "NoSuchKey", "The specified key does not exist.")
        content = commit.files[unquote(path)].content
        changed = self.service.faults.take(Changed, self.host, self.command, self.url_path)
        if changed is not None:
            content = changed.content
        # The store behind the hub has its own ETags, different from those of the hub.
        etag = f'"{content.sha256[:32]}-{content.size // (8 * 1024 * 1024) + 1}"'
        self.send_content(content, {"Content-Type": "binary/octet-stream"}, etag)

    def _deny(self, status: int, code: str, message: str) -> NoReturn:
        raise RefusedError(status, message, code)

    def refuse(self, refusal: RefusedError) -> None:
        """Send an error as an object store does."""
        code = refusal.code or "ServiceUnavailable"
        body = f"<Error><Code>{code}</Code><Message>{refusal}</Message></Error>"
        headers = {"Content-Type": "application/xml"}
        if refusal.retry_after is not None:
            headers["Retry-After"] = str(refusal.retry_after)
        self.reply(refusal.status, headers, BytesContent(body.encode()))
