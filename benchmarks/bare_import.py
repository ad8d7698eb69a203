"""The least that an import in Python can be: one thread reads a block from the hub, hashes it and sends it on.

``bare_import.py ENDPOINT SOURCE`` prints the CPU seconds, the wall seconds and the bytes of one file as JSON. Nothing
is tried again, nothing is compared, nothing can be stopped.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import sys
import time
from urllib.parse import urljoin, urlsplit

BLOCK = 1024 * 1024


def get(url: str) -> http.client.HTTPResponse:
    """The answer with the bytes, which may come from another host."""
    while True:
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.netloc)
        connection.request("GET", url[url.index(parts.netloc) + len(parts.netloc) :])
        response = connection.getresponse()
        if response.status == 200:
            return response
        url = urljoin(url, response.headers["Location"])


def main() -> None:
    """One import."""
    endpoint, source = sys.argv[1:]
    cpu, wall = time.process_time(), time.perf_counter()
    response = get(source)
    size = int(response.headers["Content-Length"])
    target = http.client.HTTPConnection(urlsplit(endpoint).netloc)
    target.putrequest("PUT", "/bench/bare.bin")
    target.putheader("Content-Length", str(size))
    target.endheaders()
    block, digest = memoryview(bytearray(BLOCK)), hashlib.sha256()
    while count := response.readinto(block):
        digest.update(block[:count])
        target.send(block[:count])
    digest.hexdigest()
    target.getresponse().read()
    print(json.dumps({"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall, "size": size}))


if __name__ == "__main__":
    main()
