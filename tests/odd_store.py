"""An S3 server with objects in memory. Tests make it differ from Amazon S3 in the ways of other stores."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from types import TracebackType
from urllib.parse import parse_qsl, unquote, urlsplit
from xml.sax.saxutils import escape

from odhtec_jupyter.network import Network
from odhtec_jupyter.settings import S3Connection
from odhtec_jupyter.stores.s3.store import S3Store
from tests.loopback import LoopbackServer, QuietHandler

Headers = dict[str, str]


@dataclass
class Stored:
    """A stored object."""

    body: bytes
    headers: Headers = field(default_factory=dict)
    modified: datetime = field(default_factory=lambda: datetime(2024, 5, 6, 7, 8, 9, 500_000, tzinfo=UTC))

    @property
    def etag(self) -> str:
        return f'"{hashlib.md5(self.body, usedforsecurity=False).hexdigest()}"'


@dataclass(frozen=True)
class Request:
    """A request as the server received it."""

    method: str
    bucket: str
    key: str
    query: Headers
    headers: Headers
    body: bytes


@dataclass
class Reply:
    """A reply. ``framing`` is how the end of the body is marked."""

    status: int = 200
    body: bytes = b""
    headers: Headers = field(default_factory=dict)
    framing: str = "length"  # or "chunked", or "close"
    torn_after: int | None = None  # number of body bytes after which the connection breaks


def failure(status: int, code: str, message: str = "") -> Reply:
    """Return an error reply of S3."""
    return Reply(status, f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode())


Oddity = Callable[[Request, Reply], Reply | None]
Refusal = Callable[[Request], Reply | None]


class OddStore(LoopbackServer):
    """An S3 server. ``refuse`` can replace its reply, and ``oddity`` can change it; with None it stays as it is."""

    def __init__(self, *, refuse: Refusal | None = None, oddity: Oddity | None = None) -> None:
        self.refuse, self.oddity = refuse, oddity
        self.buckets: dict[str, dict[str, Stored]] = {"bucket": {}}
        self.uploads: dict[str, dict[int, bytes]] = {}
        self.requests: list[Request] = []
        self._lock = threading.Lock()
        odd_store = self

        class Handler(QuietHandler):
            def handle_any(self) -> None:
                url = urlsplit(self.path)
                bucket, _, key = unquote(url.path).lstrip("/").partition("/")
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                query = dict(parse_qsl(url.query, keep_blank_values=True))
                headers = {name.lower(): value for name, value in self.headers.items()}
                request = Request(self.command, bucket, key, query, headers, body)
                with odd_store._lock:
                    odd_store.requests.append(request)
                    reply = (odd_store.refuse(request) if odd_store.refuse else None) or odd_store.answer(request)
                    if odd_store.oddity:
                        reply = odd_store.oddity(request, reply) or reply
                self.send(reply)

            def send(self, reply: Reply) -> None:
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                own = {name.lower() for name in reply.headers}
                body = b"" if self.command == "HEAD" or reply.status in {204, 304} else reply.body
                if reply.framing == "length" and "content-length" not in own and reply.status not in {204, 304}:
                    self.send_header("Content-Length", str(len(reply.body)))
                elif reply.framing == "chunked" and self.command != "HEAD":
                    self.send_header("Transfer-Encoding", "chunked")
                elif reply.framing == "close":
                    self.send_header("Connection", "close")
                self.end_headers()
                if reply.torn_after is not None:
                    body = body[: reply.torn_after]
                    self.close_connection = True
                if reply.framing == "chunked" and self.command != "HEAD":
                    for start in range(0, len(body), 4096):
                        piece = body[start : start + 4096]
                        self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                    if reply.torn_after is None:
                        self.wfile.write(b"0\r\n\r\n")
                else:
                    self.wfile.write(body)

            do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_any

        super().__init__(Handler)
        self.endpoint = self.url
        self.store = S3Store(S3Connection(self.endpoint, None, None, "key", "secret"), Network())

    @property
    def objects(self) -> dict[str, Stored]:
        """The objects of the bucket ``bucket``."""
        return self.buckets["bucket"]

    def put(self, key: str, body: bytes, **headers: str) -> Stored:
        """Store an object."""
        self.objects[key] = Stored(body, {name.replace("_", "-"): value for name, value in headers.items()})
        return self.objects[key]

    def count(self, method: str, *, key: str | None = None) -> int:
        """Return the number of received requests."""
        return sum(one.method == method and key in {None, one.key} for one in self.requests)

    # --- the store ------------------------------------------------------------------------------------------------

    def answer(self, request: Request) -> Reply:
        """Return the reply of a normal S3 server."""
        if not request.bucket:
            names = "".join(f"<Bucket><Name>{escape(name)}</Name></Bucket>" for name in self.buckets)
            return _xml(f"<ListAllMyBucketsResult><Buckets>{names}</Buckets></ListAllMyBucketsResult>")
        objects = self.buckets.get(request.bucket)
        if objects is None:
            return failure(404, "NoSuchBucket")
        if not request.key:
            return self._bucket(objects, request)
        if "uploads" in request.query or "uploadId" in request.query:
            return self._multipart(objects, request)
        if "tagging" in request.query:
            return failure(404, "NoSuchTagSet")
        if request.method == "PUT":
            return self._put(objects, request)
        if request.method == "DELETE":
            objects.pop(request.key, None)
            return Reply(204)
        return self._get(objects, request)

    def _bucket(self, objects: dict[str, Stored], request: Request) -> Reply:
        if "delete" in request.query:
            for key in re.findall("<Key>([^<]*)</Key>", request.body.decode()):
                objects.pop(key, None)
            return _xml("<DeleteResult></DeleteResult>")
        if request.method != "GET" or {"versioning", "versions", "location"} & set(request.query):
            return Reply(200)
        return self._list(objects, request.query)

    def _list(self, objects: dict[str, Stored], query: Headers) -> Reply:
        """Return a list in version 1 or 2. A marker that is a folder skips the whole folder, unlike ``start-after``."""
        is_v2 = query.get("list-type") == "2"
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        start = query.get("start-after", "") if is_v2 else ""
        marker = query.get("continuation-token" if is_v2 else "marker", "")
        entries: dict[str, str] = {}
        for key in sorted(objects, key=str.encode):
            rest = key.removeprefix(prefix)
            folder = prefix + rest.partition(delimiter)[0] + delimiter if delimiter and delimiter in rest else ""
            name = folder or key
            if not key.startswith(prefix) or key.encode() <= start.encode() or name.encode() <= marker.encode():
                continue
            one = objects[key]
            entries[name] = (
                f"<CommonPrefixes><Prefix>{escape(folder)}</Prefix></CommonPrefixes>"
                if folder
                else f"<Contents><Key>{escape(key)}</Key>"
                f"<LastModified>{one.modified.isoformat().replace('+00:00', 'Z')}</LastModified>"
                f"<ETag>{escape(one.etag)}</ETag><Size>{len(one.body)}</Size></Contents>"
            )
        shown = list(entries)[: int(query.get("max-keys") or 1000)]
        more = ""
        if len(shown) < len(entries) and shown:
            field = "NextContinuationToken" if is_v2 else "NextMarker"
            more = f"<{field}>{escape(shown[-1])}</{field}>" if is_v2 or delimiter else ""
        truncated = str(len(shown) < len(entries)).lower()
        found = "".join(entries[name] for name in shown)
        return _xml(f"<ListBucketResult><IsTruncated>{truncated}</IsTruncated>{more}{found}</ListBucketResult>")

    def _multipart(self, objects: dict[str, Stored], request: Request) -> Reply:
        if "uploads" in request.query:
            upload_id = f"upload-{len(self.uploads)}"
            self.uploads[upload_id] = {}
            return _xml(
                f"<InitiateMultipartUploadResult><UploadId>{upload_id}</UploadId></InitiateMultipartUploadResult>"
            )
        parts = self.uploads.get(request.query["uploadId"])
        if parts is None:
            return failure(404, "NoSuchUpload")
        if request.method == "PUT":
            parts[int(request.query["partNumber"])] = request.body
            return Reply(headers={"ETag": Stored(request.body).etag})
        if request.method == "GET":
            after = int(request.query.get("part-number-marker") or 0)
            listed = "".join(
                f"<Part><PartNumber>{number}</PartNumber><ETag>{escape(Stored(body).etag)}</ETag>"
                f"<Size>{len(body)}</Size></Part>"
                for number, body in sorted(parts.items())
                if number > after
            )
            return _xml(f"<ListPartsResult><IsTruncated>false</IsTruncated>{listed}</ListPartsResult>")
        if request.method == "POST":
            if request.headers.get("if-none-match") == "*" and request.key in objects:
                return failure(412, "PreconditionFailed")
            objects[request.key] = Stored(b"".join(parts[number] for number in sorted(parts)))
            del self.uploads[request.query["uploadId"]]
            return _xml("<CompleteMultipartUploadResult></CompleteMultipartUploadResult>")
        del self.uploads[request.query["uploadId"]]
        return Reply(204)

    def _put(self, objects: dict[str, Stored], request: Request) -> Reply:
        if request.headers.get("if-none-match") == "*" and request.key in objects:
            return failure(412, "PreconditionFailed")
        if source := request.headers.get("x-amz-copy-source"):
            bucket, _, key = unquote(source).lstrip("/").partition("/")
            existing = self.buckets[bucket].get(key)
            if existing is None:
                return failure(404, "NoSuchKey")
            if request.headers.get("x-amz-copy-source-if-match") not in {None, existing.etag}:
                return failure(412, "PreconditionFailed")
            replaced = request.headers.get("x-amz-metadata-directive") == "REPLACE"
            objects[request.key] = Stored(
                existing.body, _stored_headers(request) if replaced else dict(existing.headers)
            )
            return _xml(f"<CopyObjectResult><ETag>{escape(existing.etag)}</ETag></CopyObjectResult>")
        objects[request.key] = Stored(request.body, _stored_headers(request))
        return Reply(headers={"ETag": objects[request.key].etag})

    def _get(self, objects: dict[str, Stored], request: Request) -> Reply:
        one = objects.get(request.key)
        if one is None:
            return failure(404, "NoSuchKey")
        if request.headers.get("if-match") not in {None, one.etag}:
            return failure(412, "PreconditionFailed")
        headers = one.headers | {
            "ETag": one.etag,
            "Last-Modified": format_datetime(one.modified.replace(microsecond=0), usegmt=True),
        }
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("range", ""))
        if match is None:
            return Reply(200, one.body, headers)
        start, end = int(match[1]), min(int(match[2] or len(one.body)), len(one.body) - 1)
        if start >= len(one.body):
            return failure(416, "InvalidRange")
        headers["Content-Range"] = f"bytes {start}-{end}/{len(one.body)}"
        return Reply(206, one.body[start : end + 1], headers)

    # --- running --------------------------------------------------------------------------------------------------

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.store.close()
        super().__exit__(kind, error, trace)


def _stored_headers(request: Request) -> Headers:
    return {
        name: value
        for name, value in request.headers.items()
        if name in {"content-type", "content-disposition"} or name.startswith("x-amz-meta-")
    }


def _xml(text: str) -> Reply:
    return Reply(200, f'<?xml version="1.0" encoding="UTF-8"?>{text}'.encode())
