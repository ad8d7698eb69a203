"""The traffic of a fault proxy: each request with its kind and the number of forwarded bytes."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

from tests.faults.wire import Head
from tests.waiting import GIVE_UP_SECONDS


@dataclass(eq=False)
class Exchange:
    """A request and its reply. ``sent`` and ``received`` count the forwarded bytes of both bodies."""

    number: int
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    kind: str = ""
    sent: int = 0
    received: int = 0
    status: int = 0  # as sent to the client; 0 before that
    fault: str = ""
    ended: bool = False

    @property
    def key(self) -> str:
        """The object's key in a path ``/bucket/key``."""
        return self.path.lstrip("/").partition("/")[2]

    @property
    def target(self) -> str:
        """Path and query, decoded."""
        return self.path + "?" + "&".join(f"{name}={value}" for name, value in self.query.items())

    @property
    def acknowledged(self) -> bool:
        """Whether the client got a successful reply."""
        return 200 <= self.status < 300

    def __str__(self) -> str:
        part = f" {number}" if (number := self.query.get("partNumber")) else ""
        moved = f"↑{self.sent} ↓{self.received} {self.status} {self.fault}"
        return f"{self.number}. {self.kind}{part} {self.method} {self.path} {moved}{'' if self.ended else '…'}"


_UPLOAD = {"PUT": "part", "POST": "complete", "DELETE": "abort", "GET": "list-parts"}


def s3_kind(exchange: Exchange) -> str:
    """Return the kind of an S3 request with a path-style address."""
    query, method = exchange.query, exchange.method
    copies = "x-amz-copy-source" in exchange.headers
    if "uploadId" in query:
        return "copy-part" if copies else _UPLOAD.get(method, "other")
    if "uploads" in query:
        return "create" if method == "POST" else "list-uploads"
    if "delete" in query:
        return "delete-many"
    if exchange.key:
        return "copy" if copies else method.lower()
    return {"GET": "list", "HEAD": "head-bucket"}.get(method, "bucket")


def hub_kind(exchange: Exchange) -> str:
    """Return the kind of a hub request: ``api``, ``resolve`` (small files, redirects), ``cdn`` (large files)."""
    if exchange.path.startswith("/api/"):
        return "api"
    return "resolve" if "/resolve/" in exchange.path else "cdn"


@dataclass
class Traffic:
    """All exchanges in the order of their requests."""

    exchanges: list[Exchange] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def begin(self, head: Head, kind: Callable[[Exchange], str]) -> Exchange:
        """Add a request."""
        method, target, _ = head.first
        url = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(url.query, keep_blank_values=True).items()}
        with self._changed:
            exchange = Exchange(len(self.exchanges) + 1, method, unquote(url.path), query, head.headers)
            exchange.kind = kind(exchange)
            self.exchanges.append(exchange)
            self._changed.notify_all()
        return exchange

    def note(
        self, exchange: Exchange, *, sent: int = 0, received: int = 0, status: int | None = None, fault: str = ""
    ) -> None:
        """Add forwarded bytes, and set the status or the fault."""
        with self._changed:
            exchange.sent += sent
            exchange.received += received
            exchange.status = exchange.status if status is None else status
            exchange.fault = fault or exchange.fault
            self._changed.notify_all()

    def end(self, exchange: Exchange) -> None:
        """Mark an exchange as ended."""
        with self._changed:
            exchange.ended = True
            self._changed.notify_all()

    def quiet(self) -> bool:
        """Return whether all exchanges have ended."""
        return all(one.ended for one in self.seen())

    def clear(self) -> None:
        """Forget all exchanges."""
        with self._changed:
            self.exchanges.clear()

    def wait(self, condition: Callable[[], bool], timeout: float = GIVE_UP_SECONDS) -> None:
        """Wait until the condition holds. It is checked whenever the traffic changes."""
        with self._changed:
            assert self._changed.wait_for(condition, timeout), f"the condition did not become true:\n{self}"

    def seen(self, kind: str | None = None) -> list[Exchange]:
        """Return the requests of a kind."""
        with self._changed:
            return [one for one in self.exchanges if kind in (None, one.kind)]

    def sent(self, kind: str | None = None) -> int:
        """Return the number of forwarded bytes of request bodies."""
        return sum(one.sent for one in self.seen(kind))

    def received(self, kind: str | None = None) -> int:
        """Return the number of forwarded bytes of reply bodies."""
        return sum(one.received for one in self.seen(kind))

    def unfinished(self) -> int:
        """Return the number of multipart uploads that were created and neither completed nor aborted."""
        done = [one for kind in ("complete", "abort") for one in self.seen(kind) if one.status in (200, 204)]
        return len([one for one in self.seen("create") if one.status == 200]) - len({x.query["uploadId"] for x in done})

    def parts(self) -> dict[tuple[str, int], int]:
        """Return the bytes sent for each part, by upload id and part number."""
        counted: Counter[tuple[str, int]] = Counter()
        for one in self.seen("part"):
            counted[one.query["uploadId"], int(one.query["partNumber"])] += one.sent
        return dict(counted)

    def sent_twice(self, sizes: Mapping[str, int]) -> int:
        """Return how many more bytes of the objects were sent than ``sizes`` has, over all their uploads."""
        counted: Counter[str] = Counter()
        for one in [*self.seen("part"), *self.seen("put")]:
            counted[one.key] += one.sent
        return sum(max(0, counted[key] - size) for key, size in sizes.items())

    def __str__(self) -> str:
        return "\n".join(map(str, self.seen()))
