"""A file of the hub as a source: ranged HTTP, because only that can be read in parallel into budgeted memory.

The token goes to the hub's own host and is never sent along a redirect.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import quote, urljoin, urlsplit

from odhtec_jupyter.errors import OdhTecError, Unreachable, VerificationError
from odhtec_jupyter.models import HubFile, RepoType
from odhtec_jupyter.network import origin
from odhtec_jupyter.stores.http import Http, http_errors, read_into
from odhtec_jupyter.stores.hub_answers import status_error
from odhtec_jupyter.stores.source import Checksum
from odhtec_jupyter.uris import FOLDERS

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

MAX_REDIRECTS = 5


class HubSource:
    """One file of a repository at a commit, read by ranges over plain HTTP."""

    def __init__(
        self,
        http: Http,
        endpoint: str,
        repo: str,
        repo_type: RepoType,
        commit: str,
        file: HubFile,
        token: str | None,
    ) -> None:
        self.size = file.size
        self.checksum: Checksum | None = Checksum("sha256" if file.lfs else "blob", file.etag)
        folder = FOLDERS[repo_type]
        self._url = f"{endpoint}/{folder}{repo}/resolve/{quote(commit, safe='')}/{quote(file.path)}"
        self._http = http
        self._host = urlsplit(endpoint).netloc
        self._repo = repo
        self._token = token
        self._location: str | None = None  # where the hub sent us; a signed URL that expires

    def open_range(self, start: int, end: int) -> HubRange:
        """Bytes ``start`` to ``end``; asks the hub again when the signed URL of an earlier range has expired."""
        headers = {"Range": f"bytes={start}-{end - 1}", "Accept-Encoding": "identity"}
        location = self._location
        if location:
            response = self._http.request("GET", location, headers=headers)
            if response.status not in {401, 403, 404, 410}:
                return self._checked(response, start, end, own_host=False)
            response.close()
            self._location = None
        url = self._url
        for _ in range(MAX_REDIRECTS):
            own_host = origin(url) == origin(self._url)
            credentials = {"Authorization": f"Bearer {self._token}"} if self._token and own_host else {}
            response = self._http.request("GET", url, headers={**headers, **credentials})
            if response.status not in {301, 302, 303, 307, 308}:
                if not own_host:
                    self._location = url
                return self._checked(response, start, end, own_host=own_host)
            target = urljoin(url, response.headers.get("Location", ""))
            response.close()
            if urlsplit(url).scheme == "https" and urlsplit(target).scheme != "https":
                raise OdhTecError(f"{self._host} redirects to an unencrypted address.", code="HubError", status=502)
            url = target
        raise OdhTecError(f"{self._host} redirects too often.", code="HubError", status=502)

    def _checked(self, response: BaseHTTPResponse, start: int, end: int, *, own_host: bool) -> HubRange:
        """The range, if the answer is that range of a file of the size that was announced."""
        if response.status == 200 and (start, end) == (0, self.size):
            length = response.headers.get("Content-Length", "")
            total = int(length) if length.isascii() and length.isdigit() else self.size
        elif response.status == 206:
            told, _, total_text = response.headers.get("Content-Range", "").partition("/")
            if told.replace(" ", "") != f"bytes{start}-{end - 1}":
                response.close()
                raise VerificationError(f"The hub answered with another range of {self._repo} than was asked for.")
            total = int(total_text) if total_text.isdigit() else self.size
        elif response.status in {200, 416}:
            response.close()
            raise VerificationError(
                f"A file of {self._repo} has another size than the hub announced, or has no ranges."
            )
        elif response.status in {401, 403} and not own_host:
            response.close()
            raise Unreachable("The link to a file of the hub has expired.", code="HubUnreachable")
        else:
            headers = dict(response.headers)
            response.close()
            raise status_error(response.status, headers, self._repo, self._host)
        if total != self.size:
            response.close()
            raise VerificationError(f"A file of {self._repo} has {total} bytes, the hub announced {self.size}.")
        return HubRange(response, self._host, end - start)


class HubRange:
    """An open range of a file."""

    def __init__(self, response: BaseHTTPResponse, host: str, size: int) -> None:
        self._response = response
        self._host = host
        self._left = size

    def readinto(self, buffer: memoryview) -> int:
        """Fill at most ``len(buffer)`` bytes; 0 at the end."""
        try:
            count = read_into(self._response, buffer)
        except Exception:
            with http_errors(f"https://{self._host}"):  # entered only now: this is called for every block
                raise
        self._left -= count
        return count

    def interrupt(self) -> None:
        """Shut the socket for reading; with urllib3 before 2.3 the wait goes on until bytes or the timeout come."""
        with suppress(AttributeError, OSError, RuntimeError, ValueError):
            self._response.shutdown()

    def close(self) -> None:
        """Return the connection when the range was read to its end, else drop it."""
        if self._left or "Content-Length" not in self._response.headers:
            # The last byte of a chunked body is not its end: what follows would be read as the next reply.
            self._response.close()
        else:
            self._response.release_conn()
