"""An S3 service with more keys than anybody wants to store: they are computed when they are asked for.

A program of its own that needs nothing but Python: ``python benchmarks/many_keys.py [--port 9000]`` prints its URL on
the first line and serves on the loopback interface until it is ended (with ``--stdin``, until standard input ends).
Any credentials will do.

| bucket | keys |
| --- | --- |
| ``few`` | 50 at the top level, 50 below ``folder/`` |
| ``million`` | 1,000,000 in one folder, ``rows/0000000.json`` to ``rows/0999999.json``; one of them has ``765432`` |
| ``rows`` | 100,000 at the top level, ``row-00000.csv`` to ``row-99999.csv`` |
| ``tree`` | 1,000,000 in folders of ten, five levels deep, ``0/0/0/0/0/0.txt`` to ``9/9/9/9/9/9.txt`` |

ListBuckets, HeadBucket, ListObjectsV2 (prefix, delimiter, pages, start-after), HeadObject and GetObject with a range
are answered; what would write is refused. An object is a line with its key, repeated up to 97 times.
"""

from __future__ import annotations

import argparse
import base64
import re
import sys
import threading
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, unquote, urlsplit

PAGE = 1000
REPEATS = 97  # sizes differ, and not in the order of the names
LAST = "\U0010ffff"  # behind everything that begins alike
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
TIMES = [(BEGAN + timedelta(minutes=7 * number)).strftime("%Y-%m-%dT%H:%M:%S.000Z") for number in range(9973)]
NAMESPACE = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'


@dataclass(frozen=True)
class Keys:
    """The keys of a bucket in order, each computed from its number; none needs encoding or escaping."""

    total: int
    name: Callable[[int], str]

    def __len__(self) -> int:
        return self.total

    def __getitem__(self, index: int) -> str:
        return self.name(index)

    def find(self, key: str) -> int | None:
        """The number of a key, if there is one."""
        index = bisect_left(self, key)
        return index if index < self.total and self.name(index) == key else None


BUCKETS = {
    "few": Keys(100, lambda i: f"file-{i:02}.txt" if i < 50 else f"folder/file-{i - 50:02}.txt"),
    "million": Keys(1_000_000, lambda i: f"rows/{i:07}.json"),
    "rows": Keys(100_000, lambda i: f"row-{i:05}.csv"),
    "tree": Keys(1_000_000, lambda i: "/".join(f"{i // 10:05}") + f"/{i % 10}.txt"),
}


def size_of(key: str, index: int) -> int:
    """As many bytes as :func:`content` has."""
    return (len(key) + 1) * (1 + index * 31 % REPEATS)


def content(key: str, index: int) -> bytes:
    """What the object holds."""
    return f"{key}\n".encode() * (1 + index * 31 % REPEATS)


def etag(index: int) -> str:
    """In the form that says that it is no MD5."""
    return f'"{index:032x}-1"'


@dataclass
class Listing:
    """One page of ListObjectsV2, as it is asked for by the parameters of a request."""

    keys: Keys
    bucket: str
    query: dict[str, str]

    def xml(self) -> str:
        """The reply."""
        prefix, delimiter = self.query.get("prefix", ""), self.query.get("delimiter", "")
        most = min(int(self.query.get("max-keys") or PAGE), PAGE)
        index = max(bisect_left(self.keys, prefix), self._begin())
        end = bisect_left(self.keys, prefix + LAST)
        entries, count, last = [], 0, ""
        while index < end and count < most:
            key = self.keys[index]
            cut = key.find(delimiter, len(prefix)) if delimiter else -1
            if cut < 0:
                last = key
                entries.append(
                    f"<Contents><Key>{key}</Key><LastModified>{TIMES[index % len(TIMES)]}</LastModified>"
                    f"<ETag>&quot;{index:032x}-1&quot;</ETag><Size>{size_of(key, index)}</Size>"
                    "<StorageClass>STANDARD</StorageClass></Contents>"
                )
                index += 1
            else:
                last = key[: cut + len(delimiter)]
                entries.append(f"<CommonPrefixes><Prefix>{last}</Prefix></CommonPrefixes>")
                index = bisect_left(self.keys, last + LAST)
            count += 1
        return self._document(entries, base64.urlsafe_b64encode(last.encode()).decode() if index < end else "")

    def _begin(self) -> int:
        token = self.query.get("continuation-token")
        after = base64.urlsafe_b64decode(token).decode() if token else self.query.get("start-after", "")
        # All that is below a folder has been handed out with it.
        return bisect_left(self.keys, after + LAST) if token and after.endswith("/") else bisect_right(self.keys, after)

    def _document(self, entries: list[str], token: str) -> str:
        encoding = "<EncodingType>url</EncodingType>" if self.query.get("encoding-type") == "url" else ""
        more = f"<NextContinuationToken>{token}</NextContinuationToken>" if token else ""
        return (
            f'<?xml version="1.0" encoding="UTF-8"?><ListBucketResult {NAMESPACE}><Name>{self.bucket}</Name>{encoding}'
            f"<IsTruncated>{str(bool(token)).lower()}</IsTruncated>{more}<KeyCount>{len(entries)}</KeyCount>"
            f"{''.join(entries)}</ListBucketResult>"
        )


