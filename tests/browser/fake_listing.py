"""A listing of any size that the page gets instead of the server's: only the page is tested with it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route


class FakeListing:
    """Pages with the rows `row-0000000` … of the top level. `requests` are the requested addresses."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.requests: list[str] = []

    def serve(self, page: Page) -> None:
        page.route("**/odhtec/api/objects/models?**", self._answer)

    def _answer(self, route: Route) -> None:
        query = parse_qs(urlsplit(route.request.url).query)
        start = int(query.get("continuationToken", ["0"])[0])
        self.requests.append(route.request.url)
        end = min(start + int(query["maxKeys"][0]), self.count)
        more = end < self.count
        body = {
            "objects": [self.row(number) for number in range(start, end)],
            "prefixes": [{"Prefix": "a folder/"}] if start == 0 else [],
            "nextContinuationToken": str(end) if more else None,
            "isTruncated": more,
            "scanned": None,
        }
        route.fulfill(content_type="application/json", body=json.dumps(body))

    @staticmethod
    def size(number: int) -> int:
        return number * 7919 % 1_000_003

    @staticmethod
    def row(number: int) -> dict[str, object]:
        return {
            "Key": f"row-{number:07}",
            "Size": FakeListing.size(number),
            "LastModified": f"2026-01-{1 + number % 28:02}T00:00:00Z",
            "ETag": '"d41d8cd98f00b204e9800998ecf8427e"',
            "StorageClass": "STANDARD",
        }
