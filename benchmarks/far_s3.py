"""An S3 service that is far away: every reply waits as long as it is told to. It keeps its objects in memory.

A program of its own that needs nothing but Python: ``python benchmarks/far_s3.py [--port 9000] [--latency 0.02]``
prints its URL on the first line and serves on the loopback interface until it is ended (with ``--stdin``, until
standard input ends). Any credentials will do. One thread serves all connections, with as little CPU as it can.

ETags are MD5s, Content-MD5 and conditions are checked, lists have pages. A ``100 Continue`` does not wait, so that
clients which ask for one lose no time here; over a real network they would.

Requests below ``/-/`` are for whoever measures: see :class:`Control`.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import gc
import hashlib
import itertools
import json
import random
import re
import sys
import threading
import time
from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, unquote, urlsplit
from xml.sax.saxutils import escape, unescape

PAGE = 1000
LAST = "\U0010ffff"  # behind everything that begins alike
KEPT_HEADERS = re.compile(r"x-amz-meta-.*|content-type|content-encoding|content-disposition|cache-control")
NAMESPACE = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
SUBRESOURCES = {"acl", "delete", "location", "object-lock", "policy", "tagging", "uploadId", "uploads"}
SUBRESOURCES |= {"versioning", "versions"}
_NOISE = random.Random(14).randbytes(2 * 1024 * 1024)


def file_content(number: int, size: int) -> bytes:
    """The bytes of one small file; no two are alike."""
    start = number * 7919 % (1024 * 1024)
    noise = _NOISE[start : start + size] if size <= 1024 * 1024 else random.Random(number).randbytes(size)
    return (number.to_bytes(8, "big") + noise)[:size]


def file_name(number: int) -> str:
    """The name of one small file; a folder has a thousand."""
    return f"{number // 1000:03}/image-{number:06}.bin"


def checksum(etags: Iterator[tuple[str, str]]) -> str:
    """One sum over names, in their order, and MD5s."""
    digest = hashlib.md5(usedforsecurity=False)
    for one, etag in etags:
        digest.update(f"{one} {etag}\n".encode())
    return digest.hexdigest()


class Stored(NamedTuple):
    """An object."""

    data: bytes
    etag: str
    headers: tuple[tuple[str, str], ...]
    modified: float

    @classmethod
    def of(cls, data: bytes, headers: dict[str, str], etag: str = "") -> Stored:
        """A new one; its headers are kept as S3 keeps them."""
        kept = tuple((name, value) for name, value in headers.items() if KEPT_HEADERS.fullmatch(name))
        etag = etag or f'"{hashlib.md5(data, usedforsecurity=False).hexdigest()}"'
        return cls(data, etag, kept, time.time())


class Bucket:
    """Objects by their keys, and the keys in order."""

    def __init__(self) -> None:
        self.objects: dict[str, Stored] = {}
        self.keys: list[str] = []

    def put(self, key: str, stored: Stored) -> None:
        """Store an object."""
        if key not in self.objects:
            insort(self.keys, key)
        self.objects[key] = stored

    def remove(self, key: str) -> None:
        """Remove an object, if it is there."""
        if self.objects.pop(key, None) is not None:
            del self.keys[bisect_left(self.keys, key)]

    def below(self, prefix: str) -> list[str]:
        """The keys with a prefix."""
        return self.keys[bisect_left(self.keys, prefix) : bisect_left(self.keys, prefix + LAST)]


@dataclass
class Traffic:
    """What was asked since the last reset, by operation, and how much of it at the same time."""

    operations: Counter[str] = field(default_factory=Counter)
    connections: int = 0
    waiting: int = 0
    most: int = 0


class Request(NamedTuple):
    """One request, read to its end."""

    method: str
    bucket: str
    key: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


class Reply(NamedTuple):
    """What is sent back."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    length: int | None = None  # of the body that a HEAD does not have


class Refused(Exception):
    """An error in the form of S3."""

    def __init__(self, status: int, code: str) -> None:
        self.reply = Reply(status, f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode())


def xml(root: str, *entries: str) -> Reply:
    """A document."""
    text = f'<?xml version="1.0" encoding="UTF-8"?><{root} {NAMESPACE}>{"".join(entries)}</{root}>'
    return Reply(200, text.encode(), (("Content-Type", "application/xml"),))


