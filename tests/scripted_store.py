"""An S3 server with the replies of a test, for behaviour that only other stores have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import TracebackType
from urllib.parse import parse_qsl, quote, urlsplit
from xml.sax.saxutils import escape

from odhtec_jupyter.network import Network
from odhtec_jupyter.settings import S3Connection
from odhtec_jupyter.stores.s3.store import S3Store
from tests.loopback import LoopbackServer, QuietHandler

Answer = Callable[[dict[str, str]], str | bytes | tuple[int, str]]


class ScriptedStore(LoopbackServer):
    """A server that sends the reply of ``answer`` for a query. ``queries`` are the received ones."""

    def __init__(self, answer: Answer) -> None:
        self.queries: list[dict[str, str]] = []
        script = self

        class Handler(QuietHandler):
            def do_GET(self) -> None:
                query = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
                script.queries.append(query)
                reply = answer(query)
                status, text = reply if isinstance(reply, tuple) else (200, reply)
                body = text.encode() if isinstance(text, str) else text
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        super().__init__(Handler)
        self.endpoint = self.url
        self.store = S3Store(S3Connection(self.endpoint, None, None, "key", "secret"), Network())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.store.close()
        super().__exit__(kind, error, trace)


def listing(*keys: str, token: str = "", encoded: bool = False, raw: str = "") -> str:
    """Return the XML of a page. ``raw`` is inserted unchanged."""
    name = quote if encoded else escape
    entries = "".join(f"<Contents><Key>{name(key)}</Key><Size>{len(key)}</Size></Contents>" for key in keys)
    more = f"<NextContinuationToken>{token}</NextContinuationToken>" if token else ""
    return (
        '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        f"{'<EncodingType>url</EncodingType>' if encoded else ''}<IsTruncated>{str(bool(token)).lower()}</IsTruncated>"
        f"{more}{raw}{entries}</ListBucketResult>"
    )


def in_order(keys: Sequence[str], *, wordy: bool = False) -> Answer:
    """Return the answers of a store with these keys in this order. ``wordy``: long tokens in several alphabets."""
    filler = "😀 &<+%2F/=\"' " * 200 if wordy else "after "

    def answer(query: dict[str, str]) -> str:
        start = int(query["continuation-token"].removeprefix(filler)) if "continuation-token" in query else 0
        stop = start + int(query["max-keys"])
        token = escape(f"{filler}{stop}") if stop < len(keys) else ""
        return listing(*keys[start:stop], token=token, encoded=True)

    return answer
