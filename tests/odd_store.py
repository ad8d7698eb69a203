"""An S3 server that keeps objects in memory and departs from Amazon's where a test says so: as stores elsewhere do."""

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
    """One object."""

    body: bytes
    headers: Headers = field(default_factory=dict)
    modified: datetime = field(default_factory=lambda: datetime(2024, 5, 6, 7, 8, 9, 500_000, tzinfo=UTC))

    @property
    def etag(self) -> str:
        return f'"{hashlib.md5(self.body, usedforsecurity=False).hexdigest()}"'


@dataclass(frozen=True)
class Asked:
    """A request as the server got it."""

    method: str
    bucket: str
    key: str
    query: Headers
    headers: Headers
    body: bytes


@dataclass
class Reply:
    """What goes back. ``framing`` says how the end of the body is marked."""

    status: int = 200
    body: bytes = b""
    headers: Headers = field(default_factory=dict)
    framing: str = "length"  # or "chunked", or "close"
    torn_after: int | None = None  # bytes of the body after which the connection ends


def failure(status: int, code: str, message: str = "") -> Reply:
    """An error of S3."""
    return Reply(status, f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode())


Oddity = Callable[[Asked, Reply], Reply | None]
Refusal = Callable[[Asked], Reply | None]


class OddStore(LoopbackServer):
    """``refuse`` answers in the place of the store, ``oddity`` changes what it answers; None leaves it alone."""

    def __init__(self, *, refuse: Refusal | None = None, oddity: Oddity | None = None) -> None:
        self.refuse, self.oddity = refuse, oddity
        self.buckets: dict[str, dict[str, Stored]] = {"bucket": {}}
        self.uploads: dict[str, dict[int, bytes]] = {}
        self.asked: list[Asked] = []
        self._lock = threading.Lock()
        script = self

        class Handler(QuietHandler):
            def handle_any(self) -> None:
                url = urlsplit(self.path)
                bucket, _, key = unquote(url.path).lstrip("/").partition("/")
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                query = dict(parse_qsl(url.query, keep_blank_values=True))
                headers = {name.lower(): value for name, value in self.headers.items()}
                asked = Asked(self.command, bucket, key, query, headers, body)
                with script._lock:
                    script.asked.append(asked)
                    reply = (script.refuse(asked) if script.refuse else None) or script.answer(asked)
                    if script.oddity:
                        reply = script.oddity(asked, reply) or reply
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
        """Those of the one bucket."""
        return self.buckets["bucket"]

    def put(self, key: str, body: bytes, **headers: str) -> Stored:
        """Store an object."""
        self.objects[key] = Stored(body, {name.replace("_", "-"): value for name, value in headers.items()})
        return self.objects[key]

    def count(self, method: str, *, key: str | None = None) -> int:
        """How many requests came."""
        return sum(one.method == method and key in {None, one.key} for one in self.asked)

    # --- the store ------------------------------------------------------------------------------------------------

    def answer(self, asked: Asked) -> Reply:
        """As S3 would."""
        if not asked.bucket:
            names = "".join(f"<Bucket><Name>{escape(name)}</Name></Bucket>" for name in self.buckets)
            return _xml(f"<ListAllMyBucketsResult><Buckets>{names}</Buckets></ListAllMyBucketsResult>")
        objects = self.buckets.get(asked.bucket)
        if objects is None:
            return failure(404, "NoSuchBucket")
        if not asked.key:
            return self._bucket(objects, asked)
        if "uploads" in asked.query or "uploadId" in asked.query:
            return self._multipart(objects, asked)
        if "tagging" in asked.query:
            return failure(404, "NoSuchTagSet")
        if asked.method == "PUT":
            return self._put(objects, asked)
        if asked.method == "DELETE":
            objects.pop(asked.key, None)
            return Reply(204)
        return self._get(objects, asked)

    def _bucket(self, objects: dict[str, Stored], asked: Asked) -> Reply:
        if "delete" in asked.query:
            for key in re.findall("<Key>([^<]*)</Key>", asked.body.decode()):
                objects.pop(key, None)
            return _xml("<DeleteResult></DeleteResult>")
        if asked.method != "GET" or {"versioning", "versions", "location"} & set(asked.query):
            return Reply(200)
        return self._list(objects, asked.query)

    def _list(self, objects: dict[str, Stored], query: Headers) -> Reply:
        """ListObjectsV2 or ListObjects. A marker that is a folder skips all of it, ``start-after`` does not."""
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

    def _multipart(self, objects: dict[str, Stored], asked: Asked) -> Reply:
        if "uploads" in asked.query:
            upload_id = f"upload-{len(self.uploads)}"
            self.uploads[upload_id] = {}
            return _xml(
                f"<InitiateMultipartUploadResult><UploadId>{upload_id}</UploadId></InitiateMultipartUploadResult>"
            )
        parts = self.uploads.get(asked.query["uploadId"])
        if parts is None:
            return failure(404, "NoSuchUpload")
        if asked.method == "PUT":
            parts[int(asked.query["partNumber"])] = asked.body
            return Reply(headers={"ETag": Stored(asked.body).etag})
        if asked.method == "GET":
            after = int(asked.query.get("part-number-marker") or 0)
            listed = "".join(
                f"<Part><PartNumber>{number}</PartNumber><ETag>{escape(Stored(body).etag)}</ETag>"
                f"<Size>{len(body)}</Size></Part>"
                for number, body in sorted(parts.items())
                if number > after
            )
            return _xml(f"<ListPartsResult><IsTruncated>false</IsTruncated>{listed}</ListPartsResult>")
        if asked.method == "POST":
            if asked.headers.get("if-none-match") == "*" and asked.key in objects:
                return failure(412, "PreconditionFailed")
            objects[asked.key] = Stored(b"".join(parts[number] for number in sorted(parts)))
            del self.uploads[asked.query["uploadId"]]
            return _xml("<CompleteMultipartUploadResult></CompleteMultipartUploadResult>")
        del self.uploads[asked.query["uploadId"]]
        return Reply(204)

    def _put(self, objects: dict[str, Stored], asked: Asked) -> Reply:
        if asked.headers.get("if-none-match") == "*" and asked.key in objects:
            return failure(412, "PreconditionFailed")
        if source := asked.headers.get("x-amz-copy-source"):
            bucket, _, key = unquote(source).lstrip("/").partition("/")
            there = self.buckets[bucket].get(key)
            if there is None:
                return failure(404, "NoSuchKey")
            if asked.headers.get("x-amz-copy-source-if-match") not in {None, there.etag}:
                return failure(412, "PreconditionFailed")
            replaced = asked.headers.get("x-amz-metadata-directive") == "REPLACE"
            objects[asked.key] = Stored(there.body, _kept(asked) if replaced else dict(there.headers))
            return _xml(f"<CopyObjectResult><ETag>{escape(there.etag)}</ETag></CopyObjectResult>")
        objects[asked.key] = Stored(asked.body, _kept(asked))
        return Reply(headers={"ETag": objects[asked.key].etag})

    def _get(self, objects: dict[str, Stored], asked: Asked) -> Reply:
        one = objects.get(asked.key)
        if one is None:
            return failure(404, "NoSuchKey")
        if asked.headers.get("if-match") not in {None, one.etag}:
            return failure(412, "PreconditionFailed")
        headers = one.headers | {
            "ETag": one.etag,
            "Last-Modified": format_datetime(one.modified.replace(microsecond=0), usegmt=True),
        }
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", asked.headers.get("range", ""))
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


def _kept(asked: Asked) -> Headers:
    return {
        name: value
        for name, value in asked.headers.items()
        if name in {"content-type", "content-disposition"} or name.startswith("x-amz-meta-")
    }


def _xml(text: str) -> Reply:
    return Reply(200, f'<?xml version="1.0" encoding="UTF-8"?>{text}'.encode())