def method_name(operation: str) -> str:
    """``GetObject`` as ``get_object``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", operation).lower()


class Store:
    """The buckets. A method for each operation, with its name."""

    def __init__(self) -> None:
        self.buckets: dict[str, Bucket] = {"bench": Bucket()}
        self.uploads: dict[str, tuple[dict[str, str], dict[int, Stored]]] = {}
        self.traffic = Traffic()
        self._names = itertools.count(1)

    def operation(self, request: Request) -> str:
        """The name of what is asked for."""
        method, query = request.method, request.query
        what = next(iter(SUBRESOURCES & set(query)), "")
        copies = "x-amz-copy-source" in request.headers
        if not request.bucket:
            return "ListBuckets"
        if not request.key:
            lists = "ListObjectsV2" if query.get("list-type") == "2" else "ListObjects"
            names = {
                "HEAD": "HeadBucket",
                "PUT": "CreateBucket",
                "GET": lists,
                "GET location": "GetBucketLocation",
                "GET versioning": "GetBucketVersioning",
                "GET uploads": "ListMultipartUploads",
                "POST delete": "DeleteObjects",
            }
        else:
            names = {
                "HEAD": "HeadObject",
                "GET": "GetObject",
                "GET tagging": "GetObjectTagging",
                "GET uploadId": "ListParts",
                "PUT": "CopyObject" if copies else "PutObject",
                "PUT uploadId": "UploadPartCopy" if copies else "UploadPart",
                "POST uploads": "CreateMultipartUpload",
                "POST uploadId": "CompleteMultipartUpload",
                "DELETE": "DeleteObject",
                "DELETE uploadId": "AbortMultipartUpload",
            }
        return names.get(f"{method} {what}".strip(), f"unknown: {method} {what}")

    def answer(self, request: Request) -> Reply:
        """The reply to one request."""
        operation = self.operation(request)
        self.traffic.operations[operation] += 1
        answer: Callable[[Request], Reply] | None = getattr(self, method_name(operation), None)
        try:
            if answer is None:
                raise Refused(501, "NotImplemented")
            return answer(request)
        except Refused as refusal:
            return refusal.reply

    # --- buckets --------------------------------------------------------------------------------------------------

    def _bucket(self, name: str) -> Bucket:
        if name not in self.buckets:
            raise Refused(404, "NoSuchBucket")
        return self.buckets[name]

    def list_buckets(self, _: Request) -> Reply:
        entries = [
            f"<Bucket><Name>{name}</Name><CreationDate>2026-01-01T00:00:00.000Z</CreationDate></Bucket>"
            for name in self.buckets
        ]
        return xml("ListAllMyBucketsResult", f"<Owner><ID>bench</ID></Owner><Buckets>{''.join(entries)}</Buckets>")

    def head_bucket(self, request: Request) -> Reply:
        self._bucket(request.bucket)
        return Reply(200)

    def create_bucket(self, request: Request) -> Reply:
        self.buckets.setdefault(request.bucket, Bucket())
        return Reply(200)

    def get_bucket_location(self, _: Request) -> Reply:
        return xml("LocationConstraint")

    def get_bucket_versioning(self, _: Request) -> Reply:
        return xml("VersioningConfiguration")

    def list_multipart_uploads(self, _: Request) -> Reply:
        return xml("ListMultipartUploadsResult", "<IsTruncated>false</IsTruncated>")

    def delete_objects(self, request: Request) -> Reply:
        bucket, text = self._bucket(request.bucket), request.body.decode()
        keys = re.findall(r"<Key>(.*?)</Key>", text, re.DOTALL)
        if not keys or len(keys) > PAGE:
            raise Refused(400, "MalformedXML")
        for key in keys:
            bucket.remove(unescape(key))
        quiet = "<Quiet>true</Quiet>" in text
        return xml("DeleteResult", *([] if quiet else (f"<Deleted><Key>{key}</Key></Deleted>" for key in keys)))

    def list_objects_v2(self, request: Request) -> Reply:
        token = request.query.get("continuation-token")
        after = base64.urlsafe_b64decode(token).decode() if token else request.query.get("start-after", "")
        entries, count, last = self._page(request, after)
        more = f"<NextContinuationToken>{base64.urlsafe_b64encode(last.encode()).decode()}</NextContinuationToken>"
        return xml("ListBucketResult", f"<KeyCount>{count}</KeyCount>", more if last else "", *entries)

    def list_objects(self, request: Request) -> Reply:
        entries, _, last = self._page(request, request.query.get("marker", ""))
        return xml("ListBucketResult", f"<NextMarker>{escape(last)}</NextMarker>" if last else "", *entries)

    def _page(self, request: Request, after: str) -> tuple[list[str], int, str]:
        """The entries of one page, how many there are, and where the next one begins after."""
        bucket, query = self._bucket(request.bucket), request.query
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        most = min(int(query.get("max-keys") or PAGE), PAGE)
        is_encoded = query.get("encoding-type") == "url"
        shown: Callable[[str], str] = (lambda key: quote(key, safe="/")) if is_encoded else escape
        begin = after + LAST if after and delimiter and after.endswith(delimiter) else after
        index = max(bisect_left(bucket.keys, prefix), bisect_left(bucket.keys, begin + "\0" if begin else ""))
        end = bisect_left(bucket.keys, prefix + LAST)
        entries: list[str] = ["<EncodingType>url</EncodingType>"] if is_encoded else []
        count, last = 0, ""
        while index < end and count < most:
            key = bucket.keys[index]
            cut = key.find(delimiter, len(prefix)) if delimiter else -1
            if cut < 0:
                last, stored = key, bucket.objects[key]
                moment = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(stored.modified))
                entries.append(
                    f"<Contents><Key>{shown(key)}</Key><LastModified>{moment}</LastModified>"
                    f"<ETag>&quot;{stored.etag[1:-1]}&quot;</ETag><Size>{len(stored.data)}</Size>"
                    "<StorageClass>STANDARD</StorageClass></Contents>"
                )
                index += 1
            else:
                last = key[: cut + len(delimiter)]
                entries.append(f"<CommonPrefixes><Prefix>{shown(last)}</Prefix></CommonPrefixes>")
                index = bisect_left(bucket.keys, last + LAST)
            count += 1
        more = index < end
        entries.append(f"<Name>{request.bucket}</Name><Prefix>{shown(prefix)}</Prefix><MaxKeys>{most}</MaxKeys>")
        entries.append(f"<IsTruncated>{str(more).lower()}</IsTruncated>")
        return entries, count, last if more else ""

    # --- objects --------------------------------------------------------------------------------------------------

    def _found(self, bucket: str, key: str, condition: str | None) -> Stored:
        stored = self._bucket(bucket).objects.get(key)
        if stored is None:
            raise Refused(404, "NoSuchKey")
        if condition is not None and condition.strip('"') != stored.etag.strip('"'):
            raise Refused(412, "PreconditionFailed")
        return stored

    def _require_absent(self, request: Request) -> None:
        if request.headers.get("if-none-match") == "*" and request.key in self._bucket(request.bucket).objects:
            raise Refused(412, "PreconditionFailed")

    def head_object(self, request: Request) -> Reply:
        return self.get_object(request)

    def get_object(self, request: Request) -> Reply:
        stored = self._found(request.bucket, request.key, request.headers.get("if-match"))
        size = len(stored.data)
        start, stop, status = 0, size, 200
        headers = [("ETag", stored.etag), ("Last-Modified", formatdate(stored.modified, usegmt=True))]
        if wanted := re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("range", "")):
            start, stop, status = int(wanted[1]), min(int(wanted[2] or size) + 1, size), 206
            if start >= size:
                raise Refused(416, "InvalidRange")
            headers.append(("Content-Range", f"bytes {start}-{stop - 1}/{size}"))
        elif ranged := re.fullmatch(r"bytes=-(\d+)", request.headers.get("range", "")):
            start, status = max(0, size - int(ranged[1])), 206
            headers.append(("Content-Range", f"bytes {start}-{stop - 1}/{size}"))
        body = b"" if request.method == "HEAD" else stored.data[start:stop]
        return Reply(status, body, (*headers, *stored.headers, ("Accept-Ranges", "bytes")), stop - start)

    def get_object_tagging(self, request: Request) -> Reply:
        self._found(request.bucket, request.key, None)
        return xml("Tagging", "<TagSet></TagSet>")

    def put_object(self, request: Request) -> Reply:
        bucket, data = self._bucket(request.bucket), _plain(request)
        self._require_absent(request)
        stored = Stored.of(data, request.headers)
        bucket.put(request.key, stored)
        return Reply(200, headers=(("ETag", stored.etag),))

    def copy_object(self, request: Request) -> Reply:
        source = self._source(request)
        self._require_absent(request)
        replaces = request.headers.get("x-amz-metadata-directive") == "REPLACE"
        headers = request.headers if replaces else dict(source.headers)
        stored = Stored.of(source.data, headers, source.etag)
        self._bucket(request.bucket).put(request.key, stored)
        return xml("CopyObjectResult", f"<ETag>{escape(stored.etag)}</ETag>", _modified(stored))

    def _source(self, request: Request) -> Stored:
        path = unquote(request.headers["x-amz-copy-source"].partition("?")[0]).removeprefix("/")
        bucket, _, key = path.partition("/")
        return self._found(bucket, key, request.headers.get("x-amz-copy-source-if-match"))

    def delete_object(self, request: Request) -> Reply:
        self._bucket(request.bucket).remove(request.key)
        return Reply(204)

    # --- multipart ------------------------------------------------------------------------------------------------

    def create_multipart_upload(self, request: Request) -> Reply:
        upload_id = f"upload-{next(self._names)}"
        self.uploads[upload_id] = request.headers, {}
        return xml("InitiateMultipartUploadResult", f"<UploadId>{upload_id}</UploadId>")

    def _parts(self, request: Request) -> dict[int, Stored]:
        if request.query["uploadId"] not in self.uploads:
            raise Refused(404, "NoSuchUpload")
        return self.uploads[request.query["uploadId"]][1]

    def upload_part(self, request: Request) -> Reply:
        parts, stored = self._parts(request), Stored.of(_plain(request), {})
        parts[int(request.query["partNumber"])] = stored
        return Reply(200, headers=(("ETag", stored.etag),))

    def upload_part_copy(self, request: Request) -> Reply:
        parts, source = self._parts(request), self._source(request)
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", request.headers.get("x-amz-copy-source-range", ""))
        data = source.data[int(wanted[1]) : int(wanted[2]) + 1] if wanted else source.data
        stored = parts[int(request.query["partNumber"])] = Stored.of(data, {})
        return xml("CopyPartResult", f"<ETag>{escape(stored.etag)}</ETag>", _modified(stored))

    def list_parts(self, request: Request) -> Reply:
        entries = (
            f"<Part><PartNumber>{number}</PartNumber><ETag>{escape(stored.etag)}</ETag><Size>{len(stored.data)}</Size>"
            f"{_modified(stored)}</Part>"
            for number, stored in sorted(self._parts(request).items())
        )
        return xml("ListPartsResult", "<IsTruncated>false</IsTruncated>", *entries)

    def complete_multipart_upload(self, request: Request) -> Reply:
        parts = self._parts(request)
        self._require_absent(request)
        numbers = [int(number) for number in re.findall(rb"<PartNumber>(\d+)</PartNumber>", request.body)]
        if not numbers or numbers != sorted(set(numbers) & set(parts)):
            raise Refused(400, "InvalidPart")
        sums = b"".join(bytes.fromhex(parts[number].etag.strip('"')) for number in numbers)
        etag = f'"{hashlib.md5(sums, usedforsecurity=False).hexdigest()}-{len(numbers)}"'
        headers, _ = self.uploads.pop(request.query["uploadId"])
        data = b"".join(parts[number].data for number in numbers)
        self._bucket(request.bucket).put(request.key, Stored.of(data, headers, etag))
        return xml("CompleteMultipartUploadResult", f"<ETag>{escape(etag)}</ETag>")

    def abort_multipart_upload(self, request: Request) -> Reply:
        self._parts(request)
        del self.uploads[request.query["uploadId"]]
        return Reply(204)


def _modified(stored: Stored) -> str:
    return f"<LastModified>{time.strftime('%Y-%m-%dT%H:%M:%S.000Z', time.gmtime(stored.modified))}</LastModified>"


def _plain(request: Request) -> bytes:
    """The body without the frames of aws-chunked, compared with Content-MD5."""
    data = request.body
    if "aws-chunked" in request.headers.get("content-encoding", ""):
        pieces, position = [], 0
        while position < len(data):
            end = data.index(b"\r\n", position)
            size = int(data[position:end].partition(b";")[0], 16)
            if not size:
                break
            pieces.append(data[end + 2 : end + 2 + size])
            position = end + 4 + size
        data = b"".join(pieces)
    expected = request.headers.get("content-md5")
    if expected and base64.b64decode(expected) != hashlib.md5(data, usedforsecurity=False).digest():
        raise Refused(400, "BadDigest")
    return data


class Control:
    """What is below ``/-/``; never delayed, never counted.

    ``GET /-/traffic``: operations since the last reset, and the most requests that waited at the same time.
    ``POST /-/reset?latency=SECONDS``: count from zero and delay replies by so much.
    ``PUT /-/fill/PREFIX?count=&size=``: small files in the bucket ``bench``.
    ``GET /-/sum/PREFIX``: the number of objects below it, their bytes and the sum over their names and MD5s.
    ``DELETE /-/all``: remove all objects.
    """

    def __init__(self, store: Store, latency: float) -> None:
        self.latency = latency
        self._store = store

    def answer(self, request: Request) -> Reply:
        """The reply, in JSON."""
        action, _, prefix = request.key.partition("/")
        bucket, query = self._store.buckets["bench"], request.query
        reply: dict[str, object] = {}
        if action == "reset":
            self._store.traffic = Traffic()
            self.latency = float(query.get("latency", 0))
        elif action == "traffic":
            traffic = self._store.traffic
            reply = {
                "operations": dict(traffic.operations),
                "connections": traffic.connections,
                "most": traffic.most,
                "open": len(self._store.uploads),
            }
        elif action == "fill":
            headers = {"content-type": "application/octet-stream"}
            for number in range(int(query["count"])):
                stored = Stored.of(file_content(number, int(query["size"])), headers)
                bucket.put(f"{prefix}{file_name(number)}", stored)
        elif action == "sum":
            keys = bucket.below(prefix)
            pairs = ((key.removeprefix(prefix), bucket.objects[key].etag.strip('"')) for key in keys)
            size = sum(len(bucket.objects[key].data) for key in keys)
            reply = {"count": len(keys), "size": size, "sum": checksum(pairs)}
        elif action == "all":
            self._store.buckets["bench"] = Bucket()
        gc.collect()
        gc.freeze()
        return Reply(200, json.dumps(reply).encode(), (("Content-Type", "application/json"),))


class Connection(asyncio.Protocol):
    """One kept-alive connection."""

    def __init__(self, store: Store, control: Control) -> None:
        self._store, self._control = store, control
        self._loop = asyncio.get_running_loop()
        self._buffer = bytearray()
        self._head: tuple[str, str, dict[str, str]] | None = None
        self._length = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._store.traffic.connections += 1

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while True:
            if self._head is None and not self._read_head():
                return
            if len(self._buffer) < self._length:
                return
            assert self._head is not None
            body = bytes(memoryview(self._buffer)[: self._length])
            del self._buffer[: self._length]
            method, target, headers = self._head
            self._head = None
            url = urlsplit(target)
            bucket, _, key = url.path.removeprefix("/").partition("/")
            query = dict(parse_qsl(url.query, keep_blank_values=True)) if url.query else {}
            self._answer(Request(method, unquote(bucket), unquote(key), query, headers, body))

    def _read_head(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return False
        lines = self._buffer[:end].decode("latin-1").split("\r\n")
        del self._buffer[: end + 4]
        method, target, _ = lines[0].split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        self._head, self._length = (method, target, headers), int(headers.get("content-length", 0))
        if "expect" in headers and len(self._buffer) < self._length:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return True

    def _answer(self, request: Request) -> None:
        if request.bucket == "-":
            self._send(self._control.answer(request), request.method)
            return
        traffic = self._store.traffic
        reply = self._store.answer(request)
        if not self._control.latency:
            self._send(reply, request.method)
            return
        traffic.waiting += 1
        traffic.most = max(traffic.most, traffic.waiting)
        self._loop.call_later(self._control.latency, self._send_late, reply, request.method, traffic)

    def _send_late(self, reply: Reply, method: str, traffic: Traffic) -> None:
        traffic.waiting -= 1
        if not self._transport.is_closing():
            self._send(reply, method)

    def _send(self, reply: Reply, method: str) -> None:
        length = len(reply.body) if reply.length is None else reply.length
        lines = "".join(f"{name}: {value}\r\n" for name, value in reply.headers)
        size = "" if reply.status == 204 else f"Content-Length: {length}\r\n"
        date = formatdate(usegmt=True)
        head = f"HTTP/1.1 {reply.status} -\r\n{size}{lines}Date: {date}\r\nx-amz-request-id: bench\r\n\r\n"
        self._transport.write(head.encode("latin-1") + (b"" if method == "HEAD" else reply.body))


async def serve(port: int, latency: float, *, until_stdin_ends: bool) -> None:
    """Print the URL and serve."""
    loop = asyncio.get_running_loop()
    store = Store()
    control = Control(store, latency)
    server = await loop.create_server(lambda: Connection(store, control), "127.0.0.1", port, backlog=512)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    ended = asyncio.Event()
    if until_stdin_ends:

        def wait() -> None:
            sys.stdin.read()
            loop.call_soon_threadsafe(ended.set)

        threading.Thread(target=wait, daemon=True).start()
    await ended.wait()


def main() -> None:
    """Serve until ended."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--port", type=int, default=0, help="where to listen (default: a free one)")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds by which each reply is delayed")
    parser.add_argument("--stdin", action="store_true", help="end when standard input does, as with whoever started it")
    options = parser.parse_args()
    try:
        asyncio.run(serve(options.port, options.latency, until_stdin_ends=options.stdin))
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
