"""A move is killed at any moment: at none is a file in neither place."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from odhtec_jupyter.demo.content import SyntheticContent
from tests.conftest import S3Server
from tests.faults.bucket import Bucket, nothing_left_over
from tests.faults.jupyter import Api, KillableServer
from tests.faults.killer import MIB, Killer, Moment

FILES = {
    "large.bin": SyntheticContent(17 * MIB + 7, seed=1),
    "d/small.bin": SyntheticContent(100_000, seed=2),
    "e/other.bin": SyntheticContent(9 * MIB, seed=3),
}
WANTED = {path: content.sha256 for path, content in FILES.items()}

# Where it is killed, one time after the other until the move is over.
MOMENTS = {
    "workspace to S3": [
        Moment("part", 2, MIB),
        Moment("complete", of="reply"),
        Moment("head", 2, of="reply"),
        Moment("complete", arrives=True),
    ],
    "S3 to workspace": [
        Moment("get", 2, of="reply"),
        Moment("delete"),
        Moment("delete", of="reply"),
        Moment("head", of="reply"),
    ],
    "S3 to S3": [
        Moment("copy", of="reply"),
        Moment("copy", arrives=True),
        Moment("head", of="reply"),
        Moment("delete", of="reply"),
    ],
}


class Place:
    """A folder of the workspace or of the bucket."""

    def __init__(self, holding: Bucket, work: Path, uri: str) -> None:
        self.uri = uri
        self._bucket = holding
        scheme, _, rest = uri.partition("://")
        self._prefix = rest.partition("/")[2] if scheme == "s3" else ""
        self._folder = work / rest if scheme == "workspace" else None

    def fill(self) -> None:
        """Put the files there."""
        for path, content in FILES.items():
            if self._folder is None:
                self._bucket.put(self._prefix + path, content.read())
            else:
                (self._folder / path).parent.mkdir(parents=True, exist_ok=True)
                (self._folder / path).write_bytes(content.read())

    def contents(self) -> dict[str, str]:
        """Path → sha256."""
        if self._folder is None:
            found = self._bucket.contents()
            return {key[len(self._prefix) :]: one for key, one in found.items() if key.startswith(self._prefix)}
        files = [path for path in self._folder.rglob("*") if path.is_file()]
        digests = {p.relative_to(self._folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}
        return {path: one for path, one in digests.items() if not path.endswith(".odhtec-part")}


@pytest.mark.parametrize("way", MOMENTS)
def test_killed_move_loses_nothing(
    api: Api, killer: Killer, server: KillableServer, holding: Bucket, s3_server: S3Server, way: str
) -> None:
    uris = {"workspace": f"workspace://moved-{s3_server.name}/", "S3": f"s3://{holding.name}/"}
    start, _, end = way.partition(" to ")
    source = Place(holding, server.work, uris[start] + f"{way.replace(' ', '-')}/")
    target = Place(holding, server.work, uris[end] + "there/")
    source.fill()
    request = {"action": "move", "source": source.uri, "target": target.uri}

    rule = killer.aim(MOMENTS[way][0], alone=True)
    transfer = api.call("POST", "transfers", request)["id"]
    for number, moment in enumerate(MOMENTS[way], 1):
        if not rule.wait(unless=lambda: api.over(transfer)):
            break
        killer.kill(moment, rule)
        here, there = source.contents(), target.contents()
        assert here.items() | there.items() == WANTED.items()
        if number < len(MOMENTS[way]):
            rule = killer.aim(MOMENTS[way][number], alone=True)
        server.start()
    ended = api.ended(transfer)
    assert (ended["state"], ended["error"]) == ("completed", None)
    assert source.contents() == {}
    assert target.contents() == WANTED
    nothing_left_over(holding, s3_server)
    assert killer.kills >= 3
