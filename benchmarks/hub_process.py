"""The hub stand-in as a process of its own, with repositories of synthetic large files."""

from __future__ import annotations

import argparse
import json
import sys

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


def main() -> None:
    """Tell the address on the first line, serve until standard input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repository", nargs=3, action="append", default=[], metavar=("NAME", "SIZE", "COUNT"))
    parser.add_argument("--bytes-per-second", type=float, help="of each connection (default: as many as it takes)")
    parser.add_argument("--latency", type=float, default=0, help="seconds that each request takes in addition")
    options = parser.parse_args()
    repositories = [repository(name, int(size), int(count)) for name, size, count in options.repository]
    with HubStandIn(
        repository("bench/warm-up", WARM_UP, 1),
        *repositories,
        bytes_per_second=options.bytes_per_second,
        latency=options.latency,
    ) as hub:
        print(json.dumps({"endpoint": hub.endpoint}), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