class Handler(BaseHTTPRequestHandler):
    """One connection; runs in a thread."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body leave together

    def do_GET(self) -> None:
        """Everything that is answered at all; a HEAD without the body."""
        url = urlsplit(self.path)
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        bucket, _, key = unquote(url.path.removeprefix("/")).partition("/")
        keys = BUCKETS.get(bucket)
        if not bucket:
            self._send(200, _buckets())
        elif keys is None:
            self._refuse(404, "NoSuchBucket")
        elif key:
            self._object(keys, key)
        elif self.command == "HEAD":
            self._send(200, "")
        elif query.get("list-type") == "2":
            self._list(Listing(keys, bucket, query))
        else:
            self._refuse(501, "NotImplemented")

    do_HEAD = do_GET  # noqa: N815 - http.server's name

    def do_PUT(self) -> None:
        """Nothing is stored here; the body is not read, so the connection ends."""
        self.close_connection = True
        self._refuse(403, "AccessDenied")

    do_POST = do_DELETE = do_PUT  # noqa: N815

    def _list(self, listing: Listing) -> None:
        try:
            self._send(200, listing.xml())
        except ValueError:  # a token of somebody else's, or a number that is none
            self._refuse(400, "InvalidArgument")

    def _object(self, keys: Keys, key: str) -> None:
        index = keys.find(key)
        if index is None:
            self._refuse(404, "NoSuchKey")
            return
        data = content(key, index)
        headers = {"ETag": etag(index), "Last-Modified": _http_time(index), "Accept-Ranges": "bytes"}
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if wanted and int(wanted[1]) < len(data):
            start, stop = int(wanted[1]), min(int(wanted[2] or len(data)) + 1, len(data))
            headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(data)}"
            self._send(206, data[start:stop], "text/plain", headers)
        elif wanted:
            self._refuse(416, "InvalidRange")
        else:
            self._send(200, data, "text/plain", headers)

    def _refuse(self, status: int, code: str) -> None:
        self._send(status, f"<Error><Code>{code}</Code><Message>This store is for looking only.</Message></Error>")

    def _send(
        self, status: int, body: str | bytes, kind: str = "application/xml", headers: dict[str, str] | None = None
    ) -> None:
        data = body.encode() if isinstance(body, str) else body
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(data)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Nothing is said of requests."""


def _http_time(index: int) -> str:
    return format_datetime(datetime.fromisoformat(TIMES[index % len(TIMES)]), usegmt=True)


def _buckets() -> str:
    entries = "".join(
        f"<Bucket><Name>{name}</Name><CreationDate>{TIMES[0]}</CreationDate></Bucket>" for name in BUCKETS
    )
    return f"<ListAllMyBucketsResult {NAMESPACE}><Buckets>{entries}</Buckets></ListAllMyBucketsResult>"


def main() -> None:
    """Print the URL, serve until ended."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--port", type=int, default=0, help="where to listen (default: a free one)")
    parser.add_argument("--stdin", action="store_true", help="end when standard input does, as with whoever started it")
    options = parser.parse_args()
    with ThreadingHTTPServer(("127.0.0.1", options.port), Handler) as server:
        server.daemon_threads = True
        print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
        if options.stdin:
            threading.Thread(target=lambda: (sys.stdin.read(), server.shutdown()), daemon=True).start()
        with suppress(KeyboardInterrupt):
            server.serve_forever()


if __name__ == "__main__":
    main()
