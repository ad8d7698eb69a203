"""The hub stand-in as a process of its own, with repositories of synthetic large files."""

from __future__ import annotations

import argparse
import json
import ssl
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from far_s3 import file_content

from odhtec_jupyter.demo.content import SyntheticContent
from odhtec_jupyter.demo.hub.repository import Repository, RepositoryFile
from odhtec_jupyter.demo.hub.stand_in import HubStandIn

WARM_UP = 16 * 1024 * 1024


def repository(name: str, size: int, count: int) -> Repository:
    """``count`` files in LFS with the same bytes, whose checksum is computed once."""
    made = Repository(name)
    content = SyntheticContent(size)
    names = [f"weights-{number}.bin" for number in range(count)]
    made.commit({name: RepositoryFile.of(name, content) for name in names})
    return made


def small_name(number: int) -> str:
    """The name of a small file: every other one is in LFS, as images are on the hub."""
    return f"{number // 1000:03}/sample-{number:06}.{'json' if number % 2 else 'jpg'}"


def dataset(name: str, size: int, count: int) -> Repository:
    """``count`` small files, no two alike."""
    made = Repository(name, "dataset")
    files = (
        RepositoryFile.of(small_name(number), file_content(number, size), lfs=not number % 2) for number in range(count)
    )
    made.commit({file.path: file for file in files})
    return made


@contextmanager
def traffic_server(hub: HubStandIn) -> Iterator[str]:
    """A URL that reports, for each GET, how many requests and bytes were answered since the last one."""

    class Reporter(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

        def do_GET(self) -> None:
            seen = hub.traffic.seen()
            hub.traffic.clear()
            requests = Counter(f"{one.host} {one.method}" for one in seen)
            body = json.dumps({"requests": requests, "bytes": sum(one.bytes_sent for one in seen)}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with ThreadingHTTPServer(("127.0.0.1", 0), Reporter) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


def main() -> None:
    """Tell the address on the first line, serve until standard input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repository", nargs=3, action="append", default=[], metavar=("NAME", "SIZE", "COUNT"))
    parser.add_argument("--dataset", nargs=3, action="append", default=[], metavar=("NAME", "SIZE", "COUNT"))
    parser.add_argument("--bytes-per-second", type=float, help="of each connection (default: as many as it takes)")
    parser.add_argument("--latency", type=float, default=0, help="seconds that each request takes in addition")
    parser.add_argument("--slow-every", type=int, help="of so many connections for large files, one has a tenth of it")
    parser.add_argument("--tls", metavar="FILE", help="serve https with the key and certificate in this file")
    options = parser.parse_args()
    tls = None
    if options.tls:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(options.tls)
    repositories = [repository(name, int(size), int(count)) for name, size, count in options.repository]
    repositories += [dataset(name, int(size), int(count)) for name, size, count in options.dataset]
    with (
        HubStandIn(
            repository("bench/warm-up", WARM_UP, 1),
            *repositories,
            bytes_per_second=options.bytes_per_second,
            latency=options.latency,
            slow_every=options.slow_every,
            tls=(tls, tls) if tls else None,
        ) as hub,
        traffic_server(hub) as url,
    ):
        print(json.dumps({"endpoint": hub.endpoint, "traffic": url}), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
