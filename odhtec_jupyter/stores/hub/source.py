"""Files of a hub as sources, read by ranged HTTP, which allows parallel reads into memory of the budget.

The token is sent to the hub's own host only and never along a redirect.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urljoin, urlsplit

from odhtec_jupyter.errors import OdhTecError, VerificationError
from odhtec_jupyter.models import HubFile, RepoType
from odhtec_jupyter.network import origin
from odhtec_jupyter.stores.http import Http, http_errors, read_into, release
from odhtec_jupyter.stores.hub.errors import link_error, odd_answer, status_error
from odhtec_jupyter.stores.source import Checksum, RangesIgnoredError
from odhtec_jupyter.uris import FOLDERS

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

MAX_REDIRECTS = 5


class HubSource:
    """One file of a repository at a commit, read by ranges over HTTP."""

    def __init__(
        self,
        http: Http,
        endpoint: str,
        repo: str,
        repo_type: RepoType,
        commit: str,
        file: HubFile,
        token: str | None,
        without_ranges: set[str],
    ) -> None:
        """``without_ranges`` has the hosts that are known not to support ranges; newly found ones are added."""
        self.size = file.size
        self.checksum: Checksum | None = Checksum("sha256" if file.lfs else "blob", file.etag)
        folder = FOLDERS[repo_type]
        self._url = f"{endpoint}/{folder}{repo}/resolve/{quote(commit, safe='')}/{quote(file.path)}"
        self._http = http
        self._host = urlsplit(endpoint).netloc
        self._repo, self._commit, self._path = repo, commit, file.path
        self._token = token
        self._without_ranges = without_ranges
        #: Whether ranges must be read one after another, because the host of the file does not support ranges.
        self.is_ordered = bool(without_ranges)
        self._kept: tuple[HubRange, int] | None = None  # a connection and its position in bytes
        self._location: str | None = None  # the signed URL that the hub redirects to, which expires

    @property
    def location(self) -> str:
        """Where the bytes come from: the address after the redirects of the last range. It can be a signed URL."""
        return self._location or self._url

    def open_range(self, start: int, end: int) -> HubRange | OrderedRange:
        """Open bytes ``start`` to ``end``, with a new signed URL if that of an earlier range has expired.

        Raises :class:`RangesIgnoredError` when the host turns out not to support ranges.
        """
        if not self.is_ordered:
            return self._open(start, end, ordered=False)
        kept, self._kept = self._kept, None
        if kept is not None and kept[1] == start:
            return OrderedRange(self, kept[0], start, start, end)
        if kept is not None:
            kept[0].close()
        opened = self._open(start, self.size, ordered=True)
        return OrderedRange(self, opened, opened.start, start, end)

    def keep(self, opened: HubRange, position: int) -> None:
        """Keep a connection for the range that follows."""
        self.close()
        self._kept = opened, position

    def close(self) -> None:
        """Close a connection that was kept between two ranges."""
        kept, self._kept = self._kept, None
        if kept is not None:
            kept[0].close()

    def _open(self, start: int, end: int, *, ordered: bool) -> HubRange:
        """Request the bytes from ``start``; when read in order, the response can start before them."""
        headers = {"Range": f"bytes={start}-{end - 1}", "Accept-Encoding": "identity"}
        location = self._location
        if location:
            response = self._http.request("GET", location, headers=headers)
            # Hosts refuse an expired URL with any status: S3 and Google with 400 if its credentials have expired.
            if response.status in {200, 206, 416, 429} or response.status >= 500:
                return self._checked(response, location, start, end, ordered)
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
                return self._checked(response, url, start, end, ordered)
            target = self._following(url, response.headers.get("Location", ""))
            response.close()
            if urlsplit(url).scheme == "https" and urlsplit(target).scheme != "https":
                raise OdhTecError(f"{self._host} redirects to an unencrypted address.", code="HubError")
            url = target
        raise OdhTecError(f"{self._host} redirects too often.", code="HubError")

    def _following(self, url: str, location: str) -> str:
        """Return the target of a redirect."""
        try:
            target = urljoin(url, location)
            origin(target)
        except ValueError:
            raise odd_answer(f"{self._host} redirects to an address that is not valid.") from None
        return target

    def _checked(self, response: BaseHTTPResponse, url: str, start: int, end: int, ordered: bool) -> HubRange:
        """Return the range if the response is that range of a file with the announced size."""
        host = urlsplit(url).netloc
        if response.status == 200:
            length = response.headers.get("Content-Length", "")
            total = _count(length, self.size)
            if total == self.size and (start, end) != (0, self.size) and not ordered:
                response.close()
                self._without_ranges.add(host)
                self.is_ordered = True
                raise RangesIgnoredError(f"{host} sends whole files only, not ranges of {self._path}.")
            start = 0
        elif response.status == 206:
            unit, _, total_text = response.headers.get("Content-Range", "").partition("/")
            if unit.replace(" ", "") != f"bytes{start}-{end - 1}":
                response.close()
                raise VerificationError(f"{host} sent a different range of {self._path} than requested.")
            total = _count(total_text, self.size)
        elif response.status == 416:
            response.close()
            raise VerificationError(f"{self._path} of {self._repo} has a different size than the hub reported.")
        else:
            headers = dict(response.headers)
            response.close()
            raise self._refusal(response.status, headers, url)
        if total != self.size:
            response.close()
            raise VerificationError(f"{self._path} has {total} bytes, but the hub reported {self.size}.")
        return HubRange(response, host, start, end)

    def _refusal(self, status: int, headers: dict[str, str], url: str) -> OdhTecError:
        if origin(url) == origin(self._url):
            path = unquote(urlsplit(self._url).path)
            return status_error(
                status, headers, self._repo, self._host, path=path, revision=self._commit, file=self._path
            )
        # The URL is new, so requesting another one would not help.
        return link_error(status, headers, self._path, urlsplit(url).netloc)


class HubRange:
    """An open range of a file."""

    def __init__(self, response: BaseHTTPResponse, host: str, start: int, end: int) -> None:
        self.start = start
        self._response = response
        self._host = host
        self._left = end - start
        headers = response.headers
        self._ends_after = "Transfer-Encoding" not in headers and headers.get("Content-Length") == str(end - start)

    def readinto(self, buffer: memoryview) -> int:
        """Read up to ``len(buffer)`` bytes; 0 at the end."""
        try:
            count = read_into(self._response, buffer)
        except Exception:
            with http_errors(f"https://{self._host}"):  # entered here only, because this is called for every block
                raise
        self._left -= count
        return count

    def interrupt(self) -> None:
        """Shut the socket for reading. With urllib3 before 2.3, the wait continues until bytes or the timeout come."""
        with suppress(AttributeError, OSError, RuntimeError, ValueError):
            self._response.shutdown()

    def close(self) -> None:
        """Return the connection to the pool if the range was read to its end, else close it."""
        if self._left or not self._ends_after:
            # What follows, such as the end mark of a chunked body, would be read as part of the next reply.
            self._response.close()
        else:
            release(self._response)


class OrderedRange:
    """A range of a connection that sends the whole file: it is read up to the range and kept for the next one."""

    def __init__(self, source: HubSource, opened: HubRange, position: int, start: int, end: int) -> None:
        self._source = source
        self._opened = opened
        self._position, self._start, self._end = position, start, end

    def readinto(self, buffer: memoryview) -> int:
        """Read up to ``len(buffer)`` bytes; 0 at the end."""
        while self._position < self._start:
            skipped = self._opened.readinto(buffer[: self._start - self._position])
            if not skipped:
                return 0
            self._position += skipped
        count = self._opened.readinto(buffer[: self._end - self._position]) if self._position < self._end else 0
        self._position += count
        return count

    def interrupt(self) -> None:
        """Shut the socket for reading."""
        self._opened.interrupt()

    def close(self) -> None:
        """Keep the connection if the range was read to its end, else close it."""
        if self._position == self._end < self._source.size:
            self._source.keep(self._opened, self._position)
        else:
            self._opened.close()


def _count(text: str, unknown: int) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else unknown
