"""The hub stand-in as a process of its own, with repositories of synthetic large files."""

from __future__ import annotations

import argparse
import json
import sys

from odhtec_jupyter.demo.content import SyntheticContent
from odhtec_jupyter.demo.hub import HubStandIn
from odhtec_jupyter.demo.repository import Repository, RepositoryFile

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
    parser.add_argument("--size", type=int, required=True, help="bytes of the file of bench/one")
    parser.add_argument("--eight", type=int, required=True, help="bytes of each of the files of bench/eight")
    options = parser.parse_args()
    repositories = (
        repository("bench/warm-up", WARM_UP, 1),
        repository("bench/one", options.size, 1),
        repository("bench/eight", options.eight, 8),
    )
    with HubStandIn(*repositories) as hub:
        print(json.dumps({"endpoint": hub.endpoint}), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
